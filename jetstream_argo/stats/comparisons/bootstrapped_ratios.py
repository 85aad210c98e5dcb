"""The ratio of two metrics' means in each branch and how it compares, by the bootstrap, without resampling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite, sqrt
from typing import TypeAlias

from jetstream_argo.stats.draft import Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.bounds import Question, bounds
from jetstream_argo.stats.laws.continuous import Floats, central, expectation
from jetstream_argo.stats.laws.ratio import RatioLaw
from jetstream_argo.stats.moments import JointPowerSums
from jetstream_argo.stats.rows import Comparison, Reason
from jetstream_argo.stats.sufficient import Sample

FEW = 30  # units below which the bootstrap's intervals cover too rarely
PRECISE = 1e-3 * 0.058  # of a probability near a 95 % bound: a thousandth of the estimate's standard deviation
KNOWN_SIGN = 4.0  # standard deviations between a resampled mean and 0


@dataclass(frozen=True, slots=True)
class BranchRatio:
    """A branch: its units, its ratio's law, or why that is missing; and whether the sums tell the bounds exactly."""

    name: str
    n: int
    law: RatioLaw | None
    missing: Reason | None = None
    precise: bool = True

    def interval(self, confidence: float) -> Interval:
        """Return the ratio itself."""
        if self.law is None:
            return Interval(reason=self.missing)
        if self.n == 1:
            return Interval(self.law.mean, reason=Reason.TOO_FEW_UNITS)
        tails = central(confidence)
        lower, upper = self.law.table.quantiles(tails).tolist() if self.law.sd else (self.law.mean,) * 2
        return Interval(expectation(self.law.nodes), lower, upper, _remark(self))


Answer: TypeAlias = tuple[BranchRatio, BranchRatio, Comparison, Interval]


def branch_ratios(sample: Sample, confidence: float) -> list[BranchRatio]:
    """Return each branch's ratio.

    Raises:
        EstimateError: the sample does not hold `JointPowerSums`.
    """
    tails = central(confidence)
    return [_branch(facts.branch, typed(facts, JointPowerSums), tails) for facts in sample.branches]


def compared(branches: Sequence[BranchRatio], confidence: float) -> Iterator[Answer]:
    """Yield (reference, branch, comparison, interval) for every pair; all are solved together."""
    pairs = list(ordered_pairs(branches))
    asked = [row for reference, branch in pairs for row in _compared(branch, reference)]
    answers = iter(bounds([row.question for row in asked if row.question is not None], central(confidence)))
    drafts = iter(asked)
    for reference, branch in pairs:
        for comparison, row in zip(Comparison, (next(drafts), next(drafts)), strict=True):
            shift = float(comparison is Comparison.RELATIVE_UPLIFT)
            interval = row.interval
            if row.question is not None:
                lower, upper = (float(bound) - shift for bound in next(answers))
                interval = replace(interval, lower=lower, upper=upper)
            yield reference, branch, comparison, interval


@dataclass(frozen=True, slots=True)
class _PendingRatio:
    """A comparison: its interval, and the question whose answer gives the bounds, if there are any to give."""

    interval: Interval
    question: Question | None = None


def _branch(name: str, sums: JointPowerSums | None, tails: Floats) -> BranchRatio:
    if sums is None or not sums.n:
        return BranchRatio(name, 0, None, Reason.NO_UNITS)
    if not all(isfinite(value) for row in sums.central for value in row):
        return BranchRatio(name, sums.n, None, Reason.OVERFLOW)
    spread = sqrt(max(sums.central[0][2], 0.0)) / sums.n
    if not sums.minimum_denominator > 0 and abs(sums.mean_denominator) <= KNOWN_SIGN * spread:
        return BranchRatio(name, sums.n, None, Reason.ZERO_DENOMINATOR)
    if sums.mean_denominator < 0:
        sums = _negated(sums)
    law = RatioLaw(sums)
    if not law.is_determined:
        return BranchRatio(name, sums.n, None, Reason.TOO_FEW_UNITS)
    return BranchRatio(name, sums.n, law, precise=not law.sd or law.disagreement(tails) <= PRECISE)


def _negated(sums: JointPowerSums) -> JointPowerSums:
    signed = tuple(tuple((-1) ** (i + j) * value for j, value in enumerate(row)) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, -sums.mean_denominator, signed)


def _compared(branch: BranchRatio, reference: BranchRatio) -> tuple[_PendingRatio, _PendingRatio]:
    if branch.law is None or reference.law is None:
        missing = _PendingRatio(Interval(reason=reference.missing or branch.missing))
        return missing, missing
    remark = _remark(branch, reference)
    return (
        _difference(branch.law, reference.law, remark),
        _relative_uplift(branch.law, reference.law, remark),
    )


def _difference(law: RatioLaw, reference: RatioLaw, remark: Reason | None) -> _PendingRatio:
    point = expectation(law.nodes) - expectation(reference.nodes)
    if min(law.sums.n, reference.sums.n) == 1:
        return _PendingRatio(Interval(point, reason=Reason.TOO_FEW_UNITS))
    if not hypot(law.sd, reference.sd):
        return _PendingRatio(Interval(point, point, point, remark))
    return _PendingRatio(Interval(point, reason=remark), _question(law, reference, ratio=False))


def _relative_uplift(law: RatioLaw, reference: RatioLaw, remark: Reason | None) -> _PendingRatio:
    if reference.mean == 0:
        return _PendingRatio(Interval(reason=Reason.ZERO_REFERENCE))
    if abs(reference.mean) <= KNOWN_SIGN * reference.sd:
        return _PendingRatio(Interval(reason=Reason.UNBOUNDED))
    negative = reference.mean < 0
    if negative:
        law, reference = (RatioLaw(_mirrored(side.sums)) for side in (law, reference))
    point = expectation(law.nodes) * expectation(1 / reference.nodes) - 1
    if min(law.sums.n, reference.sums.n) == 1:
        return _PendingRatio(Interval(point, reason=Reason.TOO_FEW_UNITS))
    if not hypot(law.sd, reference.sd):
        ratio = law.mean / reference.mean - 1
        return _PendingRatio(Interval(point, ratio, ratio, remark))
    reason = Reason.NEGATIVE_REFERENCE if negative else remark
    return _PendingRatio(Interval(point, reason=reason), _question(law, reference, ratio=True))


def _question(law: RatioLaw, reference: RatioLaw, *, ratio: bool) -> Question:
    quick_law, quick_reference = law.by_cumulants, reference.by_cumulants
    return (
        Question(law, reference, ratio)
        if quick_law is None or quick_reference is None
        else Question(quick_law, quick_reference, ratio)
    )


def _mirrored(sums: JointPowerSums) -> JointPowerSums:
    """The sums with the numerator's sign changed."""
    signed = tuple(tuple((-1) ** i * value for value in row) for i, row in enumerate(sums.central))
    return JointPowerSums(sums.n, -sums.mean_numerator, sums.mean_denominator, signed)


def _remark(*branches: BranchRatio) -> Reason | None:
    laws = [branch.law for branch in branches if branch.law is not None]
    if not any(law.sd for law in laws):
        return Reason.NO_VARIATION
    if min(branch.n for branch in branches) < FEW:
        return Reason.FEW_UNITS
    return None if all(branch.precise for branch in branches) else Reason.APPROXIMATE
