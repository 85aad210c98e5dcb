"""Reports what was computed when, and what is missing and why, from the status entries."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import Dag
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, Conflict, TooBig, Transient
from jetstream_argo.plan.due import leaf_windows
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.costs import NodeStatus, SourceStatus, node_statuses, source_statuses
from jetstream_argo.report.facts import NOTHING, Facts, facts_of, settling
from jetstream_argo.report.failures import outstanding
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates import LatestEstimates, latest_estimates
from jetstream_argo.store.estimates_table import IDENTITY
from jetstream_argo.store.removals import Removed, last_removed

_RETRIABLE = frozenset(error.__name__ for error in (Conflict, TooBig, Transient))


class Standing(StrEnum):
    """Where the estimates of a metric stand."""

    COMPUTED = "computed"
    NO_DATA = "no data"
    OUTDATED = "outdated"  # there are estimates, of another definition than the plan's
    FAILED = "failed"
    MISSING = "missing"  # never computed, and nothing says why


@dataclass(frozen=True, slots=True)
class MetricStatus:
    """Where one metric's estimates stand in windows `first_window` to `last_window`, both included.

    The windows are None where a failure names none and no plan says what is due. `computed_at`, `units`, `adjusted`
    and `note` are those of the latest estimates, which readers see until there are newer ones, whatever the standing.
    `error` and `message` are of the latest failure that no success has followed. `before_deletion` says that units
    which the estimates count were deleted since. `settles_on` is the day from which all rows that the estimates rest on
    are taken to be there; None where that is past, or not known.
    """

    metric: str
    period: str
    first_window: int | None
    last_window: int | None
    standing: Standing
    computed_at: datetime | None = None
    units: int | None = None
    adjusted: bool | None = None
    note: str = ""
    error: str = ""
    message: str = ""
    before_deletion: bool = False
    settles_on: date | None = None

    @property
    def is_complete(self) -> bool:
        """Whether readers see all there is to see."""
        return self.standing in (Standing.COMPUTED, Standing.NO_DATA)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Where an experiment stands. `failures` are those that no success has followed, oldest first.

    `deleted_at` is when units were last deleted, `removed` how many rows that took. `facts` are about all numbers.
    """

    metrics: tuple[MetricStatus, ...]
    sources: tuple[SourceStatus, ...]
    nodes: tuple[NodeStatus, ...]
    failures: tuple[Entry, ...]
    deleted_at: datetime | None = None
    facts: Facts = NOTHING
    removed: Removed | None = None

    @property
    def lacking(self) -> tuple[MetricStatus, ...]:
        """The metrics that are not, or not all, there."""
        return tuple(metric for metric in self.metrics if not metric.is_complete)

    @property
    def of_nodes(self) -> tuple[Entry, ...]:
        """The failures that are of no metric, such as that of the enrollments: they explain why all are lacking."""
        return tuple(failure for failure in self.failures if not failure.metrics)

    @property
    def exit_code(self) -> int:
        """0 when nothing is lacking; 75 when a run may do more, and 2 when only a changed definition will."""
        errors = [*(item.error for item in self.lacking), *(item.error for item in self.of_nodes)]
        if not errors:
            return EXIT_DONE
        wrong = all(error and error not in _RETRIABLE for error in errors)
        return EXIT_DEFINITION if wrong else EXIT_RETRY


def status_report(
    plan: AnalysisPlan | None, entries: Sequence[Entry], dag: Dag | None = None, *, today: date | None = None
) -> StatusReport:
    """Put `entries`, oldest first, together.

    A plan says what is due, so that what is missing or outdated can be told; a DAG which nodes there are, and their
    order. Without them the report holds what was recorded and nothing else. Without `today` the report does not say
    which estimates are provisional.
    """
    failures = outstanding(entries, plan)
    latest = latest_estimates(entries)
    deleted_at = max((entry.recorded_at for entry in entries if entry.kind is Kind.DELETION), default=None)
    facts = facts_of(entries, branches=() if plan is None else plan.experiment.branches)
    rows = _recorded(latest, failures) if plan is None else _due(plan, latest, failures, facts.has_no_units)
    return StatusReport(
        metrics=tuple(_joined(_dated(row, deleted_at, today) for row in rows)),
        sources=source_statuses(entries),
        nodes=node_statuses(entries, dag),
        failures=failures,
        deleted_at=deleted_at,
        facts=facts,
        removed=last_removed(entries),
    )


def only(
    report: StatusReport, metrics: Collection[str] = (), periods: Collection[str] = (), *, lacking: bool = False
) -> StatusReport:
    """Return the report on these metrics and periods; empty means all. Sources and nodes stay."""
    kept = report.lacking if lacking else report.metrics
    return replace(
        report,
        metrics=tuple(
            metric
            for metric in kept
            if (not metrics or metric.metric in metrics) and (not periods or metric.period in ("", *periods))
        ),
        failures=tuple(
            failure
            for failure in report.failures
            if not (metrics and failure.metrics) or not set(metrics).isdisjoint(failure.metrics)
        ),
    )


