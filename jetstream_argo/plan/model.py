"""The analysis plan: the immutable value that every node of its workflow works from."""

from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.model import AnalysisUnit, Basis, Deletions, MetricRole, Outcome
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.plan.population import Enrollments, Signal
from jetstream_argo.plan.readiness import Readiness
from jetstream_argo.plan.sources import Composed, Direct, Source
from jetstream_argo.plan.windows import AnalysisWindow, Timeline
from jetstream_argo.stats.checks import SMALLEST_DEVIATION

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Metric:
    """A number per unit and window.

    `column` is a hash of everything that decides the values; two plans that name the same column mean the same
    values. `source` is empty and `computation` None for a metric made of others, which has no values of its own.
    `periods` are those in which values are computed, be it for statistics or as a covariate.
    """

    name: str
    source: str
    select_expression: str
    computation: Composed | Direct | None
    column: str
    depends_on: tuple[str, ...]
    bases: tuple[Basis, ...]
    periods: tuple[Period, ...]
    friendly_name: str
    description: str
    bigger_is_better: bool
    unit: str = ""
    role: MetricRole = MetricRole.SECONDARY
    non_inferiority_margin: float | None = None


@dataclass(frozen=True, slots=True)
class MetricStatistics:
    """All statistics of one metric in one period: one leaf of the workflow.

    `key` is a hash of everything that decides the rows, windows and adjustment apart.
    """

    period: Period
    metric: str
    key: str
    statistics: tuple[Statistic, ...]


@dataclass(frozen=True, slots=True)
class PeriodWindows:
    """The windows of one period that are due."""

    period: Period
    windows: tuple[AnalysisWindow, ...]


@dataclass(frozen=True, slots=True)
class Experiment:
    """Who is compared. `branches` are in the order in which results list them.

    `branch_shares` are the shares of units that they were meant to get, in proportion to one another; empty where
    nothing says. `sample_ratio_alarm` is the p-value below which units are taken not to be split so; 0: no check.
    `sample_ratio_deviation` is how far a branch must be off, as a share of the units that it should have, to matter.
    `deletions` says when rows may have gone from telemetry.
    With `allow_empty_branches` it is no error that a branch has no units while some are in names that are no branch.
    """

    slug: str
    app_name: str
    analysis_unit: AnalysisUnit
    branches: tuple[str, ...]
    reference_branch: str | None
    timeline: Timeline
    is_complete: bool
    is_private: bool
    sample_size: int | None
    outcomes: tuple[Outcome, ...]
    url: str | None
    branch_shares: tuple[int, ...] = ()
    sample_ratio_alarm: float = 0.0
    deletions: Deletions = Deletions()  # noqa: RUF009  # frozen
    allow_empty_branches: bool = False
    sample_ratio_deviation: float = SMALLEST_DEVIATION


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """Everything that the nodes of one experiment's workflow need, as of one date.

    `dataset` holds the result tables: `dataset`, or `project.dataset`. `readiness` is what was known of the sources
    when it was made, None where that was not looked up: which windows are due then depends on the metric
    (`plan.due`), and `windows` are those of any.
    """

    schema_version: int
    experiment: Experiment
    as_of: date
    dataset: str
    enrollments: Enrollments
    signal: Signal | None
    bases: tuple[Basis, ...]
    periods: tuple[PeriodWindows, ...]
    sources: tuple[Source, ...]
    metrics: tuple[Metric, ...]
    statistics: tuple[MetricStatistics, ...]
    readiness: Readiness | None = None

    def metric(self, name: str) -> Metric:
        """Return the metric called `name`; KeyError if the plan has none."""
        return {metric.name: metric for metric in self.metrics}[name]

    def source(self, name: str) -> Source:
        """Return the source called `name`; KeyError if the plan has none."""
        return {source.name: source for source in self.sources}[name]

    def windows(self, period: Period) -> tuple[AnalysisWindow, ...]:
        """Return the windows of `period` that are due; none if the period is not analysed."""
        return next((due.windows for due in self.periods if due.period is period), ())
