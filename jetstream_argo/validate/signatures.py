"""Gives queries that differ in nothing that matters the same signature, so that what holds for one holds for all of
them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.validate.analysts import Analyst, Tables, read_of
from jetstream_argo.warehouse.types import DryRun

_HASHED = re.compile(r"\b[a-z]_[0-9a-f]{16}\b")  # columns of partials and values
_BATCH = re.compile(r"\b\d{14,19}\b")  # see `run.context.Context.batch`
_WORD = re.compile(r"\w+")
_DATES = (
    (re.compile(r"DATE '\d{4}-\d\d-\d\d'"), "DATE ''"),
    (re.compile(r"(?<=[<=] )'\d{4}-\d\d-\d\d'"), "'date'"),
)


@dataclass(frozen=True, slots=True)
class StatementSignature:
    """A statement without what its columns' types do not depend on.

    `columns` are the names and types of the columns that it may read, table by table.
    """

    text: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement's signature, and the hashed names of columns that were taken out of it, in their order."""

    signature: StatementSignature
    names: tuple[str, ...] = ()


class Memory:
    """The answers about statements, by signature; `asked` is how many had a signature of their own."""

    def __init__(self) -> None:
        self.asked = 0
        self._known: dict[StatementSignature, tuple[Signed, DryRun]] = {}

    def recall(self, signed: Signed) -> DryRun | None:
        """Return the answer about a statement, if one of its signature was asked about."""
        if signed.signature not in self._known:
            return None
        known, found = self._known[signed.signature]
        renamed = dict(zip(known.names, signed.names, strict=True))
        columns = tuple(replace(column, name=renamed.get(column.name, column.name)) for column in found.columns)
        return DryRun(columns, found.bytes)

    def keep(self, signed: Signed, found: DryRun) -> None:
        """Remember the answer about a statement."""
        self.asked += 1
        self._known[signed.signature] = signed, found


class SparingAnalyst:
    """Asks another analyst once per signature. What was refused is asked again, for its own message.

    `memory` may be shared with analysts of other plans; it is kept in order of asking. `sized` says whether the other
    tells bytes, which depend on dates.
    """

    def __init__(
        self, analyst: Analyst, telemetry: Tables, *, memory: Memory, slug: str = "", sized: bool = False
    ) -> None:
        self._analyst = analyst
        self._telemetry = telemetry
        self._memory = memory
        self._slug = slug
        self._sized = sized

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        """Return what is known of a statement of this signature, or ask.

        Raises:
            InvalidQuery: the other analyst refuses the statement.
        """
        signed = sign(sql, tables, self._telemetry, slug=self._slug, sized=self._sized)
        found = self._memory.recall(signed)
        if found is None:
            found = self._analyst.analyse(sql, tables)
            self._memory.keep(signed, found)
        return found


def sign(sql: Sql, tables: Tables, telemetry: Tables, *, slug: str = "", sized: bool = True) -> Signed:
    """Take out of a statement what its columns' types, and if `sized` the bytes that it reads, do not depend on.

    That is: what our own tables and hashed columns are called, batches, the experiment's slug, and dates if bytes do
    not matter.
    """
    own = sorted(read_of(tables, sql), key=lambda name: sql.index(table(name)))
    foreign = [name for name in telemetry if _named(name).search(sql)]
    text = _BATCH.sub("0", sql)
    if slug:
        text = text.replace(f"'{slug}'", "'slug'")
    for pattern, instead in () if sized else _DATES:
        text = pattern.sub(instead, text)
    for number, name in enumerate(own):
        text = text.replace(table(name), f"`t{number}`")
    words = frozenset(_WORD.findall(text))
    names = tuple(dict.fromkeys(_HASHED.findall(text)))
    numbered = {name: f"c{number}" for number, name in enumerate(names)}
    text = _HASHED.sub(lambda found: numbered[found[0]], text)
    columns = (*_columns(own, tables, words, numbered), *_columns(foreign, telemetry, words, numbered))
    return Signed(StatementSignature(text, columns), names)


@cache
def _named(name: str) -> re.Pattern[str]:
    """Return what a text has in it that reads a table, in whichever way it writes the name."""
    parts = [re.escape(part) for part in name.removesuffix("*").split(".")[-2:]]
    return re.compile(r"`?\s*\.\s*`?".join(parts) + ("" if name.endswith("*") else r"\b"))


def _columns(
    names: list[str], tables: Tables, words: frozenset[str], numbered: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the columns of each table that the statement may read, and an empty pair after each table."""
    for name in names:
        read: list[Column] = [column for column in tables[name] if column.name in words]
        yield from ((numbered.get(column.name, column.name), column.type) for column in read)
        yield ("", "")
