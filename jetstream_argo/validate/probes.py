"""Small queries that tell, one key of a file at a time, whether a warehouse can read what the key says."""

from collections.abc import Iterable, Mapping
from datetime import date

from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Direct
from jetstream_argo.sql.telemetry import between, path, unit_of
from jetstream_argo.sql.text import Sql, identifier, lines

_ENROLLED = {"analysis_id": "STRING", "branch": "STRING", "enrollment_date": "DATE"}
_EVENTS = {"num_enrollment_events": "INT64"}
_WINDOWED = {
    **_ENROLLED,
    "exposure_date": "DATE",
    "num_exposure_events": "INT64",
    "anchor": "DATE",
    "window_index": "INT64",
    "analysis_window_start": "INT64",
    "analysis_window_end": "INT64",
}


def rows(from_expression: str, wanted: Mapping[str, str], *, dates: Sql | None = None) -> Sql:
    """Return a query for expressions over the rows `ds` of telemetry; `dates` limits them."""
    return Sql(f"SELECT\n  {_columns(wanted)}\nFROM {from_expression} AS ds{_where(dates)}\n")


def all_columns(from_expression: str, *, dates: Sql | None = None) -> Sql:
    """Return a query for whole rows."""
    return Sql(f"SELECT ds.*\nFROM {from_expression} AS ds{_where(dates)}\n")


def metrics_of(
    from_expression: str, wanted: Iterable[Metric], *, id_column: str | None, date_column: str | None, day: date
) -> Sql:
    """Return a query for metrics that are all computed one way, directly or from partials, named `m_0` and so on.

    Rows are joined to the enrollments as in the queries of nodes, by the columns that are given.
    """
    metrics = list(wanted)
    around = _WINDOWED if any(isinstance(metric.computation, Direct) for metric in metrics) else _ENROLLED
    expressions = {f"m_{number}": metric.select_expression for number, metric in enumerate(metrics)}
    return _joined(from_expression, expressions, around, id_column=id_column, date_column=date_column, day=day)


def segments_of(
    from_expression: str, expressions: Mapping[str, str], *, id_column: str | None, date_column: str | None, day: date
) -> Sql:
    """Return a query for segments, by the names in `expressions`."""
    around = {**_ENROLLED, **_EVENTS}
    return _joined(from_expression, expressions, around, id_column=id_column, date_column=date_column, day=day)


def condition_of(condition: str) -> Sql:
    """Return a query for a condition on an enrolled unit."""
    return Sql(f"SELECT (\n  {condition}\n) AS met\nFROM ({_nulls({**_ENROLLED, **_EVENTS})}) AS e\n")


def enrollments_of(plan: AnalysisPlan) -> Sql:
    """Return the query for the columns of the enrollments."""
    return Sql(f"SELECT r.*\nFROM (\n{plan.enrollments.sql.strip()}\n) AS r\n")


def exposures_of(exposures_sql: str) -> Sql:
    """Return the query for the columns of the exposures, which may read `raw_enrollments`."""
    enrolled = _nulls({**_ENROLLED, **_EVENTS})
    return Sql(f"WITH raw_enrollments AS ({enrolled})\nSELECT x.*\nFROM (\n{exposures_sql.strip()}\n) AS x\n")


def column(name: str) -> str:
    """Return the column of `ds` with that name, which may be a path into structs."""
    return f"ds.{path(name)}"


def bounds(date_column: str, day: date) -> Sql:
    """Return the condition that rows are of one day."""
    return between(date_column, day, day)


def _joined(
    from_expression: str,
    expressions: Mapping[str, str],
    around: Mapping[str, str],
    *,
    id_column: str | None,
    date_column: str | None,
    day: date,
) -> Sql:
    conditions = [f"{unit_of(id_column)} = e.analysis_id" if id_column else "TRUE"]
    conditions += [between(date_column, day, day)] if date_column else []
    keys = ", ".join(f"e.{name}" for name in around)
    return Sql(
        f"SELECT\n  {_columns(expressions)}\nFROM ({_nulls(around)}) AS e\n"
        f"LEFT JOIN {from_expression} AS ds\n  ON {' AND '.join(conditions)}\nGROUP BY {keys}\n"
    )


def _columns(wanted: Mapping[str, str]) -> Sql:
    # A comment at the end of an expression must not swallow what follows it.
    return lines([Sql(f"(\n  {text}\n) AS {identifier(name)}") for name, text in wanted.items()])


def _where(dates: Sql | None) -> str:
    return f"\nWHERE {dates}" if dates else ""


def _nulls(types: Mapping[str, str]) -> str:
    return "SELECT " + ", ".join(f"CAST(NULL AS {type_}) AS {name}" for name, type_ in types.items())
