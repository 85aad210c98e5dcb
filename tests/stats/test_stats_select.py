"""Order statistics, grids and quantiles without a full sort, against the plain way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jetstream_argo.stats.columns import Columns
from jetstream_argo.stats.from_columns import sample_from_columns
from jetstream_argo.stats.from_pairs import mean_of_quantiles
from jetstream_argo.stats.laws.grids import cumulative, grid
from jetstream_argo.stats.laws.kernels import boxes_of, boxes_of_values
from jetstream_argo.stats.needs import Covariate
from jetstream_argo.stats.reduce import joint_power_sums, power_sums_of
from jetstream_argo.stats.registry import parse_method
from jetstream_argo.stats.select import Buckets
from jetstream_argo.stats.sufficient import Extremes, PairCounts, ValueCounts

ANY = st.floats(allow_nan=False, allow_infinity=False)
RNG = np.random.RandomState(20261125)
SKEW = np.exp(RNG.normal(0, 1.5, 30_000))


@given(arrays(np.float64, st.integers(1, 200), elements=ANY), st.data())
def test_values_of_any_ranks_are_those_of_a_sort(values: np.ndarray, data: st.DataObject) -> None:
    ends = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=2, max_size=2).map(sorted))

    (found,) = Buckets.of(values).ranked([(ends[0], ends[1])])

    assert np.array_equal(found, np.sort(values)[ends[0] : ends[1] + 1])


def test_several_windows_of_many_values_are_those_of_a_sort() -> None:
    windows = [(0, 10), (9_000, 9_400), (29_990, 29_999)]

    found = Buckets.of(SKEW - 2).ranked(windows)

    for (low, high), values in zip(windows, found, strict=True):
        assert np.array_equal(values, np.sort(SKEW - 2)[low : high + 1])


@pytest.mark.parametrize("log_space", [False, True])
@pytest.mark.parametrize("values", [SKEW, np.r_[np.zeros(100), SKEW], np.round(SKEW, 1), np.full(30_000, 3.0)])
def test_counts_up_to_each_point_of_a_grid_are_exact(values: np.ndarray, log_space: bool) -> None:
    positive = values[values > 0]
    span = Extremes(len(values), values.min(), values.max(), positive.min(), int((values <= 0).sum()))
    points = grid(span, grid_size=256, log_space=log_space)

    found = cumulative(values, points)

    assert found == tuple(np.searchsorted(np.sort(values), points.points, side="right").tolist())


def test_the_mean_of_the_quantiles_is_that_of_numpy() -> None:
    values, counts = np.unique(np.round(SKEW), return_counts=True)

    expected = np.quantile(np.round(SKEW), np.arange(0, 1, 1e-4)).mean()
    assert mean_of_quantiles(values, counts) == pytest.approx(expected, rel=1e-12)


def test_the_mean_of_the_quantiles_of_very_many_values_is_good_to_a_millionth() -> None:
    rng = np.random.RandomState(1)
    covariate = np.exp(rng.normal(0, 1.5, 240_000))
    method = parse_method("linear_model_mean", {"covariate_adjustment": Covariate("m", "preenrollment_week")})
    codes = np.repeat(np.arange(2, dtype=np.int8), 120_000)

    found = sample_from_columns(method, Columns("m", ("a", "b"), codes, covariate * 2, covariate)).pooled

    limited = np.minimum(covariate, np.quantile(covariate, 0.995))
    assert found.qbar == pytest.approx(np.quantile(limited, np.arange(0, 1, 1e-4)).mean(), rel=1e-6)


def test_power_sums_are_the_sums_of_the_powers() -> None:
    deviation = SKEW - SKEW.mean()

    found = power_sums_of(SKEW)

    assert found.central[2:] == pytest.approx([(deviation**k).sum() for k in range(2, 9)], rel=1e-11)


def test_joint_power_sums_are_the_sums_of_the_products_of_powers() -> None:
    x, y = SKEW[:9_000], SKEW[9_000:18_000]
    counts = RNG.randint(1, 4, 9_000)

    found = joint_power_sums(PairCounts(x, y, counts), None)

    mean_x, mean_y = (np.average(one, weights=counts) for one in (x, y))
    for i, row in enumerate(found.central):
        assert len(row) == 9 - i
        for j, value in enumerate(row):
            terms = counts * (x - mean_x) ** i * (y - mean_y) ** j
            assert value == pytest.approx(terms.sum(), abs=1e-10 * np.abs(terms).sum())


@pytest.mark.parametrize("values", [SKEW, np.r_[SKEW, -SKEW * 1e4], np.r_[np.zeros(9_000), SKEW]])
def test_boxes_of_values_in_any_order_are_those_of_sorted_ones(values: np.ndarray) -> None:
    distinct, counts = np.unique(values, return_counts=True)
    span = Extremes(len(values), values.min(), values.max(), values[values > 0].min(), int((values <= 0).sum()))

    found = boxes_of_values(values, span, 0.1)

    expected = boxes_of(ValueCounts(distinct, counts), span, 0.1)
    assert np.array_equal(found.index, expected.index)
    assert found.moments == pytest.approx(expected.moments, rel=1e-9, abs=1e-9)
