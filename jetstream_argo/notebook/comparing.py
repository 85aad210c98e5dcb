"""Branches compared by one call, where a table has everything: a unit, its branch and what came of it."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from jetstream_argo.config.building import Configuration
from jetstream_argo.config.schema import MetricSpec
from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.loading.load import Loaded, embedded
from jetstream_argo.notebook.analysis import Analysis, analyse
from jetstream_argo.notebook.frames import kind_of
from jetstream_argo.notebook.loading import load_into
from jetstream_argo.notebook.where import PathLike
from jetstream_argo.sql.text import Sql, identifier, table
from jetstream_argo.warehouse.frames import Frame
from jetstream_argo.warehouse.protocol import Engine

_TABLE = "compared.rows"
_DAY = date(2000, 1, 3)  # rows without dates are taken to be of one day; which one has no bearing on any number
_NUMBERS = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"})
_UNCLIPPED = {"drop_highest": 0}


def compare(
    rows: Frame | PathLike | Sequence[PathLike],
    *,
    unit: str,
    branch: str,
    metrics: Sequence[str] | Mapping[str, MetricSpec | Mapping[str, object]] = (),
    reference: str | None = None,
    shares: Mapping[str, int] | None = None,
    slug: str = "comparison",
) -> Analysis:
    """Compare branches by the columns of one table, in which each row is about a unit; nothing of it is kept.

    Numbers are compared by their means (Welch's test, nothing clipped), what is true or false by its share as well (a
    binomial with a uniform prior, and the z test of two proportions). A unit with several rows counts once: its numbers
    are added up, and something is true of it that is true of one of them.

    Args:
        rows: a frame of pandas, polars or Arrow; or a file or files.
        unit: the column of what was randomised.
        branch: the column of its branch.
        metrics: the columns to compare by, or metrics as in a configuration, whose `select_expression` is about
            these rows. Default: every other column of numbers or of true and false.
        reference: the branch that others are compared with. Default: `control`, or the first by name.
        shares: how units were meant to be split, in proportion. Default: evenly.
        slug: what the experiment is called on pages.

    Raises:
        ConfigError: a column is missing, or cannot be compared by; nothing could be computed.
    """
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-") as folder:
        warehouse = f"embedded:{Path(folder) / 'warehouse'}"
        engine = embedded(warehouse)
        loaded = load_into(engine, _TABLE, rows, types={})
        wanted = metrics if isinstance(metrics, Mapping) else _metrics(loaded, unit, branch, metrics)
        branches = shares or dict.fromkeys(_branches(engine, loaded, branch), 1)
        config = _configuration(slug, unit, branch, branches, reference, wanted)
        kind = kind_of(rows) if hasattr(rows, "__arrow_c_stream__") else ""
        return analyse(config, as_of=_DAY + timedelta(days=2), warehouse=warehouse, frames=kind)


def _configuration(
    slug: str,
    unit: str,
    branch: str,
    branches: Mapping[str, int],
    reference: str | None,
    metrics: Mapping[str, MetricSpec | Mapping[str, object]],
) -> Configuration:
    dated = f"(SELECT *, DATE '{_DAY}' AS compared_on FROM {_TABLE})"
    source = {
        "from_expression": dated,
        "client_id_column": unit,
        "submission_date_column": "compared_on",
        "experiments_column_type": "none",
    }
    return Configuration(
        slug=slug,
        branches=branches,
        reference_branch=reference or ("control" if "control" in branches else next(iter(branches))),
        start_date=_DAY,
        enrollment_period=1,
        end_date=_DAY + timedelta(days=2),
        enrollment_query=(
            f"SELECT r.{identifier(unit)} AS analysis_id, CAST(r.{identifier(branch)} AS STRING) AS branch,\n"
            f"  MIN(r.compared_on) AS enrollment_date\nFROM {dated} AS r\nGROUP BY 1, 2"
        ),
        data_sources={"rows": source},
        metrics=metrics,
        overall=tuple(metrics),
    )


def _branches(engine: Engine, loaded: Loaded, branch: str) -> Iterator[str]:
    """Yield the branches by name."""
    _check_column(loaded, branch, "branch")
    column = Sql(f"CAST(r.{identifier(branch)} AS STRING)")
    found = engine.query(
        Sql(f"SELECT DISTINCT {column} AS branch FROM {table(_TABLE)} AS r WHERE {column} IS NOT NULL ORDER BY branch"),
        labels={},
    )
    yield from (str(row[0]) for row in found.rows)


def _metrics(loaded: Loaded, unit: str, branch: str, asked: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """Return a metric for each column that is asked for, or for all that can be compared by."""
    _check_column(loaded, unit, "unit")
    types = {column.name: column.type for column in loaded.columns}
    for name in asked:
        _check_column(loaded, name, "metrics")
        if _metric(name, types[name]) is None:
            what = f"column {name!r} is {types[name]}: branches are compared by numbers, and by what is true or false"
            raise ConfigError("compare", [Problem("metrics", what)])
    names = tuple(asked) or tuple(name for name in types if name not in (unit, branch))
    found = {name: metric for name in names if (metric := _metric(name, types[name])) is not None}
    if not found:
        raise ConfigError("compare", [Problem("metrics", "no column has numbers, or what is true or false")])
    return found


def _metric(name: str, type_: str) -> Mapping[str, object] | None:
    column = f"ds.{identifier(name)}"
    if type_ == "BOOL":
        statistics: dict[str, object] = {"binomial": {}, "welch_mean": _UNCLIPPED}
        share = {"data_source": "rows", "select_expression": f"LOGICAL_OR({column})", "unit": "%"}
        return {**share, "statistics": statistics}
    if type_ in _NUMBERS:
        statistics = {"welch_mean": _UNCLIPPED}
        return {"data_source": "rows", "select_expression": f"SUM({column})", "statistics": statistics}
    return None


def _check_column(loaded: Loaded, name: str, argument: str) -> None:
    known = [column.name for column in loaded.columns]
    if name not in known:
        hint = nearest(name, known) or f"; there are {', '.join(known)}"
        raise ConfigError("compare", [Problem(argument, f"there is no column {name!r}{hint}")])
