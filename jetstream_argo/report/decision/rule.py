"""The rule by which an experiment is decided.

In this order: a broken health decides that nothing else is decided. A branch is harmed as soon as, in any window, a
guardrail is worse than its margin, with Bonferroni over all guardrails, branches and windows of the whole plan.
Everything else is decided on the overall window alone, when it is there: a branch succeeds if a primary metric is
better, no primary metric is worse (Holm's test over primary metrics and branches), and every guardrail with a margin is
not worse than that; else it is inconclusive.

Source:
    Schultzberg, Ankargren, Frånberg (2024), Risk-aware product decisions in A/B tests with multiple metrics,
    arXiv:2402.11609 (success and guardrail metrics); Holm (1979), Scand. J. Statist. 6:65.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from jetstream_argo.config.model import MetricRole
from jetstream_argo.stats.checks import holm
from jetstream_argo.terminal.plural import counted

# The probability of a success where there is no effect, and that of a harm where no guardrail is worse than its margin:
# each for the whole experiment.
ALPHA = 0.05


class Decision(StrEnum):
    """What is decided of a branch."""

    HEALTH_BROKEN = "health broken"
    HARMED = "guardrail harmed"
    SUCCESS = "success"
    INCONCLUSIVE = "inconclusive"
    TOO_EARLY = "too early"  # before the overall window only health and harm are decided
    NOT_DECIDED = "not decided"  # no metric has the role to decide by


@dataclass(frozen=True, slots=True)
class Uplift:
    """The relative uplift of a metric over the reference branch, with an interval of the confidence `ci_width`."""

    metric: str
    branch: str
    window: str
    point: float
    lower: float
    upper: float
    p_value: float | None = None
    ci_width: float = 0.95

    def lower_at(self, alpha: float) -> float:
        """Return the bound below which the uplift is with the probability `alpha`: by a normal law."""
        return self.point - (self.point - self.lower) * self._widening(alpha)

    def upper_at(self, alpha: float) -> float:
        """Return the bound above which it is with the probability `alpha`."""
        return self.point + (self.upper - self.point) * self._widening(alpha)

    def _widening(self, alpha: float) -> float:
        return _normal(1 - alpha) / _normal((1 + self.ci_width) / 2)


@dataclass(frozen=True, slots=True)
class DecidingMetric:
    """A metric that is decided by: `margin` is how much worse it may be, as a share; None where no file says.

    `windows` are those in which it is estimated in the whole plan; None where the experiment has no end yet.
    """

    name: str
    role: MetricRole
    bigger_is_better: bool = True
    margin: float | None = None
    windows: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """An interval that says so: of `metric` in `window`, one-sided where a bound is None; no point without estimate."""

    metric: str
    window: str
    point: float | None
    lower: float | None
    upper: float | None
    message: str


@dataclass(frozen=True, slots=True)
class BranchDecision:
    """What is decided of a branch, and why."""

    branch: str
    outcome: Decision
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionInput:
    """What is decided from: `overall` uplifts, none before the horizon, and those of `all_windows`."""

    branches: tuple[str, ...]
    overall: tuple[Uplift, ...]
    all_windows: tuple[Uplift, ...]
    alarms: tuple[str, ...] = ()


def decide(results: DecisionInput, metrics: Sequence[DecidingMetric]) -> tuple[BranchDecision, ...]:
    """Return what is decided of each branch but the reference."""
    if results.alarms:
        return tuple(BranchDecision(branch, Decision.HEALTH_BROKEN) for branch in results.branches)
    guardrails = [metric for metric in metrics if metric.role is MetricRole.GUARDRAIL]
    primary = [metric for metric in metrics if metric.role is MetricRole.PRIMARY]
    tests = _tests(guardrails, len(results.branches))
    decided = []
    for branch in results.branches:
        harm = tuple(_harm(branch, results, guardrails, tests)) if tests else ()
        decided.append(_decided(branch, results, primary, guardrails, harm))
    return tuple(decided)


def _tests(guardrails: Sequence[DecidingMetric], branches: int) -> int | None:
    """Return how many tests of harm there are in the whole plan; None where it has no end yet."""
    windows = [metric.windows for metric in guardrails]
    return None if None in windows else branches * sum(count or 0 for count in windows)


def _harm(branch: str, results: DecisionInput, guardrails: Sequence[DecidingMetric], tests: int) -> Iterator[Evidence]:
    alpha = ALPHA / tests
    by_name = {metric.name: metric for metric in guardrails}
    for found in results.all_windows:
        metric = by_name.get(found.metric)
        if found.branch != branch or metric is None:
            continue
        margin = metric.margin or 0.0
        worst = f"worse than its margin of {margin:.2%}" if margin else "worse"
        message = f"{worst}, at {1 - alpha:.4%} one-sided confidence ({counted(tests, 'test')})"
        if metric.bigger_is_better and (upper := found.upper_at(alpha)) < -margin:
            yield Evidence(found.metric, found.window, found.point, None, upper, message)
        elif not metric.bigger_is_better and (lower := found.lower_at(alpha)) > margin:
            yield Evidence(found.metric, found.window, found.point, lower, None, message)


def _decided(
    branch: str,
    results: DecisionInput,
    primary: Sequence[DecidingMetric],
    guardrails: Sequence[DecidingMetric],
    harm: tuple[Evidence, ...],
) -> BranchDecision:
    if harm:
        return BranchDecision(branch, Decision.HARMED, harm)
    if not primary:
        return BranchDecision(branch, Decision.NOT_DECIDED)
    if not results.overall:
        return BranchDecision(branch, Decision.TOO_EARLY)
    better, worse = _significant(branch, results, primary)
    inferior = tuple(_not_shown(branch, results, guardrails))
    outcome = Decision.SUCCESS if better and not worse and not inferior else Decision.INCONCLUSIVE
    return BranchDecision(branch, outcome, (*better, *worse, *inferior))


def _significant(
    branch: str, results: DecisionInput, primary: Sequence[DecidingMetric]
) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """Return which primary metrics of a branch are better and which worse, by Holm's test over those of all branches.

    What has no p-value counts as a test that finds nothing.
    """
    by_name = {metric.name: metric for metric in primary}
    family = [found for found in results.overall if found.metric in by_name]
    size = len(by_name) * len(results.branches)
    p_values = [1.0 if found.p_value is None else found.p_value for found in family]
    adjusted = holm(p_values + [1.0] * (size - len(p_values)))
    better: list[Evidence] = []
    worse: list[Evidence] = []
    for found, p_value in zip(family, adjusted, strict=False):
        if found.branch == branch and p_value < ALPHA:
            is_better = (found.point > 0) == by_name[found.metric].bigger_is_better
            message = f"{'better' if is_better else 'worse'}, p = {p_value:.2g} after Holm over {counted(size, 'test')}"
            evidence = Evidence(found.metric, found.window, found.point, found.lower, found.upper, message)
            (better if is_better else worse).append(evidence)
    return tuple(better), tuple(worse)


def _not_shown(branch: str, results: DecisionInput, guardrails: Sequence[DecidingMetric]) -> Iterator[Evidence]:
    """Yield the guardrails with a margin of which it is not shown that they are not worse than that."""
    found = {uplift.metric: uplift for uplift in results.overall if uplift.branch == branch}
    for metric in guardrails:
        uplift = found.get(metric.name)
        if metric.margin is None:
            continue
        what = f"not shown to be within its margin of {metric.margin:.2%}, at {1 - ALPHA:.0%} one-sided confidence"
        if uplift is None:
            yield Evidence(metric.name, "", None, None, None, f"{what}: it has no overall estimate")
        elif metric.bigger_is_better and (lower := uplift.lower_at(ALPHA)) <= -metric.margin:
            yield Evidence(metric.name, uplift.window, uplift.point, lower, None, what)
        elif not metric.bigger_is_better and (upper := uplift.upper_at(ALPHA)) >= metric.margin:
            yield Evidence(metric.name, uplift.window, uplift.point, None, upper, what)


_NORMAL = NormalDist()
_quantiles: dict[float, float] = {}


def _normal(probability: float) -> float:
    if probability not in _quantiles:
        _quantiles[probability] = _NORMAL.inv_cdf(probability)
    return _quantiles[probability]
