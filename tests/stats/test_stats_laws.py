"""Laws that resampling converges to: equal to closed forms where there are any."""

import numpy as np
import pytest
from scipy.special import betainc, betaincinv

from jetstream_argo.stats.comparisons.means import mean_interval
from jetstream_argo.stats.laws.bounds import precise
from jetstream_argo.stats.laws.continuous import expectation, quantiles
from jetstream_argo.stats.laws.cumulants import bootstrap_mean_law
from jetstream_argo.stats.laws.dirichlet import DirichletLaw
from jetstream_argo.stats.laws.order_statistics import order_statistic_law
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.deciles import Deciles
from jetstream_argo.stats.moments import Moments
from jetstream_argo.stats.rows import Comparison, Reason
from jetstream_argo.stats.sufficient import BranchFacts, OrderWindows, Sample, ValueCounts, rank_window
from jetstream_argo.stats.value_counts import moments, power_sums
from tests.reference.samples import counted
from tests.stats.samples import estimated, row_of

TAILS = np.array([0.005, 0.025, 0.5, 0.975, 0.995])


@pytest.mark.parametrize(("zeros", "ones"), [(1, 1), (3, 2), (40, 1), (1, 40), (30, 70), (900, 60)])
def test_the_bootstrap_mean_of_zeros_and_ones_is_a_beta_law(zeros: int, ones: int) -> None:
    # Of Dirichlet weights of zeros and ones the mean is the second, a Beta.
    law = DirichletLaw(ValueCounts(np.array([0.0, 1.0]), np.array([zeros, ones])))
    exact = betaincinv(ones, zeros, TAILS)

    assert law.exact_cdf(exact) == pytest.approx(betainc(ones, zeros, exact), abs=1e-9)
    assert law.cdf(exact) == pytest.approx(TAILS, abs=2e-6)
    assert expectation(law.nodes) == pytest.approx(ones / (zeros + ones), rel=1e-5)
    if ones > 1:
        assert law.reciprocal_mean() == pytest.approx((zeros + ones - 1) / (ones - 1), rel=1e-9)
    else:
        assert law.reciprocal_mean() == np.inf


def test_six_cumulants_give_a_beta_law_of_thousands_of_units() -> None:
    law = bootstrap_mean_law(power_sums(ValueCounts(np.array([0.0, 1.0]), np.array([9000, 1000]))))

    found = quantiles(law.cdf, TAILS, mean=law.mean, sd=law.sd)

    assert (found - betaincinv(1000, 9000, TAILS)) / law.sd == pytest.approx(np.zeros(5), abs=1e-6)


def test_the_mean_of_two_values_is_uniform_between_them() -> None:
    law = DirichletLaw(ValueCounts(np.array([2.0, 6.0]), np.array([1, 1])))

    assert law.exact_cdf(np.array([2.0, 3.0, 4.0, 5.5, 6.0])) == pytest.approx([0, 0.25, 0.5, 0.875, 1], abs=1e-9)


def test_power_sums_and_value_counts_give_the_same_rows_where_both_suffice() -> None:
    values = np.random.RandomState(11).poisson(4, size=(2, 5000)).astype(float)
    whole = Sample(
        "m", tuple(BranchFacts(name, 5000, counted(sample)) for name, sample in zip("ab", values, strict=True))
    )
    sums = Sample(
        "m",
        tuple(BranchFacts(name, 5000, power_sums(counted(sample))) for name, sample in zip("ab", values, strict=True)),
    )
    method = BootstrapMean(drop_highest=0.0)

    assert method.rows(sums) == method.rows(whole)
    assert method.branches_without_exact_bounds(sums) == ()


def test_heavy_tails_ask_for_values_and_are_marked_until_they_come() -> None:
    values = np.exp(np.random.RandomState(12).normal(0, 1.4, size=(2, 400)))
    method = BootstrapMean(drop_highest=0.0)
    sums = Sample(
        "m", tuple(BranchFacts(name, 400, power_sums(counted(v))) for name, v in zip("ab", values, strict=True))
    )
    whole = Sample("m", tuple(BranchFacts(name, 400, counted(v)) for name, v in zip("ab", values, strict=True)))

    rows, exact = method.rows(sums), method.rows(whole)

    assert method.branches_without_exact_bounds(sums) == ("a", "b")
    assert {row.reason for row in rows} == {Reason.APPROXIMATE}
    assert {row.reason for row in exact} == {None}
    for estimate, other in zip(rows, exact, strict=True):
        assert estimate.lower == pytest.approx(other.lower, abs=0.1 * (other.upper - other.lower))


def test_a_bootstrap_mean_of_heavy_tails_is_what_dirichlet_weights_give() -> None:
    values = np.exp(np.random.RandomState(13).normal(0, 1.5, size=60))
    draws = np.random.RandomState(14).dirichlet(np.ones(60), size=100_000) @ values

    row = row_of(estimated("bootstrap_mean", [values], drop_highest=0), "control")

    # 100,000 draws know a 2.5 % quantile to 0.0085 standard deviations where the law is normal, less in a long tail.
    assert row.point == pytest.approx(values.mean())
    assert row.lower == pytest.approx(np.quantile(draws, 0.025), abs=0.03 * draws.std())
    assert row.upper == pytest.approx(np.quantile(draws, 0.975), abs=0.06 * draws.std())


