"""Samples that tests are about: small columns, and rows found by what they are of."""

from collections.abc import Sequence

import numpy as np

from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.registry import parse_method
from jetstream_argo.stats.rows import Comparison, EstimateRow
from tests.reference.samples import Columns, sample_from_columns

Branches = Sequence[Sequence[float] | np.ndarray] | np.ndarray  # the values of each branch

NAMES = ("control", "treatment-a", "treatment-b", "treatment-c")


def estimated(
    statistic: str,
    values: Branches,
    other: Branches | None = None,
    **arguments: object,
) -> tuple[EstimateRow, ...]:
    """Return the rows of a statistic of these branches' values; whole numbers make a whole column."""
    method = parse_method(statistic, arguments)
    codes = np.repeat(np.arange(len(values), dtype=np.int8), [len(value) for value in values])
    names = NAMES[: len(values)]
    columns = Columns("m", names, codes, joined(values), None if other is None else joined(other))
    return estimate(method, sample_from_columns(method, columns))


def joined(values: Branches) -> np.ndarray:
    column = np.concatenate([np.asarray(value) for value in values if len(value)])
    return column if column.dtype in (np.int64, np.bool_) else column.astype(np.float64)


def row_of(
    rows: Sequence[EstimateRow],
    branch: str,
    comparison: Comparison | None = None,
    to: str | None = None,
    parameter: str | None = None,
) -> EstimateRow:
    """Return the one row of this kind."""
    (found,) = (
        row
        for row in rows
        if (row.branch, row.comparison, row.comparison_to_branch) == (branch, comparison, to)
        and (parameter is None or str(row.parameter) == parameter)
    )
    return found
