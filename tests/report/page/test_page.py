"""The result page: what stands where, with which numbers, and that names are text."""

from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import pytest

from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.facts import BranchUnits, Facts, LeftOut, Units
from jetstream_argo.report.health import Check, HealthCheck
from jetstream_argo.report.method import AnalysisMethod, MetricMethod
from jetstream_argo.report.page.drawing import metric_drawing
from jetstream_argo.report.page.enrolled import EnrolledDay
from jetstream_argo.report.page.page import page, sections
from jetstream_argo.report.segment_tests import SegmentTest
from jetstream_argo.report.status import MetricStatus, Standing, StatusReport, status_report
from jetstream_argo.report.summary.model import About, MetricAbout
from jetstream_argo.store.entries import Kind, State
from tests.report.page.rows import (
    TODAY,
    Row,
    curve,
    deciles,
    find,
    material,
    of_class,
    pair,
    parsed,
    row,
    text_of,
    tree_of,
    weeks,
)
from tests.worlds import report as small

ODD = "<script>alert('x')</script>&amp;\u202egnp\x1b"


def _cells(section: ElementTree.Element) -> list[list[str]]:
    return [[text_of(cell) for cell in line if cell.tag in ("td", "th")] for line in section.iter("tr")]


def _metric(rows: list[Row], **facts: object) -> ElementTree.Element:
    return find(tree_of(rows, **facts), "metric-1")


def _titles(element: ElementTree.Element) -> list[str]:
    return [text_of(heading) for heading in element.iter("h4")]


def test_an_answer_has_the_numbers_of_the_results() -> None:
    rows = [*pair(adjusted=True, variance_reduction=0.33), *pair("ads")]

    cells = _cells(find(tree_of(rows), "answers"))

    assert cells[1] == [
        "hours", "treatment", "+10.0 % [+2.0, +18.0]", "", "▲better", "0.010", "10", "11", "98.7 %", "0.25", "−33 %",
    ]  # fmt: skip


def test_primary_metrics_and_guardrails_come_first_and_secondary_ones_are_folded() -> None:
    about = About({"b": MetricAbout(role=MetricRole.GUARDRAIL), "c": MetricAbout(role=MetricRole.PRIMARY)})
    few = [*pair("a"), *pair("b"), *pair("c")]
    many = [*few, *(row for name in "defgh" for row in pair(name))]

    answers = find(tree_of(many, about=about), "answers")

    assert _titles(answers) == ["Primary", "Guardrails"]
    (folded,) = answers.findall("details")
    assert text_of(folded[0]) == "Secondary: 6 metrics"
    assert [cells[0] for cells in _cells(answers) if cells[0] in "abc"] == ["c", "b", "a"]
    assert _titles(find(tree_of(few, about=about), "answers")) == ["Primary", "Guardrails", "Secondary"]


def test_all_bars_of_a_table_have_one_scale_and_what_is_far_beyond_has_an_arrow() -> None:
    rows = [row for name in "abcd" for row in pair(name)] + pair("e", (30.0, -20.0, 80.0))

    answers = find(tree_of(rows), "answers")

    bars = [svg for svg in of_class(answers, "bar") if of_class(svg, "interval")]
    ends = [(line.get("x1"), line.get("x2")) for bar in bars for line in of_class(bar, "interval")]
    assert len(set(ends[:4])) == 1
    assert ends[4] == ("0%", "100%")
    assert [len(of_class(bar, "arrow")) for bar in bars] == [0, 0, 0, 0, 2]
    assert all(len(of_class(bar, "zero")) == 1 for bar in bars)


def test_a_metric_shows_windows_cumulated_windows_and_days_by_tabs_without_scripts() -> None:
    rows = [*pair(), *weeks("hours", 3), *weeks("hours", 3, "cumulative_weekly"), *weeks("hours", 4, "day")]

    metric = _metric(rows)

    assert [text_of(label) for label in metric.iter("label")] == ["Cumulative", "Per week", "Per day"]
    assert [choice.get("checked") for choice in metric.iter("input")] == ["checked", None, None]
    charts = of_class(metric, "chart")
    assert [len(of_class(chart, "mark")) for chart in charts] == [3, 3, 4]
    assert all(len(of_class(chart, "band")) == 1 for chart in charts)
    assert all(chart.get("role") == "img" and "hours" in chart.get("aria-label", "") for chart in charts)
    numbers = [cells for cells in _cells(metric) if cells[0].startswith("2: days 7 to 13")]
    assert [cells[4] for cells in numbers] == ["+2.0 % [-3.0, +7.0]"] * 3


