"""What a whole analysis says beyond points and intervals, on rows few enough to count by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import ExperimentConfig, MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.config.statistics import Summary
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.run.context import read_ledger
from tests.worlds.pipeline import BOTH, START, Pipeline, experiment, metric, planned, source, summary_of

WEEK_DUE = START + timedelta(days=8)
CLICKS = metric("clicks", "SUM(clicks)")
VISITS = metric("visits", "SUM(visits)")
RATE = MetricDefinition("rate", None, None, ("clicks", "visits"), BOTH)
PARTS: Table = {"numerator": "clicks", "denominator": "visits", "drop_highest": 0.0}
ASKED = (
    summary_of("clicks", "welch_mean", {"drop_highest": 0.0}),
    summary_of("clicks", "linear_model_mean", {"drop_highest": 0.0}),
    summary_of("clicks", "minimum_detectable_effect", {"drop_highest": 0.0}),
    summary_of("visits", "bootstrap_mean", {"drop_highest": 0.0}),
    summary_of("rate", "ratio_delta", PARTS),
    summary_of("rate", "population_ratio", {**PARTS, "drop_highest": 0.1}),
)
# Per branch, the clicks and visits of each unit in its first week.
UNITS = {
    "control": [(1, 2), (2, 3), (4, 6), (3, 5), (2, 2), (5, 7)],
    "treatment": [(3, 3), (5, 6), (4, 4), (8, 7), (6, 9), (7, 8)],
}


def configured(asked: Sequence[Summary], *, shares: tuple[int, ...] = (1, 1), **facts: object) -> ExperimentConfig:
    metrics = [replace(CLICKS, **facts), VISITS, RATE]  # type: ignore[arg-type]  # the fields of Metric
    made = experiment(metrics, [source("activity")], {Period.WEEK: asked}, enrollment_days=1, exposures_sql=None)
    return replace(made, branch_ratios=shares, sample_ratio_alarm=0.001)


def analysed(root: Path, config: ExperimentConfig) -> Pipeline:
    pipeline = Pipeline(root, planned(config, as_of=WEEK_DUE))
    assigned: list[tuple[str, str, date]] = []
    active: list[tuple[Value, ...]] = []
    for branch, units in UNITS.items():
        for number, (clicks, visits) in enumerate(units):
            assigned.append((f"{branch}-{number}", branch, START))
            active.append((f"{branch}-{number}", START + timedelta(days=1), clicks, visits))
    pipeline.put("assignments", {"unit": "STRING", "branch": "STRING", "day": "DATE"}, assigned)
    types = {"client_id": "STRING", "submission_date": "DATE", "clicks": "INT64", "visits": "INT64"}
    pipeline.put("activity", types, active)
    assert {result.exit_code for result in pipeline.run().values()} == {0}
    return pipeline


def shown(pipeline: Pipeline, statistic: str) -> dict[str, Value]:
    """What readers see of treatment's difference from control."""
    filters = Filters(statistics=(statistic,), comparisons=("difference",), branches=("treatment",))
    (row,) = read_estimates(pipeline.engine, pipeline.plan, filters).dicts()
    return dict(row)


def test_differences_have_p_values_errors_chances_and_losses(tmp_path: Path) -> None:
    pipeline = analysed(tmp_path, configured(ASKED))

    row = shown(pipeline, "mean_welch")

    # scipy 1.17: ttest_ind([3, 5, 4, 8, 6, 7], [1, 2, 4, 3, 2, 5], equal_var=False): .pvalue, and the point over
    # .statistic = error; norm.cdf(.statistic); error * norm.pdf(z) - point * norm.cdf(-z)
    assert row["p_value"] == pytest.approx(0.02168400033108059, rel=1e-9)
    assert row["std_error"] == pytest.approx(0.9718253158075502, rel=1e-9)
    assert row["chance_to_win"] == pytest.approx(0.9969650138189884, rel=1e-9)
    assert row["expected_loss"] == pytest.approx(0.0008914801194567605, rel=1e-9)
    assert shown(pipeline, "minimum_detectable_effect")["point"] == pytest.approx(
        (1.959963984540054 + 0.8416212335729143) * 0.9718253158075502, rel=1e-9
    )


def test_p_values_are_adjusted_for_all_metrics_of_the_window(tmp_path: Path) -> None:
    pipeline = analysed(tmp_path, configured(ASKED))

    p_values = [shown(pipeline, name)["p_value"] for name in ("mean_welch", "mean", "ratio_delta")]

    numbers = [value for value in p_values if isinstance(value, float)]
    assert shown(pipeline, "mean_welch")["p_value_holm"] == pytest.approx(
        numbers[0] * (3 - sorted(numbers).index(numbers[0]))
    )
    assert shown(pipeline, "mean_lm")["p_value_holm"] is None


def test_ratios_of_other_clips_are_asked_for_apart(tmp_path: Path) -> None:
    pipeline = analysed(tmp_path, configured(ASKED))

    assert shown(pipeline, "ratio_delta")["point"] == pytest.approx(33 / 37 - 17 / 25)
    assert isinstance(shown(pipeline, "population_ratio")["point"], float)


def test_a_metric_of_which_less_is_better_is_won_by_the_lower_branch(tmp_path: Path) -> None:
    better = analysed(tmp_path / "more", configured(ASKED))
    worse = analysed(tmp_path / "less", configured(ASKED, bigger_is_better=False))

    there, back = shown(better, "mean_welch"), shown(worse, "mean_welch")

    assert float(str(there["chance_to_win"])) + float(str(back["chance_to_win"])) == pytest.approx(1)
    loss = float(str(there["expected_loss"])) + float(str(there["point"]))
    assert back["expected_loss"] == pytest.approx(loss)
    assert (there["point"], there["p_value"]) == (back["point"], back["p_value"])


def test_units_that_are_not_split_as_designed_are_told_in_every_row_and_in_the_status(tmp_path: Path) -> None:
    pipeline = analysed(tmp_path, configured(ASKED, shares=(1, 9)))

    row = shown(pipeline, "mean_welch")
    counts = [entry for entry in read_ledger(pipeline.plan, pipeline.engine).entries if "identity" in entry.metrics]

    # scipy 1.17: stats.binomtest(6, 12, 0.1).pvalue
    assert row["sample_ratio_p_value"] == pytest.approx(0.000541231822000001, rel=1e-9)
    assert row["sample_ratio_mismatch"] is True
    assert "not split as designed in windows 1" in counts[-1].message
    assert counts[-1].metrics == ("identity", "sample_ratio")


def test_what_is_checked_already_is_not_counted_again(tmp_path: Path) -> None:
    pipeline = analysed(tmp_path, configured(ASKED))
    before = len(read_ledger(pipeline.plan, pipeline.engine).entries)

    again = pipeline.run()

    assert {result.exit_code for result in again.values()} == {0}
    fresh = read_ledger(pipeline.plan, pipeline.engine).entries[before:]
    assert not [entry for entry in fresh if "identity" in entry.metrics]
