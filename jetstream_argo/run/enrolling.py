"""How the enrolled units and the exposure signals are found and cached."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from jetstream_argo.engines.protocol import Write
from jetstream_argo.errors import EXIT_DEFINITION, NodeError
from jetstream_argo.run.context import Context, updated
from jetstream_argo.run.sources import costed
from jetstream_argo.run.words import counted
from jetstream_argo.sql import names
from jetstream_argo.sql.enrollments import enrollments_query, signals_query
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import Kind, State


def ensure_enrollments(context: Context) -> str:
    """Find the units, unless they are cached for this definition; return a line that says how many.

    Raises:
        NodeError: nobody enrolled. Nothing is cached then, so that a retry looks again.
    """
    plan = context.plan
    target = names.enrollments(plan)
    cached = context.ledger.latest(Kind.ENROLLMENTS, target)
    if cached and cached.keys == (plan.enrollments.key,):
        return f"cached: {cached.message}"
    layout = context.layout(cluster_by=("analysis_id",), description=plan.experiment.slug)
    job = context.engine.query_to_table(
        enrollments_query(plan),
        target,
        write=Write.TRUNCATE,
        labels=context.labels(),
        layout=replace(layout, labels={**layout.labels, **updated(context.now())}),
    )
    units, message = _counted(context, target)
    entry = replace(
        costed(context.entry(Kind.ENROLLMENTS, State.COMPUTED), job),
        table=target,
        keys=(plan.enrollments.key,),
        units=units,
        first_date=plan.experiment.timeline.start,
        last_date=plan.experiment.timeline.last_enrollment,
        message=message,
    )
    if not units:
        context.record([replace(entry, state=State.FAILED, keys=(), error="NoUnits", message=message)])
        raise NodeError(message, exit_code=EXIT_DEFINITION)
    context.record([entry])
    return message


def _counted(context: Context, target: str) -> tuple[int, str]:
    """Return how many units there are, and a line about them."""
    plan = context.plan
    result = context.engine.query(
        Sql(
            "-- One row per branch: its units, those exposed, and those that are in another branch too.\n"
            "SELECT u.branch, COUNT(*) AS units, COUNTIF(u.exposure_date IS NOT NULL) AS exposed,\n"
            "  COUNTIF(u.branches > 1) AS in_several\n"
            "FROM (\n"
            "  SELECT e.branch, e.exposure_date, COUNT(*) OVER (PARTITION BY e.analysis_id) AS branches\n"
            f"  FROM {table(target)} AS e\n"
            ") AS u\n"
            "GROUP BY u.branch\n"
            "ORDER BY u.branch\n"
        ),
        labels=context.labels(),
    )
    counts = {str(row["branch"]): row for row in result.dicts()}
    timeline = plan.experiment.timeline
    if not counts:
        return 0, (
            f"{plan.experiment.slug}: no unit enrolled from {timeline.start} to {timeline.last_enrollment}; "
            f"check the slug, the dates and the {plan.enrollments.kind} enrollment query"
        )
    total = {name: sum(_int(row[name]) for row in counts.values()) for name in ("units", "exposed", "in_several")}
    parts = [f"{_int(counts[b]['units']) if b in counts else 0} in {b}" for b in plan.experiment.branches]
    unknown = {branch: row for branch, row in counts.items() if branch not in plan.experiment.branches}
    parts += [f"{_int(row['units'])} left out in {branch!r}, which is no branch" for branch, row in unknown.items()]
    text = f"{total['units']} units: {', '.join(parts)}; {total['exposed']} exposed"
    if total["in_several"]:
        text += f"; {total['in_several']} rows of units in several branches"
    return total["units"], text


def _int(value: object) -> int:
    return int(str(value))


def ensure_signals(context: Context) -> str:
    """Count the exposure signal's rows on every date that lacks it; return a line that says how many dates."""
    plan = context.plan
    signal = plan.signal
    if signal is None:
        return "there is no exposure signal"
    target = names.signals(plan)
    column = signal.partial.column
    dates = 0
    for first, last in _runs(context.ledger.missing_dates(target, column, signal.first_date, signal.last_date)):
        batch = context.batch(first, last)
        job = context.engine.query_to_table(
            signals_query(plan, signal, first_date=first, last_date=last, batch=batch),
            target,
            write=Write.APPEND,
            labels=context.labels(),
            layout=context.layout(partition_by="submission_date", cluster_by=("analysis_id",)),
        )
        entry = costed(context.entry(Kind.SIGNALS, State.COMPUTED), job)
        context.record([replace(entry, table=target, batch=batch, keys=(column,), first_date=first, last_date=last)])
        dates += (last - first).days + 1
    return f"read {counted(dates, 'date')}" if dates else "up to date"


def _runs(dates: tuple[date, ...]) -> Iterator[tuple[date, date]]:
    start = 0
    for i in range(1, len(dates) + 1):
        if i == len(dates) or dates[i].toordinal() != dates[i - 1].toordinal() + 1:
            yield dates[start], dates[i - 1]
            start = i
