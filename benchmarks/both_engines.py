"""An engine that has ZetaSQL's evaluator compute every query again, on the same rows."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.errors import Damaged, EngineError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql, identifier, lines, table
from jetstream_argo.validate.signatures import Signed, StatementSignature, sign
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import (
    PAGE_ROWS,
    DryRun,
    Job,
    Layout,
    Listed,
    Purged,
    Result,
    TableInfo,
    TableVersions,
    Write,
)
from tests.warehouse.random_rows import same_rows

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
MOST_CELLS = 2_000_000  # that the evaluator, which copies them one by one, is given


@dataclass
class Compared:
    """What came of comparing: an outcome for each query that was not like one before."""

    outcomes: list[str] = field(default_factory=list)
    seen: set[StatementSignature] = field(default_factory=set)

    def is_new(self, signed: Signed) -> bool:
        """Whether no statement was compared that differs in names, dates and numbers only; from now on one was."""
        coarse = replace(signed.signature, text=_NUMBER.sub("0", signed.signature.text))
        is_new = coarse not in self.seen
        self.seen.add(coarse)
        return is_new


class BothEngines:
    """The embedded engine; `compared` keeps what came of the comparisons."""

    bills_partitions = False

    def __init__(
        self,
        plan: AnalysisPlan,
        engine: EmbeddedEngine,
        telemetry: Mapping[str, tuple[Column, ...]],
        service: Service,
        compared: Compared,
    ) -> None:
        self._slug = plan.experiment.slug
        self._engine = engine
        self._telemetry = telemetry
        self._service = service
        self._compared = compared
        self._own: dict[str, tuple[Column, ...]] = {}
        self._different: list[str] = []

    def taken(self) -> tuple[str, ...]:
        """Return what differed, or was not evaluated, since the last time."""
        found = tuple(self._different)
        self._different.clear()
        return found

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query on both."""
        result = self._engine.query(sql, labels=labels, page_rows=page_rows)
        self._compare(sql, result)
        return result

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query on both, and keep the embedded engine's rows."""
        job = self._engine.query_to_table(sql, destination, write=write, labels=labels, layout=layout)
        self._compare(sql, None)
        self._know(destination)
        return job

    def load(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
    ) -> Job:
        """Load rows."""
        job = self._engine.load(destination, rows, columns, write=write, labels=labels, layout=layout)
        self._know(destination)
        return job

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Make a view, and select from it."""
        self._engine.create_view(name, sql, description=description, labels=labels)
        self._compare(sql, None)

    def info(self, table: str) -> TableInfo | None:
        """Return what is known of a table."""
        return self._engine.info(table)

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        """Return what is known of several tables."""
        return self._engine.infos(tables)

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Set labels."""
        self._engine.set_labels(table, labels)

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables."""
        return self._engine.tables(dataset, prefix=prefix)

    def delete(self, table: str) -> None:
        """Delete a table."""
        self._engine.delete(table)

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query."""
        return self._engine.dry_run(sql)

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return the tables that a query reads."""
        return self._engine.base_tables(sql)

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return the versions of dates."""
        return self._engine.versions(tables, date_column=date_column, first=first, last=last)

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return the rows of each partition."""
        return self._engine.rows_by_partition(table)

    def lease(
        self, name: str, *, exclusive: bool, holder: str, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold a lease."""
        return self._engine.lease(name, exclusive=exclusive, holder=holder, wait_seconds=wait_seconds)

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove what storage keeps beside the rows of tables."""
        return self._engine.purge(tables)

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return what is damaged."""
        return self._engine.verify(table)

    def take_over(self) -> None:
        """Do nothing."""

    def _know(self, name: str) -> None:
        info = self._engine.info(name)
        if info is not None:
            self._own[name] = info.columns

    def _compare(self, sql: Sql, result: Result | None) -> None:
        if not self._compared.is_new(sign(sql, self._own, self._telemetry, slug=self._slug, sized=False)):
            return
        needed = {**self._telemetry, **self._own}
        needed = {name: columns for name, columns in needed.items() if name.rpartition(".")[2].rstrip("*") in sql}
        rows = {name: self._rows(name, columns) for name, columns in needed.items()}
        if sum(len(of) * len(needed[name]) for name, of in rows.items()) > MOST_CELLS:
            self._compared.outcomes.append("too many rows")
            return
        mine = (result if result is not None else self._engine.query(sql, labels={})).rows
        checker = Checker(needed, service=self._service)
        try:
            theirs = checker.evaluate(sql, rows)
        except EngineError as error:
            self._compared.outcomes.append("not evaluated")
            self._different.append(f"not evaluated: {error}\n{sql}")
            return
        finally:
            checker.close()
        equal = same_rows(theirs, mine)
        self._compared.outcomes.append("equal" if equal else "different")
        if not equal:
            self._different.append(f"{len(mine)} rows here, {len(theirs)} there\n{sql}")

    def _rows(self, name: str, columns: Sequence[Column]) -> list[dict[str, Value]]:
        if "*" in name or not columns:
            return []
        wanted = lines([identifier(column.name) for column in columns])
        return list(self._engine.query(Sql(f"SELECT {wanted} FROM {table(name)}"), labels={}).dicts())
