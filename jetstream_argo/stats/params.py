"""What can be asked of each statistic: its parameters, their defaults and ranges, and the need that follows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from jetstream_argo.stats.arguments import flag, name, number, only, whole
from jetstream_argo.stats.needs import (
    ClipRule,
    ClipScope,
    CountNeed,
    Covariate,
    DensityNeed,
    GridNeed,
    JointMomentsNeed,
    MomentsNeed,
    OrderStatisticsNeed,
    PowerSumsNeed,
    ProportionNeed,
    RatioNeed,
    SumNeed,
)

PREENROLLMENT_PERIODS = ("preenrollment_week", "preenrollment_days28")
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
LARGEST_GRID = 100_000


def _bandwidth(value: object) -> str | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < float("inf"):
            return float(value)
        raise ValueError(f"must be a positive number, is {value!r}")
    return str(only("scott", "silverman", "scott_sd")(value))


def _covariate(value: object) -> Covariate | None:
    if value is None:
        return None
    if isinstance(value, Covariate):
        return value
    if not isinstance(value, Mapping) or not {"period"} <= set(value) <= {"metric", "period"}:
        raise ValueError(f"must have a period and may have a metric, is {value!r}")
    period = str(only(*PREENROLLMENT_PERIODS)(value["period"]))
    return Covariate(period, name(value["metric"]) if "metric" in value else None)


_confidence = number(0, 1, inclusive=False)


def _clip(drop_highest: float, scope: ClipScope) -> ClipRule | None:
    # Clipping at the maximum changes nothing, and costs a query.
    return ClipRule(drop_highest, scope) if drop_highest > 0 else None


def _means(drop_highest: float, covariate: Covariate | None) -> MomentsNeed | JointMomentsNeed:
    clip = _clip(drop_highest, ClipScope.POOLED)
    return JointMomentsNeed(clip, covariate) if covariate else MomentsNeed(clip)


@dataclass(frozen=True, slots=True)
class Count:
    """How many units there are, those without a value included."""

    row_name: ClassVar[str] = "count"

    def need(self) -> CountNeed:
        """Return what the warehouse must deliver."""
        return CountNeed()


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of the values."""

    row_name: ClassVar[str] = "sum"

    def need(self) -> SumNeed:
        """Return what the warehouse must deliver."""
        return SumNeed()


@dataclass(frozen=True, slots=True)
class LinearModelMean:
    """Means, compared by least squares on the branch and, if asked for, one covariate.

    Then each branch's own mean is that of the units with a covariate, as existing results have it, or with
    `individual_from_all` of all units.
    """

    row_name: ClassVar[str] = "mean_lm"
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})
    covariate_adjustment: Covariate | None = field(default=None, metadata={"check": _covariate})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    individual_from_all: bool = field(default=False, metadata={"check": flag})

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return _means(self.drop_highest, self.covariate_adjustment)


@dataclass(frozen=True, slots=True)
class LinearModelMeanNoClip(LinearModelMean):
    """The same without clipping."""

    row_name: ClassVar[str] = "mean_lm_noclip"
    drop_highest: float = field(default=0.0, metadata={"check": number(0, 0.5)})


@dataclass(frozen=True, slots=True)
class PerClientDauImpact(LinearModelMean):
    """What the difference of means would amount to if all units of the experiment were in the branch."""

    row_name: ClassVar[str] = "per_client_dau_impact"
    drop_highest: float = field(default=0.0, metadata={"check": number(0, 0.5)})


@dataclass(frozen=True, slots=True)
class WelchMean:
    """Means, compared without assuming equal variances; a covariate reduces the variance (CUPED).

    With `own_slopes` each branch has its own slope on the covariate instead of one for both. With `always_valid` the
    intervals and p-values hold at all times together, however often one looks; they are narrowest when about
    `tuned_for` units are in the two branches.
    """

    row_name: ClassVar[str] = "mean_welch"
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})
    covariate_adjustment: Covariate | None = field(default=None, metadata={"check": _covariate})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    own_slopes: bool = field(default=False, metadata={"check": flag})
    always_valid: bool = field(default=False, metadata={"check": flag})
    tuned_for: int = field(default=5000, metadata={"check": whole(1, 10**12)})

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return _means(self.drop_highest, self.covariate_adjustment)


