"""Loads the conventions that apply: platforms, enrollment queries, habits of tables."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from jetstream_argo.config.files.reading import problems_of
from jetstream_argo.config.model import SETTLE_DAYS, AnalysisUnit
from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.stats.checks import SMALLEST_DEVIATION
from jetstream_argo.storage.toml_file import Table, Value, read_toml

_PACKAGED = "conventions.toml"
_Folder: TypeAlias = Path | Traversable


class DefaultColumns(BaseModel):
    """The columns of a data source that does not name its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    profile_group_id: str
    submission_date: str


class EnrollmentKind(BaseModel):
    """How enrolled and exposed units are found: templates of queries (None: nothing records exposures)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enrollments: str
    exposures: str | None = None
    analysis_units: tuple[AnalysisUnit, ...] = (AnalysisUnit.CLIENT,)


class Platform(BaseModel):
    """How an application's experiments are recorded; `app_id` names the dataset of its own tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enrollments: str
    app_id: str | None = None
    analysis_units: tuple[AnalysisUnit, ...] = (AnalysisUnit.CLIENT,)


class _ExperimentsColumnTypes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    default: str
    branch_expressions: Mapping[str, str]


class Inference(BaseModel):
    """What is estimated and checked where an experiment does not say otherwise; see `config.schema.InferenceSpec`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_ratio_alarm: float = Field(default=0.0, ge=0, lt=1)
    sample_ratio_deviation: float = Field(default=SMALLEST_DEVIATION, ge=0, lt=1)
    statistics: Mapping[str, Mapping[str, JsonValue]] = Field(default_factory=dict)


class SourceFreshness(BaseModel):
    """How late rows of one data source may be; see `config.model.DataSource`. None: as all others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_days: int | None = Field(default=None, ge=0, le=60)
    may_be_empty: bool = False


class FreshnessConvention(BaseModel):
    """How late rows may be, and when units are deleted from telemetry; see `config.model.Deletions`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_days: int = Field(default=SETTLE_DAYS, ge=0, le=60)
    data_sources: Mapping[str, SourceFreshness] = Field(default_factory=dict)
    deletion_dates: tuple[date, ...] = ()
    deletion_query: str = ""
    deletion_units_query: str = ""

    @property
    def longest_settle_days(self) -> int:
        """How late rows of any source may be."""
        own = (source.settle_days for source in self.data_sources.values() if source.settle_days is not None)
        return max((self.settle_days, *own))


class OwnDatesLimit(BaseModel):
    """What a source may read, in each of its queries, of dates that it chooses itself; None: any amount."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_bytes: int | None = Field(default=None, ge=1)


class Conventions(BaseModel):
    """What is known beforehand about platforms and tables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default_dataset: str
    default_platform: str
    config_url: str | None = None
    columns: DefaultColumns
    randomization_units: Mapping[str, AnalysisUnit]
    experiments_column_types: _ExperimentsColumnTypes
    enrollment_kinds: Mapping[str, EnrollmentKind]
    platforms: Mapping[str, Platform] = Field(default_factory=dict)
    inference: Inference = Field(default_factory=Inference)
    freshness: FreshnessConvention = Field(default_factory=FreshnessConvention)
    own_dates: OwnDatesLimit = Field(default_factory=OwnDatesLimit)


def load_conventions(files: Sequence[Path] = ()) -> Conventions:
    """Return the packaged conventions, overridden and extended entry by entry by `files`; later files win.

    A query is named by its file, beside the TOML file that names it.

    Raises:
        ConfigError: a file cannot be used; holds all of its problems.
    """
    packaged = resources.files("jetstream_argo.config.conventions")
    with resources.as_file(packaged.joinpath(_PACKAGED)) as path:
        tables = _with_queries(read_toml(path), packaged, _PACKAGED)
    for file in files:
        tables = _overlay(tables, _with_queries(read_toml(file), file.parent, str(file)))
    name = str(files[-1]) if files else _PACKAGED
    try:
        conventions = Conventions.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(name, problems_of(error)) from error
    _check(conventions, name)
    return conventions


def _check(conventions: Conventions, file: str) -> None:
    problems = []
    for name, platform in conventions.platforms.items():
        kind, kinds = platform.enrollments, conventions.enrollment_kinds
        if kind not in kinds:
            what = f"{kind!r} is not an enrollment kind{nearest(kind, kinds)}"
            problems.append(Problem(f"platforms.{name}.enrollments", what))
    types = conventions.experiments_column_types
    if types.default not in (*types.branch_expressions, "none"):
        problems.append(
            Problem(
                "experiments_column_types.default",
                f"{types.default!r} has no branch expression{nearest(types.default, types.branch_expressions)}",
            )
        )
    if problems:
        raise ConfigError(file, problems)


def _with_queries(tables: Table, folder: _Folder, file: str) -> Table:
    """Return the tables with the text of each query in place of its file's name."""
    kinds = tables.get("enrollment_kinds", {})
    if not isinstance(kinds, dict):
        return tables
    problems: list[Problem] = []
    read: Table = {}
    for name, kind in kinds.items():
        read[name] = kind
        if isinstance(kind, dict):
            read[name] = {
                key: _query(key, value, folder, f"enrollment_kinds.{name}.{key}", problems)
                for key, value in kind.items()
            }
    if problems:
        raise ConfigError(file, problems)
    return {**tables, "enrollment_kinds": read}


def _query(key: str, value: Value, folder: _Folder, where: str, problems: list[Problem]) -> Value:
    if key not in ("enrollments", "exposures") or not isinstance(value, str):
        return value
    try:
        return folder.joinpath(value).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        problems.append(Problem(where, f"names a query in {value!r}, which cannot be read: {error}"))
        return ""


def _overlay(base: Table, other: Table) -> Table:
    merged = dict(base)
    for key, value in other.items():
        below = merged.get(key)
        merged[key] = _overlay(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
