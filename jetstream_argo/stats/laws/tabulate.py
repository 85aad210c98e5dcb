"""Tabulates a continuous law from its distribution function, with few calls of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from jetstream_argo.stats.laws.continuous import Floats, Z, search

TABULATED = 5.0  # normal scores beyond carry 6e-7, too little to matter in a mean over the nodes
OUTERMOST = 1e3  # standard deviations; a law with weight beyond is a truncated one where it is no law any more
JUMP = 10.0  # times the step before
NEAR = 0.05  # normal scores; the function is called at about the wanted scores and interpolated to them
SYMMETRIC = 1e-3  # a skewness
NEWTON = 2  # steps; the first guess is off by a hundredth of a score, and each squares that
SPACING = float(Z[1] - Z[0])
MIDDLE = 3.5  # of a window of eight
NEIGHBOURS = 8  # tabulated points to each interpolated value


def tabulate(
    cdf: Callable[[Floats], Floats], *, mean: float, sd: float, support: tuple[float, float], skewness: float = 0.0
) -> Floats:
    """Return the quantiles of ndtr(Z) of a law, to about 1e-7 standard deviations; in the far tails by a line.

    `skewness` helps to begin near them.
    """
    if sd == 0:
        return np.full(Z.shape, mean)
    wanted: Floats = Z[np.abs(Z) <= TABULATED][::2]
    low, high = (0.999 * (end - mean) + mean for end in support)
    start = np.clip(mean + sd * _skewed(wanted, skewness), low, high)
    x, gap = search(_only_changes(cdf), wanted, mean=mean, sd=sd, start=start, near=NEAR)
    rising = _rising(np.where(np.abs(x - mean) <= OUTERMOST * sd, x, np.nan), wanted + gap)
    x, scores = x[rising], (wanted + gap)[rising]
    if len(x) <= 1:
        return np.clip(mean + sd * Z, *support)
    inner = interpolated(scores, x, np.clip(Z, scores[0], scores[-1]))
    slopes = (x[1] - x[0]) / (scores[1] - scores[0]), (x[-1] - x[-2]) / (scores[-1] - scores[-2])
    line = np.minimum(Z - scores[0], 0.0) * slopes[0] + np.maximum(Z - scores[-1], 0.0) * slopes[1]
    return np.maximum.accumulate(np.clip(inner + line, *support))


def _rising(x: Floats, scores: Floats) -> slice:
    """Where, around the middle, both rise from each to the next and nothing jumps: far out a truncated law is none."""
    middle = len(x) // 2
    with np.errstate(invalid="ignore"):
        steps, rises = np.diff(x), np.diff(scores)
        inwards = np.concatenate([steps[1 : middle + 1], steps[middle - 1 : -1]])
        broken = np.flatnonzero(~((steps > 0) & (rises > 0) & np.isfinite(rises) & (steps <= JUMP * inwards)))
    return slice(broken[broken < middle].max(initial=-1) + 1, broken[broken >= middle].min(initial=len(x) - 1) + 1)


def _skewed(scores: Floats, skewness: float) -> Floats:
    """The quantiles of a gamma law with this skewness, standardised (Wilson and Hilferty 1931, PNAS 17:684)."""
    if abs(skewness) < SYMMETRIC:
        return scores
    base = 1 + skewness * scores / 6 - skewness * skewness / 36
    return np.asarray(2 / skewness * (np.maximum(base, 0.01) ** 3 - 1))


def _only_changes(cdf: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """The same function for arguments that change little by little: what is known is not computed again."""
    known_x, known = np.empty(0), np.empty(0)

    def remembering(x: Floats) -> Floats:
        nonlocal known_x, known
        if known_x.shape != x.shape:
            known_x, known = x, cdf(x)
        else:
            changed = x != known_x
            known = known.copy()
            known[changed] = cdf(x[changed])
            known_x = x
        return known

    return remembering


class Tabulated(ABC):
    """A law that is known by its quantiles."""

    @cached_property
    @abstractmethod
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""

    @cached_property
    def table(self) -> "Table":
        """The same, to interpolate between."""
        return Table.of(self.nodes)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`, interpolated between the nodes (to about 1e-8)."""
        return self.table.cdf(x)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A law by its quantiles at ndtr(Z): between two of them, the polynomial through the eight nearest.

    The quantile is smooth in the score, while the score is steep in the quantile where the support ends; so the first
    is interpolated, and solved for the second. `coefficients[k]` belongs to the k-th power in the window of each node.
    """

    nodes: Floats
    coefficients: Floats

    @classmethod
    def of(cls, nodes: Floats) -> "Table":
        """Return the table of these quantiles."""
        windows = np.clip(np.arange(len(Z)) - NEIGHBOURS // 2 + 1, 0, len(Z) - NEIGHBOURS)
        around = nodes[windows[:, None] + np.arange(NEIGHBOURS)]
        powers = np.vander(np.arange(NEIGHBOURS) - MIDDLE, increasing=True)
        return cls(nodes, np.ascontiguousarray(np.linalg.solve(powers, around.T)))

    def quantiles(self, probabilities: Floats) -> Floats:
        """Return the quantiles at the probabilities."""
        return self._at(ndtri(probabilities))[0]

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`."""
        scores = np.interp(x, self.nodes, Z)
        with np.errstate(divide="ignore", invalid="ignore"):
            for _ in range(NEWTON):
                value, slope = self._at(scores)
                step = (x - value) / slope
                scores = np.clip(scores + np.where(np.isfinite(step), step, 0.0), Z[0], Z[-1])
        return np.where(x <= self.nodes[0], 0.0, np.where(x >= self.nodes[-1], 1.0, ndtr(scores)))

    def _at(self, scores: Floats) -> tuple[Floats, Floats]:
        """The quantiles at normal scores, and how fast they grow."""
        place = np.clip(((scores - Z[0]) / SPACING).astype(np.int64), 0, len(Z) - 2)
        window = np.clip(place - NEIGHBOURS // 2 + 1, 0, len(Z) - NEIGHBOURS)
        s = (scores - Z[0]) / SPACING - window - MIDDLE
        value, slope = self.coefficients[-1][place], np.zeros(np.shape(scores))
        for coefficient in self.coefficients[-2::-1]:
            slope = slope * s + value
            value = value * s + coefficient[place]
        return value, slope / SPACING


def interpolated(xs: Floats, ys: Floats, x: Floats) -> Floats:
    """Return the values at `x` of the polynomials through the nearest points; NaN where points coincide."""
    count = min(NEIGHBOURS, len(xs))
    first = np.clip(np.searchsorted(xs, x) - count // 2, 0, len(xs) - count)
    window = first[:, None] + np.arange(count)
    near = xs[window]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Lagrange's factors: of each point of the window (axis 1) with each other one (axis 2), 1 with itself.
        factors = (x[:, None] - near)[:, None, :] / (near[:, :, None] - near[:, None, :])
        factors[:, np.arange(count), np.arange(count)] = 1.0
        return np.asarray(np.einsum("ij,ij->i", factors.prod(axis=2), ys[window]))
