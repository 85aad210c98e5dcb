"""Every statistic says what mozanalysis says: `make_references.py` wrote `references.json`, and says how."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.from_columns import Columns, sample_from_columns
from jetstream_argo.stats.registry import parse_params
from jetstream_argo.stats.rows import EstimateRow
from tests.stats import reference_data as data

REFERENCES = json.loads(Path(__file__).with_name("references.json").read_text())
ADJUST = {"period": "preenrollment_week"}
Z = 1.959963984540054


def ours(statistic: str, column: data.Column, *, integer: bool = False, **arguments: object) -> tuple[EstimateRow, ...]:
    params = parse_params(statistic, arguments)
    codes = np.repeat(np.arange(3, dtype=np.int8), data.SIZES)
    values, other = (np.concatenate(side) for side in column)
    if integer:
        values, other = values.astype(np.int64), other.astype(np.int64)
    return estimate(params, sample_from_columns(params, Columns("m", data.BRANCHES, codes, values, other)))


def key(row: EstimateRow) -> tuple[str | None, ...]:
    parameter = None if row.parameter is None else str(row.parameter)
    return row.statistic, parameter, row.branch, row.comparison, row.comparison_to_branch


def references(name: str) -> dict[tuple[str | None, ...], Sequence[float]]:
    found = {}
    for statistic, parameter, branch, comparison, to, *numbers in REFERENCES[name]:
        text = None if parameter is None else str(round(Decimal(parameter), 6).normalize())
        found[statistic, text, branch, comparison, to] = numbers
    return found


DETERMINISTIC = {
    "linear_model_mean counts": ("linear_model_mean", data.counts, {"integer": True}),
    "linear_model_mean continuous": ("linear_model_mean", data.continuous, {}),
    "linear_model_mean_no_clip continuous": ("linear_model_mean_no_clip", data.continuous, {}),
    "linear_model_mean counts adjusted": (
        "linear_model_mean",
        data.counts,
        {"integer": True, "covariate_adjustment": ADJUST},
    ),
    "linear_model_mean continuous adjusted": (
        "linear_model_mean",
        data.continuous,
        {"covariate_adjustment": ADJUST},
    ),
    "linear_model_mean gaps adjusted": (
        "linear_model_mean",
        data.continuous_with_gaps,
        {"covariate_adjustment": ADJUST},
    ),
    "per_client_dau_impact gaps": ("per_client_dau_impact", data.continuous_with_gaps, {}),
}


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_linear_models_equal_least_squares_of_mozanalysis(name: str) -> None:
    statistic, column, arguments = DETERMINISTIC[name]
    expected = references(name)

    rows = ours(statistic, column(), **arguments)

    assert {key(row) for row in rows} == set(expected)
    for row in rows:
        point, lower, upper = expected[key(row)]
        width = upper - lower
        # Upstream's gradient of a relative uplift is a finite difference: its bounds carry 1e-5 of their distance.
        noise = 1e-5 * width if row.comparison == "relative_uplift" else 1e-9 * max(width, abs(point))
        assert row.point == pytest.approx(point, rel=1e-9, abs=1e-9 * width)
        assert row.lower == pytest.approx(lower, abs=noise)
        assert row.upper == pytest.approx(upper, abs=noise)


GRIDS = {
    "empirical_cdf counts": ("empirical_cdf", data.counts, {}),
    "empirical_cdf counts log": ("empirical_cdf", data.counts, {"log_space": True}),
    "empirical_cdf continuous log": ("empirical_cdf", data.continuous, {"log_space": True}),
    "kernel_density_estimate counts log": ("kernel_density_estimate", data.counts, {"log_space": True}),
    "kernel_density_estimate continuous": ("kernel_density_estimate", data.continuous, {}),
}


@pytest.mark.parametrize("name", GRIDS)
def test_distributions_on_a_grid_equal_those_of_jetstream(name: str) -> None:
    statistic, column, arguments = GRIDS[name]
    expected = references(name)

    rows = ours(statistic, column(), grid_size=40, **arguments)

    assert {key(row) for row in rows} == set(expected)
    for row in rows:
        assert row.point == pytest.approx(expected[key(row)][0], rel=1e-9, abs=1e-13)
        assert (row.lower, row.upper, row.ci_width) == (None, None, None)


# What one run of upstream cannot show: its mean over seeds has an error, which the file holds; six such errors, and
# for continuous deciles the distance between order statistics, between which upstream interpolates its samples.
RANDOM = {
    "binomial booleans": ("binomial", data.booleans, {}, 0.0),
    "bootstrap_mean counts": ("bootstrap_mean", data.counts, {}, 0.0),
    "bootstrap_mean continuous": ("bootstrap_mean", data.continuous, {}, 0.0),
    "deciles counts": ("deciles", data.counts, {}, 0.03),
    "deciles continuous": ("deciles", data.continuous, {}, 0.25),
    "population_ratio": (
        "population_ratio",
        data.ratio,
        {"numerator": "m", "denominator": "d"},
        0.0,
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_exact_laws_are_where_resampling_converges(name: str) -> None:
    statistic, column, arguments, granularity = RANDOM[name]
    expected = references(name)

    rows = ours(statistic, column(), **arguments)

    assert {key(row) for row in rows} == set(expected)
    scores = []
    for row in rows:
        means, errors = expected[key(row)][:3], expected[key(row)][3:]
        if row.lower is None or row.upper is None or row.point is None:
            assert not all(np.isfinite(means)), row
            continue
        sigma = (row.upper - row.lower) / (2 * Z)
        for value, mean, error in zip((row.point, row.lower, row.upper), means, errors, strict=True):
            assert abs(value - mean) <= 6 * error + granularity * sigma + 1e-9, row
            if error > 1e-9:  # otherwise upstream's number has no chance in it
                scores.append((value - mean) / error)
    if not granularity:
        # Rows of a run share draws, so that the scores are correlated; their size still has to be about 1.
        assert np.sqrt(np.mean(np.square(scores))) < 2
