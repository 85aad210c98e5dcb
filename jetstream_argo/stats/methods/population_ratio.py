"""How large the ratio of two metrics' means is in each branch, by the bootstrap, without resampling."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import comb, hypot, inf, isfinite, sqrt

import numpy as np

from jetstream_argo.stats.contrasts import CANCELLED
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.bounds import Question, bounds
from jetstream_argo.stats.laws.continuous import Floats, expectation
from jetstream_argo.stats.laws.cumulants import (
    ORDER,
    CumulantLaw,
    cumulants_from_moments,
    probability_below,
    standardised,
)
from jetstream_argo.stats.laws.tabulate import Table, tabulate
from jetstream_argo.stats.moments import HIGHEST_POWER, JointPowerSums, varies
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.params import PopulationRatio
from jetstream_argo.stats.reduce import joint_power_sums
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import PairCounts, Sample

FEW = 30  # units below which the bootstrap's intervals cover too rarely
PRECISE = 1e-3 * 0.058  # of a probability near a 95 % bound: a thousandth of the estimate's standard deviation
KNOWN_SIGN = 4.0  # standard deviations between a resampled mean and 0
CENTRAL = np.array([0.025, 0.975])
ASTRAY = 10.0  # standard deviations between the mean and a central bound, where sums of powers tell no law
TABLE = 1e-8  # standard deviations: how good a tabulated law is
SAME = 5e-6  # a probability that two more cumulants move by less is right to about 1e-4 standard deviations
SCORES: Floats = np.array([-3.5, -2.0, 0.0, 2.0, 3.5])


@dataclass(frozen=True)  # no slots: the nodes are computed once, when asked for
class RatioLaw:
    """The law of the mean of n resampled numerators over that of their denominators, which must be positive.

    It is at most r with the probability that the resampled mean of `numerator - r * denominator` is at most 0. The
    cumulants of that mean are those of the units over powers of n, and follow from joint sums of powers.

    Source:
        Efron (1979), Ann. Statist. 7:1; the linear form: Fieller (1954), JRSS B 16:175.
    """

    sums: JointPowerSums

    @property
    def mean(self) -> float:
        """About its expectation: the ratio of the means."""
        return self.sums.mean_numerator / self.sums.mean_denominator

    @cached_property
    def sd(self) -> float:
        """About its standard deviation (delta method)."""
        (_, _, m2_d), (_, c_yd, *_), (m2_y, *_) = (row[:3] for row in self.sums.central[:3])
        m2 = m2_y - 2 * self.mean * c_yd + self.mean * self.mean * m2_d
        if not m2 > CANCELLED * (m2_y + self.mean * self.mean * m2_d):
            return 0.0
        if not varies(m2, self.sums.n, abs(self.sums.mean_numerator)):
            return 0.0
        return sqrt(m2) / self.sums.n / self.sums.mean_denominator

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""
        return tabulate(self.exact_cdf, mean=self.mean, sd=self.sd, support=(-inf, inf))

    @cached_property
    def table(self) -> Table:
        """The same, to interpolate between."""
        return Table.of(self.nodes)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`, interpolated between the nodes."""
        return self.table.cdf(x)

    def exact_cdf(self, r: Floats) -> Floats:
        """Return the probability of at most `r`."""
        distance, shape = self._form(r)
        return probability_below(distance, shape)

    @property
    def is_told(self) -> bool:
        """Whether the sums tell the law: those of a few units with heavy tails may put its bounds anywhere."""
        if not self.sd:
            return True
        far = np.append(self.table.quantiles(CENTRAL), expectation(self.nodes)) - self.mean
        return bool(np.max(np.abs(far)) <= ASTRAY * self.sd)

    def disagreement(self, tails: Floats) -> float:
        """Return by how much the distribution function changes, at the bounds, when two more cumulants are used."""
        order = len(self.sums.central) - 1
        distance, shape = self._form(self.table.quantiles(tails))
        lower = probability_below(distance, shape, order=min(order, ORDER) - 2 * (order <= ORDER))
        return float(np.max(np.abs(lower - probability_below(distance, shape, order=order))))

    @cached_property
    def by_cumulants(self) -> CumulantLaw | None:
        """The same law by its cumulants, which is faster to compare; None where it is too skew for them."""
        middle = expectation(self.nodes)
        deviations = self.nodes - middle
        central = [1.0, 0.0, *(expectation(deviations**k) for k in range(2, HIGHEST_POWER + 1))]
        if not self.sd:
            return None
        shape = standardised(np.array(cumulants_from_moments(central)))
        lower, higher = (probability_below(SCORES, shape, order=order) for order in (ORDER, HIGHEST_POWER))
        law = CumulantLaw(middle, sqrt(central[2]), shape, -inf, inf)
        return law if np.all(np.abs(lower - higher) < SAME) else None

    def _form(self, r: Floats) -> tuple[Floats, Floats]:
        powers = float(self.sums.n) ** np.r_[0.0, np.arange(HIGHEST_POWER)]
        # The moments about the mean of a unit's `numerator - r * denominator` are polynomials in r.
        central = self._polynomials @ (r.ravel() ** np.arange(HIGHEST_POWER + 1)[:, None])
        cumulants = np.stack(cumulants_from_moments(list(central)), axis=-1) / powers
        cumulants = cumulants.reshape(*r.shape, HIGHEST_POWER + 1)
        mean = self.sums.mean_numerator - r * self.sums.mean_denominator
        return -mean / np.sqrt(cumulants[..., 2]), standardised(cumulants)

    @cached_property
    def _polynomials(self) -> Floats:
        """Of each power of `numerator - r * denominator` about the mean, the coefficients of the powers of r."""
        found = np.zeros((HIGHEST_POWER + 1, HIGHEST_POWER + 1))
        for k in range(len(self.sums.central)):
            for j in range(k + 1):
                found[k, j] = comb(k, j) * (-1) ** j * self.sums.central[k - j][j] / self.sums.n
        return found


