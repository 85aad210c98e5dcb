"""How large the branches' means are, by the Bayesian bootstrap, without resampling."""

from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np

from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.laws.bounds import AnyLaw, Question, bounds, precise, wins
from jetstream_argo.stats.laws.continuous import Floats, expectation
from jetstream_argo.stats.laws.cumulants import CumulantLaw, bootstrap_mean_law
from jetstream_argo.stats.laws.dirichlet import DirichletLaw
from jetstream_argo.stats.moments import PowerSums
from jetstream_argo.stats.params import BootstrapMean
from jetstream_argo.stats.reduce import clipped, power_sums, thresholds
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample, ValueCounts

FEW = 30  # units below which the bootstrap's intervals cover too rarely
KNOWN_SIGN = 5.0  # standard deviations between the mean and 0


@dataclass(frozen=True, slots=True)
class BranchMean:
    """A branch: its units, its mean's law (None without units), and whether that is exact."""

    name: str
    n: int
    law: AnyLaw | None
    exact: bool


def bootstrap_mean(params: BootstrapMean, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's mean, then for every pair the difference and the relative uplift.

    The law is that of the mean of the clipped values weighted by Dirichlet(1, …, 1), to which resampling converges.
    Points are expectations, bounds the law's central quantiles; the p-value is the level at which a difference's
    interval just reaches 0. The law comes from eight power sums; where these do
    not suffice, from the value counts, or else the rows say that they are approximate.

    With one unit there are points only. A relative uplift is missing where the reference's mean may be 0.

    Raises:
        EstimateError: the sample holds neither `PowerSums` nor `ValueCounts`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    tails = np.array([1 - params.confidence_interval, 1 + params.confidence_interval]) / 2
    branches = _branches(params, sample)
    drafts: list[tuple[_Asked, BranchMean | None, BranchMean]] = [(_alone(branch), None, branch) for branch in branches]
    for base, branch in ordered_pairs(branches):
        drafts.append((_difference(branch, base), base, branch))
        drafts.append((_relative_uplift(branch, base), base, branch))
    answers = iter(bounds([one.question for one, _, _ in drafts if one.question is not None], tails))
    differences = [one.question for one, _, _ in drafts if one.question is not None and one.is_difference]
    won = iter(wins(differences))
    rows = []
    for one, reference, branch in drafts:
        interval = one.interval if one.question is None else _bounded(one, next(answers))
        if one.is_difference:
            interval = with_chance(interval, *next(won), std_error=one.sd)
        if reference is None:
            rows.append(draft.of_branch(branch.name, branch.n, interval))
        else:
            pair, n = (reference.name, branch.name), reference.n + branch.n
            rows.append(draft.of_pair(pair, n, one.comparison, interval))
    return tuple(rows)


def with_chance(interval: Interval, chance: float, loss: float, *, std_error: float) -> Interval:
    """Return the interval of a difference together with how it compares with 0 by its law."""
    p_value = 2 * min(chance, 1 - chance)
    return replace(interval, p_value=p_value, std_error=std_error, chance_to_win=chance, expected_loss=loss)


def needs_values(params: BootstrapMean, sample: Sample) -> tuple[str, ...]:
    """Return the branches whose `PowerSums` do not suffice for exact bounds; their `ValueCounts` would."""
    return tuple(
        branch.name
        for branch, facts in zip(_branches(params, sample), sample.branches, strict=True)
        if not branch.exact and isinstance(facts.data, PowerSums)
    )


@dataclass(frozen=True, slots=True)
class _Asked:
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


def _bounded(asked: _Asked, answer: Floats) -> Interval:
    shift = 1.0 if asked.question is not None and asked.question.ratio else 0.0
    return replace(asked.interval, lower=float(answer[0]) - shift, upper=float(answer[1]) - shift)


def _branches(params: BootstrapMean, sample: Sample) -> list[BranchMean]:
    clip, integer = params.need().clip, sample.pooled.integer
    found = []
    for facts in sample.branches:
        data = typed(facts, PowerSums, ValueCounts)
        if isinstance(data, ValueCounts):
            data = clipped(data, thresholds([data], clip, integer=integer)[0])
        found.append(_branch(facts.branch, data))
    return found


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


def _alone(branch: BranchMean) -> _Asked:
    if branch.law is None:
        return _Asked(Interval(reason=Reason.NO_UNITS))
    return _asked(branch.law.mean, Question(branch.law), [branch])


def _difference(branch: BranchMean, reference: BranchMean) -> _Asked:
    if branch.law is None or reference.law is None:
        return _Asked(Interval(reason=Reason.NO_UNITS))
    question = Question(branch.law, reference.law)
    return _asked(question.mean, question, [branch, reference])


def _relative_uplift(branch: BranchMean, reference: BranchMean) -> _Asked:
    ratio = Comparison.RELATIVE_UPLIFT
    if branch.law is None or reference.law is None:
        return _Asked(Interval(reason=Reason.NO_UNITS), comparison=ratio)
    law, base = branch.law, reference.law
    if base.mean == 0 and base.sd == 0:
        return _Asked(Interval(reason=Reason.ZERO_REFERENCE), comparison=ratio)
    if base.low < 0 < base.high and not abs(base.mean) > KNOWN_SIGN * base.sd:
        return _Asked(Interval(reason=Reason.UNBOUNDED), comparison=ratio)
    negative = base.mean < 0
    if negative:
        law, base = negated(law), negated(base)
    reciprocal = _reciprocal_mean(base)
    question = Question(law, base, ratio=True)
    if not isfinite(reciprocal):
        return _Asked(Interval(reason=Reason.INFINITE_EXPECTATION), question, ratio)
    asked = _asked(law.mean * reciprocal - 1, question, [branch, reference])
    if negative and asked.question is not None and question.sd:
        return replace(asked, interval=replace(asked.interval, reason=Reason.NEGATIVE_REFERENCE))
    return asked


def _asked(point: float, question: Question, branches: list[BranchMean]) -> _Asked:
    comparison = Comparison.RELATIVE_UPLIFT if question.ratio else Comparison.DIFFERENCE
    smallest = min(branch.n for branch in branches)
    if smallest == 1:
        return _Asked(Interval(point, reason=Reason.TOO_FEW_UNITS), comparison=comparison)
    if not isfinite(question.sd):
        return _Asked(Interval(point, reason=Reason.OVERFLOW), comparison=comparison)
    reason = None
    if question.sd == 0:
        reason = Reason.NO_VARIATION
    elif smallest < FEW:
        reason = Reason.FEW_UNITS
    elif not all(branch.exact for branch in branches):
        reason = Reason.APPROXIMATE
    return _Asked(Interval(point, reason=reason), question, comparison)


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
