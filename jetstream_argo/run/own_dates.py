"""Prices sources that read tables by dates of their own, by dry runs, and holds them to the limit of conventions."""

from collections.abc import Collection, Mapping
from datetime import date

from jetstream_argo.errors import CostExceeded, EngineError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.own_dates import sources_with_own_dates
from jetstream_argo.plan.sources import Source
from jetstream_argo.report.summary.formatting import bytes_text
from jetstream_argo.sql.partials import partials_query
from jetstream_argo.sql.units import nobody
from jetstream_argo.store.coverage import ANYBODY
from jetstream_argo.warehouse.protocol import Engine


def own_dates_bytes(plan: AnalysisPlan, engine: Engine, metrics: Collection[str] = ()) -> Mapping[str, int | None]:
    """Return, by source, what each of its queries reads of its own dates; None where the warehouse cannot say."""
    return {source.name: _bytes(source, engine) for source, _ in sources_with_own_dates(plan, metrics)}


def own_dates_sizes(plan: AnalysisPlan, engine: Engine, metrics: Collection[str] = ()) -> Mapping[str, str]:
    """Return the same for people."""
    found = own_dates_bytes(plan, engine, metrics)
    return {name: "nobody can say how much" if size is None else bytes_text(size) for name, size in found.items()}


def check_own_dates(plan: AnalysisPlan, engine: Engine, most: int, metrics: Collection[str] = ()) -> None:
    """Raise if a source reads more than `most` bytes of its own dates, whichever dates are asked for.

    Raises:
        CostExceeded: it says which source does, how much that is, and what to do.
    """
    found = own_dates_bytes(plan, engine, metrics)
    for name, size in found.items():
        if size is not None and size > most:
            raise CostExceeded(
                f"{plan.experiment.slug} - source {name} reads {bytes_text(size)} of dates of its own in each of its "
                f"queries, and the conventions allow {bytes_text(most)} (own_dates.most_bytes) - keep those rows in a "
                "table that somebody makes once a day, shorten the dates, leave out its metrics, or raise the limit"
            )


def _bytes(source: Source, engine: Engine) -> int | None:
    """Return what is read though no row is asked for: by a date before all others, which no partition has."""
    columns = [partial.column for partial in source.partials]
    sql = partials_query(source, columns, nobody(), (ANYBODY,), first_date=date.min, last_date=date.min, batch=0)
    try:
        return engine.dry_run(sql).bytes
    except EngineError:
        return None  # what is wrong with it is told where the files are checked
