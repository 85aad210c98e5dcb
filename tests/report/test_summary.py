"""Answers first: which statistic speaks for a metric, what it says in words, and how that looks."""

import io
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console

from jetstream_argo.config.model import MetricRole
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.facts import BranchUnits, Facts, Units
from jetstream_argo.report.summary.about import about_to_record, recorded_about
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.summary.model import About, MetricAbout, Verdict
from jetstream_argo.report.summary.show import Shown, answers
from jetstream_argo.store.entries import Kind
from jetstream_argo.store.estimates_table import COLUMNS, DERIVED
from tests.worlds import report as small

Row = dict[str, Value]
_NONE = dict.fromkeys(column.name for column in (*COLUMNS, *DERIVED))


def _row(metric: str, point: float | None, **facts: Value) -> Row:
    return {**_NONE, **small.estimate(metric, "1", point), "statistic": "mean_lm", "period": "overall", **facts}


def _pair(
    metric: str = "hours",
    *,
    uplift: tuple[float | None, float | None, float | None] = (0.1, 0.02, 0.18),
    holm: float | None = 0.01,
    branch: str = "treatment",
    **facts: Value,
) -> list[Row]:
    """Rows of a metric in control and another branch, and what compares them."""
    point, lower, upper = uplift
    against = {"branch": branch, "comparison_to_branch": "control", "lower": lower, "upper": upper}
    return [
        _row(metric, 10.0, **facts),
        _row(metric, 11.0, branch=branch, **facts),
        _row(metric, point, comparison="difference", p_value=0.001, p_value_holm=holm, **against, **facts),
        _row(metric, point, comparison="relative_uplift", **against, **facts),
    ]


_PLAIN, _NOTHING = Shown(), About()


def _printed(rows: list[Row], shown: Shown = _PLAIN, *, about: About = _NOTHING, width: int = 120) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    for part in answers(rows, about, shown, width=width, today=date(2026, 5, 25)):
        console.print(part)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _verdict(rows: list[Row], better: bool | None = None) -> Verdict:
    (window,) = windows_of(rows, About({"hours": MetricAbout(bigger_is_better=better)}))
    return window.answers[0].compared[0].verdict


@pytest.mark.parametrize(
    ("uplift", "holm", "better", "verdict"),
    [
        ((0.1, 0.02, 0.18), 0.01, True, Verdict.BETTER),
        ((0.1, 0.02, 0.18), 0.01, False, Verdict.WORSE),
        ((-0.1, -0.18, -0.02), 0.01, True, Verdict.WORSE),
        ((-0.1, -0.18, -0.02), 0.01, None, Verdict.WORSE),
        ((0.1, 0.02, 0.18), 0.2, True, Verdict.PERHAPS_BETTER),
        ((-0.1, -0.18, -0.02), 0.2, None, Verdict.PERHAPS_WORSE),
        ((0.1, -0.02, 0.22), 0.2, True, Verdict.UNCLEAR),
        ((0.1, 0.02, 0.18), None, True, Verdict.BETTER),
        ((None, None, None), None, True, Verdict.UNKNOWN),
        ((0.1, None, None), None, True, Verdict.UNKNOWN),
    ],
)
def test_what_follows_is_said_by_interval_p_value_and_direction(uplift, holm, better, verdict) -> None:
    assert _verdict(_pair(uplift=uplift, holm=holm), better) is verdict


def test_without_a_plan_the_chance_to_win_tells_which_is_better() -> None:
    rows = _pair()
    rows[2]["chance_to_win"] = 0.01

    assert _verdict(rows) is Verdict.WORSE


def test_a_metric_has_one_line_with_values_uplift_bar_p_value_and_verdict() -> None:
    rows = [*_pair(adjusted=True, variance_reduction=0.33), *_pair("ads", uplift=(-0.02, -0.1, 0.06), holm=1.0)]

    lines = _printed(rows)

    assert lines[0] == "overall 1, days 0 to 6 · enrollments · all units"
    assert lines[1].split() == ["Holm", "p"]
    assert lines[2].split() == ["metric", "control", "treatment", "uplift", "of", "2", "CUPED", "verdict"]
    hours, ads = lines[4:6]
    assert hours.split()[:6] == ["hours", "10", "11", "+10.0", "%", "[+2.0,"]
    assert hours.split()[7:] == ["│──●───", "0.010", "−33", "%", "better"]
    assert ads.split()[-2:] == ["1", "unclear"]
    assert "┼" in ads
    assert len(lines) == 7


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_wider_than_the_terminal_and_numbers_are_whole(width: int) -> None:
    rows = [*_pair("a_metric_of_quite_a_long_name"), *_pair("hours", holm=0.0001, uplift=(1.1, 0.123, 2.456))]

    lines = _printed(rows, width=width)

    assert all(len(line) <= width for line in lines)
    assert any("+110.0 % [+12.3, +245.6]" in line and "<0.001" in line for line in lines)
    assert any("●" in line for line in lines)


def test_several_branches_have_a_line_each_below_one_name() -> None:
    lines = _printed([*_pair(), *_pair(branch="other")[1:]])

    assert [line.split()[:2] for line in lines[4:6]] == [["hours", "10"], ["other", "11"]]