def _due(
    plan: AnalysisPlan, latest: LatestEstimates, failures: Sequence[Entry], nobody: bool
) -> Iterator[MetricStatus]:
    """Yield a row per metric and due window, metric by metric; none has data where `nobody` is enrolled."""
    expected = [(IDENTITY, due.period, "", due.windows) for due in plan.periods]
    expected += [(leaf.metric, leaf.period, leaf.key, leaf_windows(plan, leaf)) for leaf in plan.statistics]
    order = list(dict.fromkeys(name for name, *_ in expected))
    expected.sort(key=lambda item: (order.index(item[0]), list(Period).index(item[1])))
    known = {metric.name: (metric.name, *metric.depends_on) for metric in plan.metrics}
    for name, period, key, due_windows in expected:
        why = _why(failures, known.get(name, (name,)), period)
        windows = latest.get((name, period), {})
        for window in due_windows:
            entry = windows.get(window.index)
            if entry is not None and (not key or key in entry.keys):
                yield _computed(name, window.index, entry)
            elif why is not None:
                yield _with_failure(_older(name, period, window.index, entry, Standing.FAILED), why)
            else:
                standing = Standing.MISSING if entry is None else Standing.OUTDATED
                standing = Standing.NO_DATA if nobody else standing
                yield _older(name, period, window.index, entry, standing)


def _recorded(latest: LatestEstimates, failures: Sequence[Entry]) -> Sequence[MetricStatus]:
    """Return a row per metric and window that was ever computed, and one per failure of a metric in a period."""
    rows = [
        _computed(metric, index, by_index[index])
        for (metric, _), by_index in latest.items()
        for index in sorted(by_index)
    ]
    last: dict[tuple[str, str], Entry] = {}
    for failure in failures:
        last |= {(metric, failure.period): failure for metric in failure.metrics}
    for (metric, period), failure in last.items():
        row = MetricStatus(metric, period, failure.first_window, failure.last_window, Standing.FAILED)
        rows.append(_with_failure(row, failure))
    order = ["", *Period]
    return sorted(rows, key=lambda row: (row.metric, order.index(row.period), row.standing is Standing.FAILED))


def _why(failures: Sequence[Entry], metrics: Sequence[str], period: str) -> Entry | None:
    """Return the latest failure that explains why one of `metrics` is missing in `period`."""
    found = [
        failure
        for failure in failures
        if failure.period in ("", period)
        and (not failure.metrics or any(metric in failure.metrics for metric in metrics))
    ]
    return found[-1] if found else None


def _computed(metric: str, window: int, entry: Entry) -> MetricStatus:
    standing = Standing.NO_DATA if entry.state is State.NO_DATA else Standing.COMPUTED
    return _older(metric, entry.period, window, entry, standing)


def _older(metric: str, period: str, window: int, entry: Entry | None, standing: Standing) -> MetricStatus:
    row = MetricStatus(metric, str(period), window, window, standing)
    if entry is None:
        return row
    return replace(
        row,
        computed_at=entry.recorded_at,
        units=entry.units,
        adjusted=entry.adjusted,
        note=entry.message,
        settles_on=settling(entry, window),
    )


def _dated(row: MetricStatus, deleted_at: datetime | None, today: date | None) -> MetricStatus:
    older = row.computed_at is not None and deleted_at is not None and row.computed_at < deleted_at
    provisional = today is not None and row.settles_on is not None and row.settles_on > today
    return replace(row, before_deletion=older, settles_on=row.settles_on if provisional else None)


def _with_failure(row: MetricStatus, failure: Entry) -> MetricStatus:
    return replace(row, error=failure.error, message=failure.message)


def _joined(rows: Iterable[MetricStatus]) -> Iterator[MetricStatus]:
    """Yield one row for windows that follow one another and differ in nothing but the moment of computing."""
    last: MetricStatus | None = None
    for row in rows:
        if last is not None and _continues(last, row):
            latest = max((at for at in (last.computed_at, row.computed_at) if at), default=None)
            last = replace(last, last_window=row.last_window, computed_at=latest)
        else:
            if last is not None:
                yield last
            last = row
    if last is not None:
        yield last


def _continues(last: MetricStatus, row: MetricStatus) -> bool:
    if last.last_window is None or row.first_window != last.last_window + 1:
        return False
    moved = replace(row, first_window=last.first_window, last_window=last.last_window, computed_at=last.computed_at)
    return moved == last and (row.computed_at is None) == (last.computed_at is None)


def by_standing(report: StatusReport) -> Mapping[Standing, int]:
    """Return how many windows of metrics are in each standing, in the order of `Standing`."""
    counts = dict.fromkeys(Standing, 0)
    for metric in report.metrics:
        windows = (
            1
            if metric.first_window is None or metric.last_window is None
            else metric.last_window - metric.first_window + 1
        )
        counts[metric.standing] += windows
    return {standing: count for standing, count in counts.items() if count}
