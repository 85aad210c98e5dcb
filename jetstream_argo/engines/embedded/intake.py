"""How rows come into the warehouse from outside: by DuckDB's own SQL, over files and frames."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jetstream_argo.engines.embedded.errors import translated_errors
from jetstream_argo.engines.embedded.session import Session
from jetstream_argo.engines.embedded.store import Store
from jetstream_argo.engines.embedded.types import quoted
from jetstream_argo.engines.embedded.write import Writer, Written
from jetstream_argo.engines.protocol import Column, Layout, Write

if TYPE_CHECKING:
    import pyarrow


class Intake:
    """Asks and writes what nothing but loading does: SQL that was not translated from BigQuery's."""

    def __init__(self, store: Store, session: Session, writer: Writer) -> None:
        self._store = store
        self._session = session
        self._writer = writer

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query of DuckDB's.

        Raises:
            InvalidQuery: a file is not what the query takes it for; the message is DuckDB's.
        """
        with translated_errors(""):
            rows: list[tuple[object, ...]] = self._session.run(query, "").fetchall()
            return rows

    def write(
        self, query: str, columns: Sequence[Column], table: str, *, write: Write, layout: Layout = Layout()
    ) -> Written:
        """Write the rows of a query of DuckDB's, all or none, to a table of these columns."""
        return self._writer.write(query, tuple(columns), self._store.name(table), write, layout)

    @contextmanager
    def frame(self, rows: "pyarrow.Table") -> Iterator[str]:
        """Yield a query for the rows of an Arrow table."""
        name = "_frame"
        self._session.connection.register(name, rows)
        try:
            yield f"SELECT * FROM {quoted(name)}"
        finally:
            self._session.connection.unregister(name)
