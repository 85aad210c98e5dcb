"""What the fake refuses of a query for its size: its text, its sorts, and the rows that it gives."""

import re
from collections.abc import Iterable

from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.limits import Limits
from tests.warehouse.bigquery.fake_server.sorts import largest_sort
from tests.warehouse.bigquery.fake_server.wire import ApiError

_PACKED = 100  # times the bytes of a file, its rows are of no more
_GATHERS = re.compile(r"\b(ARRAY|ARRAY_AGG|ARRAY_CONCAT_AGG|STRING_AGG|STRUCT|TO_JSON\w*)\s*\(", re.IGNORECASE)
_MAKES_MUCH = re.compile(r"\b(REPEAT|GENERATE_ARRAY|LPAD|RPAD)\s*\(", re.IGNORECASE)


class Sizes:
    """Refuses what is larger than the limits, which tests may change."""

    def __init__(self, engine: EmbeddedEngine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits

    def check_text(self, sql: str) -> None:
        """Refuse SQL that is too long, or that a test calls too big."""
        limits = self._limits
        too_long = limits.longest_query is not None and len(sql) > limits.longest_query
        if too_long or (limits.too_big is not None and re.search(limits.too_big, sql)):
            message = "Resources exceeded during query execution: Not enough resources for query planning."
            raise ApiError(400, "resourcesExceeded", message)

    def check_written(self, sql: Sql, read: int) -> None:
        """Refuse a query, which reads so many bytes of files, for a row that it would write."""
        # It is asked for twice only where a row may be so large: stored rows are not, what is gathered of them has no
        # more than all that is read, files are packed, and a few functions make much of nothing.
        gathers = _GATHERS.search(sql) and read * _PACKED >= self._limits.largest_row
        if gathers or _MAKES_MUCH.search(sql):
            self.check_rows(map(str, self._engine.query(sql, labels={}).rows))

    def check_sorts(self, sql: Sql) -> None:
        """Refuse a query that puts more rows in order on one worker than it bears."""
        if self._limits.largest_sort is not None and largest_sort(sql, self._number) > self._limits.largest_sort:
            message = "Resources exceeded during query execution: Too much memory for a sort (ORDER BY or OVER())."
            raise ApiError(400, "resourcesExceeded", message)

    def _number(self, sql: Sql) -> int:
        return int(str(self._engine.query(sql, labels={}).rows[0][0]))

    def check_rows(self, rows: Iterable[str]) -> None:
        """Refuse rows, as texts, of which some row is too large."""
        if any(len(row) > self._limits.largest_row for row in rows):
            raise ApiError(400, "invalidQuery", "Cannot query rows larger than 100MB limit.")
