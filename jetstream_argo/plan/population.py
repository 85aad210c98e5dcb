"""The units that are analysed: how enrolled and exposed ones are found, their segments, and those that do not count."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.exclusions import SEVERAL_ALARM, SeveralBranches
from jetstream_argo.config.model import SETTLE_DAYS, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.sources import Partial
from jetstream_argo.plan.windows import AnalysisWindow


@dataclass(frozen=True, slots=True)
class SignalWindow:
    """The dates, both included, whose signals expose a unit in a window; whatever the window where `index` is 0."""

    period: Period
    index: int
    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class Signal:
    """Rows that mean exposure, counted per unit and date in `column`; `key` is a hash of which rows and dates."""

    name: str
    from_expression: str
    id_column: str
    date_column: str
    partial: Partial
    first_date: date
    last_date: date
    windows: tuple[SignalWindow, ...]
    settle_days: int = SETTLE_DAYS
    key: str = ""

    def windows_of(self, period: Period, windows: Iterable[AnalysisWindow]) -> tuple[SignalWindow, ...]:
        """Return the dates that expose units in each of these windows of a period; KeyError if the signal has none."""
        own = {window.index: window for window in self.windows if window.period is period}
        return tuple(own[window.index] for window in windows)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Units that count in no result: those for which `condition` is true, over a row `e` of the enrollments.

    Or those in a segment that results do not show, `rows`, which is stored in `column` as a segment is.
    `post_treatment` says that the experiment may decide who meets the condition.
    """

    name: str
    condition: str = ""
    rows: Segment | None = None
    column: str = ""
    post_treatment: bool = False


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Who counts. `several_alarm` is the share of units in several branches above which there is an alarm."""

    several_branches: SeveralBranches = SeveralBranches.KEEP
    several_alarm: float = SEVERAL_ALARM
    named: tuple[Exclusion, ...] = ()

    @property
    def excludes(self) -> bool:
        """Whether some enrolled units may not count."""
        return bool(self.named) or self.several_branches is not SeveralBranches.KEEP

    @property
    def post_treatment(self) -> tuple[str, ...]:
        """The exclusions about which the experiment may decide."""
        return tuple(exclusion.name for exclusion in self.named if exclusion.post_treatment)


@dataclass(frozen=True, slots=True)
class Enrollments:
    """How the enrolled units are found, and what else is known of them; `config.model.ExperimentConfig` has the SQL.

    `key`, `exposures_key` and `segment_columns` (of `segments`, in their order) are hashes of one query or expression
    each: what changes in one of them changes no other. `date_column` and `exposures_date_column` are the columns of
    telemetry that the dates come from, empty where the SQL does not tell. `segment_sources` are those of
    `exclusions` too.
    """

    key: str
    kind: str
    sql: str
    exposures_sql: str | None
    segments: tuple[Segment, ...]
    segment_sources: tuple[SegmentDataSource, ...]
    exposures_key: str = ""
    segment_columns: tuple[str, ...] = ()
    date_column: str = ""
    exposures_date_column: str = ""
    settle_days: int = SETTLE_DAYS
    exclusions: Exclusions = Exclusions()  # frozen

    @property
    def memberships(self) -> tuple[tuple[Segment, str], ...]:
        """What telemetry is asked about units, each with its column: segments, then those that only exclude."""
        own = tuple(zip(self.segments, self.segment_columns, strict=True))
        others = {exclusion.column: exclusion.rows for exclusion in self.exclusions.named if exclusion.rows is not None}
        return own + tuple((rows, column) for column, rows in others.items() if column not in self.segment_columns)
