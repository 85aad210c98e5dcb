"""Reads the unit and the date of a row of telemetry, whatever types their columns have."""

from datetime import date, timedelta

from jetstream_argo.sql.text import Sql, identifier, literal


def unit_of(id_column: str) -> Sql:
    """Return the analysis unit of the row `ds` as text: units of the enrollments are text."""
    return Sql(f"CAST(ds.{path(id_column)} AS STRING)")


def date_of(date_column: str) -> Sql:
    """Return the date, in UTC, of the row `ds`, whose column is a DATE, DATETIME or TIMESTAMP."""
    return Sql(f"DATE(ds.{path(date_column)})")


def between(date_column: str, first_date: date, last_date: date) -> Sql:
    """Return the condition that the row `ds` is of the dates from `first_date` to `last_date`, both included.

    Literals of text become whatever type the column has, and BigQuery leaves out partitions by them. Text itself they
    would compare letter by letter: EXTRACT refuses it. It is true of every row, and says so: DuckDB takes any other
    condition for one that leaves a fifth of the rows, and would keep the telemetry in memory instead of the units.
    """
    column = f"ds.{path(date_column)}"
    return Sql(
        f"{column} >= {_text(first_date)} AND {column} < {_text(last_date + timedelta(days=1))}\n"
        f"AND (EXTRACT(DAY FROM {column}) > 0 OR TRUE)  "
        "-- submission_date_column: a DATE, DATETIME or TIMESTAMP, and no text"
    )


def ever(date_column: str) -> Sql:
    """Return the condition that the row `ds` has a date, which leaves out no row of any date."""
    return Sql(f"ds.{path(date_column)} >= {_text(date.min)}")


def rows_alone(from_expression: str, date_column: str) -> Sql:
    """Return a query that reads the rows of a source, and of its columns the date: others may be closed to the account.

    Tables that require a filter on their partitions are not read, and not even asked about, without one.
    """
    return Sql(f"SELECT COUNT(*) AS n FROM {from_expression}\nAS ds\nWHERE {ever(date_column)}")


def path(name: str) -> Sql:
    """Return a column's name, which may lead into structs, without its relation."""
    return Sql(".".join(identifier(part) for part in name.split(".")))


def _text(day: date) -> Sql:
    return literal(day.isoformat())
