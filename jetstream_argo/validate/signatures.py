"""Which queries are alike, so that what is said of one holds for all of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.validate.analysts import Analyst, Tables, read_of
from jetstream_argo.validate.interchangeable import COLUMN, Roles, roles
from jetstream_argo.warehouse.protocol import DryRun

_BATCH = re.compile(r"\b\d{14,19}\b")  # see `run.context.Context.batch`
_WORD = re.compile(r"\w+")

_WINDOW = r"STRUCT\(-?\d+ AS window_index,[^()]*\)"
_MEMBER = r"IF\(e\.[^,()]+, '[^']*', NULL\)"
_CASE = r"WHEN '[^']*' THEN 0"
_DATES = (
    (re.compile(r"DATE '\d{4}-\d\d-\d\d'"), "DATE ''"),
    (re.compile(r"(?<=[<=] )'\d{4}-\d\d-\d\d'"), "'date'"),
)
# What of a query that reads only our own tables has no bearing on types: constants, and lists however long.
_IMMATERIAL = (
    *_DATES,
    (re.compile(rf"{_WINDOW}(?:,\s*{_WINDOW})*"), "STRUCT(0 AS window_index)"),
    (re.compile(rf"{_MEMBER}(?:,\s*{_MEMBER})*"), "IF(TRUE, '', NULL)"),
    (re.compile(r"IN \('[^']*'(?:, '[^']*')*\)"), "IN ('')"),
    (re.compile(r"(?:(?<=\()-|(?<=INTERVAL )-)?(?<![\w.])\d+(?![\w.])"), "0"),
    (re.compile(rf"{_CASE}(?: {_CASE})*"), "WHEN '' THEN 0"),
    (re.compile(r"\bu\.exposure_date(?= AS anchor| IS NOT NULL)"), "u.enrollment_date"),
)

# What queries that are alike have in common, and the columns of the tables that they name.
Form = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Reduced:
    """A query's form. `names` are hashed names of columns that were taken out of it, in their order.

    Where it is known what its columns do, as `Roles`, the form is that of their frame.
    """

    form: Form
    names: tuple[str, ...] = ()
    roles: Roles | None = None


class Memory:
    """What was said of queries; `asked` is how many of them were not like one before."""

    def __init__(self) -> None:
        self.asked = 0
        self._whole: dict[Form, tuple[Reduced, DryRun]] = {}
        self._types: dict[Form, dict[str, str]] = {}

    def of(self, reduced: Reduced) -> DryRun | None:
        """Return what would be said of a query, if that is known."""
        if reduced.roles is not None:
            return self._put_together(reduced.roles, self._types.get(reduced.form, {}))
        if reduced.form not in self._whole:
            return None
        like, found = self._whole[reduced.form]
        own_names = dict(zip(like.names, reduced.names, strict=True))
        columns = tuple(replace(column, name=own_names.get(column.name, column.name)) for column in found.columns)
        return DryRun(columns, found.bytes)

    def keep(self, reduced: Reduced, found: DryRun) -> None:
        """Remember what was said: of the query, or, where it has roles, of the shorter one."""
        self.asked += 1
        if reduced.roles is None:
            self._whole[reduced.form] = reduced, found
            return
        types = self._types.setdefault(reduced.form, {})
        types.update(dict.fromkeys(reduced.roles.roles, ""))
        types.update(
            (given.role, column.type) for given, column in zip(reduced.roles.given, found.columns, strict=True)
        )

    def _put_together(self, roles: Roles, types: Mapping[str, str]) -> DryRun | None:
        if not types.keys() >= roles.roles or any(output.role not in types for output in roles.outputs):
            return None
        return DryRun(tuple(Column(output.name, types[output.role]) for output in roles.outputs), 0)


class SparingAnalyst:
    """Asks another analyst once about queries that are alike. What was refused is asked again, for its own message.

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
        """Return what is known of a query like this, or ask."""
        reduced = reduce(sql, tables, self._telemetry, slug=self._slug, sized=self._sized)
        found = self._memory.of(reduced)
        if found is not None:
            return found
        try:
            found = self._analyst.analyse(reduced.roles.sql if reduced.roles else sql, tables)
        except InvalidQuery:
            return self._analyst.analyse(sql, tables)
        self._memory.keep(reduced, found)
        return self._memory.of(reduced) or found


def reduce(sql: Sql, tables: Tables, telemetry: Tables, *, slug: str = "", sized: bool = True) -> Reduced:
    """Take out of a query what its columns' types, and if `sized` the bytes that it reads, do not depend on.

    That is: what our own tables and hashed columns are called, batches, the experiment's slug, and dates if bytes do
    not matter; unless telemetry is read, also windows, segments, branches, numbers, and columns of the same role.
    """
    own = sorted(read_of(tables, sql), key=lambda name: sql.index(table(name)))

    def nameless(text: str) -> str:
        text = _BATCH.sub("0", text)
        return text.replace(f"'{slug}'", "'slug'") if slug else text

    foreign = [name for name in telemetry if _named(name).search(sql)]
    immaterial = _IMMATERIAL if not foreign else () if sized else _DATES

    def plain(text: str) -> str:
        text = nameless(text)
        for pattern, instead in immaterial:
            text = pattern.sub(instead, text)
        for number, name in enumerate(own):
            text = text.replace(table(name), f"`t{number}`")
        return text

    found = roles(sql, _types(own, tables), plain) if not foreign else None
    if found is not None:
        words = frozenset(word for part in (*found.frame, *found.roles) for word in _WORD.findall(part))
        return Reduced((found.frame, tuple(_described(own, tables, words, {}))), roles=found)
    text = plain(sql)
    words = frozenset(_WORD.findall(text))
    names = tuple(dict.fromkeys(COLUMN.findall(text)))
    places = {name: f"c{number}" for number, name in enumerate(names)}
    text = COLUMN.sub(lambda found: places[found[0]], text)
    described = [*_described(own, tables, words, places), *_described(foreign, telemetry, words, places)]
    return Reduced(((text,), tuple(described)), names)


@cache
def _named(name: str) -> re.Pattern[str]:
    """Return what a text has in it that reads a table, in whichever way it writes the name."""
    parts = [re.escape(part) for part in name.removesuffix("*").split(".")[-2:]]
    return re.compile(r"`?\s*\.\s*`?".join(parts) + ("" if name.endswith("*") else r"\b"))


def _types(own: list[str], tables: Tables) -> dict[str, str]:
    """Return the types of the tables' hashed columns, in the order of the tables."""
    types: dict[str, str] = {}
    for number, name in enumerate(own):
        for column in tables[name]:
            if COLUMN.fullmatch(column.name):
                types[column.name] = f"{types.get(column.name, '')} {number} {column.type}"
    return types


def _described(
    names: list[str], tables: Tables, words: frozenset[str], places: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for name in names:
        yield from ((places.get(c.name, c.name), c.type) for c in tables[name] if c.name in words)
        yield ("", "")
