"""The data sources of a plan: what is read of their rows, and how that becomes the values of metrics."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal, TypeAlias

from jetstream_argo.config.model import SETTLE_DAYS


class Merge(StrEnum):
    """The aggregate that merges a partial's values of several days into one. All of them ignore NULL."""

    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"
    LOGICAL_OR = "LOGICAL_OR"
    LOGICAL_AND = "LOGICAL_AND"
    BIT_OR = "BIT_OR"
    BIT_AND = "BIT_AND"
    BIT_XOR = "BIT_XOR"
    CONCAT = "ARRAY_CONCAT_AGG"  # arrays: of distinct values, or of moments
    MAX_BY = "MAX_BY"  # structs (value, rank)
    MIN_BY = "MIN_BY"


@dataclass(frozen=True, slots=True)
class Partial:
    """One mergeable column of daily partials.

    `column` is a hash of what is computed: the source and the expression as they are written, and nothing of who is
    enrolled, since the record says for which units a stored batch was read.
    `expression` is an aggregate over the aliases `ds` (a row of the source) and `e` (a row of the enrollments).
    """

    column: str
    expression: str
    merge: Merge


@dataclass(frozen=True, slots=True)
class Composed:
    """A metric whose value is `finaliser`, an expression over merged partials (named as their columns) and `e`."""

    partials: tuple[str, ...]
    finaliser: str
    kind: Literal["composed"] = "composed"


@dataclass(frozen=True, slots=True)
class Direct:
    """A metric that must be computed from all rows of a window at once, and why."""

    reason: str
    kind: Literal["direct"] = "direct"


Computation: TypeAlias = Composed | Direct


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """Dates of a source, both included, to be read once, into these partial columns.

    `before_enrollment` tells the days that pre-enrollment windows need from the rest.
    """

    first_date: date
    last_date: date
    columns: tuple[str, ...]
    before_enrollment: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of telemetry, and what is read of them. See `config.model.DataSource` for the first five fields.

    `key` is a hash of those. `settle_days` is how many days after a date its rows may still arrive; `may_be_empty` says
    that a date without rows is no sign that they are late.
    """

    name: str
    from_expression: str
    id_column: str
    date_column: str
    branch_expression: str | None
    partials: tuple[Partial, ...]
    reads: tuple[PlannedRead, ...]
    key: str = ""
    settle_days: int = SETTLE_DAYS
    may_be_empty: bool = False
