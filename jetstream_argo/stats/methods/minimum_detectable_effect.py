"""Which differences of means an experiment could have found."""

from scipy.special import ndtri

from jetstream_argo.stats.contrasts import welch
from jetstream_argo.stats.draft import Draft, Interval
from jetstream_argo.stats.methods.welch_mean import Pair, pairs, said
from jetstream_argo.stats.params import MinimumDetectableEffect
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


def minimum_detectable(params: MinimumDetectableEffect, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return for every pair the smallest difference found with the probability `power`, and its share of the mean.

    It follows from the units and variances that there are, whatever difference was found; a covariate makes it
    smaller. `ci_width` is the confidence at which a difference counts as found. No intervals.

    Raises:
        EstimateError: the sample holds neither `Moments` nor `Covaried`.

    Source:
        Two-sided z test with unequal variances; the chance to find an effect of the wrong sign is left out.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    rows = []
    for pair in pairs(sample):
        for comparison in Comparison:
            row = draft.of_pair(pair.names, pair.n, comparison, _effect(params, pair, comparison))
            rows.append(said(params, row, pair))
    return tuple(rows)


def _effect(params: MinimumDetectableEffect, pair: Pair, comparison: Comparison) -> Interval:
    missing = pair.missing(0.0)
    if missing is not None:
        return Interval(reason=missing.reason)
    quantiles = float(ndtri((1 + params.confidence_interval) / 2)) + float(ndtri(params.power))
    error = welch(pair.reference, pair.branch).error
    if comparison is Comparison.DIFFERENCE:
        return Interval(quantiles * error, std_error=error)
    if pair.reference.mean == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    return Interval(quantiles * error / abs(pair.reference.mean))
