"""Which statistics an experiment has beside those that its metrics ask for."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic import JsonValue

from jetstream_argo.config.model import PeriodMetrics, Plain, Summary
from jetstream_argo.config.resolve.findings import Findings
from jetstream_argo.config.resolve.metrics import pairs_of

_MEANS = ("linear_model_mean", "linear_model_mean_no_clip", "bootstrap_mean")
_OF_MEANS = ("drop_highest", "covariate_adjustment", "confidence_interval")
_OF_RATIOS = ("numerator", "denominator", "drop_highest", "confidence_interval")

# By the statistic that can be added: those that it is put beside, the first that a metric has, and what it takes over
# from them, unless its own parameters say otherwise. Pre-treatments are always the same.
_BESIDE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "welch_mean": (_MEANS, _OF_MEANS),
        "minimum_detectable_effect": (_MEANS, _OF_MEANS),
        "ratio_delta": (("population_ratio",), _OF_RATIOS),
    }
)


def with_added(
    periods: tuple[PeriodMetrics, ...],
    added: Mapping[str, Mapping[str, JsonValue]],
    *,
    findings: Findings,
    file: str,
) -> tuple[PeriodMetrics, ...]:
    """Return the summaries of every period with those of `added` beside like ones; a metric's own is left alone."""
    where = "experiment.inference.statistics"
    for name in added:
        if name not in _BESIDE:
            findings.unknown("statistic that can be added", name, known=_BESIDE, file=file, where=where)
    known = {name: parameters for name, parameters in added.items() if name in _BESIDE}
    return tuple(
        PeriodMetrics(of_period.period, (*of_period.summaries, *_added(of_period.summaries, known)))
        if known
        else of_period
        for of_period in periods
    )


def _added(summaries: Sequence[Summary], added: Mapping[str, Mapping[str, JsonValue]]) -> Iterator[Summary]:
    for metric in dict.fromkeys(summary.metric for summary in summaries):
        own = {summary.statistic: summary for summary in summaries if summary.metric == metric}
        for name, parameters in added.items():
            models, inherited = _BESIDE[name]
            like = next((own[model] for model in models if model in own), None)
            if like is not None and name not in own:
                taken = {key: value for key, value in _defaulted(like) if key in inherited}
                given = dict(pairs_of(parameters))
                yield Summary(metric, name, tuple({**taken, **given}.items()), like.pre_treatments)


def _defaulted(like: Summary) -> tuple[tuple[str, Plain], ...]:
    # What is not clipped by default has no parameter that says so.
    return (("drop_highest", 0.0), *like.parameters) if like.statistic.endswith("_no_clip") else like.parameters
