"""Finds what is new on a page: what the last plan's work added to the work before it, and what it replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.report.method import AnalysisMethod, recorded_methods
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates import LatestEstimates, latest_estimates
from jetstream_argo.store.estimates_table import IDENTITY

NEW = "new"
OTHER_DEFINITION = "computed again: its definition or method changed"
OTHER_INPUTS = "computed again: telemetry, units or segments changed"
AGAIN = "computed again"


@dataclass(frozen=True, slots=True)
class ComputedWindows:
    """Windows of a period, both ends included, that were computed for some metrics, and why."""

    why: str
    period: str
    first_window: int
    last_window: int
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed since `before`, the last work by another plan; None where there was none: then all is new."""

    before: datetime | None
    computed: tuple[ComputedWindows, ...] = ()
    definitions: tuple[str, ...] = ()


def changes_of(entries: Sequence[Entry]) -> Changes | None:
    """Return what the last plan that estimated anything changed; None where nothing was estimated."""
    estimates = [entry for entry in entries if entry.kind is Kind.STATISTICS and entry.state is not State.FAILED]
    if not estimates:
        return None
    last = estimates[-1].plan
    begin = next(place for place, entry in enumerate(estimates) if entry.plan == last)
    earlier, latest = latest_estimates(estimates[:begin]), latest_estimates(estimates)
    if not begin:
        return Changes(None)
    return Changes(
        before=estimates[begin - 1].recorded_at,
        computed=tuple(_computed(earlier, latest)),
        definitions=tuple(_definitions(entries, last)),
    )


def _computed(earlier: LatestEstimates, latest: LatestEstimates) -> Iterator[ComputedWindows]:
    found: dict[tuple[str, str, int, int], list[str]] = {}
    for (metric, period), windows in latest.items():
        before = earlier.get((metric, period), {})
        reasons: dict[str, list[int]] = {}
        for index in sorted(windows):
            why = _why(before.get(index), windows[index], index)
            if why:
                reasons.setdefault(why, []).append(index)
        for why, indexes in reasons.items():
            for run in consecutive(indexes):
                found.setdefault((why, period, run[0], run[-1]), []).append(metric)
    for (why, period, first, final), metrics in found.items():
        shown = tuple(metric for metric in metrics if metric != IDENTITY)
        if shown:
            yield ComputedWindows(why, period, first, final, shown)


def _why(before: Entry | None, now: Entry, window: int) -> str:
    if before is None:
        return NEW
    if before is now:
        return ""
    if set(before.keys) != set(now.keys):
        return OTHER_DEFINITION
    return OTHER_INPUTS if before.input_at(window) != now.input_at(window) else AGAIN


def _definitions(entries: Sequence[Entry], plan: str) -> Iterator[str]:
    """Yield what differs between the method of `plan` and the one before, if that plan brought a new one."""
    methods, of_plan = recorded_methods(entries), recorded_methods(entry for entry in entries if entry.plan == plan)
    if len(methods) > 1 and of_plan[-1:] == methods[-1:]:
        yield from _differences(*methods[-2:])


def _differences(before: AnalysisMethod, now: AnalysisMethod) -> Iterator[str]:
    for name in sorted(now.metrics.keys() - before.metrics.keys()):
        yield f"metric {name} was added"
    for name in sorted(before.metrics.keys() - now.metrics.keys()):
        yield f"metric {name} is no longer analysed; what was estimated of it stays"
    for name in sorted(now.metrics.keys() & before.metrics.keys()):
        old, new = before.metrics[name], now.metrics[name]
        if (old.sql, old.source, old.made_of) != (new.sql, new.source, new.made_of):
            yield f"metric {name} has another definition"
        elif old.statistics != new.statistics:
            yield f"metric {name} has other statistics or periods"
    yield from _texts("data source", before.sources, now.sources)
    yield from _texts("segment", before.segments, now.segments)
    if before.enrollments != now.enrollments:
        yield "the query for enrollments changed"
    if _dates(before) != _dates(now):
        yield "the experiment has other dates"


def _texts(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if name not in before:
            yield f"{what} {name} was added"
        elif name not in now:
            yield f"{what} {name} is no longer used"
        elif before[name] != now[name]:
            yield f"{what} {name} changed"


def _dates(method: AnalysisMethod) -> tuple[str, str, str]:
    return method.first_enrollment, method.last_enrollment, method.end
