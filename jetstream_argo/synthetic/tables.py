"""Designs the tables of made-up telemetry such that the plan's queries find what they look for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np

from jetstream_argo.dialect.inference.columns import Guess
from jetstream_argo.dialect.types import Scalar
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.model import AnalysisPlan, Experiment
from jetstream_argo.synthetic.effects import Effect, uplift
from jetstream_argo.synthetic.patterns import ANY, KEY, Columns, Path, filter_patterns, row_patterns
from jetstream_argo.synthetic.population import Floats
from jetstream_argo.synthetic.reads import UNIT, Purpose, Query, queries, read_columns

_Values: TypeAlias = Mapping[Path, Scalar]

_MOST_BOOLEAN_UPLIFT = 0.25


class Rhythm(StrEnum):
    """How many rows a unit has in a table."""

    DAILY = "daily"  # one on each day on which it is active
    EVENTS = "events"  # any number a day
    LOOKUP = "lookup"  # the table has no units


@dataclass(frozen=True, slots=True)
class SyntheticTable:
    """A table to make up.

    `patterns` are values that rows have together: ordinary rows follow those whose index is in `ordinary`, reports of
    enrollment and of exposure those in `enrollment` and `exposure`. Ordinary rows have none of the `avoided` values,
    and there are none at all where a table holds nothing but such reports, and few where it is not `measured` by any
    metric. `factors` has an entry per branch, and a last one, for rows before enrollment.
    """

    name: str
    columns: Mapping[str, Guess]
    rhythm: Rhythm
    patterns: tuple[_Values, ...]
    ordinary: tuple[int, ...]
    enrollment: tuple[int, ...]
    exposure: tuple[int, ...]
    only_reports: bool
    measured: bool
    avoided: frozenset[tuple[Path, Scalar]]
    factors: Mapping[Path, Floats]


def design_tables(plan: AnalysisPlan, effects: tuple[Effect, ...]) -> tuple[SyntheticTable, ...]:
    """Return the tables that the plan reads, by name.

    Raises:
        PlanError: an effect names a table, column or branch that is not there, or is too large for a boolean.
    """
    texts = queries(plan)
    columns = read_columns(texts)
    _check(effects, columns, plan.experiment)
    return tuple(_design(name, columns, texts, plan.experiment, effects) for name in sorted(columns))


def paths(columns: Mapping[str, Guess], before: Path = ()) -> Iterator[tuple[Path, Guess]]:
    """Yield every column and everything nested in it, with the way to it."""
    for name, guess in columns.items():
        here = (*before, name)
        yield here, guess
        yield from paths(guess.fields, here)
        yield from paths(guess.keys, (*here, KEY))
        if guess.element is not None:
            yield (*here, ANY), guess.element
            yield from paths(guess.element.fields, (*here, ANY))


def is_map(guess: Guess | None) -> bool:
    """Return whether an array holds pairs of `key` and `value`."""
    return guess is not None and guess.element is not None and {"key", "value"} <= set(guess.element.fields)


def is_earlier(name: str) -> bool:
    """Return whether a date of this name lies before a unit's rows, such as that of its first use."""
    return any(part in name.lower() for part in ("first", "birth", "creat", "install", "profile"))


def date_column(columns: Mapping[str, Guess]) -> str | None:
    """Return the column that has the date of a row; None if the rows have no DATE."""
    return next((name for name, guess in columns.items() if guess.type == "DATE" and not is_earlier(name)), None)


def _design(
    name: str, columns: Columns, texts: tuple[Query, ...], experiment: Experiment, effects: tuple[Effect, ...]
) -> SyntheticTable:
    slug = experiment.slug
    shapes = dict(paths(columns[name]))
    rhythm = _rhythm(name, shapes)
    enrollment, exposure, measurement = (
        _wanted(name, columns, texts, purpose, rhythm, shapes)
        for purpose in (Purpose.ENROLLMENT, Purpose.EXPOSURE, Purpose.MEASUREMENT)
    )
    avoided = frozenset(key for pattern in (*enrollment, *exposure) if (key := _telling(pattern, slug)) is not None)
    words = (_texts(pattern) for pattern in measurement)
    ordinary = tuple(texts for texts in words if texts and not avoided & set(texts.items()))
    carries = any(is_map(guess) and slug in _map_keys(guess) for guess in shapes.values())
    bounds = np.cumsum([len(ordinary), len(enrollment), len(exposure)]).tolist()
    return SyntheticTable(
        name=name,
        columns=columns[name],
        rhythm=rhythm,
        patterns=(*ordinary, *enrollment, *exposure),
        ordinary=tuple(range(bounds[0])),
        enrollment=tuple(range(bounds[0], bounds[1])),
        exposure=tuple(range(bounds[1], bounds[2])),
        only_reports=bool(enrollment or exposure) and not avoided and not carries,
        measured=bool(measurement) or carries,
        avoided=avoided,
        factors=_factors(name, experiment, effects),
    )


