"""Finds the failures that still count: those that no success has followed."""

from collections.abc import Sequence

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.store.entries import Entry, State
from jetstream_argo.store.estimates_table import IDENTITY


def outstanding(entries: Sequence[Entry], plan: AnalysisPlan | None) -> tuple[Entry, ...]:
    """Return the failures among `entries`, oldest first, that were not made good; the last of those that are alike.

    A failure is made good when all that it could not compute was computed later, in some of the same dates or
    windows; that of a node as a whole, when the node recorded a success later. A failure of a definition that `plan` no
    longer has does not count.
    """
    known = None if plan is None else _keys(plan)
    last: dict[tuple[object, ...], Entry] = {}
    for position, entry in enumerate(entries):
        if entry.state is not State.FAILED or not (known is None or _concerns(entry, known)):
            continue
        if not _made_good(entry, entries[position + 1 :]):
            what_failed = (entry.kind, entry.table, entry.period, entry.metrics)
            last.pop(what_failed, None)  # so that the order is that of the failures that are kept
            last[what_failed] = entry
    return tuple(last.values())


def of_node(failure: Entry) -> str:
    """Return a line about the failure of a node as a whole."""
    return f"{failure.node} failed at {failure.recorded_at:%Y-%m-%d %H:%M}: {failure.error}: {failure.message}"


def _keys(plan: AnalysisPlan) -> frozenset[str]:
    keys = {plan.enrollments.key, plan.enrollments.exposures_key}
    keys.update(column for _, column in plan.enrollments.memberships)
    keys.update(source.key for source in plan.sources)
    keys.update(metric.column for metric in plan.metrics)
    keys.update(partial.column for source in plan.sources for partial in source.partials)
    keys.update(leaf.key for leaf in plan.statistics)
    if plan.signal is not None:
        keys.add(plan.signal.partial.column)
    return frozenset(keys)


def _concerns(failure: Entry, known: frozenset[str]) -> bool:
    return not failure.keys or IDENTITY in failure.metrics or not known.isdisjoint(failure.keys)


def _made_good(failure: Entry, later: Sequence[Entry]) -> bool:
    missing = dict.fromkeys(failure.keys)
    for entry in later:
        if entry.state is State.FAILED:
            continue
        if not failure.keys and (entry.node == failure.node or (failure.table and _same_work(failure, entry))):
            return True
        if not failure.keys or not _same_work(failure, entry):
            continue
        for key in entry.keys:
            missing.pop(key, None)
        if not missing:
            return True
    return False


def _same_work(failure: Entry, entry: Entry) -> bool:
    """Whether `entry` is about the same kind of rows, of dates or windows that the failure is about too."""
    return (
        entry.kind is failure.kind
        and failure.table in ("", entry.table)
        and failure.period == entry.period
        and _overlap(_ordinals(failure), _ordinals(entry))
        and _overlap((failure.first_window, failure.last_window), (entry.first_window, entry.last_window))
    )


_Range = tuple[int | None, int | None]


def _ordinals(entry: Entry) -> _Range:
    return (
        entry.first_date.toordinal() if entry.first_date else None,
        entry.last_date.toordinal() if entry.last_date else None,
    )


def _overlap(left: _Range, right: _Range) -> bool:
    """Whether two ranges, ends included, share something; a range that is not known may."""
    if None in left or None in right:
        return True
    return left[0] <= right[1] and right[0] <= left[1]  # type: ignore[operator]  # none of them is None