def test_a_window_without_a_number_is_a_gap() -> None:
    rows = [*weeks("hours", 5)]
    rows = [row | {"point": None} if row["window_index"] == 3 and row["comparison"] else row for row in rows]

    (chart,) = of_class(_metric(rows), "chart")

    assert len(of_class(chart, "line")) == 2
    assert len(of_class(chart, "mark")) == 4


def test_deciles_are_a_curve_of_differences_and_a_table() -> None:
    metric = _metric([*pair(), *deciles("hours")])

    assert "Deciles" in _titles(metric)
    chart = of_class(metric, "chart")[0]
    assert "differences of deciles" in chart.get("aria-label", "")
    assert len(of_class(chart, "mark")) == 9
    assert ["30 %", "10", "11", "+0.3 [0, +0.6]"] in _cells(metric)


def test_a_distribution_is_drawn_from_what_was_estimated() -> None:
    density = curve("hours", "kernel_density_estimate", [(x / 10, 0.1) for x in range(300)])
    shares = curve("hours", "empirical_cdf", [(10.0 ** (x / 10), x / 29) for x in range(30)])

    metric = _metric([*pair(), *density, *shares, *deciles("hours")])

    assert [text_of(label) for label in metric.iter("label")] == ["Density", "Cumulated"]
    charts = of_class(metric, "chart")[1:]
    points = [of_class(chart, "line")[0].get("points", "").split() for chart in charts]
    assert len(points[0]) == 160
    across = [float(point.partition(",")[0]) for point in points[1]]
    assert across[0] == pytest.approx(30)
    assert across[15] == pytest.approx((across[0] + across[-1]) / 2, rel=0.05)  # a log scale


def test_segments_are_compared_beside_all_units_with_a_warning() -> None:
    rows = [*pair(), *pair(segment="loyal"), *pair(segment=ODD)]

    metric = _metric(rows)

    assert "2 comparisons of segments: 2 more chances to find a difference" in text_of(metric)
    assert [cells[0] for cells in _cells(metric)][1:4] == ["all units", "loyal", _escaped(ODD)]


def test_it_is_tested_whether_the_effect_in_a_segment_is_that_of_the_other_units() -> None:
    test = SegmentTest(
        "overall",
        1,
        "enrollments",
        "hours",
        "mean_lm",
        "loyal",
        "treatment",
        3.0,
        1.0,
        2.0,
        0.5,
        3.5,
        0.95,
        0.01,
        0.03,
        3,
    )
    elsewhere = replace(test, metric="other", segment="new")
    made = material([*pair(), *pair(segment="loyal")], segment_tests=(test, elsewhere))

    section = text_of(find(parsed(page(made)), "metric-1"))

    assert "Holm's method for 3 tests" in section
    cells = _cells(find(parsed(page(made)), "metric-1"))
    assert ["loyal", "treatment", "+3", "+1", "+2 [+0.5, +3.5]", "0.030"] in cells
    assert "new" not in [line[0] for line in cells]


def test_both_bases_stand_side_by_side() -> None:
    metric = _metric([*pair(), *pair(analysis_basis="exposures")])

    assert "Enrolled and exposed units" in _titles(metric)
    assert [cells[0] for cells in _cells(metric)][1:3] == ["all that enrolled", "those exposed"]


@pytest.mark.parametrize(
    ("uplift", "sentence"),
    [((0.1, -0.1, 0.3), "No branch differed before enrollment"), ((0.1, 0.05, 0.15), "treatment differed already")],
)
def test_what_was_before_enrollment_is_checked(uplift, sentence: str) -> None:
    metric = _metric([*pair(), *pair(uplift=uplift, period="preenrollment_week")])

    assert "Before enrollment" in _titles(metric)
    assert sentence in text_of(metric)


def test_the_head_says_sample_ratio_units_and_what_is_left_out() -> None:
    units = Units((BranchUnits("control", 300, 0), BranchUnits("treatment", 100, 7)), (LeftOut("?", 5),), 0)
    report = StatusReport((), (), (), (), facts=Facts(units))
    rows = pair(sample_ratio_p_value=1e-9, sample_ratio_mismatch=True)

    tree = tree_of(rows, report=report, method=AnalysisMethod(shares={"control": 1, "treatment": 1}))

    head = find(tree, "top")
    assert "problem: ✕ not as designed" in text_of(head)
    assert "so doubt every number of: overall 1" in text_of(head)
    assert "5 units are left out: they are in '?'" in text_of(head)
    assert ["control reference", "300", "75.0 %", "50.0 %", "0"] in _cells(head)
    assert "doubt all of this" in text_of(find(tree, "answers"))


