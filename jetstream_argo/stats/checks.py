"""Tests whether units are split as designed, and which of many p-values still count."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import erfc, exp, lgamma, log, sqrt

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.laws.exact_split import exact_split_p_value

FEWEST_EXPECTED = 5  # units a branch, below which the chi-square law is no good approximation: Cochran (1954)
ALARM = 1e-3  # a p-value below which a split is taken for broken; units are many, and the check is made often
# How much more or fewer units than designed a branch must have for the split to matter, as a share of those: with
# millions of units a test finds what changes no decision.
SMALLEST_DEVIATION = 0.005


# The probability of taking any of all metrics for different before enrollment, if none of them is.
BEFORE_ALARM = 0.01


@dataclass(frozen=True, slots=True)
class SplitTest:
    """How far a split is from the designed one. `p_value` is None where units are too few for the approximation and
    too many to go through all splits; `exact` says that these were gone through. `branch` is the place of the branch
    that is farthest off, and `deviation` by how much, as a share of the units that it should have.
    """

    p_value: float | None
    exact: bool = False
    deviation: float = field(default=0.0, compare=False)
    branch: int = field(default=0, compare=False)

    def is_alarm(self, alarm: float, smallest: float) -> bool:
        """Whether the split is no chance, by the p-value `alarm`, and off by the `smallest` that matters or more."""
        return self.is_improbable(alarm) and abs(self.deviation) >= smallest

    def is_improbable(self, alarm: float) -> bool:
        """Whether chance gives such a split with a probability below `alarm`."""
        return self.p_value is not None and self.p_value < alarm


def split_test(units: Sequence[int], shares: Sequence[float]) -> SplitTest:
    """Return the check of a split: by `sample_ratio_p_value`, or exactly if few units are expected in some branch.

    Raises:
        EstimateError: fewer than two branches, no units, or a share that is not positive.
    """
    p_value = sample_ratio_p_value(units, shares)
    total, whole = sum(units), sum(shares)
    deviations = [count * whole / (total * share) - 1 for count, share in zip(units, shares, strict=True)]
    branch = max(range(len(units)), key=lambda place: abs(deviations[place]))
    if total * min(shares) >= FEWEST_EXPECTED * whole:
        return SplitTest(p_value, deviation=deviations[branch], branch=branch)
    found = exact_split_p_value(units, shares)
    return SplitTest(found, exact=found is not None, deviation=deviations[branch], branch=branch)


def sample_ratio_p_value(units: Sequence[int], shares: Sequence[float]) -> float:
    """Return the probability of a split at least as far from the designed one, if units were assigned as designed.

    `shares` are the branches' parts of the traffic, to any total. Below `ALARM` no other number should be believed.

    Raises:
        EstimateError: fewer than two branches, no units, or a share that is not positive.

    Source:
        Pearson's chi-square test; Fabijan et al. (2019), KDD, on sample ratio mismatch.
    """
    if len(units) != len(shares) or len(units) < 2 or min(shares) <= 0 or not sum(units):  # noqa: PLR2004  # a split
        raise EstimateError("wrong_data", f"needs units and positive shares of two branches: {units!r}, {shares!r}")
    total, whole = sum(units), sum(shares)
    expected = [total * share / whole for share in shares]
    statistic = sum((count - wanted) ** 2 / wanted for count, wanted in zip(units, expected, strict=True))
    return _chi_square_tail(len(units) - 1, statistic)


def _chi_square_tail(dof: int, value: float) -> float:
    """The probability of more than `value`, for a whole number of degrees of freedom.

    Where units are only counted, scipy need not be loaded for this.

    Source:
        Abramowitz and Stegun (1964), 26.4.4 and 26.4.5.
    """
    half = value / 2
    order, tail = (0.5, erfc(sqrt(half))) if dof % 2 else (1.0, exp(-half))
    while half and order < dof / 2:
        # By logarithms: with dozens of branches the power alone fits no float.
        tail += exp(order * log(half) - half - lgamma(order + 1))
        order += 1
    return min(tail, 1.0)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return adjusted p-values, in the order given: those below a level have that probability of any false one.

    Source:
        Holm (1979), Scand. J. Statist. 6:65.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    scaled = [(len(p_values) - rank) * p_values[index] for rank, index in enumerate(order)]
    return _placed(order, [min(value, 1.0) for value in accumulate(scaled, max)])


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return adjusted p-values, in the order given: of those below a level at most that share is false on average.

    Source:
        Benjamini and Hochberg (1995), JRSS B 57:289.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    scaled = [len(p_values) / (len(p_values) - rank) * p_values[index] for rank, index in enumerate(order)]
    return _placed(order, [min(value, 1.0) for value in accumulate(scaled, min)])


def _placed(order: Sequence[int], values: Sequence[float]) -> tuple[float, ...]:
    by_index = dict(zip(order, values, strict=True))
    return tuple(by_index[index] for index in range(len(order)))
