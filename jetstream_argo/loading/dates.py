"""The first and the last date in each column of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.sql.text import Sql, column, lines, table
from jetstream_argo.warehouse.protocol import Engine

_WITH_DATES = ("DATE", "DATETIME", "TIMESTAMP")


@dataclass(frozen=True, slots=True)
class Dates:
    """The first and last date of a column, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} … {self.last}"


def dates_of(engine: Engine, name: str, columns: Sequence[Column]) -> Mapping[str, Dates]:
    """Return the dates of those columns that have dates or moments, and not only NULL."""
    dated = [dated_column.name for dated_column in columns if dated_column.type in _WITH_DATES]
    if not dated:
        return {}
    ends = [
        Sql(f"{end}({column('t', name)}) AS {end.lower()}_{place}")
        for place, name in enumerate(dated)
        for end in ("MIN", "MAX")
    ]
    row = engine.query(Sql(f"SELECT\n  {lines(ends)}\nFROM {table(name)} AS t"), labels={}).rows[0]
    found = {}
    for place, column_name in enumerate(dated):
        first, last = _day(row[2 * place]), _day(row[2 * place + 1])
        if first is not None and last is not None:
            found[column_name] = Dates(first, last)
    return found


def _day(value: Value) -> date | None:
    match value:
        case datetime():
            return value.date()
        case date():
            return value
        case _:
            return None
