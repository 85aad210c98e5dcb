"""Whether few units are split as designed."""

from collections.abc import Sequence
from itertools import product
from math import factorial, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.stats.checks import SplitTest, sample_ratio_p_value, split_test
from jetstream_argo.stats.laws.exact_split import exact_split_p_value


def test_from_five_expected_units_a_branch_on_the_check_is_the_chi_square_test() -> None:
    assert split_test([9, 1], [1, 1]) == SplitTest(sample_ratio_p_value([9, 1], [1, 1]))
    assert split_test([8, 1], [1, 1]).exact
    assert not split_test([20, 60], [1, 15]).exact
    assert split_test([20, 59], [1, 15]).exact


@pytest.mark.parametrize(
    ("units", "shares", "p_value"),
    [
        # scipy 1.17: `stats.binomtest` of the first branch
        ([0, 9], [1, 1], 0.00390625),
        ([3, 0], [1, 1], 0.25),
        ([2, 2], [1, 1], 1.0),
        ([3, 30], [1, 9], 1.0),
        ([9, 21], [1, 9], 0.002019829005258302),
        ([30, 100_000], [1, 50_000], 5.879195305736056e-25),
        # scipy 1.17: the sum of `stats.multinomial.pmf` over the splits that are no more probable
        ([8, 1, 1], [1, 1, 1], 0.010211857948483444),
        ([1, 0, 4], [1, 1, 2], 0.6093749999999999),
    ],
)
def test_of_fewer_units_the_check_is_exact(units: Sequence[int], shares: Sequence[float], p_value: float) -> None:
    assert split_test(units, shares).p_value == pytest.approx(p_value, rel=1e-9)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=2, max_size=4))
def test_an_exact_check_is_the_sum_over_all_splits_that_are_no_more_probable(branches: list[tuple[int, int]]) -> None:
    units, shares = zip(*branches, strict=True)
    total, whole = sum(units), sum(shares)

    def probability(split: Sequence[int]) -> float:
        ways = factorial(total) // prod(factorial(n) for n in split)
        return ways * prod((share / whole) ** n for n, share in zip(split, shares, strict=True))

    splits = [split for split in product(range(total + 1), repeat=len(units)) if sum(split) == total]
    limit = probability(units) * (1 + 1e-7)
    assert exact_split_p_value(units, shares) == pytest.approx(
        sum(p for p in map(probability, splits) if p <= limit), rel=1e-9
    )


def test_what_is_too_few_for_the_one_and_too_much_for_the_other_test_is_not_checked() -> None:
    assert split_test([0, 100_000, 0, 100_000], [1, 1e6, 1, 1e6]) == SplitTest(None)


def test_two_branches_are_checked_exactly_however_many_units_the_other_one_has() -> None:
    # scipy 1.17: stats.binomtest(16, 412, 1 / 103).pvalue
    assert split_test([16, 396], [1, 102]).p_value == pytest.approx(4.138991615572587e-06, rel=1e-9)
