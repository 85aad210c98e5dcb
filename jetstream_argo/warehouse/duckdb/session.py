"""One in-memory DuckDB, in which the tables of the store are views."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jetstream_argo.dialect.functions.registry import Function, Registry
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError, InvalidQuery
from jetstream_argo.warehouse.duckdb.errors import translated_errors
from jetstream_argo.warehouse.duckdb.limits import stopped_after
from jetstream_argo.warehouse.duckdb.ranges import Bounds
from jetstream_argo.warehouse.duckdb.spill import SpillFolder
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.duckdb.types import bigquery_type, casts, text_literal
from jetstream_argo.warehouse.duckdb.views import Given, Kept, Views

if TYPE_CHECKING:
    import duckdb
    import pyarrow

    from jetstream_argo.warehouse.duckdb.pointer import Version
    from jetstream_argo.warehouse.duckdb.translate import Translator
    from jetstream_argo.warehouse.duckdb.translations import Translated


T = TypeVar("T")

_ANSWER = "_answer"
_OTHER_DECIMALS = re.compile(r"DECIMAL\((?!38,9\))")


@dataclass(frozen=True, slots=True)
class Scan:
    """What DuckDB read from files for one statement: bytes, and row groups by table."""

    bytes: int = 0
    row_groups: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A query's columns and rows, and what DuckDB read for them."""

    columns: tuple[Column, ...]
    table: "pyarrow.Table"
    scan: Scan


