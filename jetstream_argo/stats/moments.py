"""Moments of a set of units, such that disjoint sets add up.

They are central (about the mean), so that they neither cancel nor overflow. Warehouses sum powers about a literal near
the mean; `from_sums_about` centres these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

HIGHEST_POWER = 8
CANCELLED = 1e-14  # of the terms of a difference; what is left of them is rounding
_LEFT_OVER = 1e-10  # of a sum of squares that was read back from a standard error
NOISE = 1e-14  # a standard deviation this small against the size of the values is rounding, not variation


def varies(m2: float, n: int, size: float) -> bool:
    """Return whether `n` values of about this size, with this sum of squares about their mean, differ by more than
    rounding; those whose squares fit no float do."""
    # Not squared: values near 1e160 would overflow. The NaN of overflown sums varies, and is reported as such later.
    return not m2 <= 0 and not sqrt(m2) <= NOISE * size * sqrt(n)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of the `n` values; exact for whole numbers."""

    n: int
    total: float


@dataclass(frozen=True, slots=True)
class Successes:
    """How many of `n` values are 1 or true; `other` counts those that are neither 0 nor 1."""

    n: int
    successes: int
    other: int = 0


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, and the sum of squares about the mean."""

    n: int
    mean: float
    m2: float

    @property
    def variance(self) -> float:
        """The variance with `n - 1` in the denominator; 0 below two units."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0

    @property
    def varies(self) -> bool:
        """Whether the values differ by more than rounding."""
        return varies(self.m2, self.n, abs(self.mean))

    @classmethod
    def from_sums_about(cls, center: float, n: int, s1: float, s2: float) -> "Moments":
        """Return the moments from the sums of `y - center` and of its square."""
        if n == 0:
            return cls(0, 0.0, 0.0)
        return cls(n, center + s1 / n, max(s2 - s1 * s1 / n, 0.0))

    def __add__(self, other: "Moments") -> "Moments":
        """Combine two disjoint sets of units (Chan, Golub, LeVeque 1983, Am. Stat. 37:242)."""
        n = self.n + other.n
        if n == 0:
            return self
        delta = other.mean - self.mean
        return Moments(
            n, self.mean + delta * (other.n / n), self.m2 + other.m2 + delta * delta * (self.n * other.n / n)
        )

    def without(self, part: "Moments") -> "Moments | None":
        """Return the moments of the units that are not in a part of these; None if no part has such moments."""
        n = self.n - part.n
        if n <= 0:
            return None
        mean = self.mean + (self.mean - part.mean) * (part.n / n)
        delta = part.mean - mean
        m2 = self.m2 - part.m2 - delta * delta * (part.n * n / self.n)
        if m2 < -_LEFT_OVER * self.m2:
            return None
        return Moments(n, mean, m2 if m2 > _LEFT_OVER * self.m2 else 0.0)


@dataclass(frozen=True, slots=True)
class JointMoments:
    """Moments of a value `y` and its covariate `x` over the units that have both; `c_xy` is the co-moment."""

    n: int
    mean_y: float
    mean_x: float
    m2_y: float
    m2_x: float
    c_xy: float

    @property
    def y(self) -> Moments:
        """The moments of the value alone."""
        return Moments(self.n, self.mean_y, self.m2_y)

    @property
    def x(self) -> Moments:
        """The moments of the covariate alone."""
        return Moments(self.n, self.mean_x, self.m2_x)

    def __add__(self, other: "JointMoments") -> "JointMoments":
        """Combine two disjoint sets of units (Pébay 2008, SAND2008-6212)."""
        n = self.n + other.n
        if n == 0:
            return self
        dy, dx = other.mean_y - self.mean_y, other.mean_x - self.mean_x
        share, weight = other.n / n, self.n * other.n / n
        return JointMoments(
            n,
            self.mean_y + dy * share,
            self.mean_x + dx * share,
            self.m2_y + other.m2_y + dy * dy * weight,
            self.m2_x + other.m2_x + dx * dx * weight,
            self.c_xy + other.c_xy + dx * dy * weight,
        )


NO_UNITS = JointMoments(0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Covaried:
    """Moments of the units with a value, and joint moments of those among them that have the covariate too."""

    units: Moments
    complete: JointMoments


@dataclass(frozen=True, slots=True)
class PowerSums:
    """Sums of powers about the mean: `central[k]` is that of the k-th power, for k = 0 … 8 (`n`, 0, m2, …)."""

    n: int
    mean: float
    central: tuple[float, ...]
    minimum: float
    maximum: float

    @classmethod
    def from_sums_about(cls, center: float, sums: Sequence[float], minimum: float, maximum: float) -> "PowerSums":
        """Return the central sums from those of `(y - center) ** k`, k = 0 … 8."""
        n = round(sums[0])
        if n == 0:
            return cls(0, 0.0, (0.0,) * len(sums), 0.0, 0.0)
        shift = -sums[1] / n
        central = tuple(sum(comb(p, k) * sums[p - k] * shift**k for k in range(p + 1)) for p in range(len(sums)))
        return cls(n, center - shift, (float(n), 0.0, *central[2:]), minimum, maximum)

    def __add__(self, other: "PowerSums") -> "PowerSums":
        """Combine two disjoint sets of units (Pébay 2008, equation 2.1)."""
        if not self.n or not other.n:
            return self if self.n else other
        n = self.n + other.n
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.n / n)
        a, b = self.mean - mean, other.mean - mean
        central = tuple(
            sum(comb(p, k) * (self.central[p - k] * a**k + other.central[p - k] * b**k) for k in range(p + 1))
            for p in range(len(self.central))
        )
        low, high = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        return PowerSums(n, mean, (float(n), 0.0, *central[2:]), low, high)


@dataclass(frozen=True, slots=True)
class JointPowerSums:
    """Sums over units of products of powers about the means of a numerator and a denominator.

    `central[i][j]` is the sum of `(numerator - mean) ** i * (denominator - mean) ** j`, for i + j up to 6 or 8. Where
    `minimum_denominator` is positive, few units suffice to know that the denominator of a resample is not 0.
    """

    n: int
    mean_numerator: float
    mean_denominator: float
    central: tuple[tuple[float, ...], ...]
    minimum_denominator: float = 0.0

    @classmethod
    def from_sums_about(
        cls, centers: tuple[float, float], sums: Sequence[Sequence[float]], minimum_denominator: float = 0.0
    ) -> "JointPowerSums":
        """Return the central sums from `sums[i][j]` about `centers`, the numerator's and the denominator's."""
        n = round(sums[0][0])
        if n == 0:
            return cls(0, 0.0, 0.0, tuple(tuple(0.0 for _ in row) for row in sums))
        a, b = -sums[1][0] / n, -sums[0][1] / n
        central = tuple(
            tuple(
                sum(
                    comb(i, k) * comb(j, m) * sums[i - k][j - m] * a**k * b**m
                    for k in range(i + 1)
                    for m in range(j + 1)
                )
                for j in range(len(row))
            )
            for i, row in enumerate(sums)
        )
        return cls(n, centers[0] - a, centers[1] - b, central, minimum_denominator)