@dataclass(frozen=True, slots=True)
class _Branch:
    """A branch: its units, its ratio's law, or why that is missing; and whether the sums tell the bounds exactly."""

    name: str
    n: int
    law: RatioLaw | None
    missing: Reason | None = None
    precise: bool = True


def population_ratio(params: PopulationRatio, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's ratio of means, then for every pair the difference and the relative uplift.

    The law is that of the ratio in a resample of the units, to which the percentile bootstrap converges. Points are
    expectations, bounds the law's central quantiles.

    All is missing where the denominator's mean is 0 or, by its spread, may be 0 in a resample, and where there are too
    few units for the weight of their tails; a relative uplift also where the reference's ratio may be 0. With one unit
    there are points only.

    Raises:
        EstimateError: the sample holds neither `JointPowerSums` nor `PairCounts`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    tails = np.array([1 - params.confidence_interval, 1 + params.confidence_interval]) / 2
    clip = params.need().clip
    branches = [
        _branch(facts.branch, typed(facts, JointPowerSums, PairCounts), clip, tails) for facts in sample.branches
    ]
    rows = [draft.of_branch(branch.name, branch.n, _own(branch, tails)) for branch in branches]
    pairs = list(ordered_pairs(branches))
    asked = [one for reference, branch in pairs for one in _compared(branch, reference, tails)]
    answers = iter(bounds([one.question for one in asked if one.question is not None], tails))
    drafts = iter(asked)
    for reference, branch in pairs:
        pair, n = (reference.name, branch.name), reference.n + branch.n
        for comparison, one in zip(Comparison, (next(drafts), next(drafts)), strict=True):
            shift = float(comparison is Comparison.RELATIVE_UPLIFT)
            interval = one.interval
            if one.question is not None:
                lower, upper = (float(bound) - shift for bound in next(answers))
                interval = replace(interval, lower=lower, upper=upper)
            rows.append(draft.of_pair(pair, n, comparison, interval))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comparison: its interval, and the question whose answer gives the bounds, if there are any to give."""

    interval: Interval
    question: Question | None = None


def _branch(name: str, data: JointPowerSums | PairCounts | None, clip: ClipRule | None, tails: Floats) -> _Branch:
    sums = joint_power_sums(data, clip) if isinstance(data, PairCounts) else data
    if sums is None or not sums.n:
        return _Branch(name, 0, None, Reason.NO_UNITS)
    if not all(isfinite(value) for row in sums.central for value in row):
        return _Branch(name, sums.n, None, Reason.OVERFLOW)
    spread = sqrt(max(sums.central[0][2], 0.0)) / sums.n
    if not sums.minimum_denominator > 0 and abs(sums.mean_denominator) <= KNOWN_SIGN * spread:
        return _Branch(name, sums.n, None, Reason.ZERO_DENOMINATOR)
    if sums.mean_denominator < 0:
        sums = _negated(sums)
    law = RatioLaw(sums)
    if not law.is_told:
        return _Branch(name, sums.n, None, Reason.TOO_FEW_UNITS)
    return _Branch(name, sums.n, law, precise=not law.sd or law.disagreement(tails) <= PRECISE)


def _negated(sums: JointPowerSums) -> JointPowerSums:
    signed = tuple(tuple((-1) ** (i + j) * value for j, value in enumerate(row)) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, -sums.mean_denominator, signed)


def _own(branch: _Branch, tails: Floats) -> Interval:
    if branch.law is None:
        return Interval(reason=branch.missing)
    if branch.n == 1:
        return Interval(branch.law.mean, reason=Reason.TOO_FEW_UNITS)
    lower, upper = branch.law.table.quantiles(tails).tolist() if branch.law.sd else (branch.law.mean,) * 2
    return Interval(expectation(branch.law.nodes), lower, upper, _remark(branch))


def _compared(branch: _Branch, reference: _Branch, tails: Floats) -> tuple[_Asked, _Asked]:
    if branch.law is None or reference.law is None:
        missing = _Asked(Interval(reason=reference.missing or branch.missing))
        return missing, missing
    remark = _remark(branch, reference)
    return (
        _difference(branch.law, reference.law, remark),
        _relative_uplift(branch.law, reference.law, remark),
    )


def _difference(law: RatioLaw, reference: RatioLaw, remark: Reason | None) -> _Asked:
    point = expectation(law.nodes) - expectation(reference.nodes)
    if min(law.sums.n, reference.sums.n) == 1:
        return _Asked(Interval(point, reason=Reason.TOO_FEW_UNITS))
    if not hypot(law.sd, reference.sd):
        return _Asked(Interval(point, point, point, remark))
    return _Asked(Interval(point, reason=remark), _question(law, reference, ratio=False))


def _relative_uplift(law: RatioLaw, reference: RatioLaw, remark: Reason | None) -> _Asked:
    if reference.mean == 0:
        return _Asked(Interval(reason=Reason.ZERO_REFERENCE))
    if abs(reference.mean) <= KNOWN_SIGN * reference.sd:
        return _Asked(Interval(reason=Reason.UNBOUNDED))
    negative = reference.mean < 0
    if negative:
        law, reference = (RatioLaw(_mirrored(one.sums)) for one in (law, reference))
    point = expectation(law.nodes) * expectation(1 / reference.nodes) - 1
    if min(law.sums.n, reference.sums.n) == 1:
        return _Asked(Interval(point, reason=Reason.TOO_FEW_UNITS))
    if not hypot(law.sd, reference.sd):
        ratio = law.mean / reference.mean - 1
        return _Asked(Interval(point, ratio, ratio, remark))
    reason = Reason.NEGATIVE_REFERENCE if negative else remark
    return _Asked(Interval(point, reason=reason), _question(law, reference, ratio=True))


def _question(law: RatioLaw, reference: RatioLaw, *, ratio: bool) -> Question:
    one, other = law.by_cumulants, reference.by_cumulants
    return Question(law, reference, ratio) if one is None or other is None else Question(one, other, ratio)


def _mirrored(sums: JointPowerSums) -> JointPowerSums:
    """The sums with the numerator's sign changed."""
    signed = tuple(tuple((-1) ** i * value for value in row) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, sums.mean_denominator, signed)


def _remark(*branches: _Branch) -> Reason | None:
    laws = [branch.law for branch in branches if branch.law is not None]
    if not any(law.sd for law in laws):
        return Reason.NO_VARIATION
    if min(branch.n for branch in branches) < FEW:
        return Reason.FEW_UNITS
    return None if all(branch.precise for branch in branches) else Reason.APPROXIMATE
