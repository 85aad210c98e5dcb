"""The partitions of the fake's tables: how many rows, how many bytes, and when they changed last."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeGuard

from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.types import quoted
from jetstream_argo.warehouse.duckdb.views import parquet_rows
from tests.warehouse.bigquery.fake_server.clock import Clock

BUFFER = "__UNPARTITIONED__"
_FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as `INFORMATION_SCHEMA.PARTITIONS` shows it; the id is None for a table without partitions."""

    id: str | None
    rows: int
    bytes: int
    modified: datetime


class Partitions:
    """The partitions of all tables. Rows that are written behind the fake's back change them, too.

    A partition has changed when its rows have. What it was is in a file, so that a server which is started anew knows
    it; `by` names the column by which a table is partitioned whose resource names none (by ingestion time).
    """

    def __init__(self, engine: EmbeddedEngine, folder: Path, clock: Clock) -> None:
        self._engine = engine
        self._folder = folder
        self._folder.mkdir(exist_ok=True)
        self._clock = clock
        self._buffered: dict[str, dict[str, int]] = {}

    def of(self, name: str, storage: Mapping[str, object]) -> list[Partition]:
        """Return the partitions of a table that have rows, and the buffer if it has any."""
        before = self._remembered(name)
        after: dict[str, tuple[str, str]] = {}
        buffered = self._buffered.get(name, {})
        found = []
        for key, rows, size, digest in self._counted(name, storage):
            was = before.get(str(key))
            if was is None or (was[0] != digest and str(key) not in buffered):
                was = (digest, self._clock.now().isoformat())
            after[str(key)] = was
            stored = rows - buffered.get(str(key), 0)
            if stored or key is None:
                found.append(Partition(key, stored, size * stored // max(rows, 1), datetime.fromisoformat(was[1])))
        if buffered:
            found.append(Partition(BUFFER, sum(buffered.values()), 0, self._clock.now()))
        self._remember(name, after)
        return found

    def rewritten(self, name: str) -> None:
        """Have all partitions of a table change now, whatever its rows are."""
        self._remember(name, {})

    def stream(self, name: str, storage: Mapping[str, object], arriving: str) -> None:
        """Count the rows of the table `arriving` as in the streaming buffer of another, before they are written."""
        self.of(name, storage)
        buffered = self._buffered.setdefault(name, {})
        for key, rows, _, _ in self._counted(arriving, storage):
            buffered[str(key)] = buffered.get(str(key), 0) + rows

    def in_buffer(self, name: str) -> int:
        """Return how many rows of a table are in its streaming buffer."""
        return sum(self._buffered.get(name, {}).values())

    def flush(self, name: str) -> None:
        """Have the rows in a table's streaming buffer be stored."""
        self._buffered.pop(name, None)

    def _counted(self, name: str, storage: Mapping[str, object]) -> list[tuple[str | None, int, int, str]]:
        store, session = self._engine._store, self._engine._session
        full = store.name(name)
        version = store.current(full)
        if version is None or version.view_sql is not None or not version.files:
            return []
        key = _partition_key(storage)
        rows = session.run(
            f"SELECT {key} AS key, COUNT(*), SUM(strlen(CAST(t AS VARCHAR))), BIT_XOR(hash(t)) "
            f"FROM ({parquet_rows(store, full, version, version.files)}) AS t GROUP BY key ORDER BY key",
            "",
        ).fetchall()
        return [(key, int(count), int(size or 0), str(digest)) for key, count, size, digest in rows]

    def _remembered(self, name: str) -> dict[str, tuple[str, str]]:
        file = self._folder / f"{name}.json"
        return {key: tuple(value) for key, value in json.loads(file.read_text()).items()} if file.exists() else {}

    def _remember(self, name: str, seen: Mapping[str, tuple[str, str]]) -> None:
        (self._folder / f"{name}.json").write_text(json.dumps(seen))


def _partition_key(storage: Mapping[str, object]) -> str:
    """Return DuckDB's expression for the id of a row's partition."""
    days, numbers = storage.get("timePartitioning"), storage.get("rangePartitioning")
    if isinstance(days, dict):
        column = quoted(str(days.get("field") or storage.get("by")))
        kind = str(days.get("type", "DAY"))
        moment = column if kind == "HOUR" else f"CAST({column} AS DATE)"
        return f"COALESCE(strftime({moment}, '{_FORMATS[kind]}'), '__NULL__')"
    if isinstance(numbers, dict):
        column, span = quoted(str(numbers["field"])), numbers["range"]
        start, end, step = (int(span[part]) for part in ("start", "end", "interval"))
        inside = f"CAST({start} + (({column} - {start}) // {step}) * {step} AS VARCHAR)"
        outside = f"{column} < {start} OR {column} >= {end}"
        return f"CASE WHEN {column} IS NULL THEN '__NULL__' WHEN {outside} THEN '{BUFFER}' ELSE {inside} END"
    return "CAST(NULL AS VARCHAR)"


def last_expired(partitions: Iterable[Partition], lasts: timedelta, now: datetime) -> date | None:
    """Return the last day of those whose partitions are gone by now, None if none is."""
    days = [datetime.strptime(part.id, "%Y%m%d").replace(tzinfo=UTC) for part in partitions if _is_day(part.id)]
    return max((day.date() for day in days if day + lasts <= now), default=None)


def _is_day(key: str | None) -> TypeGuard[str]:
    return key is not None and key.isdigit() and len(key) == len("20260504")
