"""What can be asked of each statistic: its parameters, their defaults and ranges, and the need that follows."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import ClassVar, TypeAlias, TypeVar

from jetstream_argo.errors import ConfigError, Problem, nearest
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

P = TypeVar("P")


def read(kind: type[P], arguments: Mapping[str, object], *, file: str, where: str) -> P:
    """Return a `kind` from the arguments that a configuration gives.

    Raises:
        ConfigError: unknown arguments, missing ones, and values out of range; all of them at once.
    """
    known = {spec.name: spec for spec in fields(kind)}  # type: ignore[arg-type]  # every kind here is a dataclass
    problems: list[Problem] = []
    values: dict[str, object] = {}
    for name, value in arguments.items():
        place = f"{where}.{name}" if where else name
        if name not in known:
            problems.append(Problem(place, f"is not a parameter{nearest(name, known) or _listed(known)}"))
            continue
        try:
            values[name] = known[name].metadata["check"](value)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    for name, spec in known.items():
        if spec.default is MISSING and name not in arguments:
            problems.append(Problem(f"{where}.{name}" if where else name, "is required"))
    if problems:
        raise ConfigError(file, problems)
    return kind(**values)


def _listed(known: Mapping[str, object]) -> str:
    return f"; there are {', '.join(known)}" if known else "; there are none"


def _number(low: float, high: float, *, inclusive: bool = True) -> Callable[[object], object]:
    def check(value: object) -> float:
        within = isinstance(value, int | float) and not isinstance(value, bool)
        if within and (low <= value <= high if inclusive else low < value < high):  # type: ignore[operator]  # a number
            return float(value)  # type: ignore[arg-type]  # a number
        wanted = f"from {low:g} to {high:g}" if inclusive else f"between {low:g} and {high:g}"
        raise ValueError(f"must be a number {wanted}, is {value!r}")

    return check


def _whole(low: int, high: int) -> Callable[[object], object]:
    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise ValueError(f"must be a whole number from {low} to {high}, is {value!r}")

    return check


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, is {value!r}")


def _name(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"must be the name of a metric, is {value!r}")


def _only(*allowed: str | float) -> Callable[[object], object]:
    def check(value: object) -> str | float:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value in allowed:
            return value
        hint = nearest(value, [word for word in allowed if isinstance(word, str)]) if isinstance(value, str) else ""
        raise ValueError(f"must be {' or '.join(map(repr, allowed))}, is {value!r}{hint}")

    return check


def _bandwidth(value: object) -> str | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < float("inf"):
            return float(value)
        raise ValueError(f"must be a positive number, is {value!r}")
    return str(_only("scott", "silverman", "scott_sd")(value))


def _covariate(value: object) -> Covariate | None:
    if value is None:
        return None
    if isinstance(value, Covariate):
        return value
    if not isinstance(value, Mapping) or not {"period"} <= set(value) <= {"metric", "period"}:
        raise ValueError(f"must have a period and may have a metric, is {value!r}")
    period = str(_only(*PREENROLLMENT_PERIODS)(value["period"]))
    return Covariate(period, _name(value["metric"]) if "metric" in value else None)


_confidence = _number(0, 1, inclusive=False)


def _clip(drop_highest: float, scope: ClipScope) -> ClipRule | None:
    # Clipping at the maximum changes nothing, and costs a query.
    return ClipRule(drop_highest, scope) if drop_highest > 0 else None


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
    """Means, compared by least squares on the branch and, if asked for, one covariate."""

    row_name: ClassVar[str] = "mean_lm"
    drop_highest: float = field(default=0.005, metadata={"check": _number(0, 0.5)})
    covariate_adjustment: Covariate | None = field(default=None, metadata={"check": _covariate})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        clip = _clip(self.drop_highest, ClipScope.POOLED)
        return JointMomentsNeed(clip, self.covariate_adjustment) if self.covariate_adjustment else MomentsNeed(clip)


@dataclass(frozen=True, slots=True)
class LinearModelMeanNoClip(LinearModelMean):
    """The same without clipping."""

    row_name: ClassVar[str] = "mean_lm_noclip"
    drop_highest: float = field(default=0.0, metadata={"check": _number(0, 0.5)})


@dataclass(frozen=True, slots=True)
class PerClientDauImpact(LinearModelMean):
    """What the difference of means would amount to if all units of the experiment were in the branch."""

    row_name: ClassVar[str] = "per_client_dau_impact"
    drop_highest: float = field(default=0.0, metadata={"check": _number(0, 0.5)})


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
    num_samples: int = field(default=10_000, metadata={"check": _whole(1, 10**9)})

    def need(self) -> OrderStatisticsNeed:
        """Return what the warehouse must deliver."""
        return OrderStatisticsNeed(DECILES)


@dataclass(frozen=True, slots=True)
class BootstrapMean:
    """Means, by the Bayesian bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "mean"
    num_samples: int = field(default=10_000, metadata={"check": _whole(1, 10**9)})
    drop_highest: float = field(default=0.005, metadata={"check": _number(0, 0.5)})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})

    def need(self) -> PowerSumsNeed:
        """Return what the warehouse must deliver."""
        return PowerSumsNeed(_clip(self.drop_highest, ClipScope.PER_BRANCH))


@dataclass(frozen=True, slots=True)
class PopulationRatio:
    """The mean of one metric over that of another, by the bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "population_ratio"
    numerator: str = field(metadata={"check": _name})
    denominator: str = field(metadata={"check": _name})
    confidence_interval: float = field(default=0.95, metadata={"check": _confidence})
    drop_highest: float = field(default=0.005, metadata={"check": _number(0, 0.5)})
    num_samples: int = field(default=10_000, metadata={"check": _whole(1, 10**9)})

    def need(self) -> RatioNeed:
        """Return what the warehouse must deliver."""
        return RatioNeed(self.numerator, self.denominator, _clip(self.drop_highest, ClipScope.PER_BRANCH))


@dataclass(frozen=True, slots=True)
class EmpiricalCdf:
    """The share of units at or below each point of a grid from the smallest value to the largest."""

    row_name: ClassVar[str] = "empirical_cdf"
    log_space: bool = field(default=False, metadata={"check": _flag})
    grid_size: int = field(default=256, metadata={"check": _whole(2, LARGEST_GRID)})

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
    adjust: float = field(default=1, metadata={"check": _only(1)})
    kernel: str = field(default="gaussian", metadata={"check": _only("gaussian")})
    grid_size: int = field(default=256, metadata={"check": _whole(2, LARGEST_GRID)})
    log_space: bool = field(default=False, metadata={"check": _flag})

    def need(self) -> DensityNeed:
        """Return what the warehouse must deliver."""
        return DensityNeed(self.grid_size, self.log_space, self.bandwidth)


Params: TypeAlias = (
    Count
    | Sum
    | LinearModelMean
    | LinearModelMeanNoClip
    | PerClientDauImpact
    | Binomial
    | Deciles
    | BootstrapMean
    | PopulationRatio
    | EmpiricalCdf
    | KernelDensityEstimate
)
