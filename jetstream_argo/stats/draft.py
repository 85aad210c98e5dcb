"""The steps that all statistics share: taking their data from a sample, in order, and putting numbers into rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import permutations
from math import isfinite
from operator import attrgetter
from typing import TypeVar, overload

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts

T = TypeVar("T")
U = TypeVar("U")


@overload
def typed(facts: BranchFacts, kind: type[T], /) -> T | None: ...
@overload
def typed(facts: BranchFacts, kind: type[T], other: type[U], /) -> T | U | None: ...
def typed(facts: BranchFacts, *kinds: type[object]) -> object:
    """Return the branch's data as one of `kinds`, or None for a branch without rows.

    Raises:
        EstimateError: the data are of another kind, or there are rows and no data.
    """
    if isinstance(facts.data, kinds):
        return facts.data
    if facts.data is None and facts.n_rows == facts.n_null + facts.n_nonfinite:
        return None
    wanted = " or ".join(kind.__name__ for kind in kinds)
    raise EstimateError("wrong_data", f"branch {facts.branch!r}: needs {wanted}, has {type(facts.data).__name__}")


def ordered_pairs(items: Sequence[T]) -> Iterator[tuple[T, T]]:
    """Yield every (reference, branch), references in order, and for each the other branches in order."""
    return permutations(items, 2)


@dataclass(frozen=True, slots=True)
class Interval:
    """A point with its bounds; None, with a reason, where there is no such number. `EstimateRow` tells the rest."""

    point: float | None = None
    lower: float | None = None
    upper: float | None = None
    reason: Reason | None = None
    p_value: float | None = None
    std_error: float | None = None
    variance_reduction: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = None
    adjusted_mean: float | None = None
    adjusted_reference_mean: float | None = None

    def checked(self) -> "Interval":
        """Return the same with infinite and NaN numbers replaced by None, which is then put down to overflow."""
        numbers = _numbers_of(self)
        if all(value is None or isfinite(value) for value in numbers):
            return self
        finite = (value if value is not None and isfinite(value) else None for value in numbers)
        return replace(self, **dict(zip(_NUMBERS, finite, strict=True)), reason=self.reason or Reason.OVERFLOW)


_FIELDS = tuple(field.name for field in fields(Interval))  # each is one of an `EstimateRow`, too
_NUMBERS = tuple(name for name in _FIELDS if name != "reason")
_values_of, _numbers_of = attrgetter(*_FIELDS), attrgetter(*_NUMBERS)


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rows of one statistic have in common."""

    metric: str
    statistic: str
    confidence: float | None

    def of_branch(self, branch: str, n: int, interval: Interval, *, parameter: Decimal | None = None) -> EstimateRow:
        """Return the row of one branch."""
        return self._row((None, branch), n, None, interval, parameter)

    def of_points(
        self, branch: str, n: int, points: Iterable[tuple[Decimal, float]], *, reason: Reason | None
    ) -> Iterator[EstimateRow]:
        """Yield the rows of many parameters of one branch, of which only points are known, which are finite."""
        metric, statistic, confidence = self.metric, self.statistic, self.confidence
        for parameter, point in points:
            yield EstimateRow(
                metric=metric,
                statistic=statistic,
                parameter=parameter,
                branch=branch,
                ci_width=confidence,
                point=point,
                n_units=n,
                reason=reason,
            )

    def of_pair(
        self,
        pair: tuple[str, str],
        n: int,
        comparison: Comparison,
        interval: Interval,
        *,
        parameter: Decimal | None = None,
    ) -> EstimateRow:
        """Return the row that compares the second of `pair` with the first, the reference."""
        return self._row(pair, n, comparison, interval, parameter)

    def _row(
        self,
        pair: tuple[str | None, str],
        n: int,
        comparison: Comparison | None,
        interval: Interval,
        parameter: Decimal | None,
    ) -> EstimateRow:
        known = interval.checked()
        return EstimateRow(
            metric=self.metric,
            statistic=self.statistic,
            parameter=parameter,
            branch=pair[1],
            comparison=comparison,
            comparison_to_branch=pair[0],
            ci_width=self.confidence,
            n_units=n,
            **dict(zip(_FIELDS, _values_of(known), strict=True)),
        )
