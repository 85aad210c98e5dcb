"""Which share of a branch's units is true, and how the branches' shares compare: Beta laws, exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import sqrt
from typing import TypeAlias

import numpy as np
from scipy.special import betainc, betaincinv, ndtr

from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.bounds import Question, bounds, wins
from jetstream_argo.stats.laws.continuous import Floats, Z, against_zero, difference_cdf, quantiles, ratio_cdf
from jetstream_argo.stats.laws.cumulants import (
    ORDER,
    CumulantLaw,
    cumulants_from_moments,
    probability_below,
    standardised,
)
from jetstream_argo.stats.methods.bootstrap_mean import with_chance
from jetstream_argo.stats.moments import HIGHEST_POWER, Successes
from jetstream_argo.stats.params import Binomial
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample

SAME = 1e-7  # a probability that two more cumulants move by less is right to about 1e-6 standard deviations
TAILS: Floats = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])  # normal scores


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

    @cached_property
    def by_cumulants(self) -> CumulantLaw | None:
        """The same law by its cumulants, which is faster; None where it is too skew for them."""
        m, size = self.mean, self.a + self.b
        central = [1.0, 0.0]
        for r in range(1, HIGHEST_POWER):
            central.append(r / (size + r) * ((1 - 2 * m) * central[r] + m * (1 - m) * central[r - 1]))
        shape = standardised(np.array(cumulants_from_moments(central)))
        lower, higher = (probability_below(TAILS, shape, order=order) for order in (ORDER, HIGHEST_POWER))
        return CumulantLaw(m, self.sd, shape, 0.0, 1.0) if np.all(np.abs(lower - higher) < SAME) else None


def binomial(params: Binomial, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's share, then for every pair the difference and the relative uplift.

    A branch's share has the law Beta(successes + 1, failures + 1), that of a uniform prior; the intervals are its
    central ones and those of the difference and the ratio of two independent shares, and the points expectations.
    A relative uplift has no expectation, and so no point, where no unit of the reference branch is true. The p-value
    is that of the z test of two proportions with a pooled variance, and knows no prior.

    Raises:
        EstimateError: the sample does not hold `Successes`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    tails = np.array([1 - params.confidence_interval, 1 + params.confidence_interval]) / 2
    shares = [_Share.of(facts.branch, typed(facts, Successes) or Successes(0, 0)) for facts in sample.branches]
    rows = [draft.of_branch(one.name, one.data.n, one.interval(tails)) for one in shares]
    pairs = list(ordered_pairs(shares))
    for (reference, one), (difference, uplift) in zip(pairs, _compared(pairs, tails), strict=True):
        names, n = (reference.name, one.name), reference.data.n + one.data.n
        rows.append(draft.of_pair(names, n, Comparison.DIFFERENCE, difference))
        rows.append(draft.of_pair(names, n, Comparison.RELATIVE_UPLIFT, uplift))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Share:
    """A branch; `missing` says why its share has no law, if it has none."""

    name: str
    data: Successes
    law: BetaLaw
    missing: Reason | None

    @classmethod
    def of(cls, name: str, data: Successes) -> "_Share":
        law = BetaLaw(data.successes + 1.0, data.n - data.successes + 1.0)
        missing = Reason.NOT_BINARY if data.other else Reason.NO_UNITS if not data.n else None
        return cls(name, data, law, missing)

    def interval(self, tails: Floats) -> Interval:
        """The share itself."""
        if self.missing is not None:
            return Interval(reason=self.missing)
        lower, upper = betaincinv(self.law.a, self.law.b, tails)
        return Interval(self.law.mean, float(lower), float(upper), std_error=self.law.sd)


_Pair: TypeAlias = tuple[_Share, _Share]


def _compared(pairs: Sequence[_Pair], tails: Floats) -> Iterator[tuple[Interval, Interval]]:
    """Yield the difference and the relative uplift of each pair; those that cumulants describe are solved together."""
    together = []
    for reference, one in pairs:
        law, base = one.law.by_cumulants, reference.law.by_cumulants
        if law is not None and base is not None and _by_cumulants(reference, one):
            together.append((Question(law, base), Question(law, base, ratio=True)))
    solved = iter(bounds([question for both in together for question in both], tails))
    won = iter(wins([difference for difference, _ in together]))
    for reference, one in pairs:
        missing = reference.missing or one.missing
        if missing is not None:
            both = Reason.NOT_BINARY if Reason.NOT_BINARY in (reference.missing, one.missing) else missing
            yield Interval(reason=both), Interval(reason=both)
        elif _by_cumulants(reference, one):
            yield _intervals(reference, one, (next(solved), next(solved)), next(won))
        else:
            yield _intervals(reference, one, *_by_integration(one.law, reference.law, tails))


def _by_cumulants(reference: _Share, one: _Share) -> bool:
    if reference.missing or one.missing:
        return False
    return reference.law.by_cumulants is not None and one.law.by_cumulants is not None


def _by_integration(
    law: BetaLaw, reference: BetaLaw, tails: Floats
) -> tuple[tuple[Floats, Floats], tuple[float, float]]:
    point, sd = law.mean - reference.mean, sqrt(law.sd**2 + reference.sd**2)
    ratio = law.mean / reference.mean
    spread = ratio * sqrt((law.sd / law.mean) ** 2 + (reference.sd / reference.mean) ** 2)
    cdf = difference_cdf(law, reference)
    difference = quantiles(cdf, tails, mean=point, sd=sd)
    uplift = quantiles(ratio_cdf(law, reference), tails, mean=ratio, sd=spread)
    chance, loss = against_zero(cdf, mean=np.array([[point]]), sd=np.array([[sd]]))
    return (difference, uplift), (float(chance[0]), float(loss[0]))


def _intervals(
    reference: _Share, one: _Share, solved: tuple[Floats, Floats], won: tuple[float, float]
) -> tuple[Interval, Interval]:
    law, base = one.law, reference.law
    lower, upper = (float(bound) for bound in solved[0])
    found = with_chance(Interval(law.mean - base.mean, lower, upper), *won, std_error=sqrt(law.sd**2 + base.sd**2))
    difference = replace(found, p_value=_p_value(reference.data, one.data))
    lower, upper = (float(bound) - 1 for bound in solved[1])
    if base.a <= 1:  # E[1 / Beta(1, b)] is infinite
        return difference, Interval(None, lower, upper, Reason.INFINITE_EXPECTATION)
    reciprocal = (base.a + base.b - 1) / (base.a - 1)
    return difference, Interval(law.mean * reciprocal - 1, lower, upper)


def _p_value(reference: Successes, one: Successes) -> float:
    """The two-sided z test of equal proportions, without correction (Pearson's chi-square of the 2 x 2 table)."""
    pooled = (reference.successes + one.successes) / (reference.n + one.n)
    error = sqrt(pooled * (1 - pooled) * (1 / reference.n + 1 / one.n))
    distance = abs(one.successes / one.n - reference.successes / reference.n)
    return 2 * float(ndtr(-distance / error)) if error else 1.0
