"""The branches' means and how they compare, by the Bayesian bootstrap, without resampling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import TypeAlias

import numpy as np

from jetstream_argo.stats.draft import Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.bounds import AnyLaw, Question, bounds, precise, wins
from jetstream_argo.stats.laws.continuous import Floats, central, expectation
from jetstream_argo.stats.laws.cumulants import CumulantLaw, bootstrap_mean_law
from jetstream_argo.stats.laws.dirichlet import DirichletLaw
from jetstream_argo.stats.moments import PowerSums
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.rows import Comparison, Reason
from jetstream_argo.stats.sufficient import Sample, ValueCounts
from jetstream_argo.stats.value_counts import clipped, power_sums

FEW = 30  # units below which the bootstrap's intervals cover too rarely
KNOWN_SIGN = 5.0  # standard deviations between the mean and 0


@dataclass(frozen=True, slots=True)
class BranchMean:
    """A branch: its units, its mean's law (None without units), and whether that is exact."""

    name: str
    n: int
    law: AnyLaw | None
    exact: bool


Answer: TypeAlias = tuple[BranchMean | None, BranchMean, Comparison, Interval]


def branch_means(sample: Sample, clip: ClipRule | None) -> list[BranchMean]:
    """Return each branch's mean; values that are not summed yet are clipped by `clip`.

    Raises:
        EstimateError: the sample holds neither `PowerSums` nor `ValueCounts`.
    """
    found = []
    for facts in sample.branches:
        data = typed(facts, PowerSums, ValueCounts)
        if isinstance(data, ValueCounts):
            data = clipped(data, clip)
        found.append(_branch(facts.branch, data))
    return found


def compared(branches: Sequence[BranchMean], confidence: float) -> Iterator[Answer]:
    """Yield (None, branch, …) for each branch's own mean, then (reference, branch, comparison, interval) for the
    difference and the relative uplift of every pair; all are solved together."""
    asked: list[tuple[_PendingMean, BranchMean | None, BranchMean]] = [
        (_alone(branch), None, branch) for branch in branches
    ]
    for reference, branch in ordered_pairs(branches):
        asked.append((_difference(branch, reference), reference, branch))
        asked.append((_relative_uplift(branch, reference), reference, branch))
    questions = [row.question for row, _, _ in asked if row.question is not None]
    answers = iter(bounds(questions, central(confidence)))
    differences = [row.question for row, _, _ in asked if row.question is not None and row.is_difference]
    chances = iter(wins(differences))
    for row, base, branch in asked:
        interval = row.interval if row.question is None else _bounded(row, next(answers))
        if row.is_difference:
            interval = with_chance(interval, *next(chances), std_error=row.sd)
        yield base, branch, row.comparison, interval


def with_chance(interval: Interval, chance: float, loss: float, *, std_error: float) -> Interval:
    """Return the interval of a difference together with how it compares with 0 by its law."""
    p_value = 2 * min(chance, 1 - chance)
    return replace(interval, p_value=p_value, std_error=std_error, chance_to_win=chance, expected_loss=loss)


@dataclass(frozen=True, slots=True)
class _PendingMean:
    """A row to be: its interval, and the question whose answer gives the bounds, if there are any to give."""

    interval: Interval
    question: Question | None = None
    comparison: Comparison = Comparison.DIFFERENCE

    @property
    def sd(self) -> float:
        """How much the quantity varies."""
        return self.question.sd if self.question is not None else 0.0

    @property
    def is_difference(self) -> bool:
        """Whether the question is by how much two branches differ, and they do not both stand still."""
        return (
            self.question is not None
            and self.question.reference is not None
            and not self.question.ratio
            and self.sd > 0
        )


def _bounded(asked: _PendingMean, answer: Floats) -> Interval:
    shift = 1.0 if asked.question is not None and asked.question.ratio else 0.0
    return replace(asked.interval, lower=float(answer[0]) - shift, upper=float(answer[1]) - shift)


