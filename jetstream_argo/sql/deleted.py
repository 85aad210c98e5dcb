"""The parts of a merge that tell for which units a value is not known, since they were deleted upstream."""

from collections.abc import Sequence

from jetstream_argo.sql.departed import DELETED_UPSTREAM
from jetstream_argo.sql.slices import DateSlice, marks
from jetstream_argo.sql.text import Sql, fill, lines, literal

JOIN = (
    "LEFT JOIN deleted AS x\n"
    "  ON x.analysis_id = g.analysis_id AND x.branch = g.branch AND x.window_index = g.window_index"
)


def deleted(
    name: str, slices: Sequence[DateSlice], columns: Sequence[str], place: str, windows: Sql, days: tuple[int, int]
) -> Sql:
    """Return the relation `deleted`: a row per unit and window in which some columns are not known, and which.

    `place` is the window of a row `d` for the unit `u`, `windows` is what has to be joined for it, and `days` are the
    first and the last day of the windows.
    """
    flags = [Sql(f"LOGICAL_OR(d.{flag(column)}) AS {flag(column)}") for column in columns]
    return fill(
        "deleted",
        columns=lines([Sql("u.analysis_id"), Sql("u.branch"), Sql(f"{place} AS window_index"), *flags], indent=0),
        marks=marks(name, slices, {column: flag(column) for column in columns}),
        windows=windows,
        first_day=literal(days[0]),
        last_day=literal(days[1]),
    )


def flag(column: str) -> str:
    """Return the name of the column that says that `column` is not known."""
    return f"deleted_{column}"


def state(column: str) -> Sql:
    """Return whether `column` is not known, as a column of the states."""
    return Sql(f"IFNULL(x.{flag(column)}, FALSE) AS {flag(column)}")


def unknown(columns: Sequence[str]) -> str:
    """Return the condition over a state `e` that one of the columns is not known."""
    return " OR ".join(f"e.{flag(column)}" for column in columns)


def reason(columns: Sequence[str]) -> Sql:
    """Return the column that says why some values of a row are NULL."""
    return Sql(f"IF({unknown(columns)}, {literal(DELETED_UPSTREAM)}, NULL) AS reason")
