"""Reads a source once for several experiments, and records what they may copy; a part that fails costs itself."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from jetstream_argo.errors import JetstreamArgoError, TooBig
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.sharing import SharedReading, SharedScan
from jetstream_argo.run.splitting import Piece, WorkResult, isolate
from jetstream_argo.sql import names
from jetstream_argo.sql.shared import shared_query
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.dates import is_known, version_of
from jetstream_argo.store.shared import SHARED_LAYOUT, SharedBatch, record_shared
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Knowledge, TableVersions, Write

logger = logging.getLogger(__name__)


def scan_shared(
    scan: SharedScan, engine: Engine, *, holder: str, now: Callable[[], datetime], attempt: str
) -> WorkResult:
    """Make a scan, and record after each query what it wrote.

    What is refused, or too big, is done in parts; columns that fail are left out, as every experiment finds out by
    itself what is wrong with them. What is written stands in a table of this attempt alone.

    Raises:
        EngineError: the warehouse failed, and not because of single columns.
    """
    outcome = WorkResult(0)
    with engine.lease(names.shared_lease(scan.dataset), exclusive=False, holder=holder):
        for reading in scan.readings:
            work = _Scanning(scan, reading, engine, _versions(scan, reading, engine), now, attempt)
            piece = Piece(reading.columns, reading.first_date.toordinal(), reading.last_date.toordinal())
            outcome += isolate(work, piece, below=None)
    return outcome


def _versions(scan: SharedScan, reading: SharedReading, engine: Engine) -> tuple[TableVersions, ...]:
    tables = engine.base_tables(rows_alone(scan.from_expression, scan.date_column))
    first, last = reading.first_date, reading.last_date
    asked = engine.versions(tables, date_column=scan.date_column, first=first, last=last)
    return tuple(asked[table] for table in tables if asked[table].knowledge is not Knowledge.NOT_BY_DATE)


@dataclass(frozen=True, slots=True)
class _Scanning:
    """One reading of a scan: parts are columns, at dates."""

    scan: SharedScan
    reading: SharedReading
    engine: Engine
    tables: tuple[TableVersions, ...]
    now: Callable[[], datetime]
    attempt: str

    def write(self, piece: Piece[str]) -> WorkResult:
        scan = self.scan
        target = names.shared(scan.dataset, scan.source, scan.key, self.attempt)
        labels = {"experiment": "several", "source": scan.source}
        job = self.engine.query_to_table(
            self._query(piece), target, write=Write.APPEND, labels=labels, layout=SHARED_LAYOUT
        )
        days = [date.fromordinal(ordinal) for ordinal in range(piece.first, piece.last + 1)]
        versions = tuple(version_of(day, self.tables) for day in days)
        batches = [
            SharedBatch(
                self.now(), target, self._batch(piece), scan.key, sharer.slug, days[0], days[-1],
                versions, piece.parts, sharer.batches, sharer.assignments,
                job.rows, job.bytes, sum(job.scanned.values()), round(job.seconds, 3),
            )
            for sharer in self.reading.sharers
        ]  # fmt: skip
        # What rows or values were kept back is said where an experiment reads them itself.
        if all(is_known(found) for found in versions) and not job.restrictions:
            record_shared(self.engine, scan.dataset, batches, labels)
        else:
            reason = "; ".join(job.restrictions) or "versions are not known by date"
            logger.warning("not shared", extra={"source": scan.source, "reason": reason})
        return WorkResult(1)

    def check(self, piece: Piece[str]) -> None:
        self.engine.dry_run(self._query(piece))

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> WorkResult:
        return WorkResult(0, tuple((column, error) for column in piece.parts))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        """Nothing is recorded: a later scan is of other dates."""

    def _query(self, piece: Piece[str]) -> Sql:
        first, last = date.fromordinal(piece.first), date.fromordinal(piece.last)
        reading = SharedReading(first, last, self.reading.sharers)
        return shared_query(self.scan, reading, piece.parts, batch=self._batch(piece))

    def _batch(self, piece: Piece[str]) -> int:
        return int(digest(self.attempt, self.scan.key, piece.first, piece.last, *piece.parts), 16) >> 1
