"""The keys of a configuration file. None means that the file does not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    model_validator,
)

from jetstream_argo.config.dates import LONGEST_DAYS, sane
from jetstream_argo.config.exclusions import SeveralBranches
from jetstream_argo.config.model import AnalysisUnit, Basis, MetricRole, SignalBound
from jetstream_argo.config.names import COLUMN_PATTERN
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import Problem

PERIOD_KEYS: Mapping[str, Period] = MappingProxyType({period.key: period for period in Period})


def _whole(value: object) -> object:
    """Accept 3.0 for 3, as real files have it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _day(value: object) -> object:
    if isinstance(value, str | date):
        return value
    raise ValueError("write it as YYYY-MM-DD")


Whole = Annotated[int, Field(strict=True), BeforeValidator(_whole)]
Day = Annotated[date, BeforeValidator(_day), AfterValidator(sane)]
Offset = Annotated[Whole, Field(ge=-LONGEST_DAYS, le=LONGEST_DAYS)]  # days since enrollment
ColumnName = Annotated[str, Field(pattern=COLUMN_PATTERN, max_length=300)]
Statistics: TypeAlias = Mapping[str, Mapping[str, JsonValue]]


class Relationship(StrEnum):
    """How many rows of a joined data source meet how many of the joining one."""

    ONE_TO_ONE = "one_to_one"
    MANY_TO_ONE = "many_to_one"
    ONE_TO_MANY = "one_to_many"
    MANY_TO_MANY = "many_to_many"


