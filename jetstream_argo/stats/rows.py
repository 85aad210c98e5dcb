"""What one number of the result is: the row that every statistic returns."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Comparison(StrEnum):
    """How a branch is compared with another."""

    DIFFERENCE = "difference"  # in the metric's unit
    RELATIVE_UPLIFT = "relative_uplift"  # as a share of the other branch's value


class Reason(StrEnum):
    """Why a number is missing from a row, or in which way it is not the plain one."""

    NO_UNITS = "no_units"  # the branch, or the one it is compared with, has no value
    TOO_FEW_UNITS = "too_few_units"  # an interval needs two units a branch
    NO_VARIATION = "no_variation"  # all values are equal, so that there is no interval
    ZERO_REFERENCE = "zero_reference"  # a share of zero: the reference branch's value is 0
    UNBOUNDED = "unbounded"  # the reference branch's interval holds 0, so a share of it has no bounds
    NOT_POSITIVE = "not_positive"  # a share of, or by, a negative value
    INFINITE_EXPECTATION = "infinite_expectation"  # the law has no mean; its bounds are exact
    ZERO_DENOMINATOR = "zero_denominator"  # the denominator is 0 in all units, or can be 0 in a resample
    NOT_BINARY = "not_binary"  # a value other than 0, 1, true, false
    OVERFLOW = "overflow"  # the values are too large for sums of their powers
    NO_COVARIATE = "no_covariate"  # unadjusted: no unit has the covariate, or it does not vary
    FEW_UNITS = "few_units"  # the numbers are there; below 30 units a bootstrap interval covers too rarely
    APPROXIMATE = "approximate"  # the numbers are there; value counts would make them exact
    LINEAR_GRID = "linear_grid"  # the numbers are there; a log grid was asked for and is impossible


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One estimate: of one branch (`comparison` None), or of `branch` against `comparison_to_branch`.

    `parameter` tells rows of one statistic apart (a decile's probability, a grid point), rounded to 6 decimals for
    readers; it is no key, since grid points closer than that share it. `point`, `lower` and `upper` are in the
    metric's unit, or a share (0.1 is +10 %) for a relative uplift; they are None where there is no such number,
    never NaN, and `reason` then says why. `ci_width` is the confidence of the interval, None where none is made.
    `n_units` counts the units with a value: of the branch, or of both branches for a comparison. `adjusted` says
    whether a covariate adjustment was made; None where none was asked for.
    """

    metric: str
    statistic: str
    branch: str
    n_units: int
    parameter: Decimal | None = None
    comparison: Comparison | None = None
    comparison_to_branch: str | None = None
    ci_width: float | None = None
    point: float | None = None
    lower: float | None = None
    upper: float | None = None
    adjusted: bool | None = None
    reason: Reason | None = None
    p_value: float | None = None


def parameter_text(value: Decimal | float) -> Decimal:
    """Return `value` with at most 6 decimals and no trailing zeros, as result tables hold it."""
    rounded = round(value if isinstance(value, Decimal) else Decimal(repr(float(value))), 6)
    return Decimal(0) if rounded == 0 else rounded.normalize()
