"""What an experiment may ask for beside what its metrics ask for."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.errors import ConfigError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_experiment

EXPERIMENT = """
[experiment]
slug = "new-checkout"
branches = {control = 1, treatment = 3}
start_date = 2026-05-04
enrollment_period = 7
end_date = 2026-06-08
enrollment_query = "SELECT unit AS analysis_id, branch, MIN(day) AS enrollment_date FROM shop.assigned GROUP BY 1, 2"
"""
METRICS = """
[data_sources.orders]
from_expression = "shop.orders"
client_id_column = "unit"
submission_date_column = "day"
experiments_column_type = "none"

[metrics]
weekly = ["revenue", "bought", "basket"]

[metrics.revenue]
data_source = "orders"
select_expression = "SUM(amount)"
[metrics.revenue.statistics.linear_model_mean]
drop_highest = 0.01
pre_treatments = ["zero_fill"]
[metrics.revenue.statistics.linear_model_mean.covariate_adjustment]
period = "preenrollment_week"

[metrics.bought]
data_source = "orders"
select_expression = "COUNT(*) > 0"
[metrics.bought.statistics.binomial]

[metrics.basket]
depends_on = ["revenue", "bought"]
[metrics.basket.statistics.population_ratio]
numerator = "revenue"
denominator = "bought"
"""


def planned(folder: Path, inference: str = "", conventions: str = "") -> AnalysisPlan:
    """The plan of an experiment whose file has this section, under conventions with that one."""
    file, habits = folder / "experiment.toml", folder / "conventions.toml"
    file.write_text(EXPERIMENT + inference + METRICS)
    habits.write_text(conventions)
    return plan_experiment(str(file), ConfigSources(conventions=(habits,)), as_of=date(2026, 5, 25), dataset="d").plan


def statistics_of(plan: AnalysisPlan, metric: str) -> dict[str, Statistic]:
    (leaf,) = (leaf for leaf in plan.statistics if (leaf.metric, leaf.period) == (metric, Period.WEEK))
    return {statistic.name: statistic for statistic in leaf.statistics}


def test_the_split_is_checked_against_the_branches_shares_unless_it_is_turned_off(tmp_path: Path) -> None:
    by_default = planned(tmp_path).experiment
    stricter = planned(tmp_path, conventions="[inference]\nsample_ratio_alarm = 0.01\n").experiment
    off = planned(tmp_path, "[experiment.inference]\nsample_ratio_alarm = 0\n").experiment

    assert (by_default.branch_shares, by_default.sample_ratio_alarm) == ((1, 3), 0.001)
    assert stricter.sample_ratio_alarm == 0.01
    assert off.sample_ratio_alarm == 0


def test_branches_may_be_empty_where_the_file_allows_it_and_by_default_the_plan_does_not_speak_of_it(
    tmp_path: Path,
) -> None:
    by_default = planned(tmp_path)
    allowed = planned(tmp_path, "allow_empty_branches = true\n")

    assert not by_default.experiment.allow_empty_branches
    assert allowed.experiment.allow_empty_branches
    assert b"allow_empty_branches" not in codec.dump(by_default)
    assert codec.load(codec.dump(by_default)) == by_default
    assert codec.load(codec.dump(allowed)) == allowed


def test_nothing_is_added_by_default(tmp_path: Path) -> None:
    plan = planned(tmp_path)

    assert [list(statistics_of(plan, name)) for name in ("revenue", "bought", "basket")] == [
        ["linear_model_mean"], ["binomial"], ["population_ratio"],
    ]  # fmt: skip


def test_an_added_statistic_is_asked_as_the_like_one_of_the_metric(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        """
[experiment.inference.statistics.welch_mean]
always_valid = true
[experiment.inference.statistics.ratio_delta]
""",
    )

    own, added = (statistics_of(plan, "revenue")[name] for name in ("linear_model_mean", "welch_mean"))
    assert added.parameters == '{"always_valid":true,"drop_highest":0.01}'
    assert (added.pre_treatments, added.covariate) == (own.pre_treatments, own.covariate)
    assert list(statistics_of(plan, "bought")) == ["binomial"]
    assert statistics_of(plan, "basket")["ratio_delta"].parameters == '{"denominator":"bought","numerator":"revenue"}'


def test_conventions_add_to_every_experiment_that_does_not_say_otherwise(tmp_path: Path) -> None:
    habit = "[inference.statistics.minimum_detectable_effect]\npower = 0.9\n"

    by_habit = planned(tmp_path, conventions=habit)
    without = planned(tmp_path, "[experiment.inference]\nstatistics = {}\n", conventions=habit)

    assert '"power":0.9' in statistics_of(by_habit, "revenue")["minimum_detectable_effect"].parameters
    assert list(statistics_of(without, "revenue")) == ["linear_model_mean"]


@pytest.mark.parametrize(
    ("inference", "message"),
    [
        ("[experiment.inference]\nsample_ratio_alarm = 1\n", "experiment.inference.sample_ratio_alarm"),
        ("[experiment.inference]\nalarm = 0.1\n", "experiment.inference.alarm: is not a known key"),
        ("[experiment.inference.statistics.welch_maen]\n", "did you mean 'welch_mean'"),
        ("[experiment.inference.statistics.welch_mean]\nalways = true\n", "always: is not a parameter"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(tmp_path: Path, inference: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(tmp_path, inference)
