"""The median and other quantiles that a metric asks for."""

from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import binom

from jetstream_argo.stats.methods.deciles import Deciles
from jetstream_argo.stats.methods.quantiles import Quantiles
from jetstream_argo.stats.rows import Comparison, Reason
from jetstream_argo.stats.sufficient import BranchFacts, Sample
from tests.reference.samples import counted
from tests.stats.samples import estimated, row_of

SKEW = np.exp(np.random.RandomState(7).normal(0, 1.5, size=(2, 2_000)))


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.99])
def test_a_quantile_is_the_order_statistic_of_a_binomial_rank(probability: float) -> None:
    rows = estimated("quantiles", SKEW, probabilities=[probability], confidence_interval=0.9)

    row = row_of(rows, "control", parameter=str(probability))
    ordered, ranks = np.sort(SKEW[0]), binom(1_999, probability)
    # scipy.stats.binom(n - 1, p): the law of the rank of a resampled quantile, counted from 0
    assert row.point == pytest.approx(ranks.pmf(np.arange(2_000)) @ ordered, rel=1e-10)
    assert (row.lower, row.upper) == tuple(ordered[ranks.ppf([0.05, 0.95]).astype(int)])
    assert row.ci_width == 0.9


def test_quantiles_differ_between_branches_as_resampled_ones_do() -> None:
    draws = np.random.RandomState(8).binomial(1_999, 0.95, size=(2, 200_000))
    control, treatment = (np.sort(values)[ranks] for values, ranks in zip(SKEW, draws, strict=True))

    rows = estimated("quantiles", SKEW, probabilities=[0.95])

    for comparison, expected in (
        (Comparison.DIFFERENCE, treatment - control),
        (Comparison.RELATIVE_UPLIFT, treatment / control - 1),
    ):
        row = row_of(rows, "treatment-a", comparison, "control", parameter="0.95")
        found = [row.point, row.lower, row.upper]
        # 200,000 draws know a 2.5 % quantile to about 0.006 standard deviations
        close = 0.03 * expected.std()
        assert found == pytest.approx([expected.mean(), *np.quantile(expected, [0.025, 0.975])], abs=close)


def test_the_median_is_the_fifth_decile() -> None:
    sample = Sample(
        "m", tuple(BranchFacts(name, 2_000, counted(values)) for name, values in zip("ab", SKEW, strict=True))
    )

    median = Quantiles(probabilities=(0.5,)).rows(sample)
    deciles = [row for row in Deciles().rows(sample) if row.parameter == Decimal("0.5")]

    assert [(row.point, row.lower, row.upper) for row in median] == [
        (row.point, row.lower, row.upper) for row in deciles
    ]


def test_quantiles_come_in_order_and_say_where_there_are_no_units() -> None:
    rows = estimated("quantiles", [[1.0, 2.0, 3.0], []], probabilities=[0.9, 0.25])

    own = [(row.branch, str(row.parameter), row.reason) for row in rows if row.comparison is None]
    assert own == [
        ("control", "0.25", Reason.FEW_UNITS),
        ("control", "0.9", Reason.FEW_UNITS),
        ("treatment-a", "0.25", Reason.NO_UNITS),
        ("treatment-a", "0.9", Reason.NO_UNITS),
    ]
