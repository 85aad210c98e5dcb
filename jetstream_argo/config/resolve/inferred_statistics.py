"""Adds statistics that an experiment asks for beside those of its metrics."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jetstream_argo.config.resolve.findings import ProblemCollector
from jetstream_argo.config.resolve.statistics import PRE_TREATMENTS, Table
from jetstream_argo.config.stored_statistics import COVARIATE

_MEANS = ("linear_model_mean", "linear_model_mean_no_clip", "bootstrap_mean")
_OF_MEANS = ("drop_highest", COVARIATE, "confidence_interval", PRE_TREATMENTS)
_OF_RATIOS = ("numerator", "denominator", "drop_highest", "confidence_interval", PRE_TREATMENTS)

# By the statistic that can be added: those that it is put beside, the first that a metric has, and what it takes over
# from them, unless its own parameters say otherwise. Pre-treatments are always the same.
_BESIDE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "welch_mean": (_MEANS, _OF_MEANS),
        "minimum_detectable_effect": (_MEANS, _OF_MEANS),
        "ratio_delta": (("population_ratio",), _OF_RATIOS),
    }
)


@dataclass(frozen=True, slots=True)
class Added:
    """The statistics that are put beside like ones, with their own parameters, by name."""

    statistics: Mapping[str, Table]

    @classmethod
    def checked(cls, asked: Mapping[str, Table], *, findings: ProblemCollector, file: str) -> "Added":
        """Return those that can be added, and note the others."""
        where = "experiment.inference.statistics"
        for name, table in asked.items():
            if name not in _BESIDE:
                findings.unknown("statistic that can be added", name, known=_BESIDE, file=file, where=where)
            elif PRE_TREATMENTS in table:
                what = "are those of the statistic that it is put beside; leave them out"
                findings.error(file, f"{where}.{name}.{PRE_TREATMENTS}", what)
        return cls({name: table for name, table in asked.items() if name in _BESIDE})

    def beside(self, own: Mapping[str, Table]) -> Iterator[tuple[str, Table]]:
        """Yield the statistics of a metric, then those that are added; none replaces one of the metric's own."""
        yield from own.items()
        for name, parameters in self.statistics.items():
            models, inherited = _BESIDE[name]
            like = next((model for model in models if model in own), None)
            if like is not None and name not in own:
                # What is not clipped by default has no parameter that says so.
                defaulted = {"drop_highest": 0.0, **own[like]} if like.endswith("_no_clip") else own[like]
                yield name, {**{key: value for key, value in defaulted.items() if key in inherited}, **parameters}
