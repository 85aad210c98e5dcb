"""Turns sums on a scale of their own into moments in the metric's unit."""

from collections.abc import Sequence
from math import inf

from jetstream_argo.estimating.queries.summary import HIGHEST_POWER
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.stats.moments import Covaried, JointMoments, JointPowerSums, Moments, PowerSums


def moments(row: QueryRow, index: int) -> Moments:
    """Return the moments of the `index`-th clipped values of a summary."""
    return _moments(row, row.whole("n"), ("center", f"scale_{index}"), (f"power_{index}_1", f"power_{index}_2"))


def power_sums(row: QueryRow, index: int) -> PowerSums:
    """Return the sums of powers of the `index`-th clipped values of a summary."""
    center, scale = row.number("center"), row.number(f"scale_{index}")
    sums = [float(row.whole("n")), *(row.number(f"power_{index}_{k}") for k in range(1, HIGHEST_POWER + 1))]
    least, most = row.number("minimum"), row.number("maximum")
    limit = row.number_or_none(f"limit_{index}")
    about = PowerSums.from_sums_about(0.0, sums, least, most if limit is None else min(most, limit))
    central = tuple(_scaled(value, scale, k) for k, value in enumerate(about.central))
    return PowerSums(about.n, center + about.mean * scale, central, about.minimum, about.maximum)


def covaried(row: QueryRow, index: int) -> Covaried:
    """Return the moments of all units with a value, and those with the covariate too."""
    y, x = ("center_y", f"scale_y{index}"), ("center_x", f"scale_x{index}")
    units = _moments(row, row.whole("n"), y, (f"y_{index}_1", f"y_{index}_2"))
    n = row.whole("n_both")
    if n == 0:
        return Covaried(units, JointMoments(0, 0.0, 0.0, 0.0, 0.0, 0.0))
    of_y = _moments(row, n, y, (f"both_{index}_y_1", f"both_{index}_y_2"))
    of_x = _moments(row, n, x, (f"both_{index}_x_1", f"both_{index}_x_2"))
    product = row.number(f"both_{index}_y_1") * row.number(f"both_{index}_x_1") / n
    c_xy = (row.number(f"both_{index}_xy") - product) * row.number(y[1]) * row.number(x[1])
    return Covaried(units, JointMoments(n, of_y.mean, of_x.mean, of_y.m2, of_x.m2, c_xy))


def joint_power_sums(row: QueryRow) -> JointPowerSums:
    """Return the joint sums of powers of a numerator and a denominator."""
    n = row.whole("n")
    sums = tuple(
        tuple(row.number(f"sum_{i}_{j}") for j in range(HIGHEST_POWER + 1 - i)) for i in range(HIGHEST_POWER + 1)
    )
    about = JointPowerSums.from_sums_about((0.0, 0.0), sums)
    y, d = row.number("scale_y"), row.number("scale_d")
    central = tuple(
        tuple(_scaled(_scaled(value, y, i), d, j) for j, value in enumerate(of_i))
        for i, of_i in enumerate(about.central)
    )
    mean_y, mean_d = (
        row.number("center_y") + about.mean_numerator * y,
        row.number("center_d") + about.mean_denominator * d,
    )
    return JointPowerSums(n, mean_y, mean_d, central, row.number("minimum_d"))


def _moments(row: QueryRow, n: int, place: tuple[str, str], sums: Sequence[str]) -> Moments:
    about = Moments.from_sums_about(0.0, n, row.number(sums[0]), row.number(sums[1]))
    scale = row.number(place[1])
    return Moments(n, row.number(place[0]) + about.mean * scale, _scaled(about.m2, scale, 2))


def _scaled(value: float, scale: float, power: int) -> float:
    try:
        return value * scale**power
    except OverflowError:
        return inf if value > 0 else -inf if value < 0 else 0.0