def test_checks_are_listed_with_alarms_first() -> None:
    checks = (Check(HealthCheck.ROWS, False, "rows are fine"), Check(HealthCheck.SPLIT, True, f"the split {ODD}"))

    section = find(tree_of(pair(), report=StatusReport((), (), (), (), facts=Facts(health=checks))), "health")

    assert [text_of(line) for line in section.iter("li")] == [
        f"✕alarm: The split {_escaped(ODD)}",
        "✓fine: Rows are fine",
    ]


def test_what_is_provisional_says_until_when_and_where() -> None:
    rows = [*pair(settles_on=date(2026, 6, 1)), *weeks("hours", 2, settles_on=date(2026, 5, 1))]

    tree = tree_of(rows, today=TODAY)

    assert "until 2026-06-01" in text_of(find(tree, "top"))
    assert "1 of 3 windows" in text_of(find(tree, "top"))
    assert "provisional until 2026-06-01" in text_of(find(tree, "answers"))
    assert "until" not in text_of(find(tree_of(rows, today=date(2026, 6, 1)), "top"))


def test_what_failed_and_what_is_missing_are_told_apart() -> None:
    failed = MetricStatus("ads", "week", 1, 3, Standing.FAILED, error="BadSql", message=f"no column {ODD}")
    report = StatusReport((failed,), (), (), ())
    method = AnalysisMethod(metrics={"later": MetricMethod(statistics={"mean": ("week",)}), "hours": MetricMethod()})

    tree = tree_of(pair(), report=report, method=method)

    assert "1 with results" in text_of(find(tree, "top"))
    assert "1 failed, 1 missing" in text_of(find(tree, "top"))
    cells = _cells(find(tree, "lacking"))
    assert cells[1] == ["ads", "week", "1 to 3", "failed", f"BadSql: no column {_escaped(ODD)}"]
    assert cells[2] == ["later", "", "", "missing", "no result yet"]


def test_enrollment_is_drawn_by_day_and_branch() -> None:
    days = [(date(2026, 5, 4), "control", 3), (date(2026, 5, 4), "treatment", 4), (date(2026, 5, 6), "control", 5)]

    enrollment = find(tree_of(pair(), enrolled=tuple(EnrolledDay(*day) for day in days)), "enrollment")

    assert _cells(enrollment)[1:] == [["2026-05-04", "3", "4"], ["2026-05-06", "5", "0"]]
    assert len(of_class(enrollment, "mark")) == 4 + 2  # the points, and the legend


def test_a_definition_has_sql_source_statistics_and_the_plan_stands_in_the_method() -> None:
    sql = "SUM(IF(a < b AND c > 'x', 1, 0))"
    metric = MetricMethod(sql, "clients", statistics={"linear_model_mean, drop_highest = 0.1": ("week", "overall")})
    method = AnalysisMethod(enrollments="SELECT 1 < 2", sources={"clients": "a & b"}, metrics={"hours": metric})

    tree = tree_of(pair(), method=method, plan="f" * 64)

    shown = find(tree, "metric-1")
    assert text_of(next(shown.iter("pre"))) == sql
    assert "linear_model_mean, drop_highest = 0.1 week, overall" in text_of(shown)
    assert "SELECT 1 < 2" in text_of(find(tree, "method"))
    assert "f" * 64 in text_of(find(tree, "method"))


def test_all_text_of_users_is_text() -> None:
    about = About({ODD: MetricAbout(title=ODD, description=ODD, unit=ODD)})
    rows = [*pair(ODD, branch=ODD, reason="no_units"), *pair(ODD, branch=ODD, segment=ODD), *weeks(ODD, 2, branch=ODD)]
    method = AnalysisMethod(app=ODD, enrollments=ODD, sources={ODD: ODD}, metrics={ODD: MetricMethod(ODD, ODD)})

    text = page(material(rows, about=about, slug=ODD, method=method))

    assert "<script" not in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    tree = parsed(text)
    assert text_of(next(tree.iter("h1"))) == _escaped(ODD)
    assert {"script", "img", "link", "iframe", "object"}.isdisjoint(element.tag for element in tree.iter())
    assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]
    drawn = [svg.get("aria-label", "") for svg in of_class(tree, "chart")]
    assert drawn
    assert all(_escaped(ODD) in label for label in drawn)


