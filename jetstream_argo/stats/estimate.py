"""What the numbers of a sample say: the rows of any statistic.

Each statistic loads when it is called, so that who only names statistics loads neither numpy nor scipy.
"""

from dataclasses import replace
from typing import assert_never

from jetstream_argo.stats import params as p
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.scale import restored
from jetstream_argo.stats.sufficient import Sample


def estimate(params: p.Params, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return the rows of the statistic whose parameters these are: branches in the sample's order, then every
    ordered pair of a reference branch and another.

    A number that cannot be had is None and its row has a reason; no row is left out for that.

    Raises:
        EstimateError: the sample does not hold what `params.need()` asks for.
    """
    left_out = {facts.branch for facts in sample.branches if facts.n_nonfinite}
    rows = _rows(params, sample)
    if sample.unit != 1:
        rows = restored(rows, sample.unit)
    if not left_out or isinstance(params, p.Count):
        return rows
    return tuple(
        replace(row, reason=Reason.NONFINITE_EXCLUDED)
        if row.reason is None and not left_out.isdisjoint((row.branch, row.comparison_to_branch))
        else row
        for row in rows
    )


def _rows(params: p.Params, sample: Sample) -> tuple[EstimateRow, ...]:  # noqa: C901  # one case a statistic
    match params:
        case p.Count():
            from jetstream_argo.stats.methods.totals import count

            return count(params, sample)
        case p.Sum():
            from jetstream_argo.stats.methods.totals import total

            return total(params, sample)
        case p.PerClientDauImpact():
            from jetstream_argo.stats.methods.linear_model_mean import per_client_dau_impact

            return per_client_dau_impact(params, sample)
        case p.LinearModelMean():
            from jetstream_argo.stats.methods.linear_model_mean import linear_model_mean

            return linear_model_mean(params, sample)
        case p.WelchMean():
            from jetstream_argo.stats.methods.welch_mean import welch_mean

            return welch_mean(params, sample)
        case p.MinimumDetectableEffect():
            from jetstream_argo.stats.methods.minimum_detectable_effect import minimum_detectable

            return minimum_detectable(params, sample)
        case p.Binomial():
            from jetstream_argo.stats.methods.binomial import binomial

            return binomial(params, sample)
        case p.Deciles():
            from jetstream_argo.stats.methods.deciles import deciles

            return deciles(params, sample)
        case p.BootstrapMean():
            from jetstream_argo.stats.methods.bootstrap_mean import bootstrap_mean

            return bootstrap_mean(params, sample)
        case p.PopulationRatio():
            from jetstream_argo.stats.methods.population_ratio import population_ratio

            return population_ratio(params, sample)
        case p.RatioDelta():
            from jetstream_argo.stats.methods.ratio_delta import ratio_delta

            return ratio_delta(params, sample)
        case p.EmpiricalCdf():
            from jetstream_argo.stats.methods.empirical_cdf import empirical_cdf

            return empirical_cdf(params, sample)
        case p.KernelDensityEstimate():
            from jetstream_argo.stats.methods.kernel_density_estimate import kernel_density_estimate

            return kernel_density_estimate(params, sample)
        case _:
            assert_never(params)
