"""The number by which branches are compared: the relative uplift, or the difference where a share of zero is none."""

from collections.abc import Iterable
from dataclasses import dataclass

from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Answer, Compared, MetricAbout, PointInterval


@dataclass(frozen=True, slots=True)
class Measure:
    """A way to compare, and how its numbers are written; `scale` is the size of the metric's own values."""

    is_uplift: bool
    about: MetricAbout
    is_share: bool = False
    scale: float = 0.0

    @property
    def name(self) -> str:
        """What it is called."""
        return "uplift" if self.is_uplift else "difference"

    def of(self, compared: Compared) -> PointInterval | None:
        """Return the number of a comparison."""
        return compared.uplift if self.is_uplift else compared.difference

    def text(self, interval: PointInterval | None) -> str:
        """Return the number with its interval."""
        if self.is_uplift:
            return formatting.uplifted(interval)
        return formatting.differed(interval, self.about, is_share=self.is_share, beside=self.scale)

    def tick(self, value: float) -> str:
        """Return a number of an axis."""
        if self.is_uplift:
            return f"{formatting.plus(value, digits=formatting.digits_of(value))} %"
        return formatting.plus_valued(value, self.about, is_share=self.is_share)


UPLIFT = Measure(is_uplift=True, about=MetricAbout())


def measure_of(answers: Iterable[Answer], about: MetricAbout) -> Measure:
    """Return the relative uplift where any branch has one with an interval, or else the difference, if there is one."""
    found = list(answers)
    compared = [comparison for answer in found for comparison in answer.compared]
    has_uplift = any(comparison.uplift is not None and comparison.uplift.is_bounded for comparison in compared)
    if has_uplift or not any(comparison.difference is not None for comparison in compared):
        return Measure(is_uplift=True, about=about)
    values = [answer.reference.point for answer in found if answer.reference is not None and answer.reference.point]
    values += [comparison.value.point for comparison in compared if comparison.value.point]
    is_share = any(answer.is_share for answer in found)
    return Measure(is_uplift=False, about=about, is_share=is_share, scale=max(map(abs, values), default=0.0))