def test_nothing_is_fetched_from_anywhere() -> None:
    text = page(material([*pair(), *weeks("hours", 3), *deciles("hours")]))

    assert "http" not in text
    assert "url(" not in text
    assert "data:" not in text
    assert "@import" not in text


def test_many_metrics_are_listed_and_folded_and_the_page_says_its_size() -> None:
    rows = [point for number in range(40) for point in pair(f"metric_{number}_{'x' * 60}")]

    text = page(material(rows))

    tree = parsed(text)
    links = [link.get("href", "") for link in next(tree.iter("nav")).iter("a")]
    assert sum(link.startswith("#metric-") for link in links) == 40
    known = {element.get("id") for element in tree.iter()}
    assert all(link.removeprefix("#") in known for link in links)
    assert not [section for section in of_class(tree, "metric") if section.get("open")]
    footer = text_of(next(tree.iter("footer")))
    assert footer.startswith(f"40 metrics, {len(text.encode()) / 1000:.1f} kB")


def test_without_a_reference_branch_values_stand_alone() -> None:
    rows = [row("orders", 5.0, statistic="count"), row("orders", 0.0, statistic="count", branch="treatment")]

    tree = tree_of(rows)

    assert "No branch is compared with another." in text_of(find(tree, "top"))
    assert [[text for text in cells if text] for cells in _cells(find(tree, "answers"))[1:]] == [
        ["orders", "control", "not compared", "5"],
        ["treatment", "not compared", "0"],
    ]


def test_values_alone_are_drawn_over_time() -> None:
    rows = [week for week in weeks("orders", 3) if week["comparison"] is None]

    metric = _metric(rows)

    assert len(of_class(of_class(metric, "chart")[0], "mark")) == 2 * 3
    assert ["2: days 7 to 13", "10", "11"] in _cells(metric)


def test_a_metric_without_uplift_is_drawn_by_its_difference() -> None:
    rows = [week | {"point": None, "lower": None, "upper": None, "reason": "zero_reference"}
            if week["comparison"] == "relative_uplift" else week for week in weeks("hours", 3)]  # fmt: skip

    tree = tree_of(rows)

    assert "difference against control" in of_class(tree, "chart")[0].get("aria-label", "")
    assert "+0.03 [-0.02, +0.08]" in text_of(find(tree, "answers"))
    assert "zero reference" in text_of(find(tree, "answers"))


@pytest.mark.parametrize("size", [1e-300, 1e-12, 1e12, 1e300, 0.0])
def test_numbers_of_any_size_are_drawn(size: float) -> None:
    rows = [
        *pair(uplift=(size, -size, size * 3), values=(size, -size)),
        *[week | {"point": size, "lower": -size, "upper": size} for week in weeks("hours", 3)],
        *[decile | {"point": size, "lower": -size, "upper": size} for decile in deciles("hours")],
    ]

    text = page(material(rows))

    assert parsed(text) is not None
    assert "nan" not in text
    assert ">inf" not in text
    assert '"inf' not in text


def test_a_page_without_estimates_says_so() -> None:
    assert "no estimates" in text_of(find(tree_of([]), "answers"))


def test_a_notebook_has_the_same_sections_without_links() -> None:
    made = material([*pair(), *pair(segment="loyal")])

    tree = parsed(sections(made))

    assert tree.tag == "div"
    titles = [text_of(heading) for heading in parsed(page(made)).iter("h2")]
    assert [text_of(heading) for heading in tree.iter("h2")] == ["new-tab", *titles]
    assert {"a", "nav"}.isdisjoint(element.tag for element in tree.iter())
    assert not [element for element in tree.iter() if element.get("id")]


def test_a_drawing_is_a_document_of_its_own() -> None:
    made = material(weeks(ODD, 3))

    drawing = ElementTree.fromstring(metric_drawing(made.metrics[0], made.metrics[0].of_period("week")))

    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(of_class(drawing, "mark")) == 3 + 1  # the weeks, and the legend
    assert any(_escaped(ODD) in (element.text or "") for element in drawing.iter())


def test_costs_are_summed_by_source() -> None:
    took = {"bytes": 2_500_000, "rows": 7, "seconds": 1.5, "jobs": ("j",)}
    entries = [small.entry(Kind.PARTIALS, State.COMPUTED, source="clients", **took)]

    cost = find(tree_of(pair(), report=status_report(None, entries)), "cost")

    assert "1 job read 2.5 MB in 2 seconds" in text_of(cost)
    assert ["partials", "clients", "", "", "7", "2.5 MB", "1.5", "1", ""] in _cells(cost)


def _escaped(text: str) -> str:
    return text.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
