"""The columns of a table that holds rows of a dataclass: its fields, typed as they are annotated."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import get_args, get_origin, get_type_hints

from jetstream_argo.dialect.types import Column

# In this order: a bool is an int, and a datetime a date.
_TYPES: tuple[tuple[type, str], ...] = (
    *((bool, "BOOL"), (int, "INT64"), (float, "FLOAT64"), (Decimal, "NUMERIC")),
    *((str, "STRING"), (datetime, "TIMESTAMP"), (date, "DATE")),
)


def columns_of(rows: type) -> Iterator[Column]:
    """Yield a column for every field: arrays for tuples, and what may be None as what it is otherwise."""
    for name, hint in get_type_hints(rows).items():
        yield Column(name, f"ARRAY<{_scalar(hint)}>" if get_origin(hint) is tuple else _scalar(hint))


def _scalar(hint: object) -> str:
    kind = next(hinted for hinted in (*get_args(hint), hint) if hinted is not type(None))
    return next(sql for python, sql in _TYPES if issubclass(kind, python))
