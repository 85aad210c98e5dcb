"""Compares our latest estimates with those that another system wrote under the names that readers know."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import NotFound, PlanError
from jetstream_argo.report.differing import EQUAL, MONTE_CARLO, Apart, Difference, OwnFacts, why_differs
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.warehouse.protocol import Engine

NEAR = MONTE_CARLO
_SAME = ("metric", "branch", "comparison", "comparison_to_branch", "parameter")
_KEY = ("statistic", "window_index", "segment", "analysis_basis", *_SAME)

_Key: TypeAlias = tuple[str, ...]
_Numbers: TypeAlias = tuple[float | None, float | None, float | None]
_Estimates: TypeAlias = dict[_Key, _Numbers]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the estimates of one statistic agree.

    Distances are of point, lower and upper, the largest of them, in halves of their interval (of an estimate without
    one: relative to it). `equal` are within `EQUAL`, `near` within `NEAR`, `far` beyond; `farthest` says which is the
    largest. What only one side has is counted apart. `differences` counts those that are not equal by what explains
    them.
    """

    statistic: str
    equal: int
    near: int
    far: int
    largest: float
    farthest: str
    only_ours: int
    only_theirs: int
    differences: tuple[tuple[Difference, int], ...] = ()

    @property
    def unexplained(self) -> int:
        """How many of the estimates differ for no reason that is known."""
        return dict(self.differences).get(Difference.UNEXPLAINED, 0)


def agreements(engine: Engine, place: Place, dataset: str, filters: Filters) -> tuple[Agreement, ...]:
    """Return how our estimates agree with those in `dataset`, by statistic; rows without a point count on no side.

    Raises:
        PlanError: there are no estimates of ours, or none of theirs.
    """
    periods = filters.periods or tuple(Period)
    rows = list(read_estimates(engine, place, filters).dicts())
    ours, facts = _keyed(rows), {_key(row): _facts(row) for row in rows}
    theirs: _Estimates = {}
    found = False
    for period in periods:
        name = names.statistics_view(Place(dataset, place.slug), period)
        try:
            result = engine.query(Sql(f"SELECT * FROM {table(name)}"), labels={"experiment": place.slug})
        except NotFound:
            continue
        found = True
        theirs |= _keyed(row | {"period": period.value} for row in result.dicts() if _wanted(row, filters))
    if not found:
        name = names.statistics_view(Place(dataset, place.slug), periods[0])
        raise PlanError(f"{place.slug}: dataset {dataset!r} has no table such as {name!r}; check --with and the slug")
    return tuple(_agreements(ours, theirs, facts))


def _wanted(row: Mapping[str, Value], filters: Filters) -> bool:
    return not filters.metrics or row.get("metric") in filters.metrics


def _keyed(rows: Iterable[Mapping[str, Value]]) -> _Estimates:
    found: _Estimates = {}
    for row in rows:
        numbers = (_number(row.get("point")), _number(row.get("lower")), _number(row.get("upper")))
        if numbers[0] is not None:
            found[_key(row)] = numbers
    return found


def _key(row: Mapping[str, Value]) -> _Key:
    return str(row["period"]), *(_text(row.get(name)) for name in _KEY)


def _facts(row: Mapping[str, Value]) -> OwnFacts:
    adjusted = row.get("adjusted")
    return OwnFacts(
        statistic=str(row["statistic"]),
        period=str(row["period"]),
        window=str(row["window_index"]),
        comparison=str(row.get("comparison") or ""),
        reason=str(row.get("reason") or ""),
        adjusted=None if adjusted is None else bool(adjusted),
    )


def _number(value: Value) -> float | None:
    return None if value is None else float(str(value))


def _text(value: Value) -> str:
    """Return what decides whether rows are of the same estimate; 0.50 and 0.5 are the same parameter."""
    if value is None:
        return ""
    try:
        return f"{float(str(value)):g}"
    except ValueError:
        return str(value)


def _agreements(ours: _Estimates, theirs: _Estimates, facts: Mapping[_Key, OwnFacts]) -> Iterator[Agreement]:
    for statistic in sorted({key[1] for key in (*ours, *theirs)}):
        own = {key for key in ours if key[1] == statistic}
        other = {key for key in theirs if key[1] == statistic}
        apart = {key: _apart(ours[key], theirs[key]) for key in sorted(own & other)}
        distances = {key: found.largest for key, found in apart.items()}
        farthest = max(distances, key=lambda key: distances[key], default=None)
        largest = 0.0 if farthest is None else distances[farthest]
        differing = (why_differs(facts[key], found) for key, found in apart.items() if found.largest > EQUAL)
        yield Agreement(
            statistic,
            equal=sum(distance <= EQUAL for distance in distances.values()),
            near=sum(EQUAL < distance <= NEAR for distance in distances.values()),
            far=sum(distance > NEAR for distance in distances.values()),
            largest=largest,
            farthest="" if farthest is None or largest <= EQUAL else " ".join(part for part in farthest if part),
            only_ours=len(own - other),
            only_theirs=len(other - own),
            differences=tuple(Counter(differing).most_common()),
        )


def _apart(ours: _Numbers, theirs: _Numbers) -> Apart:
    half = _half(theirs)
    scale = half or abs(theirs[0] or 0.0) or 1.0
    bounds = list(zip(ours[1:], theirs[1:], strict=True))
    lonely = [other is None for own, other in bounds if (own is None) != (other is None)]
    differences = [abs(own - other) / scale for own, other in bounds if own is not None and other is not None]
    return Apart(
        point=abs((ours[0] or 0.0) - (theirs[0] or 0.0)) / scale,  # rows without a point are on no side
        bounds=math.inf if lonely else max(differences, default=0.0),
        here_alone=bool(lonely) and all(lonely),
        width=_half(ours) / half if half else 0.0,
    )


def _half(numbers: _Numbers) -> float:
    """Return half the width of an interval; 0 where there is no interval."""
    _, lower, upper = numbers
    return max((upper - lower) / 2, 0.0) if lower is not None and upper is not None else 0.0
