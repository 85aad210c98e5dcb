"""Checks rows of telemetry, and expressions over them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.config.model import AnalysisUnit
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate import probes
from jetstream_argo.validate.asking import Asker
from jetstream_argo.validate.explaining import explained, unknown_column

_DATES = ("DATE", "DATETIME", "TIMESTAMP")
_UNITS = ("STRING", "INT64", "NUMERIC", "BIGNUMERIC")
_UNIT_KEYS = {AnalysisUnit.CLIENT: "client_id_column", AnalysisUnit.GROUP: "group_id_column"}
_DATE_ADVICE = (
    "a date is a DATE, DATETIME or TIMESTAMP: make it one in from_expression, "
    "as in (SELECT * REPLACE (PARSE_DATE('%Y-%m-%d', {0}) AS {0}) FROM …)"
)
_UNIT_ADVICE = "units are STRING or INT64: make it one in from_expression, as TO_HEX does of BYTES"


@dataclass(frozen=True, slots=True)
class TelemetryRows:
    """Rows of telemetry as the table `key` of a file describes them."""

    asker: Asker
    key: str
    from_expression: str
    id_column: str
    date_column: str

    @property
    def title(self) -> str:
        """What the rows are called."""
        return f"[{self.key}]"

    def are_plain(self, expressions: Mapping[str, str]) -> bool:
        """Whether unit and date are of good types, and expressions over a row are accepted: in one query."""
        wanted = {"u": probes.column(self.id_column), "d": probes.column(self.date_column), **expressions}
        found = self._ask(wanted)
        return not isinstance(found, EngineError) and _is(found[0], _UNITS) and _is(found[1], _DATES)

    def mistakes(self, unit: AnalysisUnit) -> Iterator[tuple[str, str]]:
        """Yield keys of the rows' table, and what is wrong with them: with the rows, their unit, their date."""
        refused = self._ask({"x": "1"})
        if isinstance(refused, EngineError):
            yield "from_expression", explained(refused, self._query(), self._tables_columns(), rows="its tables")
            return
        yield from self._column_mistakes(_UNIT_KEYS[unit], self.id_column, _UNITS, _UNIT_ADVICE)
        yield from self._column_mistakes("submission_date_column", self.date_column, _DATES, _DATE_ADVICE)

    def explained(self, error: EngineError, text: str) -> str:
        """Return what a refusal says of the expression `text` over the rows."""
        return explained(error, text, self.columns(), rows=self.title)

    def refusal(self, expression: str) -> str | None:
        """Return what is wrong with an expression over one row; None if nothing is."""
        found = self._ask({"x": expression})
        return self.explained(found, expression) if isinstance(found, EngineError) else None

    def columns(self) -> tuple[Column, ...]:
        """Return the columns that the rows have, or else those of the tables that they are made from.

        Whole rows of a table are not asked for: a column of it may be one that must not be read.
        """
        if not self.from_expression.lstrip().startswith("(") and (known := self._tables_columns()):
            return known
        for dates in (None, probes.bounds(self.date_column, self.asker.day)):
            found = self.asker.ask(probes.all_columns(self.from_expression, dates=dates))
            if not isinstance(found, EngineError):
                return found
        return self._tables_columns()

    def _tables_columns(self) -> tuple[Column, ...]:
        return self.asker.columns_in(self._query())

    def _query(self) -> Sql:
        return probes.rows(self.from_expression, {"x": "1"})

    def _ask(self, wanted: Mapping[str, str]) -> tuple[Column, ...] | EngineError:
        """Ask about expressions over the rows; some tables can be read only with a condition on their dates."""
        found = self.asker.ask(probes.rows(self.from_expression, wanted))
        if not isinstance(found, EngineError):
            return found
        dates = probes.bounds(self.date_column, self.asker.day)
        again = self.asker.ask(probes.rows(self.from_expression, wanted, dates=dates))
        return found if isinstance(again, EngineError) else again

    def _column_mistakes(self, key: str, name: str, types: Sequence[str], advice: str) -> Iterator[tuple[str, str]]:
        found = self._ask({"x": probes.column(name)})
        if isinstance(found, EngineError):
            yield key, unknown_column(name, [column.name for column in self.columns()], rows=self.title)
        elif not _is(found[0], types):
            yield key, f"column {name!r} of {self.title} is {found[0].type}; {advice.format(name)}"


def _is(column: Column, types: Sequence[str]) -> bool:
    return column.type.partition("(")[0] in types
