"""Until which date the sources of plans are there, by a warehouse's metadata."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from jetstream_argo.engines.protocol import Knowledge, Provenance, TableVersions
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.due import needed_dates
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.readiness import ENROLLMENTS, EXPOSURES, Readiness
from jetstream_argo.sql.text import Sql

_DATE = "submission_date"  # of the rows that tell of enrollments, whose query names no column


@dataclass(frozen=True, slots=True)
class _Statement:
    source: str
    sql: Sql
    date_column: str


@dataclass(slots=True)
class Arrivals:
    """Tells the readiness of one plan after another; what a statement reads is asked once.

    A date without rows is waited for until it is `settle_days` old, on the day `today`; then it is an empty day. Of a
    source made of several tables the latest date is that which all have, but for those to which nothing comes any
    more. What the warehouse cannot or may not tell is not known.
    """

    warehouse: Provenance
    today: date
    settle_days: int = 2
    _tables: dict[Sql, tuple[str, ...] | None] = field(default_factory=dict)

    def __call__(self, plan: AnalysisPlan) -> Readiness | None:
        """Return until which date the sources are there that a plan needs something recent of."""
        needed = {source: last for source, last in needed_dates(plan) if last > self._settled}
        found: dict[str, date] = {}
        for statement in _statements(plan):
            if statement.source in needed and (last := self._last_date(statement, needed[statement.source])):
                found[statement.source] = last
        return Readiness.of(found) if found else None

    @property
    def _settled(self) -> date:
        """The last date that counts as there, rows or not."""
        return self.today - timedelta(days=self.settle_days + 1)

    def _last_date(self, statement: _Statement, needed: date) -> date | None:
        tables = self._tables_of(statement.sql)
        if not tables:
            return None
        try:
            versions = self.warehouse.versions(
                tables, date_column=statement.date_column, first=self._settled, last=needed
            )
        except EngineError:
            return None
        return self._common(list(versions.values()))

    def _tables_of(self, sql: Sql) -> tuple[str, ...] | None:
        if sql not in self._tables:
            try:
                self._tables[sql] = self.warehouse.base_tables(sql)
            except EngineError:
                self._tables[sql] = None  # whoever runs it says what is wrong
        return self._tables[sql]

    def _common(self, versions: Sequence[TableVersions]) -> date | None:
        if any(table.knowledge is Knowledge.UNKNOWN for table in versions):
            return None
        dated = [table.newest or date.min for table in versions if table.knowledge is Knowledge.BY_DATE]
        alive = [newest for newest in dated if newest > self._settled]
        return min(alive) if alive else (self._settled if dated else None)


def _statements(plan: AnalysisPlan) -> Iterator[_Statement]:
    """Yield a query for each thing that a plan reads, which names the same tables."""
    yield _Statement(ENROLLMENTS, Sql(plan.enrollments.sql), _DATE)
    if plan.signal:
        yield _Statement(EXPOSURES, _rows(plan.signal.from_expression), plan.signal.date_column)
    for source in plan.sources:
        yield _Statement(source.name, _rows(source.from_expression), source.date_column)


def _rows(from_expression: str) -> Sql:
    return Sql(f"SELECT 1 AS found FROM {from_expression} AS ds")
