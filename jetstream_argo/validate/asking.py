"""Asks a warehouse whether it would accept what a key of a file says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.dialect.inference.columns import infer_tables
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import AccessDenied, EngineError, InvalidQuery, NotFound, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.types import DryRun


@dataclass(frozen=True, slots=True)
class Asker:
    """`dry_run` says what a query would give, without running it; `columns_of` what a table has, None if it is none.

    `day` is a day of which tables that must not be read without a date may be read.
    """

    dry_run: Callable[[Sql], DryRun]
    columns_of: Callable[[str], Sequence[Column] | None]
    day: date

    def ask(self, sql: Sql) -> tuple[Column, ...] | EngineError:
        """Return the columns that a query gives, or why it is refused.

        Raises:
            EngineError: the warehouse could not say.
        """
        try:
            return self.dry_run(sql).columns
        except (InvalidQuery, Unsupported, NotFound, AccessDenied) as error:
            return error

    def columns_in(self, sql: Sql) -> tuple[Column, ...]:
        """Return the columns of all tables that a query reads, as far as they are known."""
        try:
            tables = infer_tables(sql)
        except (InvalidQuery, Unsupported):
            return ()
        return tuple(column for table in tables for column in self.columns_of(table) or ())
