"""Where a branch's deciles are, and how the branches' deciles compare: laws of order statistics, exactly.

The bootstrap's q-quantile of n values is the order statistic of rank K, counted from 0, with K binomial of n - 1
trials and probability q. So its law has the order statistics as atoms and binomial weights; no resampling is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import floor, hypot, sqrt
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws import Cdf, Floats, quantiles
from jetstream_argo.stats.params import DECILES, Deciles
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason, parameter_text
from jetstream_argo.stats.sufficient import OrderWindows, Sample, ValueCounts, rank_window

SPREAD = 8.0  # standard deviations of the rank; beyond there is less than 1e-15
EXACT_PAIRS = 20_000  # up to so many pairs of atoms a comparison's law is written out
# Otherwise the reference's atoms are gathered in cells a tenth of a standard deviation wide, each of which becomes two
# atoms with its weight, mean and variance. That moves the bounds by about a thousandth of a standard deviation, where
# 10,000 random draws move them by 0.03.
EDGES: Floats = ndtr(np.arange(-6.0, 6.01, 0.1))
CELLS = 2 * (len(EDGES) + 2)
POSSIBLE = 1e-5  # a reference that is 0 with a smaller probability is taken not to be
CLOSE = 1e-4  # standard deviations; neighbouring order statistics are farther apart
FEW = 30
PARAMETERS = tuple(map(parameter_text, DECILES))


@dataclass(frozen=True, eq=False)  # no slots: what follows from the atoms is computed once, when asked for
class Atoms:
    """A discrete law: distinct values, ascending, with their probabilities, and the sum of these before each value."""

    values: Floats
    weights: Floats
    before: Floats

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> "Atoms":
        """Return the law with these atoms, which are ascending and may repeat."""
        differs = values[1:] != values[:-1]
        if differs.all():
            merged = weights / weights.sum()
            return cls(values, merged, _running(merged))
        first = np.concatenate([[0], np.flatnonzero(differs) + 1])
        merged = np.add.reduceat(weights, first)
        merged = merged / merged.sum()
        return cls(values[first], merged, _running(merged))

    @cached_property
    def mean(self) -> float:
        """The expectation."""
        return float(self.weights @ self.values)

    @cached_property
    def sd(self) -> float:
        """The standard deviation."""
        apart = self.values - self.mean
        size = float(np.abs(apart).max()) or 1.0  # the squares of very small ones are no floats
        return size * sqrt(self.weights @ (apart / size) ** 2)

    def quantile(self, probability: float) -> float:
        """Return the smallest value that is not exceeded with at least this probability."""
        # The running sums are rounded; a bound that falls on one must not jump to the next atom.
        index = int(np.searchsorted(self.before[1:], probability - 1e-12))
        return float(self.values[min(index, len(self.values) - 1)])

    def cdf(self, x: Floats, *, side: str = "right") -> Floats:
        """Return the probability of at most `x`; of less than `x` when `side` is left."""
        return self.before[np.searchsorted(self.values, x, side="left" if side == "left" else "right")]

    @cached_property
    def gathered(self) -> "Atoms":
        """At most `CELLS` atoms, in which the law's weight is nearly where it was; of few atoms themselves."""
        if len(self.values) <= CELLS:
            return self
        # None reaches across 0: ratios need the sign.
        cuts = [*np.searchsorted(self.before[1:], EDGES).tolist(), 0, int(np.searchsorted(self.values, 0.0))]
        first = np.unique([cut for cut in cuts if cut < len(self.values)])
        last = np.append(first[1:], len(self.values)) - 1
        weights = np.add.reduceat(self.weights, first)
        size = self.sd
        apart = (self.values - self.mean) / size
        middle = np.add.reduceat(self.weights * apart, first) / weights
        square = np.add.reduceat(self.weights * apart * apart, first) / weights
        spread = np.sqrt(np.maximum(square - middle * middle, 0.0))
        values = np.column_stack([middle - spread, middle + spread]) * size + self.mean
        values = np.clip(values, self.values[first, None], self.values[last, None]).ravel()
        halves = np.repeat(0.5 * weights, 2)
        return Atoms(values, halves, _running(halves))


def _running(weights: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(weights)])


