"""Says in sentences what changes how all numbers are read."""

from collections.abc import Iterator, Sequence
from datetime import date

from jetstream_argo.config.exclusions import SeveralBranches
from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.report.facts import Changed, Facts, Outside, Units
from jetstream_argo.report.health import alarms
from jetstream_argo.report.who_counts import who_counts_sentences
from jetstream_argo.terminal.plural import counted


def units_line(units: Units) -> str:
    """Return a line that says how many units each branch has."""
    parts = [f"{branch.units:,} in {branch.branch} ({branch.exposed:,} exposed)" for branch in units.branches]
    return "units: " + ", ".join(parts)


def sentences(facts: Facts) -> Iterator[str]:
    """Yield what a reader must know before any number, a sentence each; nothing where all is as it should be."""
    yield from alarms(facts.health)
    if facts.units is not None:
        for branch in facts.units.branches:
            if not branch.units and not facts.has_no_units:
                yield f"branch {branch.branch!r} has no units"
        for left_out in facts.units.left_out:
            are = "is left out: it is" if left_out.units == 1 else "are left out: they are"
            yield f"{counted(left_out.units, 'unit')} {are} in {left_out.name!r}, which is no branch"
        if facts.units.in_several:
            keeps = facts.who is None or facts.who.several_branches is SeveralBranches.KEEP
            count = ", and count in each of them" if keeps else ""
            yield f"{facts.units.in_several:,} rows are of units in several branches{count}"
        if facts.units.outside is not None:
            yield from _outside(facts.units.outside)
    if facts.who is not None:
        yield from who_counts_sentences(facts.who)
    for waiting in facts.waiting:
        yield f"waiting for telemetry: {waiting.message}"
    yield from _changes(facts.changed)
    yield from _partly_seen(facts)


def _outside(outside: Outside) -> Iterator[str]:
    for rows, happened, query in (
        (outside.enrolled, "enrolled", "enrollment"),
        (outside.exposed, "were exposed", "exposure"),
    ):
        if rows:
            yield (
                f"rows of units that {happened} before {outside.first_date} or after {outside.last_date}: {rows:,}; "
                "their values may lack telemetry, which is read for units whose days count from these dates; "
                f"give the {query} query these bounds, or correct start_date or enrollment_period"
            )


def _partly_seen(facts: Facts) -> Iterator[str]:
    """Yield what there is no more, and of which sources and tables the account does not see all."""
    if facts.retired is not None:
        yield (
            f"rows of units were removed on {facts.retired}: estimates stay as they are, and whatever else is computed "
            "reads telemetry again"
        )
    for restricted in facts.restricted:
        reasons = " and ".join(restricted.reasons)
        yield (
            f"{restricted.source} was read under {reasons}: BigQuery gives the account a part, and no error, so that "
            "numbers may be partial; give it full access, and `restate` those dates"
        )
    for unseen in facts.unseen:
        if unseen.reason:
            yield f"of {unseen.table} it is not known when dates are there or change: {unseen.reason}"


def _changes(changes: Sequence[Changed]) -> Iterator[str]:
    """Yield what changed upstream; of dates that were only written again, all that follow one another at once."""
    for changed in changes:
        if changed.rows:
            direction = "more" if changed.rows > 0 else "fewer"
            yield (
                f"changed upstream: {changed.table} of {changed.day} has {counted(abs(changed.rows), 'row')} "
                f"{direction} than were read"
            )
    rewritten: dict[str, list[int]] = {}
    for changed in changes:
        if not changed.rows:
            rewritten.setdefault(changed.table, []).append(changed.day.toordinal())
    for table, ordinals in rewritten.items():
        for run in consecutive(ordinals):
            first, last = date.fromordinal(run[0]), date.fromordinal(run[-1])
            days = f"of {first}" if first == last else f"from {first} to {last}"
            yield f"changed upstream: {table} {days} was written again since it was read, with as many rows"
