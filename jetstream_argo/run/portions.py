"""Makes the estimates of a leaf in portions where they are too big for one query."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import TooBig
from jetstream_argo.estimating.portions import Portion, Size
from jetstream_argo.plan.model import MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.fitting import evenly, footprint
from jetstream_argo.run.stored_values import stored_for
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry, Kind, State

if TYPE_CHECKING:
    from jetstream_argo.estimating.estimate import Estimated


def estimated_in_portions(context: Context, leaf: MetricStatistics, windows: Sequence[AnalysisWindow]) -> "Estimated":
    """Return the estimates of `windows`: all at once, or in portions that the warehouse does not call too big.

    What was too big is recorded, so that later runs begin with smaller portions.

    Raises:
        TooBig: what cannot be cut further.
    """
    from jetstream_argo.estimating.estimate import Estimated  # loads scipy

    bases = stored_for(context, leaf, windows).bases()
    segments = tuple(range(1 + len(context.plan.enrollments.segments)))
    most = footprint(context, len(bases)).at_once(context.engine.memory_mib)
    portions = (Portion(tuple(run), bases, segments) for run in evenly(windows, most))
    return sum((_estimated(context, leaf, portion) for portion in portions), start=Estimated())


def _estimated(context: Context, leaf: MetricStatistics, portion: Portion) -> "Estimated":
    from jetstream_argo.estimating.estimate import Estimated, estimate_metric  # loads scipy

    smaller = portion.smaller()
    if not smaller or not portion.was_too_big(_refused(context, leaf)):
        try:
            return estimate_metric(
                context.plan,
                leaf,
                stored_for(context, leaf, portion.windows).shared(portion.share),
                context.engine,
                windows=portion.windows,
                labels=context.labels(period=leaf.period.value),
                attempt=context.attempt,
            )
        except TooBig as error:
            if not smaller:
                raise
            context.record([because(_entry(context, leaf, portion), error)])
    return sum((_estimated(context, leaf, part) for part in smaller), start=Estimated())


def _entry(context: Context, leaf: MetricStatistics, portion: Portion) -> Entry:
    return replace(
        context.entry(Kind.STATISTICS, State.FAILED),
        table=names.statistics(context.plan),
        keys=(leaf.key,),
        metrics=(leaf.metric,),
        period=leaf.period.value,
        first_window=portion.windows[0].index,
        last_window=portion.windows[0].index + len(portion.windows) - 1,
        facts=canonical({"cells": portion.size.cells, "fineness": portion.size.fineness}),
    )


def _refused(context: Context, leaf: MetricStatistics) -> Iterator[Size]:
    """Yield the sizes of portions of the leaf that were too big, now or in earlier runs."""
    in_a_window = len(context.plan.bases) * (1 + len(context.plan.enrollments.segments))
    for entry in context.ledger.were_too_big(Kind.STATISTICS, names.statistics(context.plan)):
        if leaf.key not in entry.keys:
            continue
        if entry.facts:
            size: dict[str, int] = json.loads(entry.facts)
            yield Size(size["cells"], size["fineness"])
        elif len(entry.extent) > 1:  # as earlier versions recorded it: one window was never cut
            yield Size(len(entry.extent) * in_a_window)
