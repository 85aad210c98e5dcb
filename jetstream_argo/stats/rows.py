"""One number of the result: the row that every statistic returns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Comparison(StrEnum):
    """How a branch is compared with another."""

    DIFFERENCE = "difference"  # in the metric's unit
    RELATIVE_UPLIFT = "relative_uplift"  # as a share of the other branch's value


class Reason(StrEnum):
    """Why a number is missing from a row, or in which way it is not the plain one."""

    NO_UNITS = "no_units"  # the branch, or the one it is compared with, has no value
    TOO_FEW_UNITS = "too_few_units"  # an interval needs two units a branch
    NO_VARIATION = "no_variation"  # all values are equal, so that there is no interval, or one of no width
    ZERO_REFERENCE = "zero_reference"  # a share of zero: the reference branch's value is, or may be, 0
    ZERO_BRANCH = "zero_branch"  # the branch's value is 0: the uplift is -1, and has no interval
    UNBOUNDED = "unbounded"  # the reference branch's interval holds 0, so that a share of it has no bounds
    OPPOSITE_SIGNS = "opposite_signs"  # no share: one branch is positive, the other negative
    INFINITE_EXPECTATION = "infinite_expectation"  # the law has no mean; its bounds are exact
    ZERO_DENOMINATOR = "zero_denominator"  # the denominator is, or may be, 0
    NOT_BINARY = "not_binary"  # a value other than 0, 1, true, false
    OVERFLOW = "overflow"  # the values are too large for sums of their powers
    FEW_EXPECTED = "few_expected"  # no check of the split: too few units for the test, too many splits for an exact one
    # The numbers are there:
    NEGATIVE_REFERENCE = "negative_reference"  # both branches are negative, so that +10 % is a lower value
    NO_COVARIATE = "no_covariate"  # unadjusted, or nothing: too few units have the covariate, or it does not vary
    FEW_UNITS = "few_units"  # below 30 units a bootstrap interval covers too rarely
    APPROXIMATE = "approximate"  # heavy tails or few units: the values themselves would make it exact
    LINEAR_GRID = "linear_grid"  # a log grid was asked for, of values that have no logarithm
    NONFINITE_EXCLUDED = "nonfinite_excluded"  # infinite or NaN values were left out
    EXACT_TEST = "exact_test"  # units are so few that the check of their split goes through all splits
    SMALL_DEVIATION = "small_deviation"  # units are not split as designed, but so nearly that it does not matter
    SAMPLE_RATIO_MISMATCH = "sample_ratio_mismatch"  # units are not split as designed: believe no other number


_SCALED: Mapping[str, bool] = MappingProxyType({"scaled": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateRow:
    """One estimate: of one branch (`comparison` None), or of `branch` against `comparison_to_branch`.

    These are its fields, wherever it goes: the columns of the estimates table, in this order, and the keys of exports
    are made from them (`store.estimates_table`).

    `parameter` tells rows of one statistic apart (a decile's probability, a grid point), rounded to 6 decimals for
    readers; it is no key, since grid points closer than that share it. `point`, `lower` and `upper` are in the
    metric's unit, or a share (0.1 is +10 %) for a relative uplift; they are None where there is no such number,
    never NaN, and `reason` then says why. `ci_width` is the confidence of the interval, None where none is made.
    `n_units` counts the units with a value: of the branch, or of both branches for a comparison. `adjusted` says
    whether a covariate adjustment was made; None where none was asked for.

    The rest is there where a statistic knows it, and None elsewhere. A difference has a two-sided `p_value`, the
    `std_error` of its point (a branch's own mean has that too), `chance_to_win`, the probability that the branch beats
    the one it is compared with, and `expected_loss`, what choosing it would lose on average, in the metric's unit.
    `variance_reduction` is the share of a difference's variance that a covariate adjustment took away. An adjusted
    difference is `adjusted_mean` minus `adjusted_reference_mean`, and not that of the branches' own means, which are
    never adjusted. `n_without_covariate` counts the units with a value that the row leaves out because they lack the
    covariate, in addition to `n_units`; it is None where no adjustment was asked for.

    Of a clipped mean, a branch's own row has how many units, `n_clipped`, have a value that was replaced by the
    threshold, and the `clipped_share` of the sum of all values that was cut. Of a ratio that is the numerators' sum,
    beside the `denominator_clipped_share`, and the units are those with one of both replaced. `unclipped` is the point
    without clipping. `clipping_matters` says of a comparison that it would differ by more than a standard error
    without, or that more is clipped in one branch than chance brings there: more units, or a larger share of the sum
    where each branch has a threshold of its own.

    A difference of means or shares in a segment has the `rest_effect`, that on all units outside the segment, and the
    `rest_difference`, by how much the effect in the segment is larger, with an interval of the same confidence and the
    `rest_p_value` of Welch's test. Both effects are of values clipped as those of all units are.
    """

    metric: str
    statistic: str
    parameter: Decimal | None = None
    branch: str
    comparison: Comparison | None = None
    comparison_to_branch: str | None = None
    ci_width: float | None = None
    point: float | None = field(default=None, metadata=_SCALED)
    lower: float | None = field(default=None, metadata=_SCALED)
    upper: float | None = field(default=None, metadata=_SCALED)
    n_units: int
    adjusted: bool | None = None
    reason: Reason | None = None
    p_value: float | None = None
    std_error: float | None = field(default=None, metadata=_SCALED)
    variance_reduction: float | None = None
    chance_to_win: float | None = None
    expected_loss: float | None = field(default=None, metadata=_SCALED)
    adjusted_mean: float | None = field(default=None, metadata=_SCALED)
    adjusted_reference_mean: float | None = field(default=None, metadata=_SCALED)
    n_without_covariate: int | None = None
    n_clipped: int | None = None
    clipped_share: float | None = None
    denominator_clipped_share: float | None = None
    unclipped: float | None = field(default=None, metadata=_SCALED)
    clipping_matters: bool | None = None
    rest_effect: float | None = field(default=None, metadata=_SCALED)
    rest_difference: float | None = field(default=None, metadata=_SCALED)
    rest_lower: float | None = field(default=None, metadata=_SCALED)
    rest_upper: float | None = field(default=None, metadata=_SCALED)
    rest_p_value: float | None = None

    def rescaled(self, change: Callable[[float], float | None]) -> "EstimateRow":
        """Return the row with every number changed that is in the metric's unit."""
        known = ((name, getattr(self, name)) for name in _SCALED_FIELDS)
        changed: dict[str, Any] = {name: change(value) for name, value in known if value is not None}
        return replace(self, **changed)


_SCALED_FIELDS = tuple(field.name for field in fields(EstimateRow) if field.metadata)


def parameter_text(value: Decimal | float) -> Decimal:
    """Return `value` with at most 6 decimals and no trailing zeros, as result tables hold it."""
    rounded = round(value if isinstance(value, Decimal) else Decimal(repr(float(value))), 6)
    return rounded.normalize() if rounded else Decimal(0)


def parameter_texts(values: Sequence[float]) -> list[Decimal]:
    """Return the same for many values."""
    # A value known by its text needs no test of what it is: that is most of the time of a grid's rows.
    rounded = [round(Decimal(repr(value)), 6) for value in values]
    return [number.normalize() if number else Decimal(0) for number in rounded]
