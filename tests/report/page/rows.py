"""Rows of estimates for pages, as the warehouse gives them, and the material of a page of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from jetstream_argo.config.model import MetricRole
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.facts import BranchUnits, Facts, LeftOut, Units
from jetstream_argo.report.health import Check, HealthCheck
from jetstream_argo.report.method import AnalysisMethod, MetricMethod
from jetstream_argo.report.page.enrolled import EnrolledDay
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.page import page
from jetstream_argo.report.status import MetricStatus, Standing, StatusReport
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.summary.model import About, MetricAbout
from jetstream_argo.store.estimates_table import COLUMNS, DERIVED
from tests.worlds import report as small

Row = dict[str, Value]
_NONE = dict.fromkeys(column.name for column in (*COLUMNS, *DERIVED))
_FACTS = Facts(Units((BranchUnits("control", 500, 0), BranchUnits("treatment", 510, 0))))
NOTHING = About()
TODAY = date(2026, 5, 25)


def row(metric: str, point: float | None, **facts: Value) -> Row:
    """Return a row of one branch."""
    return {**_NONE, **small.estimate(metric, "1", point), "statistic": "mean_lm", "period": "overall", **facts}


def pair(
    metric: str = "hours",
    uplift: tuple[float | None, float | None, float | None] = (0.1, 0.02, 0.18),
    *,
    branch: str = "treatment",
    values: tuple[float, float] = (10.0, 11.0),
    **facts: Value,
) -> list[Row]:
    """Return rows of a metric in control and another branch, and what compares them."""
    point, lower, upper = uplift
    against = {"branch": branch, "comparison_to_branch": "control", "lower": lower, "upper": upper}
    tested = {"p_value": 0.001, "p_value_holm": 0.01, "chance_to_win": 0.987, "expected_loss": 0.25}
    return [
        row(metric, values[0], **facts),
        row(metric, values[1], branch=branch, **facts),
        row(metric, point, comparison="difference", **against, **{**tested, **facts}),
        row(metric, point, comparison="relative_uplift", **against, **facts),
    ]


def weeks(metric: str, count: int, period: str = "week", **facts: Value) -> list[Row]:
    """Return a metric in so many windows."""
    found: list[Row] = []
    for number in range(1, count + 1):
        window = {"window_index": number, "window_start": 7 * number - 7, "window_end": 7 * number - 1}
        found += pair(
            metric, (number / 100, number / 100 - 0.05, number / 100 + 0.05), period=period, **window, **facts
        )
    return found


def deciles(metric: str, **facts: Value) -> list[Row]:
    """Return a metric's deciles."""
    return [
        {**point, "statistic": "deciles", "parameter": Decimal(tenth) / 10}
        for tenth in range(1, 10)
        for point in pair(metric, (tenth / 10, tenth / 10 - 0.3, tenth / 10 + 0.3), **facts)
    ]


def curve(metric: str, statistic: str, points: Sequence[tuple[float, float]], **facts: Value) -> list[Row]:
    """Return a curve in both branches."""
    return [
        row(metric, y, statistic=statistic, parameter=Decimal(str(x)), branch=branch, lower=None, upper=None, **facts)
        for branch in ("control", "treatment")
        for x, y in points
    ]


def material(rows: Sequence[Row], *, about: About = NOTHING, slug: str = "new-tab", **facts: object) -> Material:
    """Return the material of a page."""
    report = StatusReport((), (), (), (), facts=_FACTS)
    made = Material(slug, windows_of(rows, about), about, report, AnalysisMethod())
    return replace(made, **facts)  # type: ignore[arg-type]  # the fields of Material


def parsed(text: str) -> ElementTree.Element:
    """Return a page as a tree: it is well-formed as XML, too."""
    return ElementTree.fromstring(text.partition("<!doctype html>\n")[2] or text)


def tree_of(rows: Sequence[Row], **facts: object) -> ElementTree.Element:
    """Return the page of some rows as a tree."""
    return parsed(page(material(rows, **facts)))  # type: ignore[arg-type]  # those of `material`


def text_of(element: ElementTree.Element) -> str:
    """Return the text that a reader gets, of an element and all in it, with single spaces."""
    return " ".join("".join(element.itertext()).split())


def find(tree: ElementTree.Element, name: str) -> ElementTree.Element:
    """Return the element with an id."""
    return next(element for element in tree.iter() if element.get("id") == name)


def of_class(tree: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Return the elements of a class."""
    return [element for element in tree.iter() if name in element.get("class", "").split()]


def hard_world() -> Material:
    """Return what is hard to show: names with markup, a failure, a split that is off, provisional dates, any size."""
    about = About({"<b>revenue & co</b>": MetricAbout("Revenue", "All of <i>it</i>.", "€", MetricRole.PRIMARY, True)})
    name = "<b>revenue & co</b>"
    doubtful: Row = {"sample_ratio_p_value": 1e-6, "sample_ratio_mismatch": True, "settles_on": date(2026, 6, 1)}
    long = "a_metric_with_a_name_that_is_much_longer_than_any_column_of_any_table_could_ever_be_" * 2
    rows = [
        *pair(name, adjusted=True, variance_reduction=0.33, **doubtful),
        *pair(name, (-0.2, -0.5, 0.1), branch="x" * 80, **doubtful)[1:],
        *weeks(name, 6),
        *weeks(name, 6, "cumulative_weekly"),
        *pair(name, segment="<u>" + "segment_" * 12),
        *pair(name, (0.02, -0.1, 0.1), period="preenrollment_week"),
        *deciles(name),
        *pair(long, (30.0, -20.0, 80.0), values=(1.5e15, 4.65e16)),
        *pair("tiny", (1e-9, -1e-9, 3e-9), values=(1e-12, 1e-12)),
        *pair("zero", (None, None, None), reason="zero_reference"),
    ]
    failed = MetricStatus(
        "broken", "week", 1, 6, Standing.FAILED, error="InvalidQuery", message="no column " + "x" * 200
    )
    facts = Facts(
        Units(
            (BranchUnits("control", 1_234_567, 9), BranchUnits("treatment", 1_100_000, 3), BranchUnits("x" * 80, 2, 0)),
            (LeftOut("<?>", 17),),
        ),
        health=(Check(HealthCheck.SPLIT, True, "units are not split as designed"),),
    )
    made = material(rows, about=about, slug="hard " * 12, report=StatusReport((failed,), (), (), (), facts=facts))
    method = AnalysisMethod("shop", "client_id", metrics={name: MetricMethod("SUM(x) < " + "y + " * 80, "orders")})
    days = tuple(
        EnrolledDay(date(2026, 5, day), branch, day * 7) for day in range(1, 29) for branch in ("control", "treatment")
    )
    return replace(made, today=TODAY, method=method, enrolled=days, recorded_at=small.at(3), plan="f" * 64)


def many_metrics(count: int = 40) -> Material:
    """Return many metrics, each with weeks, days, segments, both bases and deciles."""
    rows: list[Row] = []
    for number in range(count):
        name = f"metric_{number}"
        rows += [*pair(name), *weeks(name, 5), *weeks(name, 35, "day"), *deciles(name)]
        rows += [point for segment in ("new", "loyal", "heavy") for point in pair(name, segment=segment)]
        rows += pair(name, analysis_basis="exposures")
    return material(rows)
