"""Pre-treatments of a metric's values: named, checked, and described for whoever writes the SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.stats.arguments import read


class Action(StrEnum):
    """What kind of step it is, and so what the SQL needs to know."""

    REPLACE = "replace"  # a new value for each unit, from its own value alone
    DROP = "drop"  # units leave, judged by their own value alone
    DROP_BY_QUANTILE = "drop_by_quantile"  # units leave, judged against a quantile of all branches together


def _finite(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf"):
        return float(value)
    raise ValueError(f"must be a number, is {value!r}")


def _fraction(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise ValueError(f"must be a number from 0 to 1, is {value!r}")


def _base(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value != 1 and value < float("inf"):
        return float(value)
    raise ValueError(f"must be a positive number other than 1, or nothing for the natural logarithm, is {value!r}")


_Check: TypeAlias = Callable[[object], float | None]


def _check(check: _Check) -> Mapping[str, _Check]:
    return {"check": check}


@dataclass(frozen=True, slots=True)
class RemoveNulls:
    """Drop units whose value is NULL or NaN; infinite values stay."""

    action: ClassVar[Action] = Action.DROP


@dataclass(frozen=True, slots=True)
class RemoveIndefinites:
    """Drop units whose value is NULL, NaN or infinite, of either sign."""

    action: ClassVar[Action] = Action.DROP


@dataclass(frozen=True, slots=True)
class ZeroFill:
    """Put 0 for NULL and NaN."""

    action: ClassVar[Action] = Action.REPLACE


@dataclass(frozen=True, slots=True)
class CensorHighestValues:
    """Keep units whose value is below the `fraction` quantile of all branches together; not those equal to it.

    The quantile is linearly interpolated and skips NULL and NaN; units without a value leave. Where many units share
    the highest value (a yes-or-no metric), all of these leave, which may be far more than was asked for.
    """

    action: ClassVar[Action] = Action.DROP_BY_QUANTILE
    fraction: float = field(default=1 - 1e-5, metadata=_check(_fraction))


@dataclass(frozen=True, slots=True)
class CensorLowestValues:
    """Keep units whose value is above the `fraction` quantile of all branches together; not those equal to it.

    As `CensorHighestValues`: a metric that is mostly 0 loses all its zeros.
    """

    action: ClassVar[Action] = Action.DROP_BY_QUANTILE
    fraction: float = field(default=1e-5, metadata=_check(_fraction))


@dataclass(frozen=True, slots=True)
class CensorValuesBelowThreshold:
    """Keep units whose value is above `threshold`; not those equal to it nor those without a value."""

    action: ClassVar[Action] = Action.DROP
    threshold: float = field(metadata=_check(_finite))


@dataclass(frozen=True, slots=True)
class CensorValuesAboveThreshold:
    """Keep units whose value is below `threshold`; not those equal to it nor those without a value."""

    action: ClassVar[Action] = Action.DROP
    threshold: float = field(metadata=_check(_finite))


@dataclass(frozen=True, slots=True)
class NormalizeOverAnalysisPeriod:
    """Divide by the analysis window's length in days (a day 1, a week 7, 28 days 28, overall its own; at least 1)."""

    action: ClassVar[Action] = Action.REPLACE


@dataclass(frozen=True, slots=True)
class Log:
    """Put the logarithm to `base` (None: natural). 0 becomes -infinity and a negative value NaN; both then count as
    non-finite and are excluded by the statistics."""

    action: ClassVar[Action] = Action.REPLACE
    base: float | None = field(default=10.0, metadata=_check(_base))


PreTreatment: TypeAlias = (
    RemoveNulls
    | RemoveIndefinites
    | ZeroFill
    | CensorHighestValues
    | CensorLowestValues
    | CensorValuesBelowThreshold
    | CensorValuesAboveThreshold
    | NormalizeOverAnalysisPeriod
    | Log
)

PRE_TREATMENTS: Mapping[str, type[PreTreatment]] = MappingProxyType(
    {
        "censor_highest_values": CensorHighestValues,
        "censor_lowest_values": CensorLowestValues,
        "censor_values_above_threshold": CensorValuesAboveThreshold,
        "censor_values_below_threshold": CensorValuesBelowThreshold,
        "log": Log,
        "normalize_over_analysis_period": NormalizeOverAnalysisPeriod,
        "remove_indefinites": RemoveIndefinites,
        "remove_nulls": RemoveNulls,
        "zero_fill": ZeroFill,
    }
)


def parse_pre_treatment(name: str, arguments: Mapping[str, object], *, file: str = "", where: str = "") -> PreTreatment:
    """Return the pre-treatment `name` with its arguments, checked. Several are applied in the order given.

    Raises:
        ConfigError: no such pre-treatment, or arguments it cannot have.
    """
    if name not in PRE_TREATMENTS:
        raise ConfigError(file, [Problem(where, f"{name!r} is not a pre-treatment{nearest(name, PRE_TREATMENTS)}")])
    return read(PRE_TREATMENTS[name], arguments, file=file, where=where)


def too_many_dropped(treatment: CensorHighestValues | CensorLowestValues, *, n: int, dropped: int) -> bool:
    """Return whether ties made the treatment drop more than twice the share of units that was asked for."""
    share = 1 - treatment.fraction if isinstance(treatment, CensorHighestValues) else treatment.fraction
    return dropped > 2 * max(share * n, 1)
