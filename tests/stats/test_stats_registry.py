"""What configurations may ask of statistics and pre-treatments, and what they are told otherwise."""

import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import read_statistic
from jetstream_argo.errors import ConfigError
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.needs import Adjustment, ClipRule, ClipScope, JointMomentsNeed, MomentsNeed, PowerSumsNeed
from jetstream_argo.stats.pretreatments import (
    PRE_TREATMENTS,
    Action,
    CensorValuesAboveThreshold,
    Log,
    parse_pre_treatment,
)
from jetstream_argo.stats.registry import METHODS, parse_method
from jetstream_argo.stats.rows import parameter_text

METRIC_HUB = Path(__file__).parents[2].parent / "shared" / "metric-hub"


def test_statistics_have_the_row_names_that_readers_know() -> None:
    assert {name: kind.row_name for name, kind in METHODS.items()} == {
        "binomial": "binomial",
        "bootstrap_mean": "mean",
        "count": "count",
        "deciles": "deciles",
        "empirical_cdf": "empirical_cdf",
        "kernel_density_estimate": "kernel_density_estimate",
        "linear_model_mean": "mean_lm",
        "linear_model_mean_no_clip": "mean_lm_noclip",
        "minimum_detectable_effect": "minimum_detectable_effect",
        "per_client_dau_impact": "per_client_dau_impact",
        "population_ratio": "population_ratio",
        "quantiles": "quantiles",
        "ratio_delta": "ratio_delta",
        "sum": "sum",
        "welch_mean": "mean_welch",
    }


def test_defaults_are_those_of_the_existing_system() -> None:
    assert parse_method("bootstrap_mean", {}) == BootstrapMean(10_000, 0.005, 0.95)
    assert parse_method("linear_model_mean", {}) == LinearModelMean(0.005, None, 0.95)
    assert parse_method("bootstrap_mean", {}).need() == PowerSumsNeed(ClipRule(0.005, ClipScope.PER_BRANCH))
    assert parse_method("linear_model_mean", {}).need() == MomentsNeed(ClipRule(0.005, ClipScope.POOLED))
    assert parse_method("linear_model_mean_no_clip", {}).need() == MomentsNeed(None)
    assert parse_method("per_client_dau_impact", {}).need() == MomentsNeed(None)


def test_a_covariate_needs_joint_moments() -> None:
    covariate = Adjustment("clicks", "preenrollment_days28")

    adjusted = parse_method("linear_model_mean", {"covariate_adjustment": covariate})

    assert adjusted.need() == JointMomentsNeed(ClipRule(0.005, ClipScope.POOLED), covariate)


def test_all_problems_are_reported_at_once_with_where_and_what_was_meant() -> None:
    with pytest.raises(ConfigError) as error:
        parse_method(
            "deciles",
            {"confidence_intervall": 0.9, "confidence_interval": 95},
            file="a.toml",
            where="metrics.x.deciles",
        )

    assert str(error.value) == (
        "a.toml:\n"
        "  metrics.x.deciles.confidence_intervall: is not a parameter; did you mean 'confidence_interval'?\n"
        "  metrics.x.deciles.confidence_interval: must be a number between 0 and 1, is 95"
    )


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("bootstrap_meen", {}, "'bootstrap_meen' is not a statistic; did you mean 'bootstrap_mean'?"),
        ("count", {"drop": 1}, "drop: is not a parameter; there are none"),
        ("population_ratio", {"numerator": "a"}, "denominator: is required"),
        ("empirical_cdf", {"log_space": 1}, "log_space: must be true or false, is 1"),
        ("empirical_cdf", {"grid_size": 1}, "grid_size: must be a whole number from 2 to 100000, is 1"),
        ("kernel_density_estimate", {"adjust": 2}, "adjust: must be 1, is 2"),
        ("kernel_density_estimate", {"bandwidth": "scot"}, "'scot'; did you mean 'scott' or 'scott_sd'?"),
        ("kernel_density_estimate", {"bandwidth": -1}, "bandwidth: must be a positive number, is -1"),
        (
            "quantiles",
            {"probabilities": []},
            "probabilities: must be a list of 1 to 20 probabilities, such as [0.5, 0.95]",
        ),
        ("quantiles", {"probabilities": "0.5"}, "probabilities: must be a list of 1 to 20 probabilities"),
        ("quantiles", {"probabilities": [0.5, 1]}, "probabilities: must be a number between 0 and 1, is 1"),
        ("quantiles", {"probabilities": [0.5, 0.5]}, "probabilities: must differ in the first six decimals"),
        ("linear_model_mean", {"drop_highest": True}, "drop_highest: must be a number from 0 to 0.5, is True"),
        ("linear_model_mean", {"drop_highest": float("nan")}, "drop_highest: must be a number from 0 to 0.5, is nan"),
        (
            "linear_model_mean",
            {"covariate_adjustment": "week"},
            "must be a table such as {period = ",
        ),
    ],
)
def test_a_parameter_that_cannot_be_says_why(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_method(name, arguments)

    assert message in str(error.value)


def test_pre_treatments_are_read_by_name_with_their_arguments() -> None:
    assert parse_pre_treatment("log", {}) == Log(10.0)
    assert parse_pre_treatment("log", {"base": None}) == Log(None)
    assert parse_pre_treatment("censor_values_above_threshold", {"threshold": 5}) == CensorValuesAboveThreshold(5.0)
    assert {PRE_TREATMENTS[name].action for name in ("zero_fill", "log", "normalize_over_analysis_period")} == {
        Action.REPLACE
    }


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("remove_null", {}, "'remove_null' is not a pre-treatment; did you mean 'remove_nulls'?"),
        ("log", {"base": 1}, "base: must be a positive number other than 1"),
        ("censor_values_below_threshold", {}, "threshold: is required"),
        ("censor_highest_values", {"fraction": 2}, "fraction: must be a number from 0 to 1, is 2"),
    ],
)
def test_a_pre_treatment_that_cannot_be_says_why(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_pre_treatment(name, arguments)

    assert message in str(error.value)


def test_parameters_of_rows_have_six_decimals_and_no_trailing_zeros() -> None:
    assert [str(parameter_text(value)) for value in (0.1, 2.0, 1.23456789, 0.0, -1e-9, Decimal("0.50"))] == [
        "0.1",
        "2",
        "1.234568",
        "0",
        "0",
        "0.5",
    ]


@pytest.mark.skipif(not METRIC_HUB.exists(), reason="metric-hub is not beside the repository")
def test_everything_that_metric_hub_asks_for_can_be_asked() -> None:
    asked = 0
    for file in sorted(METRIC_HUB.rglob("*.toml")):
        for metric, definition in tomllib.loads(file.read_text()).get("metrics", {}).items():
            statistics = definition.get("statistics", {}) if isinstance(definition, dict) else {}
            for statistic, arguments in statistics.items():
                read_statistic(statistic, arguments, metric=metric, period=Period.WEEK, file=str(file))
                asked += 1

    assert asked > 3000


def test_naming_a_statistic_loads_neither_numpy_nor_scipy() -> None:
    program = (
        "import sys, jetstream_argo.stats.estimate, jetstream_argo.stats.registry, jetstream_argo.stats.pretreatments;"
        "sys.exit('numpy' in sys.modules or 'scipy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
