"""The resolved configuration of an experiment, once all layers are merged and all templates are filled."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from jetstream_argo.config.exclusions import ExclusionRules
from jetstream_argo.config.statistics import PeriodMetrics
from jetstream_argo.stats.checks import SMALLEST_DEVIATION


class Basis(StrEnum):
    """Which units count."""

    ENROLLMENTS = "enrollments"
    EXPOSURES = "exposures"


class AnalysisUnit(StrEnum):
    """What was randomised."""

    CLIENT = "client_id"
    GROUP = "profile_group_id"


# How many days after a date its rows may still arrive, where nothing says otherwise.
SETTLE_DAYS = 2


@dataclass(frozen=True, slots=True)
class DataSource:
    """Rows of telemetry. `from_expression` goes between FROM and an alias: a table's name or a query in brackets.

    `branch_expression` gives, over an alias `ds`, the branch that a row itself says the unit is in (NULL where the
    row does not carry the experiment); it is None where rows cannot say. `settle_days` is how many days after a date
    its rows may still arrive; `may_be_empty` says that a date without rows is no sign that they are late.
    """

    name: str
    from_expression: str
    id_column: str
    date_column: str
    experiments_column_type: str | None
    branch_expression: str | None
    settle_days: int = SETTLE_DAYS
    may_be_empty: bool = False
    own_name: str = ""  # what `from_expression` called its rows in the file, and expressions over them may


class MetricRole(StrEnum):
    """What a metric is for: to decide by, to watch so that nothing breaks, or to learn from."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    SECONDARY = "secondary"


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """A number per unit and window: an aggregate over one data source, or made from the metrics in `depends_on`.

    A metric has `data_source` and `select_expression`, or it has `depends_on`. `file` is where it is defined.
    `non_inferiority_margin` is how much worse it may be, as a share of the reference branch's value.
    """

    name: str
    data_source: str | None
    select_expression: str | None
    depends_on: tuple[str, ...]
    bases: tuple[Basis, ...]
    friendly_name: str = ""
    description: str = ""
    bigger_is_better: bool = True
    file: str = ""
    unit: str = ""
    role: MetricRole = MetricRole.SECONDARY
    non_inferiority_margin: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentDataSource:
    """Rows that decide about segments, from `window_start` to `window_end` days since enrollment, both included."""

    name: str
    from_expression: str
    id_column: str
    date_column: str
    window_start: int
    window_end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A subset of units: those for which `select_expression`, an aggregate, is true."""

    name: str
    data_source: str
    select_expression: str
    friendly_name: str = ""
    description: str = ""


class SignalBound(StrEnum):
    """An end of an exposure signal's window that moves with the experiment or with the analysis window."""

    ENROLLMENT_START = "enrollment_start"
    ENROLLMENT_END = "enrollment_end"
    ANALYSIS_WINDOW_START = "analysis_window_start"
    ANALYSIS_WINDOW_END = "analysis_window_end"


@dataclass(frozen=True, slots=True)
class ExposureSignal:
    """Rows that mean exposure: those of `data_source` for which `select_expression` is true.

    A bound that is a number counts days since the first enrollment date.
    """

    name: str
    data_source: DataSource
    select_expression: str
    window_start: int | SignalBound | None
    window_end: int | SignalBound | None
    friendly_name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A named set of metrics that the experiment's owner chose."""

    slug: str
    friendly_name: str
    description: str
    metrics: tuple[str, ...]
    default_metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deletions:
    """When units were deleted from telemetry: a run on a date may have removed rows of every date before it.

    `query`, in the warehouse, gives further dates of such runs, one a row, and `units_query` the units that were
    deleted, as (analysis_id); each is empty where there is none.
    """

    dates: tuple[date, ...] = ()
    query: str = ""
    units_query: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentConfig:
    """Everything that the files say about one experiment.

    `enrollments_sql` gives a row per enrollment (analysis_id, branch, enrollment_date, num_enrollment_events), between
    the first and the last enrollment date; `exposures_sql` a row per exposed unit and branch (analysis_id, branch,
    exposure_date, num_exposure_events) and reads the relation `raw_enrollments`; it is None where nothing records
    exposures. Dates are inclusive. `end_date` is None while the experiment is open. `branch_ratios` are the shares of
    units that `branches` were meant to get, in proportion to one another; `sample_ratio_alarm` is the p-value below
    which the units are taken not to be split so, 0 where nobody asks, if a branch is off by `sample_ratio_deviation` of
    the units that it should have or more. With `allow_empty_branches` a branch may have no
    units while some are in names that are no branch. `dataset` is None unless a file names one; `url` is where people
    can read the experiment's file. `settle_days` is that of tables which are no data source. `deletions` says from
    when on rows may be gone from telemetry because their units asked for it. `exclusions` are
    the units that no result counts.
    """

    slug: str
    app_name: str
    analysis_unit: AnalysisUnit
    branches: tuple[str, ...]
    reference_branch: str | None
    start_date: date
    end_date: date | None
    is_complete: bool
    enrollment_days: int
    sample_size: int | None
    skip: bool
    is_private: bool
    is_rollout: bool
    dataset: str | None
    enrollment_kind: str
    enrollments_sql: str
    exposures_sql: str | None
    exposure_signal: ExposureSignal | None
    segments: tuple[Segment, ...]
    segment_data_sources: tuple[SegmentDataSource, ...]
    data_sources: tuple[DataSource, ...]
    metrics: tuple[MetricDefinition, ...]
    periods: tuple[PeriodMetrics, ...]
    outcomes: tuple[Outcome, ...]
    url: str | None = None
    branch_ratios: tuple[int, ...] = ()
    sample_ratio_alarm: float = 0.0
    settle_days: int = SETTLE_DAYS
    deletions: Deletions = Deletions()
    allow_empty_branches: bool = False
    sample_ratio_deviation: float = SMALLEST_DEVIATION
    exclusions: ExclusionRules = ExclusionRules()  # noqa: RUF009  # frozen
