"""DuckDB's progress bar is hidden, and where it cannot be, as in a notebook without widgets, that is no error."""

import duckdb

from jetstream_argo.warehouse.duckdb.session import hide_progress_bar


class _InNotebook:
    """Refuses the setting as DuckDB does there."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        raise duckdb.InvalidInputException(
            "Could not change the progress bar setting because: 'required package 'ipywidgets' is missing'"
        )


def test_the_bar_is_hidden() -> None:
    connection = duckdb.connect(":memory:")

    hide_progress_bar(connection)

    assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_where_there_is_none_nothing_is_wrong() -> None:
    notebook = _InNotebook()

    hide_progress_bar(notebook)  # type: ignore[arg-type]  # all that is asked of a connection

    assert notebook.asked == ["SET enable_progress_bar = false"]