def _wanted(
    table: str,
    columns: Columns,
    texts: tuple[Query, ...],
    purpose: Purpose,
    rhythm: Rhythm,
    shapes: Mapping[Path, Guess],
) -> tuple[_Values, ...]:
    """Return what the queries of one purpose ask of the table's rows, without what ids and branches are told by.

    What only an expression asks for is a matter of whole rows where they are events, and of chance where they are days.
    """
    by_row = purpose is Purpose.MEASUREMENT and rhythm is Rhythm.EVENTS
    find = row_patterns if by_row else filter_patterns
    found = [
        tuple((path, value) for path, value in pattern.values if not _is_told(path, value, shapes))
        for text in texts
        if text.purpose is purpose
        for pattern in find(text.sql, columns)
        if pattern.table == table
    ]
    return tuple(dict(values) for values in dict.fromkeys(found))


def _is_told(path: Path, value: Scalar, shapes: Mapping[Path, Guess]) -> bool:
    # Every map has an element for each key that the queries name.
    of_map_key = path[-2:] == (ANY, "key") and is_map(shapes.get(path[:-2]))
    return of_map_key or (isinstance(value, str) and value.startswith("\x00"))


def _map_keys(guess: Guess) -> tuple[Scalar, ...]:
    return guess.element.fields["key"].values if guess.element is not None else ()


def _texts(values: _Values) -> _Values:
    return {path: value for path, value in values.items() if isinstance(value, str)}


def _telling(values: _Values, slug: str) -> tuple[Path, Scalar] | None:
    """Return the value by which a report differs from ordinary rows: the experiment's name, or the first text."""
    texts = list(_texts(values).items())
    return next((item for item in texts if slug in str(item[1])), texts[0] if texts else None)


def _rhythm(name: str, shapes: Mapping[Path, Guess]) -> Rhythm:
    if not any(UNIT in guess.values for guess in shapes.values()):
        return Rhythm.LOOKUP
    eventful = "event" in name.lower() or any(path[0].startswith("event") for path in shapes)
    return Rhythm.EVENTS if eventful else Rhythm.DAILY


def _factors(table: str, experiment: Experiment, effects: tuple[Effect, ...]) -> Mapping[Path, Floats]:
    named = dict.fromkeys(effect.column for effect in effects if effect.table == table)
    return {
        tuple(column.split(".")): 1
        + np.array([*(uplift(effects, table=table, column=column, branch=b) for b in experiment.branches), 0.0])
        for column in named
    }


def _check(effects: tuple[Effect, ...], columns: Columns, experiment: Experiment) -> None:
    for effect in effects:
        where = f"effect on {effect.table}.{effect.column}"
        shapes = dict(paths(columns.get(effect.table, {})))
        guess = shapes.get(tuple(effect.column.split(".")))
        if guess is None:
            raise PlanError(f"{where}: the plan reads no such column; it reads of that table: {_readable(shapes)}")
        if effect.branch not in experiment.branches:
            raise PlanError(
                f"{where}: no branch is called {effect.branch!r}; there are {', '.join(experiment.branches)}"
            )
        if guess.type == "BOOL" and effect.uplift > _MOST_BOOLEAN_UPLIFT:
            raise PlanError(f"{where}: a boolean's uplift can be at most {_MOST_BOOLEAN_UPLIFT}, is {effect.uplift}")


def _readable(shapes: Mapping[Path, Guess]) -> str:
    return ", ".join(".".join(path) for path in shapes) or "nothing"
