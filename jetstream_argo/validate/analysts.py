"""Analyses queries without running them: by ZetaSQL in this process, or by the warehouse's dry run."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.sql.text import Sql, identifier, table
from jetstream_argo.warehouse.bigquery.explain import place_in
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import DryRun

if TYPE_CHECKING:
    from jetstream_argo.dialect.zetasql.checker import Checker
    from jetstream_argo.dialect.zetasql.loader import Service

Tables: TypeAlias = Mapping[str, tuple[Column, ...]]


class Analyst(Protocol):
    """Says which columns a query gives and how much it reads."""

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Analyse one query; `tables` are those that would be there by then.

        Raises:
            InvalidQuery: it would be refused.
        """
        ...


class LocalAnalyst:
    """ZetaSQL in this process, with tables of telemetry that are known by their columns."""

    def __init__(self, telemetry: Tables, service: "Service") -> None:
        self._telemetry = telemetry
        self._service = service
        self._known: dict[str, tuple[Column, ...]] = {}
        self._checker: Checker | None = None

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Analyse the query; nothing is known of how much it reads."""
        checker = self._with(sql, tables)
        with in_context(sql):
            return DryRun(checker.analyze(sql), 0)

    def close(self) -> None:
        """Free ZetaSQL's memory."""
        if self._checker is not None:
            self._checker.close()
        self._checker = None

    def _with(self, sql: Sql, tables: Tables) -> "Checker":
        """Return what knows the tables that the query reads. To make one takes as long as ten queries."""
        from jetstream_argo.dialect.zetasql.checker import Checker  # needs the extra `zetasql`

        if self._checker is None or any(self._known.get(name) != tables[name] for name in read_of(tables, sql)):
            self.close()
            self._known = dict(tables)
            self._checker = Checker({**self._telemetry, **self._known}, service=self._service)
        return self._checker


class WarehouseAnalyst:
    """A warehouse's dry run. Tables that are not there yet are stood in for by a row of NULLs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Ask the warehouse; it says how many bytes of telemetry the query reads."""
        return self._engine.dry_run(with_stand_ins(sql, tables))


class BothAnalysts:
    """Asks one about types, then the other about bytes too."""

    def __init__(self, types: Analyst, costs: Analyst) -> None:
        self._types = types
        self._costs = costs

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Return the columns that the first says, and the bytes that the second says."""
        columns = self._types.analyse(sql, tables).columns
        return DryRun(columns, self._costs.analyse(sql, tables).bytes)


def read_of(tables: Iterable[str], sql: Sql) -> Iterator[str]:
    """Yield those of our own tables that a query of ours reads: it always quotes them whole."""
    return (name for name in tables if table(name) in sql)


def with_stand_ins(sql: Sql, tables: Tables) -> Sql:
    """Return the query with a row of NULLs, of the right types, in place of each of `tables`.

    A row rather than none: of nothing, BigQuery may find that it need not read what is joined with it.
    """
    for name in read_of(tables, sql):
        columns = ", ".join(f"CAST(NULL AS {column.type}) AS {identifier(column.name)}" for column in tables[name])
        sql = Sql(sql.replace(table(name), f"(SELECT {columns})"))
    return sql


@contextmanager
def in_context(sql: Sql) -> Iterator[None]:
    """Add the lines of the SQL that the message of an `InvalidQuery` points to."""
    try:
        yield
    except InvalidQuery as error:
        place = place_in(sql, str(error))
        raise InvalidQuery(f"{error}\n{place}" if place else str(error)) from error
