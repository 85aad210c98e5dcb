"""What results come to by the rule: which windows and units it looks at, and how it is told."""

from dataclasses import replace
from datetime import date

from jetstream_argo.config.model import MetricRole
from jetstream_argo.config.periods import Period
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import PeriodWindows
from jetstream_argo.report.decision.results import decision_json, decision_sentences, decisions
from jetstream_argo.report.decision.rule import BranchDecision, Decision
from jetstream_argo.report.facts import NOTHING, Facts
from jetstream_argo.report.health import HealthCheck
from jetstream_argo.report.summary.about import about_plan, about_to_record, recorded_about
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.summary.model import About, MetricAbout
from jetstream_argo.store.entries import Kind
from tests.worlds import report as small

ABOUT = About(
    {
        "hours": MetricAbout(role=MetricRole.PRIMARY, bigger_is_better=True, planned_windows=3),
        "ads": MetricAbout(role=MetricRole.GUARDRAIL, bigger_is_better=True, margin=0.05, planned_windows=3),
        "clicks": MetricAbout(bigger_is_better=True),
    },
    "control",
)


def rows(metric: str, uplift: float, *, period: str = "overall", segment: str = "all", basis: str = "enrollments"):
    common = {
        "period": period, "segment": segment, "analysis_basis": basis, "branch": "treatment", "ci_width": 0.95,
        "statistic": "mean_welch", "parameter": None, "reason": None, "adjusted": None, "settles_on": None,
        "sample_ratio_mismatch": False, "sample_ratio_p_value": None, "p_value_holm": 0.001, "p_value_bh": 0.001,
    }  # fmt: skip
    made = []
    for comparison in ("difference", "relative_uplift"):
        row = small.estimate(metric, "b1", uplift, **common, comparison=comparison, comparison_to_branch="control")
        made.append({**row, "lower": uplift - 0.01, "upper": uplift + 0.01, "p_value": 0.001})
    return made


def told(*estimates: list[dict[str, object]], about: About = ABOUT, facts: Facts = NOTHING) -> list[BranchDecision]:
    rows_of_all = [row for made in estimates for row in made]
    return list(decisions(windows_of(rows_of_all, about), about, facts))


def test_the_overall_window_of_all_enrolled_units_is_decided_and_told() -> None:
    found = told(rows("hours", 0.1), rows("ads", 0.0))

    assert list(decision_sentences(found)) == [
        (
            "decision about treatment: success: hours +10.00% [+9.00%, +11.00%] in overall is better, "
            "p = 0.001 after Holm over 1 test"
        )
    ]
    [plain] = decision_json(found)
    assert isinstance(plain, dict)
    assert (plain["branch"], plain["outcome"]) == ("treatment", "success")


def test_segments_exposures_and_days_before_enrollment_decide_nothing() -> None:
    found = told(
        rows("hours", 0.0, period="week"),
        rows("hours", 0.1, segment="loyal"),
        rows("hours", 0.1, basis="exposures"),
        rows("ads", -0.5, period="preenrollment_week"),
        rows("ads", -0.5, segment="loyal"),
    )

    assert [verdict.outcome for verdict in found] == [Decision.TOO_EARLY]


def test_harm_of_any_window_is_told_with_its_interval() -> None:
    [found] = told(rows("hours", 0.0, period="week"), rows("ads", -0.2, period="week"))

    assert found.outcome is Decision.HARMED
    [text] = decision_sentences([found])
    assert "ads -20.00% [−∞, -18.91%] in week 1 is worse than its margin of 5.00%" in text


def test_a_guardrail_without_an_overall_estimate_has_no_numbers_that_were_not_estimated() -> None:
    [found] = told(rows("hours", 0.1))

    assert found.outcome is Decision.INCONCLUSIVE
    assert [evidence.point for evidence in found.evidence if evidence.metric == "ads"] == [None]
    [text] = decision_sentences([found])
    assert "; ads is not shown to be within its margin of 5.00%, at 95% one-sided confidence: it has no overall" in text


def test_without_roles_nothing_is_decided_and_an_alarm_keeps_anything_from_being_decided() -> None:
    alarm = replace(NOTHING, health=(_alarm(),))

    assert told(rows("clicks", 0.1), about=About({"clicks": MetricAbout()}, "control")) == []
    assert [verdict.outcome for verdict in told(rows("hours", 0.1), facts=alarm)] == [Decision.HEALTH_BROKEN]


def _alarm():
    from jetstream_argo.report import health

    kind = next(var for var in vars(health).values() if getattr(var, "__dataclass_fields__", {}).keys() >= {"alarm"})
    return kind(HealthCheck.SPLIT, alarm=True, message="units are not split as designed")


def test_the_record_says_by_what_is_decided_to_readers_without_a_plan() -> None:
    primary = replace(small.HOURS, role=MetricRole.GUARDRAIL, non_inferiority_margin=0.02)
    plan = small.plan([primary])
    plan = replace(plan, periods=(PeriodWindows(Period.WEEK, ()),))

    entry = small.entry(Kind.EXPORT, facts=about_to_record(plan, []))

    assert codec.load(codec.dump(plan)) == plan
    known = recorded_about([entry]).metrics["hours"]
    assert (known.margin, known.role) == (0.02, MetricRole.GUARDRAIL)
    assert plan.experiment.timeline.end == date(2026, 6, 8)
    # Enrolled until 11 May, so that 28 days, or 4 weeks, are observed at the end.
    assert known.planned_windows == about_plan(plan).metrics["hours"].planned_windows == 4
