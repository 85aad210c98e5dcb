"""The statistics, by the name that configurations use."""

from collections.abc import Mapping
from types import MappingProxyType

from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.stats.arguments import read
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.methods.binomial import Binomial
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.count import Count
from jetstream_argo.stats.methods.deciles import Deciles
from jetstream_argo.stats.methods.empirical_cdf import EmpiricalCdf
from jetstream_argo.stats.methods.kernel_density_estimate import KernelDensityEstimate
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean, LinearModelMeanNoClip
from jetstream_argo.stats.methods.minimum_detectable_effect import MinimumDetectableEffect
from jetstream_argo.stats.methods.per_client_dau_impact import PerClientDauImpact
from jetstream_argo.stats.methods.population_ratio import PopulationRatio
from jetstream_argo.stats.methods.quantiles import Quantiles
from jetstream_argo.stats.methods.ratio_delta import RatioDelta
from jetstream_argo.stats.methods.sum import Sum
from jetstream_argo.stats.methods.welch_mean import WelchMean

METHODS: Mapping[str, type[Method]] = MappingProxyType(
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
        "quantiles": Quantiles,
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
    return METHODS[statistic].row_name if statistic in METHODS else statistic


def parse_method(name: str, arguments: Mapping[str, object], *, file: str = "", where: str = "") -> Method:
    """Return the statistic `name` with its parameters, checked.

    `file` and `where` (a key path) open the messages. `pre_treatments` is no parameter of a statistic: take it out.

    Raises:
        ConfigError: no such statistic, or parameters it cannot have; all of them at once.

    >>> parse_method("deciles", {"confidence_interval": 0.9})
    Deciles(confidence_interval=0.9, num_samples=10000)
    """
    if name not in METHODS:
        raise ConfigError(file, [Problem(where, f"{name!r} is not a statistic{nearest(name, METHODS)}")])
    return read(METHODS[name], arguments, file=file, where=where)