@dataclass(frozen=True, slots=True)
class MinimumDetectableEffect:
    """The smallest difference of means that the units at hand find with the probability `power`."""

    row_name: ClassVar[str] = "minimum_detectable_effect"
    power: float = field(default=0.8, metadata={"check": number(0.5, 1, inclusive=False)})
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})
    covariate_adjustment: Covariate | None = field(default=None, metadata={"check": _covariate})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return _means(self.drop_highest, self.covariate_adjustment)


@dataclass(frozen=True, slots=True)
class Binomial:
    """The share of units whose value is true, with a uniform prior."""

    row_name: ClassVar[str] = "binomial"
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})

    def need(self) -> ProportionNeed:
        """Return what the warehouse must deliver."""
        return ProportionNeed()


@dataclass(frozen=True, slots=True)
class Deciles:
    """The nine deciles, bootstrapped. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "deciles"
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    num_samples: int = field(default=10_000, metadata={"check": whole(1, 10**9)})

    def need(self) -> OrderStatisticsNeed:
        """Return what the warehouse must deliver."""
        return OrderStatisticsNeed(DECILES)


@dataclass(frozen=True, slots=True)
class BootstrapMean:
    """Means, by the Bayesian bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "mean"
    num_samples: int = field(default=10_000, metadata={"check": whole(1, 10**9)})
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})

    def need(self) -> PowerSumsNeed:
        """Return what the warehouse must deliver."""
        return PowerSumsNeed(_clip(self.drop_highest, ClipScope.PER_BRANCH))


@dataclass(frozen=True, slots=True)
class PopulationRatio:
    """The mean of one metric over that of another, by the bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "population_ratio"
    numerator: str = field(metadata={"check": name})
    denominator: str = field(metadata={"check": name})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})
    num_samples: int = field(default=10_000, metadata={"check": whole(1, 10**9)})

    def need(self) -> RatioNeed:
        """Return what the warehouse must deliver."""
        return RatioNeed(self.numerator, self.denominator, _clip(self.drop_highest, ClipScope.PER_BRANCH))


@dataclass(frozen=True, slots=True)
class RatioDelta:
    """The mean of one metric over that of another, by the delta method, with p-values."""

    row_name: ClassVar[str] = "ratio_delta"
    numerator: str = field(metadata={"check": name})
    denominator: str = field(metadata={"check": name})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    drop_highest: float = field(default=0.005, metadata={"check": number(0, 0.5)})

    def need(self) -> RatioNeed:
        """Return what the warehouse must deliver."""
        return RatioNeed(self.numerator, self.denominator, _clip(self.drop_highest, ClipScope.PER_BRANCH))


@dataclass(frozen=True, slots=True)
class EmpiricalCdf:
    """The share of units at or below each point of a grid from the smallest value to the largest."""

    row_name: ClassVar[str] = "empirical_cdf"
    log_space: bool = field(default=False, metadata={"check": flag})
    grid_size: int = field(default=256, metadata={"check": whole(2, LARGEST_GRID)})

    def need(self) -> GridNeed:
        """Return what the warehouse must deliver."""
        return GridNeed(self.grid_size, self.log_space)


@dataclass(frozen=True, slots=True)
class KernelDensityEstimate:
    """The density at each point of a grid, smoothed by a normal kernel.

    The bandwidth `scott` is `n ** -0.2` in the metric's own unit, whatever its spread, as existing results have it;
    `scott_sd` multiplies it by the standard deviation.
    """

    row_name: ClassVar[str] = "kernel_density_estimate"
    bandwidth: str | float = field(default="scott", metadata={"check": _bandwidth})
    adjust: float = field(default=1, metadata={"check": only(1)})
    kernel: str = field(default="gaussian", metadata={"check": only("gaussian")})
    grid_size: int = field(default=256, metadata={"check": whole(2, LARGEST_GRID)})
    log_space: bool = field(default=False, metadata={"check": flag})

    def need(self) -> DensityNeed:
        """Return what the warehouse must deliver."""
        return DensityNeed(self.grid_size, self.log_space, self.bandwidth)


Params: TypeAlias = (
    Count
    | Sum
    | LinearModelMean
    | LinearModelMeanNoClip
    | PerClientDauImpact
    | WelchMean
    | MinimumDetectableEffect
    | Binomial
    | Deciles
    | BootstrapMean
    | PopulationRatio
    | RatioDelta
    | EmpiricalCdf
    | KernelDensityEstimate
)
