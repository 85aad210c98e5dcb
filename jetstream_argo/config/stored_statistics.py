"""The statistics of a configuration as a plan holds them: as they were given, with the covariate apart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pydantic_core import core_schema

from jetstream_argo.config.statistics import Covariate, Statistic, Step
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.pretreatments import parse_pre_treatment
from jetstream_argo.stats.registry import parse_method

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

COVARIATE = "covariate_adjustment"


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A pre-treatment; `arguments` is a canonical JSON object."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class StoredStatistic:
    """A statistic; `parameters` is a canonical JSON object, without the covariate."""

    name: str
    parameters: str
    pre_treatments: tuple[StoredStep, ...]
    covariate: Covariate | None


def schema(handler: "GetCoreSchemaHandler") -> core_schema.CoreSchema:
    """Return how pydantic reads and writes a statistic of a plan."""
    stored = handler.generate_schema(StoredStatistic)
    return core_schema.no_info_after_validator_function(
        statistic_of,
        stored,
        serialization=core_schema.plain_serializer_function_ser_schema(written, return_schema=stored),
    )


@cache  # the same statistics are asked of many metrics
def statistic_of(stored: StoredStatistic) -> Statistic:
    """Return the statistic that a plan holds.

    Raises:
        ConfigError: no such statistic or pre-treatment, or arguments that it cannot have.
    """
    arguments = _object(stored.parameters)
    if stored.covariate is not None:
        arguments = {**arguments, COVARIATE: Adjustment(stored.covariate.metric, stored.covariate.period)}
    steps = (
        Step(step.name, step.arguments, parse_pre_treatment(step.name, _object(step.arguments)))
        for step in stored.pre_treatments
    )
    return Statistic(stored.name, stored.parameters, parse_method(stored.name, arguments), tuple(steps))


def written(statistic: Statistic) -> StoredStatistic:
    """Return the statistic as a plan holds it."""
    steps = tuple(StoredStep(step.name, step.arguments) for step in statistic.pre_treatments)
    return StoredStatistic(statistic.name, statistic.parameters, steps, statistic.covariate)


def _object(text: str) -> Mapping[str, object]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"must be an object, is {found!r}")  # pydantic reports it with its place
    return found
