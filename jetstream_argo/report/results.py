"""Reads the latest estimates of an experiment, from the warehouse alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import NotFound, PlanError
from jetstream_argo.report.facts import Facts
from jetstream_argo.report.views import latest_estimates
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, literal
from jetstream_argo.store.estimates_table import COLUMNS
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Result


@dataclass(frozen=True, slots=True)
class Filters:
    """Which estimates are asked for; an empty field asks for all. A comparison may be `none`: one branch alone."""

    metrics: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    windows: tuple[int, ...] = ()
    segments: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()
    comparisons: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()


def read_estimates(engine: Engine, owner: names.Owner, filters: Filters) -> Result:
    """Return the latest complete estimates: the rows of `estimates_query`.

    Raises:
        PlanError: the experiment has no results in this dataset.
    """
    place = names.place_of(owner)
    try:
        sql = estimates_query(place, filters, lacking=lacking_columns(engine, place))
        return engine.query(sql, labels={"experiment": place.slug})
    except NotFound as error:
        raise PlanError(
            f"{place.slug}: there are no results in dataset {place.dataset!r} ({error}); "
            f"check the slug, the dataset and the warehouse, or run the analysis first"
        ) from error


def with_units(result: Result, facts: Facts) -> Result:
    """Return the estimates with two more columns: the units that no row counts, and the rows of units counted twice.

    Both are NULL where the units were not counted.
    """
    import pyarrow as pa

    units = facts.units
    counts = {
        "units_left_out": None if units is None else sum(group.units for group in units.left_out),
        "units_in_several": None if units is None else units.in_several,
    }
    table = result.table
    for name, count in counts.items():
        table = table.append_column(name, pa.array([count] * len(table), pa.int64()))
    return Result((*result.columns, *(Column(name, "INT64") for name in counts)), table, result.job)


def lacking_columns(engine: Engine, owner: names.Owner) -> tuple[str, ...]:
    """Return which columns the estimates table lacks, since an earlier version made it and nothing was added since."""
    info = engine.info(names.statistics(owner))
    found = {column.name for column in info.columns} if info is not None else set()
    return tuple(column.name for column in COLUMNS if found and column.name not in found)


def estimates_query(owner: names.Owner, filters: Filters, *, lacking: Collection[str] = ()) -> Sql:
    """Return the query for the latest complete estimates, in the columns of their table (see `latest_estimates`).

    Rows are ordered by period, window, metric and then as their statistics gave them.
    """
    order = " ".join(f"WHEN {literal(period.value)} THEN {number}" for number, period in enumerate(Period))
    estimates = latest_estimates(owner, filters.periods or tuple(Period), lacking=lacking)
    return Sql(
        "-- One row per estimate that is asked for.\n"
        f"SELECT r.*\nFROM (\n{estimates}) AS r\n{_where(filters)}"
        f"ORDER BY CASE r.period {order} END, CAST(r.window_index AS INT64), r.metric, r.position\n"
    )


def _where(filters: Filters) -> Sql:
    columns: dict[str, Sequence[str | int]] = {
        "r.metric": filters.metrics,
        "CAST(r.window_index AS INT64)": filters.windows,
        "r.segment": filters.segments,
        "r.analysis_basis": filters.bases,
        "r.statistic": filters.statistics,
        "IFNULL(r.comparison, 'none')": filters.comparisons,
        "r.branch": filters.branches,
    }
    conditions = [
        f"{column} IN ({', '.join(literal(value) for value in wanted)})" for column, wanted in columns.items() if wanted
    ]
    return Sql(f"WHERE {' AND '.join(conditions)}\n" if conditions else "")
