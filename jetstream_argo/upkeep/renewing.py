"""Makes the estimates anew that count units which were removed: from the values that are left, and no telemetry.

Values need not be made anew: a unit's are made of its own rows alone, so that those of others are what they would be.
"""

from dataclasses import dataclass

from jetstream_argo.config.periods import Period
from jetstream_argo.errors import EngineError, EstimateError, JetstreamArgoError, NodeError
from jetstream_argo.plan.model import MetricStatistics
from jetstream_argo.run.context import Context
from jetstream_argo.run.publishing import publish
from jetstream_argo.run.statistics import ensure_counts, ensure_statistics
from jetstream_argo.store.estimates import latest_estimates
from jetstream_argo.store.estimates_table import IDENTITY
from jetstream_argo.store.removals import anew_since


@dataclass(frozen=True, slots=True)
class Renewed:
    """In how many windows how many metrics were estimated anew, and which could not be."""

    metrics: int
    windows: int
    failed: tuple[tuple[str, JetstreamArgoError], ...] = ()


def renew(context: Context) -> Renewed:
    """Make estimates anew that are older than the last removal, and publish; each metric fails alone.

    Metrics that the plan has no more keep theirs, as do windows whose values are to be computed anew by the next run.
    """
    failed: dict[str, JetstreamArgoError] = {}
    windows: dict[str, int] = {}
    try:
        windows[IDENTITY] = ensure_counts(context)
    except (EngineError, NodeError) as error:
        failed[IDENTITY] = error
    for leaf in _older(context):
        try:
            done = ensure_statistics(context, leaf, awaits=True)
        except (EngineError, EstimateError, NodeError) as error:
            failed[leaf.metric] = error
            continue
        windows[leaf.metric] = windows.get(leaf.metric, 0) + done.windows
    publish(context)
    return Renewed(sum(map(bool, windows.values())), sum(windows.values()), tuple(failed.items()))


def is_due(context: Context) -> bool:
    """Whether units were removed since something of the plan was estimated."""
    return bool(_older(context)) or any(_is_older(context, IDENTITY, due.period) for due in context.plan.periods)


def _older(context: Context) -> tuple[MetricStatistics, ...]:
    return tuple(leaf for leaf in context.plan.statistics if _is_older(context, leaf.metric, leaf.period))


def _is_older(context: Context, metric: str, period: Period) -> bool:
    since = anew_since(context.ledger.entries)
    windows = latest_estimates(context.ledger.entries).get((metric, period.value), {})
    return since is not None and any(entry.recorded_at < since for entry in windows.values())
