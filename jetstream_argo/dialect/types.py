"""Columns and values of BigQuery's types."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | Decimal | date | datetime | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `type` is BigQuery's: STRING, INT64, FLOAT64, BOOL, DATE, TIMESTAMP, ARRAY<STRING> …"""

    name: str
    type: str
