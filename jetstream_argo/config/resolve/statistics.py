"""The statistics that a configuration asks for: each read once, into the type that it stays, or refused."""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import JsonValue

from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic, Step
from jetstream_argo.config.stored_statistics import COVARIATE
from jetstream_argo.config.written import canonical
from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.pretreatments import parse_pre_treatment
from jetstream_argo.stats.registry import parse_method

PRE_TREATMENTS = "pre_treatments"
Table: TypeAlias = Mapping[str, JsonValue]

_COVARIATE_KEYS = ("metric", "period")
_BEFORE = tuple(period.value for period in Period if period.before_enrollment)


def read_statistic(name: str, table: Table, *, metric: str, period: Period, file: str = "") -> Statistic:
    """Return the statistic `name` of a metric in a period, from the table with its parameters.

    Before enrollment nothing is adjusted: the covariate would be the value itself.

    Raises:
        ConfigError: no such statistic, or parameters, a covariate or pre-treatments that it cannot have; all of them.
    """
    where = f"metrics.{metric}.statistics.{name}"
    given = {key: value for key, value in table.items() if key not in (PRE_TREATMENTS, COVARIATE)}
    steps, problems = _steps(table.get(PRE_TREATMENTS, []), f"{where}.{PRE_TREATMENTS}")
    arguments: dict[str, object] = dict(given)
    if COVARIATE in table:
        adjustment = table[COVARIATE]
        problems += _wrong_with_covariate(adjustment, f"{where}.{COVARIATE}")
        arguments[COVARIATE] = None if problems else _covariate(adjustment, metric, period)
    try:
        method = parse_method(name, arguments, where=where)
    except ConfigError as error:
        raise ConfigError(file, [*problems, *error.problems]) from None
    if problems:
        raise ConfigError(file, problems)
    return Statistic(name, canonical(given), method, steps)


def _covariate(adjustment: JsonValue, metric: str, period: Period) -> object:
    """Return the covariate of a table; what is none is returned as it is, for the statistic to refuse."""
    if not isinstance(adjustment, Mapping):
        return adjustment
    if period.before_enrollment:
        return None
    before = adjustment.get("period", Period.PREENROLLMENT_WEEK.value)
    return Adjustment(str(adjustment.get("metric") or metric), str(before))


def _wrong_with_covariate(adjustment: JsonValue, where: str) -> list[Problem]:
    if not isinstance(adjustment, Mapping):
        return []
    problems = [
        Problem(f"{where}.{key}", f"is not a known key{nearest(key, _COVARIATE_KEYS)}")
        for key in sorted(set(adjustment) - set(_COVARIATE_KEYS))
    ]
    before, metric = adjustment.get("period", _BEFORE[0]), adjustment.get("metric")
    if before not in _BEFORE:
        hint = nearest(before, _BEFORE) if isinstance(before, str) else ""
        problems.append(Problem(f"{where}.period", f"is {before!r}, not one of {list(_BEFORE)}{hint}"))
    if metric is not None and not isinstance(metric, str):
        problems.append(Problem(f"{where}.metric", f"must be the name of a metric, is {metric!r}"))
    return problems


def _steps(value: JsonValue, where: str) -> tuple[tuple[Step, ...], list[Problem]]:
    """Return the pre-treatments, and what is wrong with them."""
    steps: list[Step] = []
    problems: list[Problem] = []
    for entry in value if isinstance(value, list) else [value]:
        match entry:
            case str():
                named: tuple[str, Table] = entry, {}
            case dict() if isinstance(name := entry.get("name"), str):
                named = name, {key: argument for key, argument in entry.items() if key != "name"}
            case _:
                problems.append(Problem(where, f"holds {entry!r}; write a name, or a table with a name and arguments"))
                continue
        try:
            treatment = parse_pre_treatment(*named, where=f"{where}.{named[0]}")
        except ConfigError as error:
            problems += error.problems
        else:
            steps.append(Step(named[0], canonical(named[1]), treatment))
    return tuple(steps), problems
