"""Says which sources of a plan read tables by dates of their own, and why that costs more."""

from collections.abc import Collection, Iterator, Mapping

from jetstream_argo.dialect.own_dates import OwnDates, own_dates
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sources import Source


def sources_with_own_dates(
    plan: AnalysisPlan, metrics: Collection[str] = ()
) -> Iterator[tuple[Source, tuple[OwnDates, ...]]]:
    """Yield each such source that `metrics` need, or any metric where none are named, with the tables."""
    wanted = [metric for metric in plan.metrics if not metrics or metric.name in metrics]
    needed = {plan.metric(name).source for metric in wanted for name in (metric.depends_on or (metric.name,))}
    for source in plan.sources:
        found = own_dates(source.from_expression, source.date_column) if source.name in needed else ()
        if found:
            yield source, found


def costly_sources(
    plan: AnalysisPlan, metrics: Collection[str] = (), *, sizes: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield a sentence for each such source; `sizes` says, by source, how much that is, if a warehouse was asked."""
    for source, found in sources_with_own_dates(plan, metrics):
        tables = "; ".join(f"{own.table} where {' '.join(own.condition.split())}" for own in found)
        clock = " The dates follow the day of the run, so that a later run counts other rows." * any(
            own.by_clock for own in found
        )
        size = "how much that is only a warehouse says" if sizes is None else sizes[source.name]
        yield (
            f"{source.name} reads dates of its own: {tables}. However few dates of {source.name} are asked for, all of "
            f"that is read, again on every day with new dates ({size}).{clock} Keep those rows in a table that "
            "somebody makes once a day, or shorten the dates."
        )
