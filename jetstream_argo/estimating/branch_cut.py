"""Computes what clipping takes from a branch's values, from their moments as they are and as clipped."""

from dataclasses import dataclass
from math import inf

from jetstream_argo.stats.moments import Moments


@dataclass(frozen=True, slots=True)
class ColumnCut:
    """One column of a branch: its values as they are, and as clipped at `limit`; `n_clipped` of them are above that."""

    values: Moments
    clipped: Moments
    limit: float
    n_clipped: int

    @property
    def share(self) -> float | None:
        """Which share of the sum of all values is cut; None where that sum is not positive."""
        return 1 - self.clipped.mean / self.values.mean if self.values.mean > 0 else None

    def share_variance(self, drop_highest: float) -> float:
        """Return the variance of the share, by the delta method; infinite where it is not known.

        A limit that is the quantile of values without ties leaves no choice how many of them are above it; where many
        share the limit, it stays, and their number varies.
        """
        n, mean, share, k = self.values.n, self.values.mean, self.share, self.n_clipped
        if n <= 1 or k <= 1 or share is None:
            return inf
        cut = mean - self.clipped.mean
        # Where a value is cut, its clipped value is the limit: (value - clipped) * (clipped - limit) is always 0.
        both = self.clipped.m2 + n * cut * (self.limit - self.clipped.mean)
        squares = self.values.m2 - 2 * both + self.clipped.m2 + n * cut * cut  # of what is cut
        if k >= n * drop_highest - 1:
            own = with_value = squares - (n * cut) ** 2 / k
        else:
            own, with_value = squares - n * cut * cut, squares + n * cut * (self.limit - mean)
        m2 = own - 2 * share * with_value + share * share * self.values.m2
        return max(m2, 0.0) / n / (n - 1) / (mean * mean)


@dataclass(frozen=True, slots=True)
class BranchCut:
    """What is cut from a branch: `n_clipped` units have a value that is, in one of the columns at least.

    A mean has one column, a ratio two; a branch without values has none.
    """

    n_clipped: int = 0
    columns: tuple[ColumnCut, ...] = ()

    @property
    def n(self) -> int:
        """The units with a value."""
        return self.columns[0].values.n if self.columns else 0

    @property
    def unclipped(self) -> float | None:
        """The mean, or the ratio of means, of the values as they are; None where there is none."""
        if not self.columns:
            return None
        mean, *others = (column.values.mean for column in self.columns)
        divisor = others[0] if others else 1.0
        return mean / divisor if divisor else None

    def share(self, column: int) -> float | None:
        """Return which share of a column's sum is cut."""
        return self.columns[column].share if column < len(self.columns) else None

    @classmethod
    def of_mean(cls, values: Moments, clipped: Moments, limit: float, n_clipped: int) -> "BranchCut":
        """Return what is cut from the values of a mean."""
        return cls(n_clipped, (ColumnCut(values, clipped, limit, n_clipped),))
