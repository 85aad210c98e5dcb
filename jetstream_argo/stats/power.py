"""The effect that a test of two means finds with a given probability."""

from math import sqrt

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri


def power(effect: float, *, error: float, confidence: float) -> float:
    """Return the probability to find a difference of means `effect`, whose estimate has the standard error `error`.

    Source:
        Two-sided z test.
    """
    z, shift = float(ndtri((1 + confidence) / 2)), abs(effect) / error
    return float(ndtr(shift - z) + ndtr(-shift - z))


def detectable(*, error: float, confidence: float, power_: float) -> float:
    """Return the smallest difference of means that is found with the probability `power_`; 0 without an error.

    >>> round(detectable(error=1.0, confidence=0.95, power_=0.8), 4)
    2.8016
    """
    if not error:
        return 0.0
    highest = float(ndtri((1 + confidence) / 2) + ndtri(power_)) + 1.0
    found = brentq(lambda shift: power(shift, error=1.0, confidence=confidence) - power_, 0.0, highest, xtol=1e-13)
    return float(found) * error


def error_of_difference(deviation: float, units: tuple[float, float]) -> float:
    """Return the standard error of the difference of two means of values with this standard deviation."""
    return deviation * sqrt(1 / units[0] + 1 / units[1])
