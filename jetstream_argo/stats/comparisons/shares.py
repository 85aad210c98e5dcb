"""The share of a branch's units that is true, and how two branches' shares compare: by Beta laws, exactly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TypeAlias

import numpy as np
from scipy.special import betaincinv, ndtr

from jetstream_argo.stats.comparisons.bootstrapped_means import with_chance
from jetstream_argo.stats.draft import Interval
from jetstream_argo.stats.laws.beta import BetaLaw
from jetstream_argo.stats.laws.bounds import Question, bounds, wins
from jetstream_argo.stats.laws.continuous import Floats, against_zero, central, difference_cdf, quantiles, ratio_cdf
from jetstream_argo.stats.moments import Successes
from jetstream_argo.stats.rows import Reason


@dataclass(frozen=True, slots=True)
class BranchShare:
    """A branch; `missing` says why its share has no law, if it has none."""

    name: str
    data: Successes
    law: BetaLaw
    missing: Reason | None

    @classmethod
    def of(cls, name: str, data: Successes | None) -> "BranchShare":
        """Return the share of a branch; None for one without units."""
        data = data or Successes(0, 0)
        law = BetaLaw(data.successes + 1.0, data.n - data.successes + 1.0)
        missing = Reason.NOT_BINARY if data.other else Reason.NO_UNITS if not data.n else None
        return cls(name, data, law, missing)

    def interval(self, confidence: float) -> Interval:
        """Return the share itself, with the central interval of its law."""
        if self.missing is not None:
            return Interval(reason=self.missing)
        lower, upper = betaincinv(self.law.a, self.law.b, central(confidence))
        return Interval(self.law.mean, float(lower), float(upper), std_error=self.law.sd)


_Pair: TypeAlias = tuple[BranchShare, BranchShare]


def compared(pairs: Sequence[_Pair], confidence: float) -> Iterator[tuple[Interval, Interval]]:
    """Yield the difference and the relative uplift of each pair of a reference and another branch.

    Those that cumulants describe are solved together.
    """
    tails = central(confidence)
    together = []
    for reference, branch in pairs:
        law, base = branch.law.by_cumulants, reference.law.by_cumulants
        if law is not None and base is not None and _by_cumulants(reference, branch):
            together.append((Question(law, base), Question(law, base, ratio=True)))
    solved = iter(bounds([question for both in together for question in both], tails))
    won = iter(wins([difference for difference, _ in together]))
    for reference, branch in pairs:
        missing = reference.missing or branch.missing
        if missing is not None:
            both = Reason.NOT_BINARY if Reason.NOT_BINARY in (reference.missing, branch.missing) else missing
            yield Interval(reason=both), Interval(reason=both)
        elif _by_cumulants(reference, branch):
            yield _intervals(reference, branch, (next(solved), next(solved)), next(won))
        else:
            yield _intervals(reference, branch, *_by_integration(branch.law, reference.law, tails))


def _by_cumulants(reference: BranchShare, branch: BranchShare) -> bool:
    if reference.missing or branch.missing:
        return False
    return reference.law.by_cumulants is not None and branch.law.by_cumulants is not None


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
    reference: BranchShare, branch: BranchShare, solved: tuple[Floats, Floats], won: tuple[float, float]
) -> tuple[Interval, Interval]:
    law, base = branch.law, reference.law
    lower, upper = (float(bound) for bound in solved[0])
    found = with_chance(Interval(law.mean - base.mean, lower, upper), *won, std_error=sqrt(law.sd**2 + base.sd**2))
    difference = replace(found, p_value=_p_value(reference.data, branch.data))
    lower, upper = (float(bound) - 1 for bound in solved[1])
    if base.a <= 1:  # E[1 / Beta(1, b)] is infinite
        return difference, Interval(None, lower, upper, Reason.INFINITE_EXPECTATION)
    reciprocal = (base.a + base.b - 1) / (base.a - 1)
    return difference, Interval(law.mean * reciprocal - 1, lower, upper)


def _p_value(reference: Successes, branch: Successes) -> float:
    """The two-sided z test of equal proportions, without correction (Pearson's chi-square of the 2 x 2 table)."""
    pooled = (reference.successes + branch.successes) / (reference.n + branch.n)
    error = sqrt(pooled * (1 - pooled) * (1 / reference.n + 1 / branch.n))
    distance = abs(branch.successes / branch.n - reference.successes / reference.n)
    return 2 * float(ndtr(-distance / error)) if error else 1.0
