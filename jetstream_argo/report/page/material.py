"""The material of a page: all that is read of the warehouse, and which of it is shown where."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from jetstream_argo.config.model import Basis, MetricRole
from jetstream_argo.config.periods import Period, by_extent
from jetstream_argo.report.agreement import Agreement
from jetstream_argo.report.method import AnalysisMethod
from jetstream_argo.report.page.changes import Changes
from jetstream_argo.report.page.enrolled import EnrolledDay
from jetstream_argo.report.segment_tests import SegmentTest
from jetstream_argo.report.status import StatusReport
from jetstream_argo.report.summary.model import About, Answer, Curve, DecileTable, MetricAbout, Window

ALL = "all"  # the segment of all units


@dataclass(frozen=True)  # no slots: what follows from the rest is put together once
class Material:
    """An experiment's results, and what has to be known beside.

    `reference` is empty where no branch is compared with another. `today` says what is provisional; None: nothing is.
    `agreements` are those with another system's estimates, where it was compared with these.
    `plan` is the hash of the plan that was worked on last, `recorded_at` when. With `links`, parts lead to one another.
    """

    slug: str
    windows: tuple[Window, ...]
    about: About
    report: StatusReport
    method: AnalysisMethod
    enrolled: tuple[EnrolledDay, ...] = ()
    changes: Changes | None = None
    plan: str = ""
    recorded_at: datetime | None = None
    today: date | None = None
    links: bool = True
    segment_tests: tuple[SegmentTest, ...] = ()
    agreements: tuple[Agreement, ...] = ()

    @cached_property
    def reference(self) -> str:
        """The branch that others are compared with."""
        return next((window.reference for window in self.windows if window.reference), self.about.reference or "")

    @cached_property
    def branches(self) -> tuple[str, ...]:
        """All branches, the reference branch first."""
        counted = self.report.facts.units.branches if self.report.facts.units else ()
        names = [branch.branch for branch in counted] + [name for window in self.windows for name in window.branches]
        return tuple(dict.fromkeys(name for name in (self.reference, *names) if name))

    @property
    def has_several(self) -> bool:
        """Whether more than one branch is compared with the reference branch, so that lines need its name."""
        return len(self.branches) - bool(self.reference) > 1

    @cached_property
    def metrics(self) -> tuple["MetricMaterial", ...]:
        """All metrics with estimates, primary ones first, then guardrails, each in the order of the results."""
        found: dict[str, list[tuple[Window, Answer]]] = {}
        for window in self.windows:
            for answer in window.answers:
                found.setdefault(answer.metric, []).append((window, answer))
            for name in (*(shown.metric for shown in window.deciles), *(shown.metric for shown in window.curves)):
                found.setdefault(name, [])
        roles = list(MetricRole)
        made = [MetricMaterial(name, self, tuple(answers)) for name, answers in found.items()]
        return tuple(sorted(made, key=lambda metric: roles.index(metric.about.role)))

    def number(self, branch: str) -> int:
        """Return the place of a branch, by which it has a colour and a mark: 0 for the reference branch."""
        place = self.branches.index(branch)
        return place if self.reference else place + 1

    def is_provisional(self, window: Window) -> bool:
        """Whether rows of a window are still expected."""
        return self.today is not None and window.settles_on is not None and window.settles_on > self.today


@dataclass(frozen=True)  # no slots, as above
class MetricMaterial:
    """A metric's answers in all windows that have it."""

    name: str
    whole: Material
    answers: tuple[tuple[Window, Answer], ...]

    @cached_property
    def about(self) -> MetricAbout:
        """What the configuration says of it."""
        return self.whole.about.metric(self.name)

    @cached_property
    def headline(self) -> tuple[Window, Answer] | None:
        """What speaks for it: all units that enrolled, over the whole time, as far as there is that."""
        later = [pair for pair in self.answers if not Period(pair[0].period).before_enrollment]
        return min(later, key=lambda pair: preference(pair[0]), default=None)

    def of_period(self, period: str) -> tuple[tuple[Window, Answer], ...]:
        """Return its answers in the windows of a period, on the units of its headline, in order."""
        if self.headline is None:
            return ()
        basis, segment = self.headline[0].basis, self.headline[0].segment
        found = [
            (window, answer)
            for window, answer in self.answers
            if (window.period, window.basis, window.segment) == (period, basis, segment)
        ]
        return tuple(sorted(found, key=lambda pair: pair[0].index))

    def beside(self, window: Window) -> Iterator[tuple[Window, Answer]]:
        """Yield its answers on other units, or on another basis, in the same days as `window`, and in `window`."""
        for other, answer in self.answers:
            if (other.period, other.index) == (window.period, window.index):
                yield other, answer

    @cached_property
    def deciles(self) -> tuple[tuple[Window, DecileTable], ...]:
        """Its deciles in all windows that have them."""
        return tuple((w, table) for w in self.whole.windows for table in w.deciles if table.metric == self.name)

    @cached_property
    def curves(self) -> tuple[tuple[Window, Curve], ...]:
        """Its curves in all windows that have them."""
        return tuple((w, curve) for w in self.whole.windows for curve in w.curves if curve.metric == self.name)

    @cached_property
    def anchor(self) -> str:
        """Where its section is on the page: the place among all metrics, since names may hold anything."""
        return f"metric-{[metric.name for metric in self.whole.metrics].index(self.name) + 1}"


def preference(window: Window) -> tuple[bool, bool, int, int]:
    """Return what orders windows by how much they say: all units that enrolled, the whole time, the last."""
    rank = by_extent().index(Period(window.period))
    return window.segment != ALL, window.basis != Basis.ENROLLMENTS.value, rank, -window.index
