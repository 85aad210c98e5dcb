"""Takes rows into the warehouse from outside: by DuckDB's own SQL, over files and frames."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Conflict
from jetstream_argo.warehouse.duckdb.errors import translated_errors
from jetstream_argo.warehouse.duckdb.pointer import ExternalRows, Version
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.store import Store
from jetstream_argo.warehouse.duckdb.types import quoted
from jetstream_argo.warehouse.duckdb.write import Writer, Written
from jetstream_argo.warehouse.types import Layout, Write

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

    def register(self, place: ExternalRows, columns: Sequence[Column], table: str) -> None:
        """Make a table of rows that stay where they are; what it held is replaced.

        Raises:
            Conflict: a view has that name.
        """
        name = self._store.name(table)
        with self._store.locked(name):
            current = self._store.current(name)
            if current is not None and current.view_sql is not None:
                raise Conflict(f"{table} is a view; delete it before making a table of that name")
            layout = Layout(labels={"loaded": "in place"})
            self._store.swap(name, Version(columns=tuple(columns), layout=layout, external=place))

    def count(self, version: Version) -> int:
        """Return how many rows a table has that lies elsewhere."""
        self._session.attach(version)
        if version.external is None:
            return version.rows
        return int(str(self.rows(f"SELECT COUNT(*) FROM ({version.external.sql})")[0][0]))

    def attach(self, place: ExternalRows) -> None:
        """Have a database at hand that is no table's yet."""
        self._session.attach(Version(external=place))

    @contextmanager
    def frame(self, rows: "pyarrow.Table") -> Iterator[str]:
        """Yield a query for the rows of an Arrow table."""
        name = "_frame"
        with translated_errors(""):
            self._session.connection.register(name, rows)
        try:
            yield f"SELECT * FROM {quoted(name)}"
        finally:
            self._session.connection.unregister(name)
