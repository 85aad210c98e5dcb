"""A row of the estimates table."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.store.columns import columns_of

# The metric under which units are counted; no configuration defines it.
IDENTITY = "identity"

# Whether units are split as designed. Not under the metric above: a known reader takes every row of it for a count.
SAMPLE_RATIO = "sample_ratio"
SRM = "srm"

# Of what readers of the existing system know, in views and exports; not of the plan, nor of our own tables.
SCHEMA_VERSION = 4


@dataclass(frozen=True, slots=True)
class EstimateScope:
    """Whom an estimate is about; the days of a window are counted from enrollment, both included."""

    segment: str
    analysis_basis: str
    window_index: int
    window_start: int
    window_end: int


@dataclass(frozen=True, slots=True)
class Origin:
    """How an estimate came into its table: `position` is its place among the rows of its `batch`."""

    settles_on: date
    period: str
    batch: int
    position: int
    computed_at: datetime
    plan: str


_ROW = tuple(columns_of(EstimateRow))
_SCOPE, _ORIGIN = tuple(columns_of(EstimateScope)), tuple(columns_of(Origin))
_OURS = [column.name for column in _ROW].index("n_units")
_NAMED = ("comparison", "reason")  # by an enumeration

# Readers of the existing system know those of a row up to here, and those that say whom it is about; the rest is ours.
COLUMNS: tuple[Column, ...] = (*_ROW[:_OURS], *_SCOPE, *_ROW[_OURS:], *_ORIGIN)


_COMPUTED = tuple(column.name for column in (*_ROW, *_SCOPE, *_ORIGIN))
_values_of, _scope_of, _origin_of = (attrgetter(*(c.name for c in columns)) for columns in (_ROW, _SCOPE, _ORIGIN))


def stored(row: EstimateRow, scope: EstimateScope, origin: Origin) -> dict[str, Value]:
    """Return an estimate as its table holds it."""
    found: dict[str, Value] = dict(
        zip(_COMPUTED, (*_values_of(row), *_scope_of(scope), *_origin_of(origin)), strict=True)
    )
    found |= {name: value.value for name in _NAMED if isinstance(value := found[name], StrEnum)}
    return found


# What the view of the latest estimates adds, from all of them together.
DERIVED: tuple[Column, ...] = (
    Column("p_value_holm", "FLOAT64"),
    Column("p_value_bh", "FLOAT64"),
    Column("rest_p_value_holm", "FLOAT64"),
    Column("rest_tests", "INT64"),
    Column("sample_ratio_p_value", "FLOAT64"),
    Column("sample_ratio_mismatch", "BOOL"),
)
