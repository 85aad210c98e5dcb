"""The statistic `empirical_cdf`: which share of a branch's units is at or below each point of a grid."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, flag
from jetstream_argo.stats.draft import Draft, Interval, typed
from jetstream_argo.stats.needs import GridNeed
from jetstream_argo.stats.parameters import points
from jetstream_argo.stats.rows import EstimateRow, Reason, parameter_texts
from jetstream_argo.stats.sufficient import GridCounts, Sample, ValueCounts


@dataclass(frozen=True, slots=True)
class EmpiricalCdf:
    """The share of units at or below each point of a grid from the smallest value to the largest."""

    row_name: ClassVar[str] = "empirical_cdf"
    log_space: bool = argument(flag, default=False)
    grid_size: int = argument(points, default=256)

    def need(self) -> GridNeed:
        """Return what the warehouse must deliver."""
        return GridNeed(self.grid_size, self.log_space)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return a row for each branch and point of its grid: the share of its values at or below the point.

        No interval and no comparison. `parameter` is the point; a branch without values has one row, without parameter.

        Raises:
            EstimateError: the sample holds neither `GridCounts` nor `ValueCounts`.
        """
        from jetstream_argo.stats.laws.grids import counts_up_to, grid
        from jetstream_argo.stats.value_counts import extremes

        draft = Draft(sample.metric, self.row_name, None)
        rows: list[EstimateRow] = []
        for facts in sample.branches:
            data = typed(facts, GridCounts, ValueCounts)
            span = data.extremes if isinstance(data, GridCounts) else extremes(data)
            if data is None or not span.n:
                rows.append(draft.of_branch(facts.branch, 0, Interval(reason=Reason.NO_UNITS)))
                continue
            curve = grid(span, grid_size=self.grid_size, log_space=self.log_space)
            below = data.cumulative if isinstance(data, GridCounts) else counts_up_to(data, curve.points)
            where, counts = curve.points.tolist(), list(below)
            if curve.zero_first:
                where, counts = [0.0, *where], [span.at_most_zero, *counts]
            shares = zip(parameter_texts(where), (count / span.n for count in counts), strict=True)
            rows += draft.of_points(facts.branch, span.n, shares, reason=curve.reason)
        return tuple(rows)