def _branch(name: str, data: PowerSums | ValueCounts | None) -> BranchMean:
    if data is None or not data.n:
        return BranchMean(name, 0, None, exact=True)
    sums = power_sums(data) if isinstance(data, ValueCounts) else data
    law = bootstrap_mean_law(sums)
    if not np.all(np.isfinite(law.shape)):
        return BranchMean(name, sums.n, CumulantLaw(law.mean, nan, law.shape, law.low, law.high), exact=True)
    if precise(law, sums):
        return BranchMean(name, sums.n, law, exact=True)
    if isinstance(data, ValueCounts):
        return BranchMean(name, sums.n, DirichletLaw(data), exact=True)
    return BranchMean(name, sums.n, law, exact=False)


def _alone(branch: BranchMean) -> _PendingMean:
    if branch.law is None:
        return _PendingMean(Interval(reason=Reason.NO_UNITS))
    return _asked(branch.law.mean, Question(branch.law), [branch])


def _difference(branch: BranchMean, reference: BranchMean) -> _PendingMean:
    if branch.law is None or reference.law is None:
        return _PendingMean(Interval(reason=Reason.NO_UNITS))
    question = Question(branch.law, reference.law)
    return _asked(question.mean, question, [branch, reference])


def _relative_uplift(branch: BranchMean, reference: BranchMean) -> _PendingMean:
    ratio = Comparison.RELATIVE_UPLIFT
    if branch.law is None or reference.law is None:
        return _PendingMean(Interval(reason=Reason.NO_UNITS), comparison=ratio)
    law, base = branch.law, reference.law
    if base.mean == 0 and base.sd == 0:
        return _PendingMean(Interval(reason=Reason.ZERO_REFERENCE), comparison=ratio)
    if base.low < 0 < base.high and not abs(base.mean) > KNOWN_SIGN * base.sd:
        return _PendingMean(Interval(reason=Reason.UNBOUNDED), comparison=ratio)
    negative = base.mean < 0
    if negative:
        law, base = negated(law), negated(base)
    reciprocal = _reciprocal_mean(base)
    question = Question(law, base, ratio=True)
    if not isfinite(reciprocal):
        return _PendingMean(Interval(reason=Reason.INFINITE_EXPECTATION), question, ratio)
    asked = _asked(law.mean * reciprocal - 1, question, [branch, reference])
    if negative and asked.question is not None and question.sd:
        return replace(asked, interval=replace(asked.interval, reason=Reason.NEGATIVE_REFERENCE))
    return asked


def _asked(point: float, question: Question, branches: list[BranchMean]) -> _PendingMean:
    comparison = Comparison.RELATIVE_UPLIFT if question.ratio else Comparison.DIFFERENCE
    smallest = min(branch.n for branch in branches)
    if smallest == 1:
        return _PendingMean(Interval(point, reason=Reason.TOO_FEW_UNITS), comparison=comparison)
    if not isfinite(question.sd):
        return _PendingMean(Interval(point, reason=Reason.OVERFLOW), comparison=comparison)
    reason = None
    if question.sd == 0:
        reason = Reason.NO_VARIATION
    elif smallest < FEW:
        reason = Reason.FEW_UNITS
    elif not all(branch.exact for branch in branches):
        reason = Reason.APPROXIMATE
    return _PendingMean(Interval(point, reason=reason), question, comparison)


def negated(law: AnyLaw) -> AnyLaw:
    """Return the law of the negative mean."""
    if isinstance(law, DirichletLaw):
        return DirichletLaw(ValueCounts(-law.data.values[::-1], law.data.counts[::-1]))
    signs = (-1.0) ** np.arange(law.shape.shape[-1])
    return CumulantLaw(-law.mean, law.sd, law.shape * signs, -law.high, -law.low)


def _reciprocal_mean(law: AnyLaw) -> float:
    if isinstance(law, DirichletLaw) and law.low < 0:
        return expectation(1 / law.nodes)
    return law.reciprocal_mean()
