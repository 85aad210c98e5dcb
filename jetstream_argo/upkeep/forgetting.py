"""Forgets a metric's results, so that a run computes them again: by one more entry, and no row is changed."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import UnknownReference
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.sql import names
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write

NODE = "delete"


def forgotten(
    plan: AnalysisPlan, metrics: Sequence[str], entries: Sequence[Entry], *, now: datetime, attempt: str
) -> tuple[Entry, ...]:
    """Return the entries that make earlier ones about `metrics` not count: estimates and values.

    What was read of telemetry stays, so that they are computed anew from it.

    Raises:
        UnknownReference: the plan has no such metric.
    """
    known = {metric.name: metric for metric in plan.metrics}
    found: list[Entry] = []
    for name in metrics:
        if name not in known:
            raise UnknownReference("metric", name, known=known, used_by=f"the plan of {plan.experiment.slug}")
        about = _About(codec.sha256(plan), attempt, now)
        found += [*about.estimates(known[name], plan, entries), *about.columns(known[name], plan, entries)]
    return tuple(found)


def record(engine: Engine, plan: AnalysisPlan, entries: Sequence[Entry]) -> None:
    """Write the entries to the status table, all or none."""
    labels = {"experiment": plan.experiment.slug, "node": NODE}
    engine.load(
        names.status(plan), [entry.row() for entry in entries], COLUMNS, write=Write.APPEND, labels=labels
    )  # fmt: skip


def dependents(plan: AnalysisPlan, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return the metrics, but for `metrics`, whose estimates are made from values of `metrics`."""
    adjusted = {
        leaf.metric
        for leaf in plan.statistics
        for statistic in leaf.statistics
        if statistic.covariate is not None and statistic.covariate.metric in metrics
    }
    return tuple(
        metric.name
        for metric in plan.metrics
        if metric.name not in metrics and (metric.name in adjusted or not set(metrics).isdisjoint(metric.depends_on))
    )


class _About:
    """Makes entries of one moment."""

    def __init__(self, plan_sha256: str, attempt: str, now: datetime) -> None:
        self._plan = plan_sha256
        self._attempt = attempt
        self._now = now

    def estimates(self, metric: Metric, plan: AnalysisPlan, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Yield an entry for each period in which anything is known of the metric's estimates."""
        for period in Period:
            of_period = [
                entry
                for entry in entries
                if entry.kind is Kind.STATISTICS and metric.name in entry.metrics and entry.period == period
            ]
            windows = [
                index for entry in of_period for index in (entry.first_window, entry.last_window) if index is not None
            ]
            if of_period:
                yield self._entry(
                    Kind.STATISTICS, names.statistics(plan), metric, keys=(), period=period.value,
                    windows=(min(windows), max(windows)) if windows else (None, None),
                )  # fmt: skip

    def columns(self, metric: Metric, plan: AnalysisPlan, entries: Sequence[Entry]) -> Iterator[Entry]:
        """Yield an entry for each table in which there are columns of the metric."""
        recorded = {(entry.kind, entry.table, key) for entry in entries for key in entry.keys}
        for basis in Basis:
            for period in Period:
                table = names.values(plan, basis, metric.source, period)
                if (Kind.VALUES, table, metric.column) in recorded:
                    yield self._entry(Kind.VALUES, table, metric, keys=(metric.column,))

    def _entry(
        self,
        kind: Kind,
        table: str,
        metric: Metric,
        *,
        keys: tuple[str, ...],
        period: str = "",
        windows: tuple[int | None, int | None] = (None, None),
    ) -> Entry:
        return Entry(
            recorded_at=self._now, node=NODE, kind=kind, state=State.FORGOTTEN, plan=self._plan, attempt=self._attempt,
            table=table, keys=keys, metrics=(metric.name,), source=metric.source, period=period,
            first_window=windows[0], last_window=windows[1],
        )  # fmt: skip