def deciles(params: Deciles, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return the nine deciles of each branch, then for every pair and decile the difference and the relative uplift.

    Points are expectations of the laws, bounds their central quantiles: order statistics, or differences and ratios
    of such. With one unit there are points only. A relative uplift is missing where the reference's decile can be 0.

    Raises:
        EstimateError: the sample holds neither `OrderWindows` nor `ValueCounts`, or windows that do not reach far
            enough.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    runs = [_runs(typed(facts, OrderWindows, ValueCounts)) for facts in sample.branches]
    laws = [[order_statistic_law(one, q) for q in DECILES] if one.n else [] for one in runs]
    branches = list(zip((facts.branch for facts in sample.branches), runs, laws, strict=True))
    rows = []
    for name, one, own in branches:
        for index in range(len(DECILES)):
            interval = _own(own[index], params.confidence_interval, one.n) if own else Interval(reason=Reason.NO_UNITS)
            rows.append(draft.of_branch(name, one.n, interval, parameter=PARAMETERS[index]))
    known = _comparisons({name: own for name, _, own in branches if own}, params.confidence_interval)
    for (reference_name, reference_runs, _), (name, one, _) in ordered_pairs(branches):
        pair, n = (reference_name, name), reference_runs.n + one.n
        for index in range(len(DECILES)):
            intervals = known[pair][index] if pair in known else (Interval(reason=Reason.NO_UNITS),) * 2
            for comparison, interval in zip(Comparison, intervals, strict=True):
                marked = _marked(interval, min(reference_runs.n, one.n)) if pair in known else interval
                rows.append(draft.of_pair(pair, n, comparison, marked, parameter=PARAMETERS[index]))
    return tuple(rows)


_Compared: TypeAlias = tuple[Interval, Interval]  # difference and relative uplift


def _comparisons(branches: Mapping[str, list[Atoms]], confidence: float) -> dict[tuple[str, str], list[_Compared]]:
    """Every (reference, branch) with the comparisons of their deciles; each two branches are compared once."""
    asked = {
        pair: [
            (_difference(law, base), _relative_uplift(law, base))
            for law, base in zip(branches[pair[1]], branches[pair[0]], strict=True)
        ]
        for pair in combinations(branches, 2)
    }
    answers = iter(_bounded([one for of_pair in asked.values() for both in of_pair for one in both], confidence))
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
    again = iter(_bounded([uplift for each in backwards.values() for _, uplift in each], confidence))
    for pair, of_back in backwards.items():
        found[pair] = [(difference.interval, next(again)) for difference, _ in of_back]
    return found


def _mirrored(law: Atoms, reference: Atoms, there: _Compared) -> tuple["_Asked", "_Asked"]:
    """The comparison of `law` with `reference` from that the other way round."""
    difference, uplift = there
    if difference.point is None or difference.lower is None or difference.upper is None:
        raise TypeError("differences of deciles always have bounds")
    back = _Asked(Interval(-difference.point, -difference.upper, -difference.lower))
    if not (law.values[0] > 0 and reference.values[0] > 0 and uplift.lower is not None and uplift.upper is not None):
        return back, _relative_uplift(law, reference)
    point = law.mean * float(reference.weights @ (1 / reference.values)) - 1
    return back, _Asked(Interval(point, 1 / (1 + uplift.upper) - 1, 1 / (1 + uplift.lower) - 1))


def order_statistic_law(runs: OrderWindows, probability: float) -> Atoms:
    """Return the law of the order statistic whose rank is binomial of `n - 1` trials.

    Raises:
        EstimateError: a rank that the law needs is not in the windows.

    Source:
        Schultzberg and Ankargren (2022), arXiv:2202.10992.
    """
    low, high = rank_window(runs.n, probability, SPREAD)
    first = int(np.searchsorted(runs.last_rank, low))
    last = int(np.searchsorted(runs.first_rank, high, side="right"))
    starts = np.maximum(runs.first_rank[first:last], low)
    ends = np.minimum(runs.last_rank[first:last], high)
    if int((ends - starts + 1).sum()) != high - low + 1:
        raise EstimateError("wrong_data", f"needs the values of ranks {low} to {high} for the quantile {probability}")
    weights = _rank_weights(runs.n - 1, probability, low, high)
    if len(starts) == len(weights):  # no ties
        return Atoms.of(runs.values[first:last], weights)
    below = _running(weights)
    return Atoms.of(runs.values[first:last], below[ends - low + 1] - below[starts - low])


def _rank_weights(trials: int, probability: float, low: int, high: int) -> Floats:
    """The binomial probabilities of the ranks, by their ratios, from the mode outwards: no term is lost to rounding."""
    odds = probability / (1 - probability)
    mode = min(max(floor((trials + 1) * probability), low), high)
    up, down = np.arange(mode, high), np.arange(mode, low, -1)
    above = np.cumprod((trials - up) / (up + 1) * odds)
    below = np.cumprod(down / (trials - down + 1) / odds)
    weights = np.concatenate([below[::-1], [1.0], above])
    return np.asarray(weights / weights.sum())


def _runs(data: OrderWindows | ValueCounts | None) -> OrderWindows:
    if isinstance(data, OrderWindows):
        return data
    if data is None:
        return OrderWindows(0, np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    after = np.cumsum(data.counts)
    return OrderWindows(data.n, data.values, after - data.counts, after - 1)


def _own(law: Atoms, confidence: float, n: int) -> Interval:
    lower, upper = law.quantile((1 - confidence) / 2), law.quantile((1 + confidence) / 2)
    return _marked(Interval(law.mean, lower, upper), n)


def _marked(interval: Interval, n: int) -> Interval:
    if n == 1:
        return Interval(interval.point, reason=interval.reason or Reason.TOO_FEW_UNITS)
    if n < FEW and interval.reason is None:
        return Interval(interval.point, interval.lower, interval.upper, Reason.FEW_UNITS)
    return interval


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comparison to be: its interval, and the laws whose difference or ratio has its bounds, if these are missing."""

    interval: Interval
    law: Atoms | None = None
    reference: Atoms | None = None
    ratio: bool = False


def _difference(law: Atoms, reference: Atoms) -> _Asked:
    return _Asked(Interval(law.mean - reference.mean), law, reference)


def _relative_uplift(law: Atoms, reference: Atoms) -> _Asked:
    nonzero = reference.values != 0
    if reference.weights[~nonzero].sum() > POSSIBLE:
        return _Asked(Interval(reason=Reason.ZERO_REFERENCE))
    if not nonzero.all():
        reference = Atoms.of(reference.values[nonzero], reference.weights[nonzero])
    return _Asked(
        Interval(law.mean * float(reference.weights @ (1 / reference.values)) - 1), law, reference, ratio=True
    )


def _bounded(asked: Sequence[_Asked], confidence: float) -> list[Interval]:
    """The intervals with their bounds; those that no short list of atoms gives are searched for together."""
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    bounds: dict[int, tuple[float, float]] = {}
    searched: dict[int, _Search] = {}
    for index, one in enumerate(asked):
        if one.law is None or one.reference is None:
            continue
        if len(one.law.values) * len(one.reference.values) <= EXACT_PAIRS:
            bounds[index] = _exact(one.law, one.reference, np.divide if one.ratio else np.subtract, tails)
        else:
            searched[index] = _Search.of(one.law, one.reference, ratio=one.ratio)
    bounds |= zip(searched, _found(list(searched.values()), tails), strict=True)
    return [
        replace(one.interval, lower=bounds[index][0] - one.ratio, upper=bounds[index][1] - one.ratio)
        if index in bounds
        else one.interval
        for index, one in enumerate(asked)
    ]


def _exact(law: Atoms, reference: Atoms, operation: np.ufunc, tails: Floats) -> tuple[float, float]:
    values = operation.outer(law.values, reference.values).ravel()
    order = np.argsort(values)
    running = np.cumsum(np.multiply.outer(law.weights, reference.weights).ravel()[order])
    # As in `Atoms.quantile`.
    places = np.minimum(np.searchsorted(running, tails - 1e-12), len(values) - 1)
    lower, upper = values[order[places]].tolist()
    return lower, upper


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A difference or a ratio whose bounds are searched for: about where, how wide, and its distribution function."""

    mean: float
    sd: float
    cdf: Cdf

    @classmethod
    def of(cls, law: Atoms, reference: Atoms, *, ratio: bool) -> "_Search":
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
    mean, sd = (np.array([[getattr(one, name)] for one in searches]) for name in ("mean", "sd"))
    known_at, known = np.full((len(searches), 2), np.nan), np.zeros((len(searches), 2))

    def cdf(t: Floats) -> Floats:
        for index in np.flatnonzero((t != known_at).any(axis=1)).tolist():
            known[index], known_at[index] = searches[index].cdf(t[index]), t[index]
        return known.copy()

    every = np.broadcast_to(tails, known.shape)
    return [(lower, upper) for lower, upper in quantiles(cdf, every, mean=mean, sd=sd, close=CLOSE).tolist()]
