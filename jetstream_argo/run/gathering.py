"""Keeps, for one node, the rows of a source whose text scans dates of its own, so that these are scanned once.

However few dates of such a source are asked for, it reads all of its own dates again: for the new date, for units that
came late, for each half of a query that was too big. Hence its rows are written once to a table that expires: those of
the dates and units that are asked for, in the columns that are named. Other sources are better read where they are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from jetstream_argo.dialect.columns import names_in
from jetstream_argo.dialect.own_dates import own_dates
from jetstream_argo.errors import AccessDenied, CostExceeded, InvalidQuery, NotFound, TooBig, Unsupported
from jetstream_argo.plan.sources import Source
from jetstream_argo.run.context import Context
from jetstream_argo.run.reading import Reading
from jetstream_argo.sql import names
from jetstream_argo.sql.gathered import gathered_query
from jetstream_argo.sql.telemetry import between
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.sql.units import enrolled
from jetstream_argo.warehouse.types import Job, Layout, Write


@dataclass(slots=True)
class SourceRows:
    """The rows of a `source`: where they are, or gathered for these readings.

    `below` says that a query of that size was too big before. `costs` are the jobs that gathered them, for whoever
    records a cost next. What cannot be gathered is read where it is, which says what is wrong with it.
    """

    context: Context
    source: Source
    readings: Sequence[Reading]
    below: int | None = None
    scans_own_dates: bool = False
    costs: list[Job] = field(default_factory=list)
    _made: str = ""

    def begin(self, *, queries: int = 1) -> None:
        """Prepare for so many queries of the rows, of which there will be others if there are several readings."""
        if len(self.readings) > 1 or queries > 1 or self.below is not None:
            self.gather()

    def gather(self) -> None:
        """Have the rows be read from a table of their own from now on, if that saves scans; once is enough."""
        if self._made or not self.scans_own_dates:
            return
        self._made = names.scratch(self.context.plan, self.source.name, "gathered", self.context.attempt)
        try:
            sql = self._query()
            job = self.context.engine.query_to_table(
                sql,
                self._made,
                write=Write.TRUNCATE,
                labels=self.context.labels(source=self.source.name),
                layout=Layout(temporary=True),
            )
        except (InvalidQuery, Unsupported, AccessDenied, NotFound, TooBig, CostExceeded):
            return
        self.costs.append(replace(job, rows=0))  # they are counted where they are partials
        self.source = replace(self.source, from_expression=str(table(self._made)))

    def remove(self) -> None:
        """Delete the table, if there is one."""
        if self._made:
            self.context.engine.delete(self._made)

    def spent(self) -> tuple[Job, ...]:
        """Return the jobs that no record has yet."""
        jobs = tuple(self.costs)
        self.costs.clear()
        return jobs

    def _query(self) -> Sql:
        source = self.source
        dates = [between(source.date_column, part.first_date, part.last_date) for part in self.readings]
        units = enrolled(self.context.plan, self.context.currency().units, exposures=False, segments=False)
        assignments = tuple(dict.fromkeys(assignment for part in self.readings for assignment in part.assignments))
        everything = Sql(f"SELECT ds.*\nFROM {source.from_expression} AS ds\nWHERE {dates[0]}")
        there = self.context.engine.dry_run(everything).columns
        expressions = [partial.expression for partial in source.partials]
        named = {name.lower() for text in (*expressions, source.branch_expression or "") for name in names_in(text)}
        named |= {path.split(".")[0].lower() for path in (source.id_column, source.date_column)}
        columns = [column.name for column in there if column.name.lower() in named]
        return gathered_query(source, columns, dates, units, assignments)


@contextmanager
def rows_for(
    context: Context, source: Source, readings: Sequence[Reading], *, below: int | None
) -> Iterator[SourceRows]:
    """Give the rows of a source for the readings of a node, gathered where they would be scanned more than once.

    Whatever happens, the table is deleted at the end.
    """
    rows = SourceRows(context, source, readings, below, bool(own_dates(source.from_expression, source.date_column)))
    try:
        yield rows
    finally:
        rows.remove()
