"""The record of scans for several experiments: which batch holds what, of which dates, and for whose units."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta

from jetstream_argo.dialect.types import Value
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, fill, literal, table
from jetstream_argo.sql.units import UNIT_COLUMN, UNIT_LABEL
from jetstream_argo.store.columns import columns_of
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

# How many days what was read for several experiments is kept; whoever needs it has copied it long before.
KEPT_DAYS = 3
# The label of tables that are made for several experiments, and deleted after that time.
MARK = {"shared_scan": "kept_for_days"}
# How the tables are stored that hold units.
SHARED_LAYOUT = Layout(
    "submission_date",
    ("shared_experiment", "analysis_id"),
    "Partials of several experiments, until each has copied its own",
    {**MARK, UNIT_LABEL: UNIT_COLUMN},
    kept_days=KEPT_DAYS,
    requires_filter=True,
)


@dataclass(frozen=True, slots=True)
class SharedBatch:
    """Rows of one experiment in a batch of a shared table: columns, dates (both included), and for whose units.

    `inputs` are, by date, the versions of the source's tables before they were read. `units` are the batches that told
    of the experiment's units then. `rows`, `bytes`, `partitions` and `seconds` are of the whole batch.
    """

    recorded_at: datetime
    table: str
    batch: int
    source: str
    experiment: str
    first_date: date
    last_date: date
    inputs: tuple[str, ...]
    columns: tuple[str, ...]
    units: tuple[int, ...]
    assignments: tuple[int, ...]
    rows: int = 0
    bytes: int = 0
    partitions: int = 0
    seconds: float = 0.0

    def versions(self) -> Iterator[tuple[date, str]]:
        """Yield each date with the versions that its tables had."""
        for position, versions in enumerate(self.inputs):
            yield self.first_date + timedelta(days=position), versions


_COLUMNS = tuple(columns_of(SharedBatch))
_ARRAYS = tuple(column.name for column in _COLUMNS if column.type.startswith("ARRAY"))


def shared_tables(engine: Engine, dataset: str, prefix: str = names.SHARED) -> Iterator[str]:
    """Yield the tables that were made for several experiments: those that hold units, or others by their `prefix`."""
    for listed in engine.tables(dataset, prefix=prefix):
        if not listed.is_view and MARK.items() <= listed.labels.items():
            yield listed.name


def record_shared(engine: Engine, dataset: str, batches: Iterable[SharedBatch], labels: Mapping[str, str]) -> None:
    """Record that batches are complete: experiments may copy from them from then on."""
    rows = [
        {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(batch).items()}
        for batch in batches
    ]
    layout = Layout(partition_by="recorded_at", description="What was read for several experiments at once")
    engine.load(names.shared_scans(dataset), rows, _COLUMNS, write=Write.APPEND, labels=labels, layout=layout)


def shared_batches(
    engine: Engine, dataset: str, *, now: datetime, labels: Mapping[str, str], source: str = "", experiment: str = ""
) -> tuple[SharedBatch, ...]:
    """Return what was read lately, of one source and for one experiment where these are named, the latest last.

    That is nothing where nothing ever was shared.
    """
    record = names.shared_scans(dataset)
    if engine.info(record) is None:
        return ()
    since = literal((now - timedelta(days=KEPT_DAYS)).astimezone(UTC).isoformat())
    where = [f"s.recorded_at >= TIMESTAMP {since}"]
    where += [f"s.source = {literal(source)}"] if source else []
    where += [f"s.experiment = {literal(experiment)}"] if experiment else []
    sql = fill("shared_batches", record=table(record), conditions=Sql(" AND ".join(where)))
    return tuple(_batch(row) for row in engine.query(sql, labels=labels).dicts())


def _batch(row: Mapping[str, Value]) -> SharedBatch:
    values: dict[str, object] = {column.name: row[column.name] for column in _COLUMNS}
    for name in _ARRAYS:
        values[name] = tuple(values[name] or ())  # type: ignore[arg-type]  # an array
    return SharedBatch(**values)  # type: ignore[arg-type]  # the columns are the fields
