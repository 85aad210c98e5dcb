"""Which queries are alike, so that what is said of one holds for all of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jetstream_argo.engines.protocol import Column, DryRun
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.validating.analysts import Analyst, Tables, read_of

_BATCH = re.compile(r"'[a-z0-9-]+-rehearsal-[^']*'")
_COLUMN = re.compile(r"\b[a-z]_[0-9a-f]{16}\b")
_WORD = re.compile(r"\w+")

_WINDOW = r"STRUCT\(-?\d+ AS window_index,[^()]*\)"
_MEMBER = r"IF\(e\.[^,()]+, '[^']*', NULL\)"
# What of a query that reads only our own tables has no bearing on types: constants, and lists however long.
_IMMATERIAL = (
    (re.compile(r"DATE '\d{4}-\d\d-\d\d'"), "DATE ''"),
    (re.compile(rf"{_WINDOW}(?:,\s*{_WINDOW})*"), "STRUCT(0 AS window_index)"),
    (re.compile(rf"{_MEMBER}(?:,\s*{_MEMBER})*"), "IF(TRUE, '', NULL)"),
    (re.compile(r"IN \('[^']*'(?:, '[^']*')*\)"), "IN ('')"),
    (re.compile(r"(?<![\w.])\d+(?![\w.])"), "0"),
)

# The form of a query, and the columns of the tables that it names.
Form = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Reduced:
    """A query's form, and the hashed names of columns that were taken out of it, in their order."""

    form: Form
    names: tuple[str, ...]

    def renamed(self, columns: tuple[Column, ...], names: tuple[str, ...]) -> tuple[Column, ...]:
        """Return the columns that a query of this form with other `names` gives, called as here."""
        mine = dict(zip(names, self.names, strict=True))
        return tuple(replace(column, name=mine.get(column.name, column.name)) for column in columns)


class SparingAnalyst:
    """Asks another analyst once about queries that are alike. What was refused is asked again, for its own message.

    `memory` may be shared with analysts of other plans; it is kept in order of asking.
    """

    def __init__(
        self, analyst: Analyst, telemetry: Tables, *, memory: dict[Form, tuple[tuple[str, ...], DryRun]], slug: str = ""
    ) -> None:
        self._analyst = analyst
        self._telemetry = telemetry
        self._memory = memory
        self._slug = slug

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Return what is known of a query like this, or ask."""
        reduced = reduce(sql, tables, self._telemetry, slug=self._slug)
        if reduced.form in self._memory:
            names, known = self._memory[reduced.form]
            return DryRun(reduced.renamed(known.columns, names), known.bytes)
        found = self._analyst.analyse(sql, tables)
        self._memory[reduced.form] = (reduced.names, found)
        return found


def reduce(sql: Sql, tables: Tables, telemetry: Tables, *, slug: str = "") -> Reduced:
    """Take out of a query what its columns' types, and the bytes that it reads, do not depend on.

    That is: what our own tables and hashed columns are called, batches, and the experiment's slug; unless telemetry is
    read, also dates, windows, segments, branches, and numbers.
    """
    text = _BATCH.sub("'batch'", sql)
    if slug:
        text = text.replace(f"'{slug}'", "'slug'")
    words = frozenset(_WORD.findall(text))
    foreign = [name for name in telemetry if name.endswith("*") or words.issuperset(_WORD.findall(name)[-1:])]
    if not foreign:
        for pattern, instead in _IMMATERIAL:
            text = pattern.sub(instead, text)
        words = frozenset(_WORD.findall(text))
    own = sorted(read_of(tables, sql), key=lambda name: text.index(table(name)))
    for number, name in enumerate(own):
        text = text.replace(table(name), f"`t{number}`")
    names = tuple(dict.fromkeys(_COLUMN.findall(text)))
    places = {name: f"c{number}" for number, name in enumerate(names)}
    text = _COLUMN.sub(lambda found: places[found[0]], text)
    described = [*_described(own, tables, words, places), *_described(foreign, telemetry, words, places)]
    return Reduced((text, tuple(described)), names)


def _described(
    names: list[str], tables: Tables, words: frozenset[str], places: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for name in names:
        yield from ((places.get(c.name, c.name), c.type) for c in tables[name] if c.name in words)
        yield ("", "")
