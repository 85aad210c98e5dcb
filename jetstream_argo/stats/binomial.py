"""Which share of a branch's units is true, and how the branches' shares compare: Beta laws, exactly."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import betainc, betaincinv, ndtr

from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws import Floats, Z, difference_cdf, quantiles, ratio_cdf
from jetstream_argo.stats.moments import Successes
from jetstream_argo.stats.params import Binomial
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True)  # no slots: the nodes are computed once, when asked for
class BetaLaw:
    """The law Beta(a, b) of a share."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Its expectation."""
        return self.a / (self.a + self.b)

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        return sqrt(self.mean * (1 - self.mean) / (self.a + self.b + 1))

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z), each computed from the nearer end."""
        below = betaincinv(self.a, self.b, ndtr(Z))
        above = 1 - betaincinv(self.b, self.a, ndtr(-Z))
        return np.where(Z < 0, below, above)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`."""
        return np.asarray(betainc(self.a, self.b, np.clip(x, 0.0, 1.0)))


def binomial(params: Binomial, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's share, then for every pair the difference and the relative uplift.

    A branch's share has the law Beta(successes + 1, failures + 1), that of a uniform prior; the intervals are its
    central ones and those of the difference and the ratio of two independent shares, and the points expectations.
    A relative uplift has no expectation, and so no point, where no unit of the reference branch is true.

    Raises:
        EstimateError: the sample does not hold `Successes`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    tails = np.array([1 - params.confidence_interval, 1 + params.confidence_interval]) / 2
    branches = [(facts.branch, typed(facts, Successes) or Successes(0, 0)) for facts in sample.branches]
    laws = {name: BetaLaw(data.successes + 1.0, data.n - data.successes + 1.0) for name, data in branches if data.n}
    rows = []
    for name, data in branches:
        missing = _missing(data)
        interval = missing or _bounded(laws[name].mean, _own_bounds(laws[name], tails))
        rows.append(draft.of_branch(name, data.n, interval))
    for (reference_name, reference), (name, data) in ordered_pairs(branches):
        pair, n = (reference_name, name), reference.n + data.n
        missing = _missing(reference, data)
        difference = missing or _difference(laws[name], laws[reference_name], tails)
        uplift = missing or _relative_uplift(laws[name], laws[reference_name], tails)
        rows.append(draft.of_pair(pair, n, Comparison.DIFFERENCE, difference))
        rows.append(draft.of_pair(pair, n, Comparison.RELATIVE_UPLIFT, uplift))
    return tuple(rows)


def _missing(*branches: Successes) -> Interval | None:
    if any(branch.other for branch in branches):
        return Interval(reason=Reason.NOT_BINARY)
    if not all(branch.n for branch in branches):
        return Interval(reason=Reason.NO_UNITS)
    return None


def _bounded(point: float | None, bounds: Floats, reason: Reason | None = None) -> Interval:
    return Interval(point, float(bounds[0]), float(bounds[1]), reason)


def _own_bounds(law: BetaLaw, tails: Floats) -> Floats:
    return np.asarray(betaincinv(law.a, law.b, tails))


def _difference(law: BetaLaw, reference: BetaLaw, tails: Floats) -> Interval:
    point = law.mean - reference.mean
    bounds = quantiles(difference_cdf(law, reference), tails, mean=point, sd=sqrt(law.sd**2 + reference.sd**2))
    return _bounded(point, bounds)


def _relative_uplift(law: BetaLaw, reference: BetaLaw, tails: Floats) -> Interval:
    ratio = law.mean / reference.mean
    spread = sqrt((law.sd / law.mean) ** 2 + (reference.sd / reference.mean) ** 2)
    bounds = quantiles(ratio_cdf(law, reference), tails, mean=ratio, sd=ratio * spread) - 1
    if reference.a <= 1:  # E[1 / Beta(1, b)] is infinite
        return _bounded(None, bounds, Reason.INFINITE_EXPECTATION)
    reciprocal = (reference.a + reference.b - 1) / (reference.a - 1)
    return _bounded(law.mean * reciprocal - 1, bounds)
