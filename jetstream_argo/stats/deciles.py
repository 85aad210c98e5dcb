"""Where a branch's deciles are, and how the branches' deciles compare: laws of order statistics, exactly.

The bootstrap's q-quantile of n values is the order statistic of rank K, counted from 0, with K binomial of n - 1
trials and probability q. So its law has the order statistics as atoms and binomial weights; no resampling is needed.
"""

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws import Cdf, Floats, quantiles
from jetstream_argo.stats.params import DECILES, Deciles
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason, parameter_text
from jetstream_argo.stats.sufficient import OrderWindows, Sample, ValueCounts, rank_window

SPREAD = 8.0  # standard deviations of the rank; beyond there is less than 1e-15
EXACT_PAIRS = 20_000  # up to so many pairs of atoms a comparison's law is written out
CELLS = 256  # otherwise the reference's atoms are gathered in so many; the bounds move by less than 2e-4 deviations
POSSIBLE = 1e-5  # a reference that is 0 with a smaller probability is taken not to be
CLOSE = 1e-4  # standard deviations; neighbouring order statistics are farther apart
FEW = 30


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """A discrete law: distinct values, ascending, with their probabilities, and the sum of these before each value."""

    values: Floats
    weights: Floats
    before: Floats

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> "Atoms":
        """Return the law with these atoms, which are ascending and may repeat."""
        first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        merged = np.add.reduceat(weights, first)
        merged = merged / merged.sum()
        return cls(values[first], merged, _running(merged))

    @property
    def mean(self) -> float:
        """The expectation."""
        return float(self.weights @ self.values)

    @property
    def variance(self) -> float:
        """The variance."""
        return float(self.weights @ (self.values - self.mean) ** 2)

    def quantile(self, probability: float) -> float:
        """Return the smallest value that is not exceeded with at least this probability."""
        # The running sums are rounded; a bound that falls on one must not jump to the next atom.
        index = int(np.searchsorted(self.before[1:], probability - 1e-12))
        return float(self.values[min(index, len(self.values) - 1)])

    def cdf(self, x: Floats, *, side: str = "right") -> Floats:
        """Return the probability of at most `x`; of less than `x` when `side` is left."""
        return self.before[np.searchsorted(self.values, x, side="left" if side == "left" else "right")]

    def gathered(self) -> "Atoms":
        """Return at most `CELLS` atoms of about equal weight, each the mean of those it replaces."""
        if len(self.values) <= CELLS:
            return self
        cell = np.minimum((self.before[1:] - 0.5 * self.weights) * CELLS, CELLS - 1).astype(np.int64)
        cell = np.where(self.values < 0, cell, cell + CELLS)  # none reaches across 0: ratios need the sign
        first = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]])
        weights = np.add.reduceat(self.weights, first)
        values = np.add.reduceat(self.weights * self.values, first) / weights
        return Atoms(values, weights, _running(weights))


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
        for index, q in enumerate(DECILES):
            interval = _own(own[index], params.confidence_interval, one.n) if own else Interval(reason=Reason.NO_UNITS)
            rows.append(draft.of_branch(name, one.n, interval, parameter=parameter_text(q)))
    known: dict[tuple[str, str], list[tuple[Interval, Interval]]] = {}
    for (reference_name, reference_runs, reference), (name, one, own) in ordered_pairs(branches):
        pair, n = (reference_name, name), reference_runs.n + one.n
        before = known.get((name, reference_name))
        known[pair] = [
            _mirrored(law, base, before[index], params.confidence_interval)
            if before
            else _compared(law, base, params.confidence_interval)
            for index, (law, base) in enumerate(zip(own, reference, strict=False))
        ]
        for index, q in enumerate(DECILES):
            intervals = known[pair][index] if known[pair] else (Interval(reason=Reason.NO_UNITS),) * 2
            for comparison, interval in zip(Comparison, intervals, strict=True):
                marked = _marked(interval, min(reference_runs.n, one.n)) if known[pair] else interval
                rows.append(draft.of_pair(pair, n, comparison, marked, parameter=parameter_text(q)))
    return tuple(rows)


def _compared(law: Atoms, reference: Atoms, confidence: float) -> tuple[Interval, Interval]:
    return _difference(law, reference, confidence), _relative_uplift(law, reference, confidence)


