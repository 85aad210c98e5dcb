"""Quantiles of branches and how they compare, by the laws of their order statistics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import hypot
from typing import TypeAlias

import numpy as np

from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.continuous import Cdf, Floats, quantiles
from jetstream_argo.stats.laws.order_statistics import DiscreteLaw, order_statistic_law
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason, parameter_text
from jetstream_argo.stats.sufficient import BranchFacts, OrderWindows, Sample, ValueCounts

# Up to so many pairs of values a comparison's law is written out; of more, the reference's values are gathered.
EXACT_PAIRS = 20_000
POSSIBLE = 1e-5  # a reference that is 0 with a smaller probability is taken not to be
CLOSE = 1e-4  # standard deviations; neighbouring order statistics are farther apart
FEW = 30  # units below which the bootstrap's intervals cover too rarely


@dataclass(frozen=True, slots=True)
class _Branch:
    """A branch: its units with a value, and the laws of its quantiles; none without units."""

    name: str
    n: int
    laws: tuple[DiscreteLaw, ...]

    @classmethod
    def of(cls, facts: BranchFacts, probabilities: Sequence[float]) -> "_Branch":
        """Return what is known of the branch."""
        windows = _order_windows(typed(facts, OrderWindows, ValueCounts))
        laws = (order_statistic_law(windows, probability) for probability in probabilities) if windows.n else ()
        return cls(facts.branch, windows.n, tuple(laws))


def quantile_rows(draft: Draft, sample: Sample, probabilities: Sequence[float]) -> Iterator[EstimateRow]:
    """Yield the quantiles of each branch, then for every pair and quantile the difference and the relative uplift.

    Points are expectations of the laws, bounds their central quantiles: order statistics, or differences and ratios
    of such. With one unit there are points only. A relative uplift is missing where the reference's quantile can be 0.
    `parameter` is the quantile's probability.

    Raises:
        EstimateError: the sample holds neither `OrderWindows` nor `ValueCounts`, or windows that do not reach far
            enough.
    """
    confidence = draft.confidence or 0.95
    branches = [_Branch.of(facts, probabilities) for facts in sample.branches]
    parameters = tuple(map(parameter_text, probabilities))
    missing = Interval(reason=Reason.NO_UNITS)
    for branch in branches:
        own = [_own(law, confidence, branch.n) for law in branch.laws] or [missing] * len(parameters)
        for parameter, interval in zip(parameters, own, strict=True):
            yield draft.of_branch(branch.name, branch.n, interval, parameter=parameter)
    known = _comparisons({branch.name: branch.laws for branch in branches if branch.laws}, confidence)
    for reference, branch in ordered_pairs(branches):
        pair, n = (reference.name, branch.name), reference.n + branch.n
        compared = known.get(pair, [(missing, missing)] * len(parameters))
        for parameter, intervals in zip(parameters, compared, strict=True):
            for comparison, interval in zip(Comparison, intervals, strict=True):
                marked = _marked(interval, min(reference.n, branch.n)) if pair in known else interval
                yield draft.of_pair(pair, n, comparison, marked, parameter=parameter)


_Compared: TypeAlias = tuple[Interval, Interval]  # difference and relative uplift


def _comparisons(
    branches: Mapping[str, Sequence[DiscreteLaw]], confidence: float
) -> dict[tuple[str, str], list[_Compared]]:
    """Every (reference, branch) with the comparisons of their quantiles; each two branches are compared once."""
    asked = {
        pair: [
            (_difference(law, base), _relative_uplift(law, base))
            for law, base in zip(branches[pair[1]], branches[pair[0]], strict=True)
        ]
        for pair in combinations(branches, 2)
    }
    answers = iter(
        _bounded([comparison for of_pair in asked.values() for both in of_pair for comparison in both], confidence)
    )
    found: dict[tuple[str, str], list[_Compared]] = {}
    for (reference, branch), of_pair in asked.items():
        found[reference, branch] = [(next(answers), next(answers)) for _ in of_pair]
    backwards = {
        (branch, reference): [
            _mirrored(law, base, there)
            for law, base, there in zip(branches[reference], branches[branch], of_pair, strict=True)
        ]
        for (reference, branch), of_pair in found.items()
    }
    again = iter(_bounded([uplift for of_pair in backwards.values() for _, uplift in of_pair], confidence))
    for pair, of_back in backwards.items():
        found[pair] = [(difference.interval, next(again)) for difference, _ in of_back]
    return found


def _mirrored(
    law: DiscreteLaw, reference: DiscreteLaw, there: _Compared
) -> tuple["_PendingQuantile", "_PendingQuantile"]:
    """The comparison of `law` with `reference` from that the other way round."""
    difference, uplift = there
    if difference.point is None or difference.lower is None or difference.upper is None:
        raise TypeError("differences of quantiles always have bounds")
    back = _PendingQuantile(Interval(-difference.point, -difference.upper, -difference.lower))
    if not (law.values[0] > 0 and reference.values[0] > 0 and uplift.lower is not None and uplift.upper is not None):
        return back, _relative_uplift(law, reference)
    point = law.mean * float(reference.weights @ (1 / reference.values)) - 1
    return back, _PendingQuantile(Interval(point, 1 / (1 + uplift.upper) - 1, 1 / (1 + uplift.lower) - 1))


def _order_windows(data: OrderWindows | ValueCounts | None) -> OrderWindows:
    if isinstance(data, OrderWindows):
        return data
    if data is None:
        return OrderWindows(0, np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    after = np.cumsum(data.counts)
    return OrderWindows(data.n, data.values, after - data.counts, after - 1)


def _own(law: DiscreteLaw, confidence: float, n: int) -> Interval:
    lower, upper = law.quantile((1 - confidence) / 2), law.quantile((1 + confidence) / 2)
    return _marked(Interval(law.mean, lower, upper), n)


def _marked(interval: Interval, n: int) -> Interval:
    if n == 1:
        return Interval(interval.point, reason=interval.reason or Reason.TOO_FEW_UNITS)
    if n < FEW and interval.reason is None:
        return Interval(interval.point, interval.lower, interval.upper, Reason.FEW_UNITS)
    return interval


@dataclass(frozen=True, slots=True)
class _PendingQuantile:
    """A comparison to be: its interval, and the laws whose difference or ratio has its bounds, if these are missing."""

    interval: Interval
    law: DiscreteLaw | None = None
    reference: DiscreteLaw | None = None
    ratio: bool = False


def _difference(law: DiscreteLaw, reference: DiscreteLaw) -> _PendingQuantile:
    return _PendingQuantile(Interval(law.mean - reference.mean), law, reference)


def _relative_uplift(law: DiscreteLaw, reference: DiscreteLaw) -> _PendingQuantile:
    nonzero = reference.values != 0
    if reference.weights[~nonzero].sum() > POSSIBLE:
        return _PendingQuantile(Interval(reason=Reason.ZERO_REFERENCE))
    if not nonzero.all():
        reference = DiscreteLaw.of(reference.values[nonzero], reference.weights[nonzero])
    return _PendingQuantile(
        Interval(law.mean * float(reference.weights @ (1 / reference.values)) - 1), law, reference, ratio=True
    )


def _bounded(asked: Sequence[_PendingQuantile], confidence: float) -> list[Interval]:
    """The intervals with their bounds; those that no short list of values gives are searched for together."""
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    bounds: dict[int, tuple[float, float]] = {}
    searched: dict[int, _Search] = {}
    for index, comparison in enumerate(asked):
        if comparison.law is None or comparison.reference is None:
            continue
        if len(comparison.law.values) * len(comparison.reference.values) <= EXACT_PAIRS:
            bounds[index] = _exact(
                comparison.law, comparison.reference, np.divide if comparison.ratio else np.subtract, tails
            )
        else:
            searched[index] = _Search.of(comparison.law, comparison.reference, ratio=comparison.ratio)
    bounds |= zip(searched, _found(list(searched.values()), tails), strict=True)
    return [
        replace(
            comparison.interval, lower=bounds[index][0] - comparison.ratio, upper=bounds[index][1] - comparison.ratio
        )
        if index in bounds
        else comparison.interval
        for index, comparison in enumerate(asked)
    ]


def _exact(law: DiscreteLaw, reference: DiscreteLaw, operation: np.ufunc, tails: Floats) -> tuple[float, float]:
    values = operation.outer(law.values, reference.values).ravel()
    order = np.argsort(values)
    running = np.cumsum(np.multiply.outer(law.weights, reference.weights).ravel()[order])
    # As in `DiscreteLaw.quantile`.
    found = np.minimum(np.searchsorted(running, tails - 1e-12), len(values) - 1)
    lower, upper = values[order[found]].tolist()
    return lower, upper


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A difference or a ratio whose bounds are searched for: about where, how wide, and its distribution function."""

    mean: float
    sd: float
    cdf: Cdf

    @classmethod
    def of(cls, law: DiscreteLaw, reference: DiscreteLaw, *, ratio: bool) -> "_Search":
        cells = reference.gathered
        if not ratio:
            sd = hypot(law.sd, reference.sd)
            return cls(law.mean - reference.mean, sd, lambda t: law.cdf(t[:, None] + cells.values) @ cells.weights)
        positive = cells.values > 0

        def cdf(r: Floats) -> Floats:
            limit = r[:, None] * cells.values
            # Dividing by a negative value turns the inequality round.
            if positive.all():
                return law.cdf(limit) @ cells.weights
            return np.where(positive, law.cdf(limit), 1 - law.cdf(limit, side="left")) @ cells.weights

        middle = reference.quantile(0.5)
        mean = law.mean / middle
        return cls(mean, hypot(law.sd, mean * reference.sd) / abs(middle), cdf)


def _found(searches: Sequence[_Search], tails: Floats) -> list[tuple[float, float]]:
    if not searches:
        return []
    mean, sd = (np.array([[getattr(search, name)] for search in searches]) for name in ("mean", "sd"))
    known_at, known = np.full((len(searches), 2), np.nan), np.zeros((len(searches), 2))

    def cdf(t: Floats) -> Floats:
        for index in np.flatnonzero((t != known_at).any(axis=1)).tolist():
            known[index], known_at[index] = searches[index].cdf(t[index]), t[index]
        return known.copy()

    levels = np.broadcast_to(tails, known.shape)
    return [(lower, upper) for lower, upper in quantiles(cdf, levels, mean=mean, sd=sd, close=CLOSE).tolist()]
