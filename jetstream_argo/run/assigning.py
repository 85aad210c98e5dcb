"""Finds the units that were assigned to branches, and adds those that telemetry brought late."""

from dataclasses import replace
from datetime import date

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import costed
from jetstream_argo.run.telemetry import Read, Rows, Telemetry, changed, look, record_wait, to_look_at
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.sql.units import assignments_query
from jetstream_argo.store.entries import Kind, State
from jetstream_argo.store.removals import has_shredded
from jetstream_argo.warehouse.types import Job, Write


def ensure_assignments(context: Context) -> None:
    """Find the units, unless they are known; of a changed enrollment query all of them, else those that came late.

    While nobody is found, everything is looked at again.

    Raises:
        NotLoaded: telemetry of some enrollment date is not there yet.
    """
    telemetry = unread_enrollments(context)
    if telemetry is not None:
        _read(context, telemetry)


def unread_enrollments(context: Context) -> Telemetry | None:
    """Return the telemetry that units are to be found in; None where all that it has are known.

    Raises:
        NotLoaded: that of some enrollment date is not there yet.
    """
    plan = context.plan
    timeline = plan.experiment.timeline
    rows = Rows(
        name="enrollments",
        sql=Sql(plan.enrollments.sql.strip()),
        date_column=plan.enrollments.date_column,
        settle_days=plan.enrollments.settle_days,
        table=names.assignments(plan),
    )
    reads = _reads(context, rows) if context.currency().units.batches else ()
    looks = to_look_at(context, rows, reads)
    if reads and not looks:
        return None
    telemetry = look(context, rows, timeline.start, timeline.last_enrollment)
    if reads and not changed(context, telemetry, looks):
        return None
    days = range(timeline.start.toordinal(), timeline.last_enrollment.toordinal() + 1)
    awaited = telemetry.awaited(date.fromordinal(day) for day in days)
    if awaited:
        entry = replace(context.entry(Kind.ENROLLMENTS, State.WAITING), table=rows.table, source=rows.name)
        raise record_wait(context, entry, awaited)
    return telemetry


def _reads(context: Context, rows: Rows) -> tuple[Read, ...]:
    """Return how each date of enrollment was read last; nothing if not all that was read is there any more."""
    key = context.plan.enrollments.key
    reads: dict[date, Read] = {}
    for entry in context.ledger.entries:
        if entry.kind is not Kind.ENROLLMENTS or entry.table != rows.table:
            continue
        if entry.state is State.LOST:
            reads.clear()
        elif entry.keys == (key,) and entry.state is State.COMPUTED:
            for ordinal in entry.extent:
                day = date.fromordinal(ordinal)
                reads[day] = Read(day, entry.recorded_at, entry.input_at(ordinal))
    return tuple(reads.values())


def _read(context: Context, telemetry: Telemetry) -> None:
    """Append the units that are new, or known otherwise, as a batch of their own."""
    plan = context.plan
    timeline = plan.experiment.timeline
    known = context.currency().units
    target = telemetry.rows.table
    batch = context.batch("assignments")
    job = context.engine.query_to_table(
        assignments_query(
            plan, plan.enrollments.sql, known, batch=batch, shredded=has_shredded(context.ledger.entries, plan)
        ),
        target,
        write=Write.APPEND,
        labels=context.labels(),
        layout=context.layout(cluster_by=("analysis_id",)),
    )
    entry = replace(context.entry(Kind.ENROLLMENTS, State.COMPUTED), table=target)
    entry = replace(entry, source=telemetry.rows.name, keys=(plan.enrollments.key,), counts=(job.rows,))
    new = job.rows if not known.batches else _new(context, target, batch, job)
    entry = replace(entry, batch=batch if job.rows else None, assignments=(batch,) if new else ())
    context.record([costed(telemetry.read(entry, timeline.start, timeline.last_enrollment), job)])


def _new(context: Context, target: str, batch: int, job: Job) -> int:
    """Return how many rows of a batch are of units that have to be read: not those that only have more events."""
    if not job.rows:
        return 0
    sql = f"SELECT COUNT(*) AS n\nFROM {table(target)} AS s\nWHERE s.batch IN ({batch}) AND s.assignment = {batch}\n"
    ((n,),) = context.engine.query(Sql(sql), labels=context.labels()).rows
    return int(str(n))


def nobody(plan: AnalysisPlan) -> str:
    """Return what to tell of an experiment without units."""
    timeline = plan.experiment.timeline
    return (
        f"{plan.experiment.slug}: no unit enrolled from {timeline.start} to {timeline.last_enrollment}, although there "
        f"is telemetry to find them in; check the slug, the dates and the {plan.enrollments.kind} enrollment query"
    )
