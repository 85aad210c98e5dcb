"""Small data sets from numpy's frozen generator: equal in every version of numpy, here and where the references ran."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BRANCHES = ("control", "treatment-a", "treatment-b")
SIZES = (500, 600, 400)


class Column(NamedTuple):
    """The values of each branch, and their covariate; NaN where a unit has none."""

    values: tuple[NDArray[np.float64], ...]
    covariate: tuple[NDArray[np.float64], ...]


def counts() -> Column:
    """Whole numbers with many zeros and a long tail."""
    rng = np.random.RandomState(20260101)
    means = [rng.gamma(0.6, 10 * (1 + 0.1 * i), size=n) for i, n in enumerate(SIZES)]
    values = tuple(rng.poisson(mean).astype(float) for mean in means)
    return Column(values, tuple(rng.poisson(mean * 0.7).astype(float) for mean in means))


def continuous() -> Column:
    """Positive numbers, all distinct, skew."""
    rng = np.random.RandomState(20260102)
    levels = [rng.normal(0.05 * i, 0.8, size=n) for i, n in enumerate(SIZES)]
    values = tuple(np.exp(level + rng.normal(0, 0.6, size=len(level))) for level in levels)
    return Column(values, tuple(np.exp(level + rng.normal(0, 0.5, size=len(level))) for level in levels))


def continuous_with_gaps() -> Column:
    """The same, with every seventh unit lacking a covariate and every eleventh a value."""
    whole = continuous()
    values, covariate = (tuple(array.copy() for array in side) for side in whole)
    for value, other in zip(values, covariate, strict=True):
        other[::7] = np.nan
        value[5::11] = np.nan
    return Column(values, covariate)


def untidy() -> Column:
    """The same, with every ninth value infinite and every eleventh missing."""
    whole = continuous()
    values = tuple(value.copy() for value in whole.values)
    for value in values:
        value[3::9] = np.inf
        value[5::11] = np.nan
    return Column(values, whole.covariate)


def booleans() -> Column:
    """0 and 1."""
    rng = np.random.RandomState(20260103)
    values = tuple((rng.random_sample(n) < 0.12 + 0.03 * i).astype(float) for i, n in enumerate(SIZES))
    return Column(values, values)


def booleans_with_gaps() -> Column:
    """0 and 1, with every thirteenth missing."""
    whole = booleans()
    values = tuple(value.copy() for value in whole.values)
    for value in values:
        value[4::13] = np.nan
    return Column(values, whole.covariate)


def ratio() -> Column:
    """A numerator (`values`) and its denominator (`covariate`)."""
    rng = np.random.RandomState(20260104)
    denominators = tuple(rng.poisson(rng.gamma(0.8, 12, size=n)).astype(float) for n in SIZES)
    numerators = tuple(
        rng.binomial(denominator.astype(int), 0.2 + 0.02 * i).astype(float)
        for i, denominator in enumerate(denominators)
    )
    return Column(numerators, denominators)
