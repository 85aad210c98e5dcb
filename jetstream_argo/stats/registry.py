"""Which statistics there are, by the name that configurations use."""

from collections.abc import Mapping
from types import MappingProxyType

from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.stats.arguments import read
from jetstream_argo.stats.params import (
    Binomial,
    BootstrapMean,
    Count,
    Deciles,
    EmpiricalCdf,
    KernelDensityEstimate,
    LinearModelMean,
    LinearModelMeanNoClip,
    MinimumDetectableEffect,
    Params,
    PerClientDauImpact,
    PopulationRatio,
    RatioDelta,
    Sum,
    WelchMean,
)

# Each class says the name of its rows, its parameters, and what it needs; `estimate.estimate` computes it.
STATISTICS: Mapping[str, type[Params]] = MappingProxyType(
    {
        "binomial": Binomial,
        "bootstrap_mean": BootstrapMean,
        "count": Count,
        "deciles": Deciles,
        "empirical_cdf": EmpiricalCdf,
        "kernel_density_estimate": KernelDensityEstimate,
        "linear_model_mean": LinearModelMean,
        "linear_model_mean_no_clip": LinearModelMeanNoClip,
        "minimum_detectable_effect": MinimumDetectableEffect,
        "per_client_dau_impact": PerClientDauImpact,
        "population_ratio": PopulationRatio,
        "ratio_delta": RatioDelta,
        "sum": Sum,
        "welch_mean": WelchMean,
    }
)


def row_name(statistic: str) -> str:
    """Return how rows call a statistic; what is none is returned as it is.

    >>> row_name("linear_model_mean"), row_name("mean_lm")
    ('mean_lm', 'mean_lm')
    """
    return STATISTICS[statistic].row_name if statistic in STATISTICS else statistic


def parse_params(name: str, arguments: Mapping[str, object], *, file: str = "", where: str = "") -> Params:
    """Return the parameters of the statistic `name`, checked.

    `file` and `where` (a key path) open the messages. `pre_treatments` is no parameter of a statistic: take it out.

    Raises:
        ConfigError: no such statistic, or parameters it cannot have; all of them at once.

    >>> parse_params("deciles", {"confidence_interval": 0.9}).confidence_interval
    0.9
    """
    if name not in STATISTICS:
        raise ConfigError(file, [Problem(where, f"{name!r} is not a statistic{nearest(name, STATISTICS)}")])
    return read(STATISTICS[name], arguments, file=file, where=where)
