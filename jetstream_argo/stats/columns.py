"""A metric's units as columns in memory, before anything is computed from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.sufficient import BranchFacts, Data, Pooled, Sample

Column: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]

COUNTABLE = 65_536  # whole numbers of at most so wide a range are counted
# Units at a time: small arrays come from memory that the process has already, where large ones are new to it each time,
# which costs more than what is done with them.
AT_ONCE = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A metric's units: `codes` are places in `branches` (a negative one: the unit is in none and is left out).

    NaN is a unit without a value; infinite values are excluded and counted. `other` is the covariate, or the
    denominator of a ratio.
    """

    metric: str
    branches: tuple[str, ...]
    codes: NDArray[np.int8]
    values: Column
    other: Column | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Finite:
    """The units that are in a branch and have a finite value; `kept` says which of all, None for all."""

    codes: NDArray[np.int8]
    values: Column
    kept: NDArray[np.bool_] | None


def finite_of(columns: Columns) -> Finite:
    """Return the units that are in a branch and have a finite value."""
    codes, values = columns.codes, columns.values
    inside = not len(codes) or bool(codes.min() >= 0)
    if inside and (values.dtype.kind != "f" or bool(np.isfinite(values).all())):
        return Finite(codes, values, None)
    kept = (codes >= 0) & np.isfinite(values)
    return Finite(codes[kept], values[kept], kept)


def largest(values: Column) -> float:
    """Return the size of the largest finite value of a column of floats; 0 for others, whose powers are no trouble."""
    if values.dtype.kind != "f" or not len(values):
        return 0.0
    size = max(float(values.max()), -float(values.min()))
    return size if np.isfinite(size) else float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def is_whole(values: Column) -> bool:
    """Return whether the column holds whole numbers by type."""
    return bool(np.issubdtype(values.dtype, np.integer))


def span_of(values: Column) -> tuple[int, int] | None:
    """Return the smallest of whole numbers, and how many there may be up to the largest; None where they are others."""
    low, high = values.min().item(), values.max().item()  # whole numbers by type stay whole, however large
    return (int(low), int(high - low) + 1) if high - low < COUNTABLE and _all_whole(values) else None


def _all_whole(values: Column) -> bool:
    # The first few say it of most columns.
    parts = (values[:1000], values)
    return is_whole(values) or all(bool((part == np.floor(part)).all()) for part in parts)


def sample_of(columns: Columns, finite: Finite, data: Sequence[Data | None], pooled: Pooled) -> Sample:
    """Return the sample of the branches' data, with its units, those without a value and those with no finite one."""
    rows = _units(columns, columns.codes)
    nulls = others = [0] * len(columns.branches)
    if finite.kept is not None:
        nulls, others = (_units(columns, columns.codes[odd(columns.values)]) for odd in (np.isnan, np.isinf))
    facts = zip(columns.branches, rows, data, nulls, others, strict=True)
    return Sample(columns.metric, tuple(BranchFacts(*one) for one in facts), pooled)


def _units(columns: Columns, codes: NDArray[np.int8]) -> list[int]:
    """How many of these units each branch has."""
    counts = [0] * len(columns.branches)
    for start in range(0, len(codes), AT_ONCE):
        part = codes[start : start + AT_ONCE]
        for code in range(len(counts)):
            counts[code] += int(np.count_nonzero(part == code))
    return counts