class Section(BaseModel):
    """A table of a file; `file` is where it was read, the last one if layers were merged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(default="", exclude=True)


class MetricSpec(Section):
    """`[metrics.<name>]`."""

    select_expression: str | None = None
    data_source: str | None = None
    depends_on: tuple[str, ...] | None = None
    statistics: Statistics | None = None
    analysis_bases: tuple[Basis, ...] | None = None
    analysis_units: tuple[AnalysisUnit, ...] | None = None
    friendly_name: str | None = None
    description: str | None = None
    bigger_is_better: StrictBool | None = None
    unit: Annotated[str, Field(min_length=1, max_length=16)] | None = None  # such as "s" or "€"; "%" of a share
    role: MetricRole | None = None
    non_inferiority_margin: Annotated[float, Field(gt=0, lt=1)] | None = None  # 0.02: may be 2 % worse
    type: str | None = None
    category: str | None = None
    level: str | None = None
    deprecated: StrictBool | None = None
    owner: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] | None = None


class JoinSpec(Section):
    """`[data_sources.<name>.joins.<other>]`."""

    relationship: Relationship | None = None
    on_expression: str | None = None


class DataSourceSpec(Section):
    """`[data_sources.<name>]`."""

    from_expression: str | None = None
    experiments_column_type: str | None = None
    client_id_column: ColumnName | None = None
    group_id_column: ColumnName | None = None
    glean_client_id_column: ColumnName | None = None
    legacy_client_id_column: ColumnName | None = None
    submission_date_column: ColumnName | None = None
    build_id_column: str | None = None
    default_dataset: str | None = None
    analysis_units: tuple[AnalysisUnit, ...] | None = None
    settle_days: Annotated[int, Field(ge=0, le=60)] | None = None
    may_be_empty: StrictBool | None = None
    joins: Mapping[str, JoinSpec] | None = None
    friendly_name: str | None = None
    description: str | None = None
    columns_as_dimensions: StrictBool | None = None


class SegmentSpec(Section):
    """`[segments.<name>]`."""

    data_source: str
    select_expression: str
    friendly_name: str | None = None
    description: str | None = None


class SegmentDataSourceSpec(Section):
    """`[segments.data_sources.<name>]`."""

    from_expression: str
    window_start: Offset | None = None
    window_end: Offset | None = None
    client_id_column: ColumnName | None = None
    group_id_column: ColumnName | None = None
    glean_client_id_column: ColumnName | None = None
    legacy_client_id_column: ColumnName | None = None
    submission_date_column: ColumnName | None = None
    default_dataset: str | None = None

    @model_validator(mode="after")
    def _first_not_after_last(self) -> Self:
        start, end = self.window_start or 0, self.window_end or 0
        if start > end:
            raise ValueError(f"window_start {start} is after window_end {end}")
        return self


class ParameterSpec(Section):
    """`[parameters.<name>]`: a value, or one for each branch where `distinct_by_branch` is set."""

    friendly_name: str | None = None
    description: str | None = None
    value: str | Mapping[str, str] | None = None
    default: str | Mapping[str, str] | None = None
    distinct_by_branch: StrictBool | None = None


class ExposureSignalSpec(Section):
    """`[experiment.exposure_signal]`."""

    name: str
    data_source: str
    select_expression: str
    friendly_name: str | None = None
    description: str | None = None
    window_start: Offset | SignalBound | None = None
    window_end: Offset | SignalBound | None = None


class InferenceSpec(Section):
    """`[experiment.inference]`: what is estimated and checked beside what the metrics ask for.

    `sample_ratio_alarm` 0 means no check; smaller deviations than `sample_ratio_deviation` do not matter.
    `statistics` are added to every metric that has a like one.
    """

    sample_ratio_alarm: Annotated[float, Field(ge=0, lt=1)] | None = None
    sample_ratio_deviation: Annotated[float, Field(ge=0, lt=1)] | None = None
    statistics: Statistics | None = None


class ExclusionSpec(Section):
    """`[experiment.exclude.<name>]`: a condition on the enrolled unit, on its rows in a data source, or a segment."""

    condition: str | None = None
    data_source: str | None = None
    select_expression: str | None = None
    window_start: Offset | None = None
    window_end: Offset | None = None
    segment: str | None = None
    post_treatment: StrictBool | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        by = [name for name in ("condition", "data_source", "segment") if getattr(self, name) is not None]
        if len(by) != 1:
            found = " and ".join(by) or "none of them"
            raise ValueError(f"must have one of condition, data_source and segment, has {found}")
        if (self.data_source is None) != (self.select_expression is None):
            raise ValueError("data_source and select_expression go together")
        if self.data_source is None and (self.window_start is not None or self.window_end is not None):
            raise ValueError("window_start and window_end belong to a data_source")
        return self


class ExcludeSpec(Section):
    """`[experiment.exclude]`: which units count in no result."""

    several_branches: SeveralBranches | None = None
    several_branches_alarm: Annotated[float, Field(gt=0, le=1)] | None = None
    named: Mapping[str, ExclusionSpec] | None = None


class ExperimentSpec(Section):
    """`[experiment]`."""

    enrollment_period: Annotated[Whole, Field(ge=1, le=LONGEST_DAYS)] | None = None
    start_date: Day | None = None
    end_date: Day | None = None
    reference_branch: str | None = None
    segments: tuple[str, ...] | None = None
    outcomes: tuple[str, ...] | None = None
    exposure_signal: ExposureSignalSpec | None = None
    inference: InferenceSpec | None = None
    exclude: ExcludeSpec | None = None
    enrollment_query: str | None = None
    exposure_query: str | None = None
    enrollments_query_type: str | None = None
    sample_size: Annotated[Whole, Field(ge=1, le=100)] | None = None
    analysis_unit: AnalysisUnit | None = None
    skip: StrictBool | None = None
    allow_empty_branches: StrictBool | None = None
    is_private: StrictBool | None = None
    dataset_id: str | None = None


class FunctionSpec(Section):
    """`[functions.<name>]`: SQL in which `{select_expr}` stands for the argument."""

    definition: str
    friendly_name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A problem that does not keep a file from being used."""

    file: str
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name as it is used in a file."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Spec:
    """What one file says, or several that are merged. The mappings are never changed."""

    file: str
    experiment: ExperimentSpec = field(default_factory=ExperimentSpec)
    periods: Mapping[Period, tuple[Reference, ...]] = field(default_factory=dict)
    metrics: Mapping[str, MetricSpec] = field(default_factory=dict)
    data_sources: Mapping[str, DataSourceSpec] = field(default_factory=dict)
    segments: Mapping[str, SegmentSpec] = field(default_factory=dict)
    segment_data_sources: Mapping[str, SegmentDataSourceSpec] = field(default_factory=dict)
    parameters: Mapping[str, ParameterSpec] = field(default_factory=dict)
    functions: Mapping[str, FunctionSpec] = field(default_factory=dict)
    warnings: tuple[FileProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class OutcomeSpec:
    """What the file of an outcome says. `spec.periods` is empty where the file declares none."""

    slug: str
    friendly_name: str
    description: str
    default_metrics: tuple[str, ...]
    spec: Spec
