"""What the latest estimates say about one another: adjusted p-values, and whether units are split as designed."""

from rich.console import Console

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.exports import metadata, mismatches, statistic_rows
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import status_report
from jetstream_argo.report.tables import estimate_tables
from jetstream_argo.sql.names import Place
from jetstream_argo.stats.checks import benjamini_hochberg, holm
from jetstream_argo.warehouse.protocol import Engine
from tests.worlds import report as small

PLACE = Place("analysis", "new-tab")
BROKEN: dict[str, Value] = {
    "statistic": "srm", "p_value": 1e-9, "reason": "sample_ratio_mismatch", "lower": None, "upper": None,
}  # fmt: skip


def compared(name: str, p_value: float | None, branch: str = "treatment", **facts: Value) -> dict[str, Value]:
    """A difference from control."""
    made: dict[str, Value] = {
        "statistic": "mean_lm", "branch": branch, "comparison": "difference", "comparison_to_branch": "control",
        "p_value": p_value,
    }  # fmt: skip
    return small.estimate(name, f"b-{name}", 0.5, **{**made, **facts})


def latest(engine: Engine, rows: list[dict[str, Value]], filters: Filters | None = None) -> list[dict[str, Value]]:
    """What readers see of these rows."""
    small.keep(engine, rows)
    names = dict.fromkeys(str(row["metric"]) for row in rows)
    small.record(engine, [small.statistics_entry(name, f"b-{name}", 1, (1, 9)) for name in names])
    return [dict(row) for row in read_estimates(engine, PLACE, filters or Filters()).dicts()]


def adjusted(rows: list[dict[str, Value]]) -> list[tuple[float, float]]:
    found = [(row["p_value_holm"], row["p_value_bh"]) for row in rows if row["p_value_holm"] is not None]
    return [(float(str(found_text)), float(str(other))) for found_text, other in found]


def test_p_values_are_adjusted_for_all_metrics_and_branches_that_are_compared_with_the_same_branch(engine: Engine):
    p_values = {
        ("ads", "a"): 0.04,
        ("ads", "b"): 0.01,
        ("clicks", "a"): 0.03,
        ("clicks", "b"): 0.03,
        ("hours", "a"): 0.5,
    }
    rows = [compared(name, p, branch) for (name, branch), p in p_values.items()]

    shown = latest(engine, rows)

    expected = list(zip(holm(list(p_values.values())), benjamini_hochberg(list(p_values.values())), strict=True))
    found = {(row["metric"], row["branch"]): (row["p_value_holm"], row["p_value_bh"]) for row in shown}
    for key, pair in zip(p_values, expected, strict=True):
        assert all(
            abs(float(str(found_text)) - other) < 1e-12 for found_text, other in zip(found[key], pair, strict=True)
        )


def test_windows_segments_bases_and_references_are_families_of_their_own(engine: Engine):
    others: list[dict[str, Value]] = [
        {"window_index": 2},
        {"segment": "loyal"},
        {"analysis_basis": "exposures"},
        {"branch": "control", "comparison_to_branch": "treatment"},
    ]
    rows = [compared("ads", 0.02), *(compared("ads", 0.02, **facts) for facts in others)]

    assert adjusted(latest(engine, rows)) == [(0.02, 0.02)] * 5


def test_tests_against_the_rest_are_a_family_over_all_segments_whatever_is_asked_for(engine: Engine):
    p_values = {("ads", "loyal"): 0.01, ("ads", "new"): 0.04, ("hours", "loyal"): 0.03}
    rows = [
        compared(name, 0.5, segment=segment, **{"rest_p_value": p_value, **facts})
        for (name, segment), p_value in p_values.items()
        for facts in ({}, {"window_index": 2}, {"statistic": "mean", "rest_p_value": 0.001})
    ]

    shown = latest(engine, rows, Filters(segments=("loyal",), windows=(1,)))

    found = {row["metric"]: row for row in shown if row["rest_p_value_holm"] is not None}
    assert {name: (row["statistic"], row["rest_tests"]) for name, row in found.items()} == {
        "ads": ("mean_lm", 3),
        "hours": ("mean_lm", 3),
    }
    assert [found[name]["rest_p_value_holm"] for name in ("ads", "hours")] == [0.03, 0.06]


def test_a_metric_is_tested_once_however_many_of_its_statistics_have_p_values(engine: Engine):
    rows = [
        compared("ads", 0.01),
        compared("ads", 0.02, statistic="mean_welch"),
        compared("ads", 0.03, statistic="mean"),
        compared("ads", None, statistic="deciles"),
        compared("ads", None, comparison="relative_uplift"),
        compared("hours", 0.04),
    ]

    shown = latest(engine, rows)

    assert {row["statistic"]: row["p_value_holm"] for row in shown if row["p_value_holm"]} == {
        "mean_welch": 0.04,
        "mean_lm": 0.04,
    }
    assert len(adjusted(shown)) == 2


def test_units_that_are_not_split_as_designed_mark_all_rows_of_their_window_basis_and_segment(engine: Engine):
    split = small.estimate("sample_ratio", "b-sample_ratio", 1e-9, **BROKEN)
    fine: dict[str, Value] = {**BROKEN, "p_value": 0.4, "reason": None, "window_index": 2}
    rows = [
        split,
        small.estimate("sample_ratio", "b-sample_ratio", 0.4, **fine),
        compared("ads", 0.02),
        compared("ads", 0.02, window_index=2),
        compared("ads", 0.02, window_index=3),
    ]

    shown = latest(engine, rows, Filters(metrics=("ads",)))

    marks = [(row["window_index"], row["sample_ratio_mismatch"], row["sample_ratio_p_value"]) for row in shown]
    assert marks == [("1", True, 1e-9), ("2", False, 0.4), ("3", None, None)]


def test_files_and_tables_say_where_units_are_not_split_as_designed(engine: Engine):
    latest(engine, [small.estimate("sample_ratio", "b-sample_ratio", 1e-9, **BROKEN), compared("ads", 0.02)])
    result = read_estimates(engine, PLACE, Filters())
    console = Console(width=200)

    exported = list(statistic_rows(result))
    with console.capture() as printed:
        for table in estimate_tables(result):
            console.print(table)
    about = metadata(small.plan(), "f" * 64, [], status_report(None, []), mismatched=list(mismatches(result)))

    assert {row["sample_ratio_mismatch"] for row in exported} == {True}
    assert about["sample_ratio_mismatches"] == [
        {"period": "week", "window_index": "1", "analysis_basis": "enrollments", "segment": "all", "p_value": 1e-9}
    ]
    assert "units are not split as designed (p = 1e-09)" in printed.get()


def test_no_row_says_anything_of_the_split_where_it_was_not_checked(engine: Engine):
    shown = latest(engine, [compared("ads", 0.02)], Filters(periods=(Period.WEEK,)))

    assert [(row["sample_ratio_mismatch"], row["sample_ratio_p_value"]) for row in shown] == [(None, None)]
