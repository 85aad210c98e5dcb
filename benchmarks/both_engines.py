"""An engine that has ZetaSQL's evaluator compute every query again, on the same rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql, identifier, lines, table
from jetstream_argo.validate.signatures import Signed, StatementSignature, sign
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.warehouse.random_rows import same

_NUMBER = re.compile(r"(?<![\w.])\d+(?![\w.])")
_LISTED = re.compile(r"(0|DATE '')(, \1)+")
_WHOLE = re.compile(r"SELECT \*|\.\*|\* EXCEPT")  # rows of whichever columns there are
_WORD = re.compile(r"\w+")
ROUNDING = 1e-12  # of sums of standardised values, which are at most 1 and may cancel
MOST_CELLS = 2_000_000  # that the evaluator, which copies them one by one, is given


@dataclass
class Compared:
    """What came of comparing: an outcome for each query that was not like one before."""

    outcomes: list[str] = field(default_factory=list)
    seen: set[StatementSignature] = field(default_factory=set)

    def is_new(self, signed: Signed) -> bool:
        """Whether no statement was compared that differs in names, dates, numbers and their lists only; now one was."""
        text = _LISTED.sub(r"\1", _NUMBER.sub("0", signed.signature.text))
        coarse = replace(signed.signature, text=text)
        is_new = coarse not in self.seen
        self.seen.add(coarse)
        return is_new


class BothEngines:
    """The embedded engine; `compared` keeps what came of the comparisons.

    Temporary tables are known as others are. What else an engine has, the embedded one does.
    """

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
        self._know(name)

    def delete(self, table: str) -> None:
        """Delete a table, which later queries do not read."""
        self._engine.delete(table)
        self._own.pop(table, None)

    def __getattr__(self, name: str) -> Any:  # whatever an engine has
        return getattr(self._engine, name)

    def _know(self, name: str) -> None:
        self._own[name] = self._engine.dry_run(Sql(f"SELECT * FROM {table(name)}")).columns

    def _compare(self, sql: Sql, result: Result | None) -> None:
        if not self._compared.is_new(sign(sql, self._own, self._telemetry, slug=self._slug, sized=False)):
            return
        needed = {**self._telemetry, **self._own}
        needed = {name: columns for name, columns in needed.items() if name.rpartition(".")[2].rstrip("*") in sql}
        rows = {name: self._rows(name, named(columns, sql)) for name, columns in needed.items()}
        if sum(len(table_rows) * len(needed[name]) for name, table_rows in rows.items()) > MOST_CELLS:
            self._compared.outcomes.append("too many rows")
            return
        our_rows = (result if result is not None else self._engine.query(sql, labels={})).rows
        checker = Checker(needed, service=self._service)
        try:
            theirs = checker.evaluate(sql, rows)
        except EngineError as error:
            self._compared.outcomes.append("not evaluated")
            self._different.append(f"not evaluated: {error}\n{sql}")
            return
        finally:
            checker.close()
        difference = _first_difference(our_rows, theirs)
        self._compared.outcomes.append("different" if difference else "equal")
        if difference:
            self._different.append(f"{difference}\n{sql}")

    def _rows(self, name: str, columns: Sequence[Column]) -> list[dict[str, Value]]:
        if "*" in name or not columns:
            return []
        wanted = lines([identifier(column.name) for column in columns])
        return list(self._engine.query(Sql(f"SELECT {wanted} FROM {table(name)}"), labels={}).dicts())


def named(columns: Sequence[Column], sql: Sql) -> Sequence[Column]:
    """Return those columns that a query may read; to the evaluator the others are NULL."""
    words = frozenset(_WORD.findall(sql))
    return columns if _WHOLE.search(sql) else [column for column in columns if column.name in words]


def _first_difference(ours: Sequence[Sequence[object]], theirs: Sequence[Sequence[object]]) -> str:
    """Return what differs in the first pair of rows that does, in whichever order they came; nothing if none does."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows here, {len(theirs)} there"
    for own, other in zip(_in_order(ours), _in_order(theirs), strict=True):
        values = enumerate(zip(own, other, strict=True))
        found = [f"column {number}: {a!r} here, {b!r} there" for number, (a, b) in values if not _are_same(a, b)]
        if found:
            return f"{len(ours)} rows; {'; '.join(found)}"
    return ""


def _in_order(rows: Sequence[Sequence[object]]) -> list[Sequence[object]]:
    """Return rows in an order that rounding and the sign of 0 do not change."""
    return sorted(
        rows, key=lambda row: repr([f"{value + 0.0:.9e}" if isinstance(value, float) else value for value in row])
    )


def _are_same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float) and abs(left - right) <= ROUNDING:
        return True
    return same(left, right)