def test_overall_comes_first_and_what_else_there_is_is_named() -> None:
    rows = [*_pair(period="week"), *_pair(segment="loyal"), *_pair(analysis_basis="exposures"), *_pair()]

    lines = _printed(rows)

    assert [line for line in lines if "days" in line] == ["overall 1, days 0 to 6 · enrollments · all units"]
    assert lines[-1] == (
        "more: --all, --period week, --segment loyal, --basis exposures, --over-time, --format json, csv or parquet"
    )
    everything = _printed(rows, Shown(everything=True))
    assert sum("days 0 to 6" in line for line in everything) == 4


def test_windows_are_shown_where_there_is_no_overall_yet() -> None:
    rows = [*_pair(period="week"), *_pair(period="week", window_index=2, window_start=7, window_end=13)]

    assert [line for line in _printed(rows) if "days" in line] == [
        "week 1, days 0 to 6 · enrollments · all units",
        "week 2, days 7 to 13 · enrollments · all units",
    ]


def test_over_time_has_a_table_a_metric_with_a_line_a_window() -> None:
    second = {"window_index": 10, "window_start": 63, "window_end": 69}
    rows = [*_pair(), *_pair(period="week"), *_pair("ads", period="week"), *_pair(period="week", **second)]

    lines = _printed(rows, Shown(over_time=True))

    assert [line for line in lines if "by week" in line] == [
        "hours · by week · enrollments · all units",
        "ads · by week · enrollments · all units",
    ]
    assert any(line.startswith("10: days 63 to 69") for line in lines)


def test_deciles_are_a_table_of_deciles_by_branches() -> None:
    rows: list[Row] = []
    for share in ("0.1", "0.9"):
        point = Decimal(share)
        rows += [row | {"statistic": "deciles", "parameter": point} for row in _pair()]
    rows[0] |= {"point": 2.0}
    rows[2] |= {"point": 6e-9, "lower": 0.0, "upper": 0.0}

    lines = _printed([*_pair(), *rows], Shown(everything=True))

    start = next(place for place, line in enumerate(lines) if line.startswith("deciles of hours"))
    assert lines[start + 1].split() == ["below", "control", "treatment", "treatment", "−", "control"]
    assert lines[start + 3].split() == ["10", "%", "2", "11", "0", "[0,", "0]"]
    assert lines[start + 4].split()[:4] == ["90", "%", "10", "11"]
    assert not any("deciles" in line for line in _printed([*_pair(), *rows]))


def test_units_shares_roles_and_notes_are_shown() -> None:
    about = About(
        {
            "slow": MetricAbout(unit="s", role=MetricRole.GUARDRAIL, bigger_is_better=False),
            "kept": MetricAbout(role=MetricRole.PRIMARY, bigger_is_better=True),
        }
    )
    kept = [row | {"statistic": "binomial"} for row in _pair("kept")]
    kept[0]["point"] = 0.44
    slow = _pair("slow", adjusted=False, reason="no_covariate")

    lines = _printed([*_pair("also"), *slow, *kept], about=about)

    assert lines[0].startswith("decision about treatment: ")
    assert [word for line in lines for word in line.split()[:1] if word in ("kept", "slow", "also")] == [
        "kept", "slow", "also",
    ]  # fmt: skip
    kept_line, slow_line = (next(line for line in lines if line.startswith(f"{name} ")) for name in ("kept", "slow"))
    assert "44.0 %" in kept_line
    assert "10 s" in slow_line
    assert slow_line.endswith("no  worse; no covariate")


def test_a_metric_without_comparisons_shows_its_branches() -> None:
    rows = [_row("orders", 5.0, statistic="count"), _row("orders", 0.0, statistic="count", branch="treatment")]

    lines = _printed(rows)

    assert [line.split() for line in lines[3:5]] == [["orders", "control", "5"], ["treatment", "0"]]


def test_a_split_that_is_not_as_designed_and_what_is_provisional_stand_at_the_top() -> None:
    facts: Row = {"sample_ratio_mismatch": True, "sample_ratio_p_value": 0.0004, "settles_on": date(2026, 6, 1)}

    lines = _printed(_pair(**facts), width=160)

    assert "units are not split as designed (p <0.001): doubt all of this" in lines[0]
    assert "provisional until 2026-06-01" in lines[0]


def test_facts_come_before_any_number() -> None:
    facts = Facts(Units((BranchUnits("control", 10, 2), BranchUnits("treatment", 0, 0))))
    console = Console(width=120, file=io.StringIO())

    for part in answers(_pair(), About(), Shown(), facts=facts):
        console.print(part)

    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert lines[0].startswith("units: 10 in control")
    assert lines[1] == "branch 'treatment' has no units"


def test_names_are_shown_as_they_are() -> None:
    assert any("[red]x[/red]" in line for line in _printed(_pair("[red]x[/red]")))


def test_what_a_plan_says_of_its_metrics_is_recorded_once_and_read_without_the_plan() -> None:
    slow = small.metric(
        "slow", unit="s", role=MetricRole.GUARDRAIL, bigger_is_better=False, friendly_name="", description=""
    )
    plain = small.metric("plain", friendly_name="plain", description="")
    plan = small.plan([slow, plain])

    facts = about_to_record(plan, [])

    entry = small.entry(Kind.EXPORT, facts=facts)
    about = recorded_about([entry])
    assert about.reference == "control"
    assert about.metric("slow") == MetricAbout(
        unit="s", role=MetricRole.GUARDRAIL, bigger_is_better=False, planned_windows=4
    )
    assert about.metric("plain") == MetricAbout()
    assert about_to_record(plan, [entry]) == ""
    assert about_to_record(small.plan([plain]), [entry]) != ""
    assert about_to_record(small.plan([plain]), []) == ""
    assert recorded_about([]) == About()