def _mirrored(
    law: Atoms, reference: Atoms, before: tuple[Interval, Interval], confidence: float
) -> tuple[Interval, Interval]:
    """The comparison of `law` with `reference` from that the other way round."""
    difference, uplift = before
    if difference.point is None or difference.lower is None or difference.upper is None:
        return _compared(law, reference, confidence)
    difference = Interval(-difference.point, -difference.upper, -difference.lower)
    if not (law.values[0] > 0 and reference.values[0] > 0 and uplift.lower is not None and uplift.upper is not None):
        return difference, _relative_uplift(law, reference, confidence)
    point = law.mean * float(reference.weights @ (1 / reference.values)) - 1
    return difference, Interval(point, 1 / (1 + uplift.upper) - 1, 1 / (1 + uplift.lower) - 1)


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
    below = np.r_[0.0, np.cumsum(_rank_weights(runs.n - 1, probability, low, high))]
    return Atoms.of(runs.values[first:last], below[ends - low + 1] - below[starts - low])


def _rank_weights(trials: int, probability: float, low: int, high: int) -> Floats:
    """The binomial probabilities of the ranks, by their ratios, from the mode outwards: no term is lost to rounding."""
    odds = probability / (1 - probability)
    mode = min(max(floor((trials + 1) * probability), low), high)
    up, down = np.arange(mode, high), np.arange(mode, low, -1)
    above = np.cumprod((trials - up) / (up + 1) * odds)
    below = np.cumprod(down / (trials - down + 1) / odds)
    weights = np.r_[below[::-1], 1.0, above]
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


def _difference(law: Atoms, reference: Atoms, confidence: float) -> Interval:
    point = law.mean - reference.mean
    if len(law.values) * len(reference.values) <= EXACT_PAIRS:
        return Interval(point, *_exact(law, reference, np.subtract, confidence))
    cells = reference.gathered()

    def cdf(t: Floats) -> Floats:
        return law.cdf(t[..., None] + cells.values) @ cells.weights

    return Interval(point, *_bounds(cdf, confidence, point, sqrt(law.variance + reference.variance)))


def _relative_uplift(law: Atoms, reference: Atoms, confidence: float) -> Interval:
    nonzero = reference.values != 0
    if reference.weights[~nonzero].sum() > POSSIBLE:
        return Interval(reason=Reason.ZERO_REFERENCE)
    if not nonzero.all():
        reference = Atoms.of(reference.values[nonzero], reference.weights[nonzero])
    point = law.mean * float(reference.weights @ (1 / reference.values)) - 1
    if len(law.values) * len(reference.values) <= EXACT_PAIRS:
        lower, upper = _exact(law, reference, np.divide, confidence)
        return Interval(point, lower - 1, upper - 1)
    cells = reference.gathered()
    positive = cells.values > 0

    def cdf(r: Floats) -> Floats:
        limit = r[..., None] * cells.values
        # Dividing by a negative value turns the inequality round.
        if positive.all():
            return law.cdf(limit) @ cells.weights
        return np.where(positive, law.cdf(limit), 1 - law.cdf(limit, side="left")) @ cells.weights

    middle, ratio = reference.quantile(0.5), law.mean / reference.quantile(0.5)
    lower, upper = _bounds(cdf, confidence, ratio, sqrt(law.variance + ratio**2 * reference.variance) / abs(middle))
    return Interval(point, lower - 1, upper - 1)


def _exact(law: Atoms, reference: Atoms, operation: np.ufunc, confidence: float) -> tuple[float, float]:
    values = operation.outer(law.values, reference.values).ravel()
    weights = np.multiply.outer(law.weights, reference.weights).ravel()
    order = np.argsort(values, kind="stable")
    both = Atoms.of(values[order], weights[order])
    return both.quantile((1 - confidence) / 2), both.quantile((1 + confidence) / 2)


def _bounds(cdf: Cdf, confidence: float, start: float, sd: float) -> tuple[float, float]:
    if sd == 0:
        return start, start
    tails = np.array([1 - confidence, 1 + confidence]) / 2
    lower, upper = quantiles(cdf, tails, mean=start, sd=sd, close=CLOSE)
    return float(lower), float(upper)
