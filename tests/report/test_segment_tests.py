"""Whether effects differ between a segment and the rest, as rows of estimates say it to readers."""

from io import StringIO

import pytest
from rich.console import Console

from jetstream_argo.report.segment_tests import SegmentTest, segment_tests, segment_tests_json
from jetstream_argo.report.summary.model import About
from jetstream_argo.report.summary.show import Shown, answers
from tests.report.page.rows import Row, pair

REST = {"rest_effect": 1.0, "rest_difference": 2.0, "rest_lower": 0.5, "rest_upper": 3.5, "rest_p_value": 0.01}


def against_rest(metric: str = "hours", holm: float | None = 0.03, **facts: object) -> list[Row]:
    """Return rows of a metric in a segment, whose difference is held against the rest."""
    rest = {**REST, "rest_p_value_holm": holm, "rest_tests": 7, "ci_width": 0.95}
    return [
        {**row, **(rest if row["comparison"] == "difference" else {})}
        for row in pair(metric, **{"segment": "loyal", **facts})  # type: ignore[arg-type]  # values of columns
    ]


def found_in(rows: list[Row]) -> list[SegmentTest]:
    return list(segment_tests(rows, reference="control"))


def shown(rows: list[Row], **asked: bool) -> str:
    text = StringIO()
    console = Console(file=text, width=150)
    for part in answers(rows, About(), Shown(**asked), width=150):
        console.print(part)
    return text.getvalue()


def test_the_difference_of_a_segment_says_how_it_differs_from_the_rest() -> None:
    [found] = found_in([*pair(), *against_rest()])

    assert (found.metric, found.segment, found.branch, found.family) == ("hours", "loyal", "treatment", 7)
    assert (found.effect, found.effect_elsewhere, found.difference) == (3.0, 1.0, 2.0)
    assert (found.lower, found.upper, found.p_value, found.p_value_holm) == (0.5, 3.5, 0.01, 0.03)
    [plain] = segment_tests_json([found])
    assert isinstance(plain, dict)
    assert plain["effect"] == 3.0
    assert plain["p_value_holm"] == 0.03


@pytest.mark.parametrize(
    "rows",
    [against_rest(holm=None), pair(), [], [{**row, "comparison_to_branch": "other"} for row in against_rest()]],
    ids=["not-the-first-test", "all-units", "nothing", "another-reference"],
)
def test_what_was_not_tested_is_not_told(rows: list[Row]) -> None:
    assert found_in(rows) == []


def test_results_show_the_tests_of_a_segment_below_its_table() -> None:
    rows = [*pair(), *against_rest()]

    assert "Do effects in" not in shown(rows)
    text = shown(against_rest())
    assert "Do effects in loyal differ from those on all other units?" in text
    assert "+2 [+0.5, +3.5]" in text
    assert "0.030" in text
