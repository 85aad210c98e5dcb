"""How large the ratio of two metrics' means is in each branch, by the bootstrap, without resampling."""

from dataclasses import dataclass
from functools import cached_property
from math import comb, hypot, inf, isfinite, sqrt

import numpy as np

from jetstream_argo.stats.contrasts import CANCELLED
from jetstream_argo.stats.cumulants import ORDER, cumulants_from_moments, probability_below, standardised
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws import Floats, difference_cdf, expectation, quantiles, ratio_cdf
from jetstream_argo.stats.moments import HIGHEST_POWER, JointPowerSums, varies
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.params import PopulationRatio
from jetstream_argo.stats.reduce import joint_power_sums
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import PairCounts, Sample
from jetstream_argo.stats.tabulate import Table, tabulate

FEW = 30  # units below which the bootstrap's intervals cover too rarely
PRECISE = 1e-3 * 0.058  # of a probability near a 95 % bound: a thousandth of the estimate's standard deviation
KNOWN_SIGN = 4.0  # standard deviations between a resampled mean and 0
CENTRAL = np.array([0.025, 0.975])
ASTRAY = 10.0  # standard deviations between the mean and a central bound, where sums of powers tell no law
TABLE = 1e-8  # standard deviations: how good a tabulated law is


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

    def _form(self, r: Floats) -> tuple[Floats, Floats]:
        powers = float(self.sums.n) ** np.r_[0.0, np.arange(HIGHEST_POWER)]
        cumulants = cumulants_from_moments(self._central(r)) / powers
        mean = self.sums.mean_numerator - r * self.sums.mean_denominator
        return -mean / np.sqrt(cumulants[..., 2]), standardised(cumulants)

    def _central(self, r: Floats) -> Floats:
        """The moments about the mean of a unit's `numerator - r * denominator`, of a last axis from 0 to 8."""
        central = np.zeros((*r.shape, HIGHEST_POWER + 1))
        for k in range(len(self.sums.central)):
            terms = (comb(k, j) * self.sums.central[k - j][j] * (-r) ** j for j in range(k + 1))
            central[..., k] = sum(terms) / self.sums.n
        return central


@dataclass(frozen=True, slots=True)
class _Branch:
    name: str
    n: int
    law: RatioLaw | None
    missing: Reason | None


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
    branches = [_branch(facts.branch, typed(facts, JointPowerSums, PairCounts), clip) for facts in sample.branches]
    rows = [draft.of_branch(branch.name, branch.n, _own(branch, tails)) for branch in branches]
    for reference, branch in ordered_pairs(branches):
        pair, n = (reference.name, branch.name), reference.n + branch.n
        rows.append(draft.of_pair(pair, n, Comparison.DIFFERENCE, _difference(branch, reference, tails)))
        rows.append(draft.of_pair(pair, n, Comparison.RELATIVE_UPLIFT, _relative_uplift(branch, reference, tails)))
    return tuple(rows)


def _branch(name: str, data: JointPowerSums | PairCounts | None, clip: ClipRule | None) -> _Branch:
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
    return _Branch(name, sums.n, law, None)


def _negated(sums: JointPowerSums) -> JointPowerSums:
    signed = tuple(tuple((-1) ** (i + j) * value for j, value in enumerate(row)) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, -sums.mean_denominator, signed)


def _own(branch: _Branch, tails: Floats) -> Interval:
    if branch.law is None:
        return Interval(reason=branch.missing)
    if branch.n == 1:
        return Interval(branch.law.mean, reason=Reason.TOO_FEW_UNITS)
    bounds = branch.law.table.quantiles(tails) if branch.law.sd else np.full(2, branch.law.mean)
    return Interval(expectation(branch.law.nodes), float(bounds[0]), float(bounds[1]), _remark(tails, branch))


def _difference(branch: _Branch, reference: _Branch, tails: Floats) -> Interval:
    if branch.law is None or reference.law is None:
        return Interval(reason=reference.missing or branch.missing)
    point = expectation(branch.law.nodes) - expectation(reference.law.nodes)
    if min(branch.n, reference.n) == 1:
        return Interval(point, reason=Reason.TOO_FEW_UNITS)
    bounds, sd = np.full(2, point), hypot(branch.law.sd, reference.law.sd)
    if sd:
        bounds = quantiles(difference_cdf(branch.law, reference.law), tails, mean=point, sd=sd, close=TABLE)
    return Interval(point, float(bounds[0]), float(bounds[1]), _remark(tails, branch, reference))


def _relative_uplift(branch: _Branch, reference: _Branch, tails: Floats) -> Interval:
    if branch.law is None or reference.law is None:
        return Interval(reason=reference.missing or branch.missing)
    law, base = branch.law, reference.law
    if base.mean == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    if abs(base.mean) <= KNOWN_SIGN * base.sd:
        return Interval(reason=Reason.UNBOUNDED)
    negative = base.mean < 0
    if negative:
        law, base = (RatioLaw(_mirrored(one.sums)) for one in (law, base))
    point = expectation(law.nodes) * expectation(1 / base.nodes) - 1
    if min(branch.n, reference.n) == 1:
        return Interval(point, reason=Reason.TOO_FEW_UNITS)
    ratio = law.mean / base.mean
    bounds, sd = np.full(2, ratio), hypot(law.sd, ratio * base.sd) / base.mean
    if sd:
        bounds = quantiles(ratio_cdf(law, base), tails, mean=ratio, sd=sd, close=TABLE)
    reason = Reason.NEGATIVE_REFERENCE if negative and sd else _remark(tails, branch, reference)
    return Interval(point, float(bounds[0]) - 1, float(bounds[1]) - 1, reason)


def _mirrored(sums: JointPowerSums) -> JointPowerSums:
    """The sums with the numerator's sign changed."""
    signed = tuple(tuple((-1) ** i * value for value in row) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, sums.mean_denominator, signed)


def _remark(tails: Floats, *branches: _Branch) -> Reason | None:
    laws = [branch.law for branch in branches if branch.law is not None]
    if not any(law.sd for law in laws):
        return Reason.NO_VARIATION
    if min(branch.n for branch in branches) < FEW:
        return Reason.FEW_UNITS
    imprecise = any(law.sd and law.disagreement(tails) > PRECISE for law in laws)
    return Reason.APPROXIMATE if imprecise else None
