"""Reads one line of the list of signatures.

A file has a paragraph for every function or operator: its name, and below it a signature a line,

    (arguments) result: body

where `body` is what DuckDB computes, with `$1` for the first argument's value and `%2` for the second's option. A body
that is a name is DuckDB's function of that name; `natural` is an operator that means the same there; `@name` is a
function in `builders.py`. A line that is indented further goes on with the body above it.

An argument is a type, or several with `|` between them, `T` for any type (the same wherever it stands in the line),
`=1` for the type of the first one, or, with `...`, any number of them. Or it is an option, which is not computed but
written down: `'TEXT'` (this text), `part:DAY,MONTH` (a date part), `interval:DAY,MONTH` (an interval, whose number is
the argument's value), `week` (WEEK, WEEK(MONDAY) … and ISOWEEK), `zone`, `format`, `regex`, `path`, `text`, `whole`.
"""

import re
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from jetstream_argo.warehouse.duckdb.typing.kinds import SqlType, array, kind_of

_LINE = re.compile(r"\((.*?)\) (\S.*?): (.+)\Z", re.DOTALL)
_OPTIONS = ("part", "interval", "week", "zone", "format", "regex", "path", "text", "whole")
WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")


@dataclass(frozen=True, slots=True)
class Valued:
    """An argument that is a value of a type, which may have variables in it."""

    kind: SqlType

    def __str__(self) -> str:
        return str(self.kind)


@dataclass(frozen=True, slots=True)
class Option:
    """An argument that decides what is computed: one of these words, or any constant that its class allows."""

    category: str
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.category}:{','.join(self.words)}" if self.words else self.category


Argument: TypeAlias = Valued | Option


@dataclass(frozen=True, slots=True)
class Signature:
    """One way in which a function may be called: types and options of its arguments, and what DuckDB computes."""

    name: str
    number: int
    arguments: tuple[Argument, ...]
    repeats: bool  # the last argument, any number of times
    result: SqlType
    body: str

    def __str__(self) -> str:
        inner = ", ".join(map(str, self.arguments)) + (" ..." if self.repeats else "")
        return f"{self.name}({inner}) {self.result}"

    def argument(self, position: int) -> Argument | None:
        """Return what the argument at this position must be."""
        if position < len(self.arguments):
            return self.arguments[position]
        return self.arguments[-1] if self.repeats else None

    def takes(self, count: int) -> bool:
        """Return whether so many arguments may be given."""
        return count >= len(self.arguments) if self.repeats else count == len(self.arguments)


@dataclass(frozen=True, slots=True)
class FunctionEntry:
    """A function or operator with all its signatures, and words that say more (`aggregate`, `DISTINCT`, `OVER` …)."""

    name: str
    words: tuple[str, ...]
    lines: tuple[str, ...]

    def signatures(self) -> tuple[Signature, ...]:
        """Return the signatures, each alternative on its own."""
        found = [signature for line in self.lines for signature in _expanded(self.name, line)]
        return tuple(
            Signature(s.name, number, s.arguments, s.repeats, s.result, s.body) for number, s in enumerate(found)
        )


def parse(text: str) -> list[FunctionEntry]:
    """Return the entries of a file."""
    entries: list[FunctionEntry] = []
    name, words, lines = "", list[str](), list[str]()
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("      "):
            lines[-1] += " " + line.strip()
        elif line.startswith("  "):
            lines.append(line.strip())
        else:
            if name:
                entries.append(FunctionEntry(name, tuple(words), tuple(lines)))
            (name, *words), lines = line.split(), []
    return [*entries, FunctionEntry(name, tuple(words), tuple(lines))]


def _expanded(name: str, line: str) -> list[Signature]:
    found = _LINE.match(line)
    if found is None:
        raise ValueError(f"{name}: {line!r} is no signature")
    inner, result, body = found.groups()
    repeats = inner.endswith("...")
    parts = [part.strip() for part in _split(inner.removesuffix("..."))]
    choices = [part.split("|") if not part.startswith("'") else [part] for part in parts]
    signatures = []
    for chosen in product(*choices):
        arguments = tuple(_argument(part, chosen) for part in chosen)
        signatures.append(Signature(name, 0, arguments, repeats, kind_of(_resolved(result, chosen)), body))
    return signatures


def _split(text: str) -> list[str]:
    """Split at the commas that are followed by a space and outside of brackets."""
    return [part for part in re.split(r", (?![^<]*>)", text) if part.strip()]


def _argument(part: str, chosen: tuple[str, ...]) -> Argument:
    head, colon, words = part.partition(":")
    if part.startswith("'"):
        return Option("word", (part[1:-1],))
    if head in _OPTIONS:
        return Option(head, tuple(words.split(",")) if colon else ())
    return Valued(kind_of(_resolved(part, chosen)))


def _resolved(part: str, chosen: tuple[str, ...]) -> str:
    return re.sub(r"=(\d)", lambda number: chosen[int(number[1]) - 1], part)


def bound(kind: SqlType, variables: dict[str, SqlType]) -> SqlType:
    """Return the type with the variables' types in their places."""
    if kind.name in variables:
        return variables[kind.name]
    if kind.element is not None:
        return array(bound(kind.element, variables))
    return kind
