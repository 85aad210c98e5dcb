"""The statistics that an experiment's periods ask for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jetstream_argo.config.periods import Period
from jetstream_argo.stats.method import Method, covariate_of
from jetstream_argo.stats.pretreatments import PreTreatment

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class Covariate:
    """The values of `metric` before enrollment, to adjust by."""

    metric: str
    period: Period


@dataclass(frozen=True, slots=True)
class Step:
    """A pre-treatment asked for; `arguments` is a canonical JSON object of those that were given."""

    name: str
    arguments: str
    treatment: PreTreatment


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic asked for: its method with all parameters, and what the values go through before.

    `parameters` is a canonical JSON object of the parameters that were given, without the covariate. Estimates' keys
    are hashes of it, so that a new parameter that has a default makes no estimate another one.
    """

    name: str
    parameters: str
    method: Method
    pre_treatments: tuple[Step, ...] = ()

    @property
    def covariate(self) -> Covariate | None:
        """What comparisons are adjusted by, if they are."""
        adjustment = covariate_of(self.method)
        return None if adjustment is None else Covariate(adjustment.metric, Period(adjustment.period))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Have a plan hold what was given, from which the method is read again."""
        from jetstream_argo.config.stored_statistics import schema

        return schema(handler)


@dataclass(frozen=True, slots=True)
class Summary:
    """A statistic of a metric, as asked for in some period."""

    metric: str
    statistic: Statistic


@dataclass(frozen=True, slots=True)
class PeriodMetrics:
    """The summaries asked for in one period."""

    period: Period
    summaries: tuple[Summary, ...]
