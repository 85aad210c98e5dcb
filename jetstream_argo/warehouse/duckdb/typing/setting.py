"""The setting that a query is read in: its text, the functions there are, and the columns of tables."""

from collections.abc import Callable
from dataclasses import dataclass

from jetstream_argo.dialect.functions.registry import Registry
from jetstream_argo.warehouse.duckdb.reading import ParsedQuery
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType


@dataclass(frozen=True, slots=True)
class Setting:
    """All that reading a query needs beside its tree; `columns` raises `NotFound` for a table that is not there."""

    reading: ParsedQuery
    registry: Registry
    columns: Callable[[str], RowType]
    checks_overflow: bool = True
