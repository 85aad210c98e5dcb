"""The statistic `kernel_density_estimate`: how dense a branch's values are at each point of a grid."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, flag, only
from jetstream_argo.stats.draft import Draft, Interval, typed
from jetstream_argo.stats.needs import DensityNeed
from jetstream_argo.stats.parameters import points
from jetstream_argo.stats.rows import EstimateRow, Reason, parameter_texts
from jetstream_argo.stats.sufficient import Bins, Sample, ValueCounts


def _bandwidth(value: object) -> str | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 < value < float("inf"):
            return float(value)
        raise ValueError(f"must be a positive number, is {value!r}")
    return str(only("scott", "silverman", "scott_sd")(value))


@dataclass(frozen=True, slots=True)
class KernelDensityEstimate:
    """The density at each point of a grid, smoothed by a normal kernel.

    The bandwidth `scott` is `n ** -0.2` in the metric's own unit, whatever its spread, as existing results have it;
    `scott_sd` multiplies it by the standard deviation.
    """

    row_name: ClassVar[str] = "kernel_density_estimate"
    bandwidth: str | float = argument(_bandwidth, default="scott")
    adjust: float = argument(only(1), default=1)
    kernel: str = argument(only("gaussian"), default="gaussian")
    grid_size: int = argument(points, default=256)
    log_space: bool = argument(flag, default=False)

    def need(self) -> DensityNeed:
        """Return what the warehouse must deliver."""
        return DensityNeed(self.grid_size, self.log_space, self.bandwidth)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return a row for each branch and point of its grid: the density per unit of the metric, by a normal kernel.

        No interval and no comparison. `parameter` is the point; a branch without values, or without variation where
        the bandwidth goes by that, has one row, without parameter.

        Raises:
            EstimateError: the sample holds neither `Bins` nor `ValueCounts`.
        """
        from jetstream_argo.stats.laws.grids import grid
        from jetstream_argo.stats.laws.kernels import bins_for, density
        from jetstream_argo.stats.value_counts import extremes

        draft = Draft(sample.metric, self.row_name, None)
        rows: list[EstimateRow] = []
        for facts in sample.branches:
            data = typed(facts, Bins, ValueCounts)
            span = data.extremes if isinstance(data, Bins) else extremes(data)
            bins = bins_for(data, span, self.bandwidth) if data is not None and span.n else None
            if bins is None:
                reason = Reason.NO_VARIATION if span.n else Reason.NO_UNITS
                rows.append(draft.of_branch(facts.branch, span.n, Interval(reason=reason)))
                continue
            curve = grid(span, grid_size=self.grid_size, log_space=self.log_space)
            where = curve.with_zero()
            heights = zip(parameter_texts(where.tolist()), density(bins, where).tolist(), strict=True)
            rows += draft.of_points(facts.branch, span.n, heights, reason=curve.reason)
        return tuple(rows)
