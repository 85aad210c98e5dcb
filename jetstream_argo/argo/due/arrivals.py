"""Looks up the last date of each source of some plans in a warehouse's metadata."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from jetstream_argo.errors import EngineError
from jetstream_argo.plan.due import needed_dates
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.readiness import ENROLLMENTS, EXPOSURES, Readiness
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.protocol import Provenance
from jetstream_argo.warehouse.types import Knowledge, TableVersions


@dataclass(frozen=True, slots=True)
class _Statement:
    source: str
    sql: Sql
    date_column: str
    settle_days: int


@dataclass(slots=True)
class Arrivals:
    """Tells the readiness of one plan after another; what a statement reads is asked once.

    A date without rows is waited for until its source has settled, on the day `today`; then it is an empty day. Of a
    source made of several tables the latest date is that which all have, but for those to which nothing comes any
    more. What the warehouse cannot or may not tell is not known.
    """

    warehouse: Provenance
    today: date
    _tables: dict[Sql, tuple[str, ...] | None] = field(default_factory=dict)

    def __call__(self, plan: AnalysisPlan) -> Readiness | None:
        """Return until which date the sources are there that a plan needs something recent of."""
        needed = dict(needed_dates(plan))
        found: dict[str, date] = {}
        for statement in _statements(plan):
            # The last date that counts as there, rows or not.
            settled = self.today - timedelta(days=statement.settle_days + 1)
            wanted = needed.get(statement.source, settled)
            if wanted > settled and (last := self._last_date(statement, settled, wanted)):
                found[statement.source] = last
        return Readiness.of(found) if found else None

    def _last_date(self, statement: _Statement, settled: date, needed: date) -> date | None:
        tables = self._tables_of(statement.sql)
        if not tables:
            return None
        try:
            versions = self.warehouse.versions(tables, date_column=statement.date_column, first=settled, last=needed)
        except EngineError:
            return None
        return _common(list(versions.values()), settled)

    def _tables_of(self, sql: Sql) -> tuple[str, ...] | None:
        if sql not in self._tables:
            try:
                self._tables[sql] = self.warehouse.base_tables(sql)
            except EngineError:
                self._tables[sql] = None  # whoever runs it says what is wrong
        return self._tables[sql]


def _common(versions: Sequence[TableVersions], settled: date) -> date | None:
    if any(table.knowledge is Knowledge.UNKNOWN for table in versions):
        return None
    dated = [table.newest or date.min for table in versions if table.knowledge is Knowledge.BY_DATE]
    alive = [newest for newest in dated if newest > settled]
    return min(alive) if alive else (settled if dated else None)


def _statements(plan: AnalysisPlan) -> Iterator[_Statement]:
    """Yield a query for each thing that a plan reads and waits for, which names the same tables."""
    enrollments, signal = plan.enrollments, plan.signal
    yield _Statement(ENROLLMENTS, Sql(enrollments.sql), enrollments.date_column, enrollments.settle_days)
    if signal:
        yield _Statement(
            EXPOSURES, rows_alone(signal.from_expression, signal.date_column), signal.date_column, signal.settle_days
        )
    for source in plan.sources:
        if not source.may_be_empty:
            rows = rows_alone(source.from_expression, source.date_column)
            yield _Statement(source.name, rows, source.date_column, source.settle_days)
