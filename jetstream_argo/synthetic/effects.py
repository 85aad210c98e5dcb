"""The true effects of made-up telemetry."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.toml_file import read_toml


@dataclass(frozen=True, slots=True)
class Effect:
    """From its enrollment on, a unit of `branch` has values in this column whose mean is `1 + uplift` times as high.

    `column` is a path, such as `active_hours` or `counters.clicks`, of the table as the queries name it.
    """

    table: str
    column: str
    branch: str
    uplift: float


class _Uplift(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    column: str
    uplifts: dict[str, float]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    effects: tuple[_Uplift, ...]


def read_effects(path: Path) -> tuple[Effect, ...]:
    """Return the effects of a TOML file: `[[effects]]` with `table`, `column` and `uplifts = {branch = 0.05}`.

    Raises:
        ConfigError: the file cannot be read; holds all of its problems.
    """
    try:
        content = _File.model_validate(read_toml(path))
    except ValidationError as error:
        found = [
            Problem(".".join(map(str, detail["loc"])), detail["msg"]) for detail in error.errors(include_url=False)
        ]
        raise ConfigError(str(path), found) from error
    return tuple(
        Effect(entry.table, entry.column, branch, uplift)
        for entry in content.effects
        for branch, uplift in entry.uplifts.items()
    )


def uplift(effects: Iterable[Effect], *, table: str, column: str, branch: str) -> float:
    """Return the uplift of a column in a branch; 0 where no effect names it."""
    return next(
        (
            effect.uplift
            for effect in effects
            if (effect.table, effect.column, effect.branch) == (table, column, branch)
        ),
        0.0,
    )