def test_windows_of_ranks_give_the_same_deciles_as_all_values() -> None:
    values = np.round(np.random.RandomState(15).exponential(30, size=25_000), 1) + 0.05
    windows = [rank_window(25_000, tenth / 10, 8.0) for tenth in range(1, 10)]
    ranks = np.unique(np.concatenate([np.arange(low, high + 1) for low, high in windows]))
    known = OrderWindows(25_000, np.sort(values)[ranks], ranks, ranks)

    found, whole = (Deciles().rows(Sample("m", (BranchFacts("a", 25_000, data),))) for data in (known, counted(values)))

    assert len(ranks) < 25_000
    for row, other in zip(found, whole, strict=True):
        assert (row.point, row.lower, row.upper) == pytest.approx((other.point, other.lower, other.upper), rel=1e-12)


def test_deciles_of_continuous_values_differ_as_resampled_ones_do() -> None:
    rng = np.random.RandomState(16)
    values = np.exp(rng.normal(0, 1, size=(2, 3000)))
    ranks = rng.binomial(2999, 0.9, size=(2, 200_000))
    reference, other = (np.sort(sample)[rank] for sample, rank in zip(values, ranks, strict=True))
    rows = estimated("deciles", values)

    for comparison, draws in (
        (Comparison.DIFFERENCE, other - reference),
        (Comparison.RELATIVE_UPLIFT, other / reference - 1),
    ):
        row = row_of(rows, "treatment-a", comparison, "control", parameter="0.9")
        expected = (draws.mean(), *np.quantile(draws, [0.025, 0.975]))
        assert (row.point, row.lower, row.upper) == pytest.approx(expected, abs=0.03 * draws.std())


@pytest.mark.parametrize("decimals", [12, 2])
def test_differences_of_many_order_statistics_are_those_of_all_their_pairs(decimals: int) -> None:
    columns = np.round(np.exp(np.random.RandomState(17).normal(0, 1.5, size=(2, 4000))), decimals)
    columns += np.random.RandomState(18).random_sample(columns.shape) * 1e-3 * (columns > 0.2)
    samples = [OrderWindows(4000, np.sort(column), np.arange(4000), np.arange(4000)) for column in columns]
    rows = Deciles().rows(Sample("m", tuple(map(BranchFacts, "ab", (4000, 4000), samples))))

    for tenth in (5, 8, 9):
        reference, law = (order_statistic_law(sample, tenth / 10) for sample in samples)
        differences = np.subtract.outer(law.values, reference.values).ravel()
        weights = np.multiply.outer(law.weights, reference.weights).ravel()
        row = row_of(rows, "b", Comparison.DIFFERENCE, "a", parameter=f"0.{tenth}")
        assert len(differences) > 20_000
        # Between heaps of values the law has no weight, so that bounds are compared by the probabilities they have.
        for bound, probability in ((row.lower, 0.025), (row.upper, 0.975)):
            below, upto = weights[differences < bound].sum(), weights[differences <= bound].sum()
            assert below - 1e-3 < probability < upto + 1e-3  # 10,000 draws know it to 1.6e-3


def test_deciles_of_very_small_values_are_the_same_in_their_size() -> None:
    values = np.exp(np.random.RandomState(19).normal(0, 1, size=(2, 3000)))
    plain, tiny = estimated("deciles", values), estimated("deciles", values * 2.0**-700)

    for row, other in zip(plain, tiny, strict=True):
        size = 1.0 if row.comparison is Comparison.RELATIVE_UPLIFT else 2.0**-700
        found = [value / size for value in (other.point, other.lower, other.upper)]
        assert found == pytest.approx([row.point, row.lower, row.upper], rel=1e-9)


def test_the_mean_has_the_t_interval_of_its_values() -> None:
    # scipy 1.13: stats.t.interval(0.9, 4, loc=2.2, scale=stats.sem([1, 2, 2, 5, 1])) is what follows
    found = mean_interval(moments(counted(np.array([1.0, 2, 2, 5, 1]))), 0.9)

    assert (found.point, found.lower, found.upper) == pytest.approx((2.2, 0.6334189491122764, 3.766581050887723))
    assert mean_interval(Moments(0, 0.0, 0.0), 0.9).reason is Reason.NO_UNITS


@pytest.mark.parametrize("seed", range(12))
def test_power_sums_that_are_taken_to_suffice_are_within_a_thousandth_of_a_deviation(seed: int) -> None:
    rng = np.random.RandomState(100 + seed)
    n = (150, 400, 1500)[seed % 3]
    values = np.exp(rng.normal(0, 0.4 + 0.1 * seed, size=n)) if seed % 2 else rng.negative_binomial(0.5, 0.05, size=n)
    data = counted(np.minimum(values, np.quantile(values, 0.995)))
    law, exact = bootstrap_mean_law(power_sums(data)), DirichletLaw(data)

    bounds = quantiles(law.cdf, TAILS, mean=law.mean, sd=law.sd)
    truth = quantiles(exact.exact_cdf, TAILS, mean=law.mean, sd=law.sd, close=1e-8)

    assert np.abs(exact.table.quantiles(TAILS) - truth).max() < 1e-6 * law.sd
    if precise(law, power_sums(data)):
        assert np.abs(bounds - truth).max() < 2e-3 * law.sd
