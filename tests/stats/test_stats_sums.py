"""Sums about a mean: they add, they centre, and they are those of the values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.stats.moments import JointMoments, JointPowerSums, Moments, PowerSums
from jetstream_argo.stats.needs import ClipRule, ClipScope
from jetstream_argo.stats.sufficient import ValueCounts, rank_window
from jetstream_argo.stats.value_counts import clipped, extremes, moments, power_sums, quantile
from tests.reference.samples import counted as counted_column
from tests.reference.samples import joint_power_sums

VALUES = st.lists(st.integers(-50, 50).map(lambda value: value / 4), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30)


def counted(values: list[float]) -> ValueCounts:
    return counted_column(np.array(values, np.float64))


def joint(pairs: list[tuple[int, int]]) -> JointMoments:
    y, x = np.array(pairs, dtype=float).T
    dy, dx = y - y.mean(), x - x.mean()
    return JointMoments(len(y), y.mean(), x.mean(), dy @ dy, dx @ dx, dx @ dy)


@given(VALUES, VALUES)
def test_moments_of_two_sets_add_to_those_of_both(left: list[float], other: list[float]) -> None:
    together = moments(counted(left)) + moments(counted(other))

    both = moments(counted(left + other))
    assert together.n == both.n
    assert (together.mean, together.m2) == pytest.approx((both.mean, both.m2), abs=1e-9)


@given(PAIRS, PAIRS)
def test_joint_moments_of_two_sets_add_to_those_of_both(
    left: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    together, both = joint(left) + joint(other), joint(left + other)

    assert together.n == both.n
    assert (together.mean_y, together.mean_x) == pytest.approx((both.mean_y, both.mean_x))
    assert (together.m2_y, together.m2_x, together.c_xy) == pytest.approx((both.m2_y, both.m2_x, both.c_xy), abs=1e-8)


@given(VALUES, VALUES)
def test_power_sums_of_two_sets_add_to_those_of_both(left: list[float], other: list[float]) -> None:
    together = power_sums(counted(left)) + power_sums(counted(other))

    both = power_sums(counted(left + other))
    assert (together.n, together.minimum, together.maximum) == (both.n, both.minimum, both.maximum)
    scale = 25.0 ** np.arange(9) * both.n
    assert np.array(together.central) / scale == pytest.approx(np.array(both.central) / scale, abs=1e-12)


def test_adding_nothing_changes_nothing() -> None:
    some = moments(counted([1.0, 2.0, 4.0]))
    powers = power_sums(counted([1.0, 2.0, 4.0]))

    assert Moments(0, 0.0, 0.0) + some == some
    assert power_sums(counted([])) + powers == powers


@given(VALUES, st.integers(-8, 8))
def test_sums_about_any_number_centre_to_the_same(values: list[float], center: int) -> None:
    deviations = np.array(values) - center

    centred = Moments.from_sums_about(center, len(values), deviations.sum(), (deviations**2).sum())
    powers = PowerSums.from_sums_about(center, [(deviations**k).sum() for k in range(9)], min(values), max(values))

    expected = power_sums(counted(values))
    assert (centred.mean, centred.m2) == pytest.approx((expected.mean, expected.central[2]), abs=1e-8)
    scale = 25.0 ** np.arange(9) * len(values)
    assert np.array(powers.central) / scale == pytest.approx(np.array(expected.central) / scale, abs=1e-9)


def test_joint_power_sums_about_any_numbers_centre_to_the_same() -> None:
    numerator, denominator = np.array([0.0, 1, 5, 2, 0]), np.array([1.0, 3, 7, 2, 2])
    raw = [[((numerator - 1) ** i * (denominator - 2) ** j).sum() for j in range(9 - i)] for i in range(9)]

    centred = JointPowerSums.from_sums_about((1.0, 2.0), raw, minimum_denominator=1.0)

    expected = joint_power_sums(numerator, denominator)
    assert (centred.mean_numerator, centred.mean_denominator) == pytest.approx((1.6, 3.0))
    assert centred.minimum_denominator == expected.minimum_denominator == 1
    for moment, other in zip(centred.central, expected.central, strict=True):
        assert moment == pytest.approx(other, rel=1e-9, abs=1e-9)


@given(VALUES, st.floats(0, 1))
def test_quantiles_are_those_of_numpy(values: list[float], probability: float) -> None:
    expected = float(np.quantile(values, probability))

    assert quantile(counted(values), probability) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_clipping_replaces_and_drops_nothing() -> None:
    data = clipped(counted([1.0, 2.0, 9.0, 9.0, 10.0]), ClipRule(0.1, ClipScope.PER_BRANCH))

    assert data.values == pytest.approx([1.0, 2.0, 9.0, 9.6])
    assert data.counts.tolist() == [1, 1, 2, 1]
    assert clipped(data, None) is data


def test_extremes_know_the_smallest_positive_value() -> None:
    span = extremes(counted([-1.0, 0.0, 0.0, 0.25, 3.0]))

    assert (span.minimum, span.maximum, span.smallest_positive, span.at_most_zero) == (-1, 3, 0.25, 3)
    assert extremes(counted([-1.0, 0.0])).smallest_positive is None


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_rank_windows_stay_within_the_ranks(n: int) -> None:
    windows = [rank_window(n, probability / 10, 8.0) for probability in range(1, 10)]

    assert all(0 <= low <= high <= n - 1 for low, high in windows)
