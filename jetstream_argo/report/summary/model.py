"""An answer, however it is shown."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from jetstream_argo.config.model import MetricRole

DECILES = "deciles"
SHARES = frozenset({"binomial"})  # statistics whose values are shares of units


@dataclass(frozen=True, slots=True)
class MetricAbout:
    """What the configuration says of a metric.

    `bigger_is_better` is None where it is not at hand: then the estimates' chances to win tell. `margin` is how much
    worse it may be, None where no file says; `planned_windows` in how many windows it is estimated until the experiment
    ends, None while that is open.
    """

    title: str = ""
    description: str = ""
    unit: str = ""
    role: MetricRole = MetricRole.SECONDARY
    bigger_is_better: bool | None = None
    margin: float | None = None
    planned_windows: int | None = None


@dataclass(frozen=True, slots=True)
class PointInterval:
    """A number with its interval, either end None where there is none."""

    point: float | None
    lower: float | None = None
    upper: float | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether there is an interval."""
        return self.lower is not None and self.upper is not None

    @property
    def leaves_out_zero(self) -> bool:
        """Whether all of the interval is on one side of zero."""
        return (self.lower is not None and self.lower > 0) or (self.upper is not None and self.upper < 0)


class Verdict(StrEnum):
    """What follows for a decision."""

    BETTER = "better"
    WORSE = "worse"
    PERHAPS_BETTER = "perhaps better"
    PERHAPS_WORSE = "perhaps worse"
    UNCLEAR = "unclear"
    UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Compared:
    """A branch against the reference branch.

    `p_value_holm` is adjusted for the `family` of comparisons of the same window. `variance_reduction` is the share of
    the variance that a covariate took away; `adjusted` is None where no adjustment was asked for. `notes` is what a
    reader must know beside: why a number is missing, which units are left out.
    """

    branch: str
    value: PointInterval
    units: int | None
    uplift: PointInterval | None
    difference: PointInterval | None
    verdict: Verdict
    p_value: float | None = None
    p_value_holm: float | None = None
    family: int = 0
    adjusted: bool | None = None
    variance_reduction: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = None
    notes: tuple[str, ...] = ()
    confidence: float = 0.95  # of the intervals


@dataclass(frozen=True, slots=True)
class Answer:
    """What one statistic says of a metric in a window: the reference branch's value, and the others against it.

    Without comparisons, `alone` has the values of all branches.
    """

    metric: str
    statistic: str
    about: MetricAbout
    reference: PointInterval | None
    reference_units: int | None
    compared: tuple[Compared, ...]
    alone: tuple[tuple[str, PointInterval], ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the values are shares of units, which are shown in percent."""
        return self.statistic.partition(" ")[0] in SHARES


@dataclass(frozen=True, slots=True)
class DecileTable:
    """The deciles of a metric by branch: `rows` are (share of units below, values by branch, differences by branch)."""

    metric: str
    about: MetricAbout
    branches: tuple[str, ...]
    rows: tuple[tuple[float, dict[str, PointInterval], dict[str, PointInterval]], ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """A statistic of a metric that has a number at many places, such as a density: (place, number) by branch."""

    metric: str
    statistic: str
    about: MetricAbout
    points: dict[str, tuple[tuple[float, PointInterval], ...]]


@dataclass(frozen=True, slots=True)
class Window:
    """All answers about the same units and days.

    `split_p_value` is that of the check whether units are split as designed, None where nothing was checked;
    `mismatch_p_value` is the same where they are not.
    """

    period: str
    index: int
    first_day: int
    last_day: int
    basis: str
    segment: str
    reference: str
    branches: tuple[str, ...]
    answers: tuple[Answer, ...]
    deciles: tuple[DecileTable, ...] = ()
    further: tuple[Answer, ...] = ()  # what other statistics say of metrics that have an answer
    family: int = 0
    mismatch_p_value: float | None = None
    settles_on: date | None = None
    split_p_value: float | None = None
    curves: tuple[Curve, ...] = ()

    @property
    def days(self) -> str:
        """Which days since enrollment these are."""
        return f"days {self.first_day} to {self.last_day}"

    @property
    def title(self) -> str:
        """Which units and days these are."""
        units = "all units" if self.segment == "all" else self.segment
        return f"{self.period} {self.index}, {self.days} · {self.basis} · {units}"


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an experiment beside its estimates: nothing, where no plan and no record say."""

    metrics: dict[str, MetricAbout] = field(default_factory=dict)
    reference: str | None = None

    def metric(self, name: str) -> MetricAbout:
        """Return what is known of a metric."""
        return self.metrics.get(name) or MetricAbout()