class Session:
    """Runs translated queries. The connection is made at the first one."""

    def __init__(
        self,
        store: Store,
        project: str,
        registry: Registry,
        settings: dict[str, str],
        spill: SpillFolder,
        *,
        timeout_seconds: float,
    ) -> None:
        self._store = store
        self._project = project
        self._registry = registry
        self._settings = {**settings, "temp_directory": str(spill.path)}
        self._spill = spill
        self._timeout_seconds = timeout_seconds
        self._macros: set[str] = set()
        self._aliases: dict[str, TableName] = {}
        self._views = Views(store, self)
        self._numbers = count()

    @cached_property
    def _translator(self) -> "Translator":
        from jetstream_argo.warehouse.duckdb.translate import Translator  # loads sqlglot, which `load` does not need

        return Translator(self._project, self._registry, self._views.columns)

    @cached_property
    def connection(self) -> "duckdb.DuckDBPyConnection":
        """The connection: one thread, because with two the sums of floats differ from run to run.

        Threads for I/O are no exception: whichever file is there first is added first.
        """
        import duckdb  # 50 ms that a process which only reads pointers saves

        self._spill.hold()
        connection = duckdb.connect(":memory:", config={"threads": 1, "async_threads": 0, **self._settings})
        hide_progress_bar(connection)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET ieee_floating_point_ops = false")  # x / 0 is an error
        connection.execute("SET parquet_metadata_cache = true")  # the files never change
        connection.execute("PRAGMA enable_profiling = 'no_output'")
        return connection

    def prepare(self, sql: str) -> "Translated":
        """Return the translation of a query, having made the views and macros that it needs.

        Raises:
            NotFound: a table does not exist.
        """
        translated = self.translate(sql)
        with translated_errors(sql):
            self._views.use(translated)
        return translated

    def answer(self, sql: str, ask: "Callable[[Translated], T]") -> T:
        """Return what `ask` does with the translation of a query; again, if files that it reads were removed meanwhile.

        Raises:
            NotFound: a table does not exist.
            Damaged: a file is missing or is not what was written.
        """
        while True:
            translated = self.prepare(sql)
            try:
                return ask(translated)
            except EngineError as error:
                if not self._views.lost(whole=not isinstance(error, InvalidQuery)):
                    raise

    def translate(self, sql: str, bounds: Bounds = ()) -> "Translated":
        """Return the translation of a query, whose tables may not exist; only its rows within `bounds` are wanted."""
        for written, alias in self._aliases.items():
            sql = sql.replace(f"`{written}`", f"`{alias.dataset}.{alias.table}`")
        return self._translator.translate(sql, bounds)

    def attach(self, version: "Version") -> None:
        """Attach the database that a table is read from, if it is a user's own."""
        self._views.attach(version)

    def define(self, functions: Sequence[Function]) -> None:
        """Make the macros of these functions, each of which comes after those that it calls."""
        for function in functions:
            if function.macro not in self._macros:
                self.connection.execute(function.definition())
                self._macros.add(function.macro)

    def given(self, sql: str) -> tuple[Given, ...]:
        """Return the tables that a query reads, and the files that DuckDB is given of them.

        Raises:
            NotFound: a table does not exist.
        """
        return tuple(self._views.given(self.translate(sql)))

    def run(self, statement: str, sql: str, parameters: Sequence[object] = ()) -> "duckdb.DuckDBPyConnection":
        """Run a statement of DuckDB's that was made from the query `sql`, to which errors refer."""
        with self._errors(sql), stopped_after(self._timeout_seconds, self.connection):
            return self.connection.execute(statement, parameters or None)

    def fetched(self, translated: "Translated", sql: str) -> "Fetched":
        """Return a query's columns and all its rows. Whole numbers are as large as DuckDB has them.

        A relation of DuckDB's would plan the query twice, once for the columns; planning is most of a statistic's time.
        """
        with self._errors(sql), stopped_after(self._timeout_seconds, self.connection):
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {_ANSWER} AS {translated.sql}").fetchall()
            scan = self.scanned()
            found = self.connection.table(_ANSWER)
            types = [str(type_) for type_ in found.types]
            columns = tuple(map(Column, found.columns, map(bigquery_type, types)))
            if any(map(_OTHER_DECIMALS.search, types)):  # as of a product of two NUMERICs
                found = found.project(casts(columns))
            table = found.to_arrow_table()
            self.connection.execute(f"DROP TABLE {_ANSWER}")
            return Fetched(columns, table, scan)

    def scanned(self) -> Scan:
        """Return what the last statement read."""
        profile = _read_deep(self.connection.get_profiling_information(format="json"))
        scan = Scan(int(profile.get("query", {}).get("total_bytes_scanned", 0)))
        waiting = list(profile.get("operator", []))
        while waiting:
            operator = waiting.pop()
            waiting += operator.get("children", [])
            files = operator.get("extra_info", {}).get("Filename(s)", "")
            if operator.get("name") == "READ_PARQUET" and files:
                file = Path(files.split(",")[0].strip())
                if file.parent == self._spill.path:
                    continue
                table = self._table_of(file)
                scan.row_groups[table] = scan.row_groups.get(table, 0) + int(operator.get("row_groups_scanned", 0))
        return scan

    def describe(self, translated: "Translated", sql: str) -> list[tuple[str, str]]:
        """Return the names and DuckDB types of a query's columns."""
        rows = self.run(f"DESCRIBE {translated.sql}", sql).fetchall()
        return [(str(row[0]), str(row[1])) for row in rows]

    def keep(self, written: str, columns: tuple[Column, ...], rows: str, sql: str) -> int:
        """Keep the rows of DuckDB's query `rows` as a table of this process alone; return how many there are.

        Under the name that is `written` in queries it is told from all others, and so would their texts be. What is
        translated names one of a few aliases: queries that are the same but for that name are translated once.
        """
        name = self._store.name(written)
        number_of_file = next(self._numbers)
        if not number_of_file:
            self._spill.remove_dead()
        self._spill.path.mkdir(parents=True, exist_ok=True)
        file = self._spill.path / f"{number_of_file}-{name.table}.parquet"  # a name that no file had before
        statement = (
            f"COPY (SELECT {casts(columns)} FROM ({rows}) AS _rows) TO {text_literal(str(file))} (FORMAT parquet)"
        )
        (number,) = self.run(statement, sql).fetchone() or (0,)
        self._know(written, Kept(columns, file))
        return int(number)

    def keep_query(self, written: str, columns: tuple[Column, ...], query: "Translated") -> None:
        """Let the rows that a query gives whenever it is read be a table of this process alone, as `keep` makes one."""
        self._know(written, Kept(columns, query))

    def _know(self, written: str, kept: Kept) -> None:
        name = self._store.name(written)
        before = self._views.kept.get(name)
        if before is not None and isinstance(before.rows, Path):
            before.rows.unlink(missing_ok=True)
        if written not in self._aliases:
            free = next(n for n in count() if _alias(self._project, n) not in self._views.kept)
            self._aliases[written] = _alias(self._project, free)
        for known in (name, self._aliases[written]):
            self._views.kept[known] = kept

    def forget(self, written: str) -> bool:
        """Remove a table of this process alone; return whether there was one."""
        kept = self._views.kept.pop(self._store.name(written), None)
        alias = self._aliases.pop(written, None)
        if alias is not None:
            del self._views.kept[alias]
        if kept is None:
            return False
        if isinstance(kept.rows, Path):
            kept.rows.unlink(missing_ok=True)
            with suppress(OSError):  # there are others, or DuckDB's own
                kept.rows.parent.rmdir()
        return True

    @contextmanager
    def arrow(self, table: "pyarrow.Table") -> Iterator[str]:
        """Yield a query for the rows of an Arrow table."""
        self.connection.register("_arrow", table)
        try:
            yield "SELECT * FROM _arrow"
        finally:
            self.connection.unregister("_arrow")

    @contextmanager
    def _errors(self, sql: str) -> Iterator[None]:
        """Raise our errors. After DuckDB has failed internally its connection is useless: the next query makes one."""
        import duckdb

        with translated_errors(sql):
            try:
                yield
            except (duckdb.InternalException, duckdb.FatalException):
                del self.connection
                self._macros.clear()
                self._views.forget()
                raise

    def _table_of(self, file: Path) -> str:
        folder = file.parent
        return self._store.short(TableName(folder.parent.parent.name, folder.parent.name, folder.name))


def hide_progress_bar(connection: "duckdb.DuckDBPyConnection") -> None:
    """Have DuckDB show no bar, which it does after two seconds, whoever reads.

    In a notebook without ipywidgets there is none, and the setting is refused.
    """
    import duckdb

    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")


def _alias(project: str, number: int) -> TableName:
    return TableName(project, "_scratch", f"t{number}")


def _read_deep(text: str) -> dict[str, Any]:
    """Read JSON that is nested as deep as the query's plan, which a hundred correlated subqueries make very deep."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1000 + 4 * text.count('"children"')))
    try:
        profile: dict[str, Any] = json.loads(text)
        return profile
    finally:
        sys.setrecursionlimit(limit)
