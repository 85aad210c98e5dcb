"""A warehouse that runs nothing: it has each query analysed, and remembers the columns of what would be written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.type_names import element
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged, InvalidQuery, NotFound
from jetstream_argo.estimating.summary import FEW_VALUES
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate.analysts import Analyst
from jetstream_argo.validate.expected import Expected, is_answer
from jetstream_argo.warehouse.arrow import result_of
from jetstream_argo.warehouse.types import (
    PAGE_ROWS,
    DryRun,
    Job,
    Knowledge,
    Layout,
    Listed,
    Purged,
    Result,
    TableInfo,
    TableVersions,
    Write,
)

# No branch of a plan has this name, so that no estimate is made of made-up numbers.
NOBODY = "\x00nobody"


@dataclass(frozen=True, slots=True)
class RehearsedQuery:
    """A query that was asked for. `destination` is the table or view that it is for, empty for an answer."""

    sql: Sql
    destination: str
    columns: tuple[Column, ...]
    bytes: int


class Rehearsal:
    """An `Engine` for the nodes of one plan; see `taken` for what they asked of it."""

    bills_partitions = False
    memory_mib: int | None = None

    def __init__(self, plan: AnalysisPlan, analyst: Analyst) -> None:
        self._plan = plan
        self._analyst = analyst
        self._expected = Expected(plan)
        self._asked: list[RehearsedQuery] = []
        self.tables_made: dict[str, tuple[Column, ...]] = {}
        self._written: Counter[str] = Counter()

    def taken(self) -> tuple[RehearsedQuery, ...]:
        """Return what was asked for since the last time."""
        asked = tuple(self._asked)
        self._asked.clear()
        return asked

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Analyse a query; answer with made-up rows where others would be asked for because of the answer."""
        found = self._analysed(sql)
        self._check(self._expected.wrong_answer(found.columns))
        self._asked.append(RehearsedQuery(sql, "", found.columns, found.bytes))
        rows = tuple(self._rows(found.columns, labels))
        return result_of(found.columns, rows, Job("", len(rows), found.bytes, 0, 0.0))

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Analyse a query; the table has its columns from then on."""
        found = self._analysed(sql)
        self._check(self._expected.wrong_table(destination, found.columns))
        self._asked.append(RehearsedQuery(sql, destination, found.columns, found.bytes))
        self._write(destination, found.columns, write)
        return Job("", 1, found.bytes, 0, 0.0)

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
        """Note the table's columns."""
        self._write(destination, columns, write, rows=len(rows))
        return Job("", len(rows), 0, 0, 0.0)

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Analyse the view's query."""
        found = self._analysed(sql)
        self._check(self._expected.wrong_table(name, found.columns))
        self._asked.append(RehearsedQuery(sql, name, found.columns, found.bytes))
        self.tables_made[name] = found.columns

    def info(self, table: str) -> TableInfo | None:
        """Return the columns that the table would have."""
        columns = self.tables_made.get(table)
        return None if columns is None else TableInfo(table, columns, self._written[table], 0, "", {}, "")

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Do nothing."""
        if table not in self.tables_made:
            raise NotFound(table, self.tables_made)

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        """Return the columns that the tables would have."""
        return {table: info for table in tables if (info := self.info(table)) is not None}

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables that would be there."""
        found = (name for name in sorted(self.tables_made) if name.startswith(f"{dataset}.{prefix}"))
        return tuple(Listed(name, is_view=False, labels={}) for name in found)

    def datasets(self) -> tuple[str, ...]:
        """Return those of the tables that would be there."""
        return tuple(dict.fromkeys(name.rpartition(".")[0] for name in sorted(self.tables_made)))

    def delete(self, table: str) -> None:
        """Forget the table."""
        self.tables_made.pop(table, None)

    def dry_run(self, sql: Sql) -> DryRun:
        """Analyse a query that is not going to be asked in this form."""
        found = self._analysed(sql)
        return DryRun(found.columns, found.bytes)

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return no table, so that nothing is waited for and nothing is out of date."""
        return ()

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return no versions."""
        return {table: TableVersions(table, Knowledge.NOT_BY_DATE) for table in tables}

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return nothing: there are no rows."""
        return {}

    def lease(
        self, name: str, *, exclusive: bool, holder: str, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold nothing: nobody else writes here."""
        return nullcontext()

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove nothing: there are no rows."""
        return Purged(0)

    def left_over(self, table: str) -> int:
        """Return 0: nothing is stored."""
        return 0

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return nothing: nothing is stored."""
        return ()

    def salvage(self, table: str) -> None:
        """Do nothing: nothing is stored."""

    def take_over(self) -> None:
        """Do nothing: nothing runs."""

    def assume(self, table: str, columns: Sequence[Column]) -> None:
        """Go on as if the table had been written."""
        self._write(table, columns, Write.TRUNCATE)

    def _analysed(self, sql: Sql) -> DryRun:
        return self._analyst.analyse(sql, self.tables_made)

    def _check(self, wrong: Iterator[str]) -> None:
        problems = list(wrong)
        if problems:
            raise InvalidQuery("; ".join(problems))

    def _write(self, name: str, columns: Sequence[Column], write: Write, *, rows: int = 1) -> None:
        self._written[name] += rows
        if write is not Write.APPEND or name not in self.tables_made:
            self.tables_made[name] = tuple(columns)
            return
        there = {column.name.lower(): column.type for column in self.tables_made[name]}
        for column in columns:
            if there.get(column.name.lower(), column.type) != column.type:
                raise InvalidQuery(f"column {column.name} of {name} is {there[column.name.lower()]}, not {column.type}")
        self.tables_made[name] += tuple(column for column in columns if column.name.lower() not in there)

    def _rows(self, columns: Sequence[Column], labels: Mapping[str, str]) -> Iterator[tuple[Value, ...]]:
        """Yield a row per window where a branch with many values would be asked more about, and some units a branch."""
        if is_answer(columns):
            for window in self._plan.windows(Period(labels["period"])):
                place: dict[str, Value] = {"window_index": window.index, "branch": NOBODY}
                yield tuple(place.get(column.name, _some(column.type)) for column in columns)
        elif {"branch", "units"} <= {column.name for column in columns}:
            for branch in self._plan.experiment.branches:
                yield tuple(branch if column.name == "branch" else _some(column.type) for column in columns)


def _some(type_: str) -> Value:
    """Return a value for which details are asked: many different ones, with a tail so heavy that sums say little."""
    match type_.partition("(")[0]:
        case "INT64":
            return FEW_VALUES + 1
        case "FLOAT64":
            return 1.0
        case "NUMERIC" | "BIGNUMERIC":
            return Decimal(1)
        case "STRING":
            return ""
        case _ if element(type_) is not None:
            return []
        case _:
            return None
