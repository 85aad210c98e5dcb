"""Stores estimates: their rows, and the entries about them in the record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from jetstream_argo.config.periods import Period
from jetstream_argo.config.written import canonical
from jetstream_argo.dialect.types import Value
from jetstream_argo.plan.ranges import ranges
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import costed
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Kind, State
from jetstream_argo.store.estimates_table import COLUMNS, EstimateScope, Origin, stored
from jetstream_argo.warehouse.types import Write

if TYPE_CHECKING:
    from jetstream_argo.estimating.estimate import Estimated


@dataclass(frozen=True, slots=True)
class KeptLeaf:
    """One metric's statistics in one period, and what they are kept under."""

    metric: str
    period: Period
    key: str


def keep(
    context: Context,
    leaf: KeptLeaf,
    inputs: Mapping[AnalysisWindow, str],
    settles_on: Mapping[AnalysisWindow, date],
    estimated: "Estimated",
) -> None:
    """Load all rows at once, then say that they are complete, in which windows adjusted, and until when provisional.

    `inputs` says for each window what its estimates were made from.
    """
    from jetstream_argo.estimating.adjustments import adjusted_windows  # loads scipy

    windows = tuple(inputs)
    adjusted = adjusted_windows(estimated.rows)

    def is_told_with(before: AnalysisWindow, window: AnalysisWindow) -> bool:
        return window.index == before.index + 1 and adjusted.get(window.index) == adjusted.get(before.index)

    batches = {
        context.batch(leaf.period, leaf.metric, together[0].index): together
        for together in ranges(windows, follows=is_told_with)
    }
    table = names.statistics(context.plan)
    batch_of = {window.index: batch for batch, together in batches.items() for window in together}
    about = f"Estimates of {context.plan.experiment.slug}"
    job = context.engine.load(
        table,
        list(_rows(context, leaf, estimated, settles_on, batch_of)),
        COLUMNS,
        write=Write.APPEND,
        labels=context.labels(period=leaf.period.value),
        layout=context.layout(
            partition_by="computed_at",
            cluster_by=("period", "metric"),
            description=about,
        ),
    )
    entries = []
    for batch, together in batches.items():
        indexes = range(together[0].index, together[-1].index + 1)
        rows = [row for row in estimated.rows if row.window_index in indexes]
        settled = [settles_on[window].isoformat() for window in together]
        entry = replace(
            context.entry(Kind.STATISTICS, State.COMPUTED if rows else State.NO_DATA),
            table=table,
            batch=batch,
            keys=(leaf.key,),
            metrics=(*dict.fromkeys((leaf.metric, *(row.row.metric for row in rows))),),
            period=leaf.period.value,
            first_window=together[0].index,
            last_window=together[-1].index,
            units=estimated.units,
            adjusted=adjusted.get(together[0].index),
            message="; ".join(estimated.notes),
            inputs=tuple(inputs[window] for window in together),
            counts=tuple(sum(row.window_index == window.index for row in rows) for window in together),
            facts=canonical({"settles_on": settled, **_before(estimated)}),
        )
        entries.append(replace(costed(entry, *estimated.jobs, job), rows=len(rows)))
    context.record(entries)


def _before(estimated: "Estimated") -> dict[str, object]:
    """Return whether the branches differed before enrollment, as facts of the record."""
    found = [[test.metric, test.branch, test.p_value] for test in estimated.before]
    return {"before_enrollment": found} if found else {}


def _rows(
    context: Context,
    leaf: KeptLeaf,
    estimated: "Estimated",
    settles_on: Mapping[AnalysisWindow, date],
    batch_of: Mapping[int, int],
) -> Iterable[dict[str, Value]]:
    now = context.now()
    windows = {window.index: window for window in settles_on}
    for position, placed in enumerate(estimated.rows):
        window = windows[placed.window_index]
        scope = EstimateScope(placed.segment, placed.basis.value, window.index, window.first_day, window.last_day)
        batch = batch_of[window.index]
        origin = Origin(settles_on[window], leaf.period.value, batch, position, now, context.plan_sha256)
        yield stored(placed.row, scope, origin)
