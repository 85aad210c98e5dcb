"""The rule by which an experiment is decided, on intervals that can be checked by hand."""

from dataclasses import replace

import pytest

from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.decision.rule import BranchDecision, DecidingMetric, Decision, DecisionInput, Uplift, decide

CLICKS = DecidingMetric("clicks", MetricRole.PRIMARY, windows=5)
SALES = DecidingMetric("sales", MetricRole.PRIMARY, windows=5)
HOURS = DecidingMetric("hours", MetricRole.GUARDRAIL, margin=0.02, windows=5)
CRASHES = DecidingMetric("crashes", MetricRole.GUARDRAIL, bigger_is_better=False, windows=5)


def uplift(metric: str, point: float, *, half: float = 0.01, p: float = 0.001, window: str = "overall") -> Uplift:
    return Uplift(metric, "new", window, point, point - half, point + half, p)


def decided(
    *overall: Uplift, metrics: tuple[DecidingMetric, ...] = (CLICKS, HOURS), earlier: tuple[Uplift, ...] = (),
    branches: tuple[str, ...] = ("new",), alarms: tuple[str, ...] = (),
) -> BranchDecision:  # fmt: skip
    return decide(DecisionInput(branches, overall, (*earlier, *overall), alarms), metrics)[0]


FINE = uplift("hours", 0.0)


def test_a_primary_metric_that_is_better_beside_a_guardrail_within_its_margin_is_a_success() -> None:
    found = decided(uplift("clicks", 0.05), FINE)

    assert found.outcome is Decision.SUCCESS
    assert [(piece.metric, piece.message) for piece in found.evidence] == [
        ("clicks", "better, p = 0.001 after Holm over 1 test")
    ]


@pytest.mark.parametrize(
    ("overall", "because"),
    [
        pytest.param([uplift("clicks", 0.005, p=0.3), FINE], [], id="nothing is found"),
        pytest.param([uplift("clicks", -0.05), FINE], ["clicks"], id="it is worse"),
        pytest.param([uplift("clicks", 0.05), uplift("hours", -0.015)], ["clicks", "hours"], id="not shown within"),
        pytest.param([uplift("clicks", 0.05)], ["clicks", "hours"], id="nothing is known of the guardrail"),
    ],
)
def test_anything_less_is_inconclusive(overall: list[Uplift], because: list[str]) -> None:
    found = decided(*overall)

    assert (found.outcome, [piece.metric for piece in found.evidence]) == (Decision.INCONCLUSIVE, because)


def test_a_success_that_costs_another_primary_metric_is_none() -> None:
    found = decided(uplift("clicks", 0.05), uplift("sales", -0.05), FINE, metrics=(CLICKS, SALES, HOURS))

    assert found.outcome is Decision.INCONCLUSIVE


def test_the_family_is_all_primary_metrics_and_branches_those_without_a_number_too() -> None:
    found = decided(uplift("clicks", 0.05, p=0.02), FINE, metrics=(CLICKS, SALES, HOURS), branches=("new", "other"))

    assert found.outcome is Decision.INCONCLUSIVE  # 4 * 0.02 is more than 0.05
    assert decided(uplift("clicks", 0.05, p=0.012), FINE, metrics=(CLICKS, SALES, HOURS), branches=("new", "other")) \
        .outcome is Decision.SUCCESS  # fmt: skip


def test_before_the_horizon_only_harm_is_decided() -> None:
    early = uplift("clicks", 0.05, window="week 1")

    assert decided(earlier=(early,)).outcome is Decision.TOO_EARLY
    assert decided(earlier=(early, uplift("hours", -0.05, window="week 1"))).outcome is Decision.HARMED


@pytest.mark.parametrize(("point", "outcome"), [(-0.0315, Decision.TOO_EARLY), (-0.0330, Decision.HARMED)])
def test_harm_is_beyond_the_margin_by_bonferroni_over_the_windows_of_the_whole_plan(
    point: float, outcome: Decision
) -> None:
    # scipy 1.17: stats.norm.ppf(1 - 0.05 / 5) / stats.norm.ppf(0.975) * 0.01 = 0.01187, beyond the margin of 0.02
    found = decided(earlier=(uplift("hours", point, window="day 1"),))

    assert found.outcome is outcome


def test_a_metric_of_which_less_is_better_is_harmed_upwards() -> None:
    found = decided(earlier=(uplift("crashes", 0.05, window="day 1"),), metrics=(CLICKS, CRASHES))

    assert found.outcome is Decision.HARMED
    [evidence] = found.evidence
    assert evidence.upper is None
    assert evidence.lower == pytest.approx(0.05 - 0.01 * 2.3263478740 / 1.9599639845)


def test_without_an_end_nothing_but_the_roles_that_need_none_is_decided() -> None:
    open_ended = replace(HOURS, windows=None)

    assert decided(earlier=(uplift("hours", -0.5, window="day 1"),), metrics=(CLICKS, open_ended)).outcome is (
        Decision.TOO_EARLY
    )


def test_a_broken_health_decides_that_nothing_is_decided() -> None:
    found = decided(uplift("clicks", 0.05), uplift("hours", -0.5), alarms=("units are not split as designed",))

    assert found == BranchDecision("new", Decision.HEALTH_BROKEN)


def test_without_a_primary_metric_nothing_but_harm_is_decided() -> None:
    assert decided(uplift("hours", 0.0), metrics=(HOURS,)).outcome is Decision.NOT_DECIDED
    assert decided(uplift("hours", -0.5), metrics=(HOURS,)).outcome is Decision.HARMED
