"""The input and output of estimating: where values are stored, and rows with their window and segment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jetstream_argo.config.model import Basis
from jetstream_argo.config.statistics import Covariate
from jetstream_argo.estimating.portions import WHOLE, Share
from jetstream_argo.estimating.queries.leaf import StoredValues
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.warehouse.types import Job


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the values are: of the metric, or of those that it is made of, by name and per basis; and of covariates.

    `units` is the relation of the units with their segments (`sql.units`); it has `everybody` with values, or some
    of them do not count. A covariate is None where it has no values; estimates are then unadjusted. Only what is in the
    `share` is asked for.
    """

    values: Mapping[str, tuple[StoredValues, ...]]
    units: Sql
    covariates: Mapping[Covariate, StoredValues | None] = field(default_factory=dict)
    everybody: bool = True
    share: Share = WHOLE

    def of(self, metric: str) -> tuple[StoredValues, ...]:
        """Return where the values of `metric` are, of the bases that have any."""
        return tuple(stored for stored in self.values[metric] if stored.slices)

    def shared(self, share: Share) -> "Stored":
        """Return where the values of a share are."""
        kept = {
            name: tuple(values for values in stored if share.bases is None or values.basis in share.bases)
            for name, stored in self.values.items()
        }
        return replace(self, values=kept, share=share)

    def bases(self) -> tuple[Basis, ...]:
        """Return the bases for which all of the metrics have values."""
        bases_of_metrics = [tuple(stored.basis for stored in self.of(metric)) for metric in self.values]
        return tuple(
            basis
            for basis in (bases_of_metrics[0] if bases_of_metrics else ())
            if all(basis in bases for bases in bases_of_metrics)
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """Whom an estimate is about."""

    basis: Basis
    window_index: int
    segment: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An estimate and whom it is about."""

    row: EstimateRow
    basis: Basis
    window_index: int
    segment: str


@dataclass(frozen=True, slots=True)
class Before:
    """The p-value of a test whether a metric differed before enrollment, between a branch and the reference branch."""

    metric: str
    branch: str
    p_value: float


@dataclass(frozen=True, slots=True)
class Estimated:
    """All estimates asked for, in the order in which results list them.

    `notes` say what was not as asked. `units` are the most that any basis and window has, None where they were not
    counted. `before` says whether the branches differed before enrollment.
    """

    rows: tuple[Placed, ...] = ()
    notes: tuple[str, ...] = ()
    jobs: tuple[Job, ...] = ()
    units: int | None = None
    before: tuple[Before, ...] = ()

    def __add__(self, later: "Estimated") -> "Estimated":
        """Return these and those of later windows."""
        units = [counted for counted in (self.units, later.units) if counted is not None]
        notes = tuple(dict.fromkeys((*self.notes, *later.notes)))
        before = {(test.metric, test.branch): test for test in (*self.before, *later.before)}
        return Estimated(
            self.rows + later.rows, notes, self.jobs + later.jobs, max(units, default=None), tuple(before.values())
        )
