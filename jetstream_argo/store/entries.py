"""One line of what was done: the rows of the status table, which is appended to and never changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import NewerRecord, NotFound
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, fill, table
from jetstream_argo.store.columns import columns_of
from jetstream_argo.warehouse.protocol import Engine

# What entries mean: 1 was the record of version 0.1, and 3 is of values that have no row for some units. Columns may
# be added without a new number, as may kinds and states, which older readers skip; a number is for what they would
# misread. FORMAT is the highest that this version reads.
FORMAT = 3
FORMAT_SPARSE = 3
_FORMAT_USUAL = 2


class Kind(StrEnum):
    """What an entry is about."""

    ENROLLMENTS = "enrollments"  # assignments: unit, branch, enrollment date
    EXPOSURES = "exposures"
    SEGMENTS = "segments"
    SIGNALS = "signals"
    PARTIALS = "partials"
    ROWS = "rows"  # a source's rows as they were, for metrics that are computed from them directly
    VALUES = "values"
    STATISTICS = "statistics"
    EXPORT = "export"
    DELETION = "deletion"  # of units, from one table
    DEPARTED = "departed"  # units that stand in the assignments and that telemetry has no more
    LOOK = "look"  # which rows a source had when somebody looked, without reading them
    RESTATEMENT = "restatement"  # of dates that were read again on purpose
    UPGRADE = "upgrade"  # of what an earlier version stored
    RETIREMENT = "retirement"  # rows of units were removed for good, as the experiment is over
    REPAIR = "repair"  # waiting while damaged tables become what is left of them, until what is lost is recorded


class State(StrEnum):
    """What became of it."""

    COMPUTED = "computed"  # the rows of this batch are complete: readers may use them
    FAILED = "failed"
    NO_DATA = "no_data"  # complete, and there were no rows
    WAITING = "waiting"  # for dates of telemetry that are not there yet
    FORGOTTEN = "forgotten"  # what earlier entries say of these keys, or of this metric's estimates, no longer counts
    LOST = "lost"  # rows of this batch are gone from these dates or windows


@dataclass(frozen=True, slots=True)
class Entry:
    """What one node did for some columns or one metric.

    `batch` names the rows that it wrote, None where it wrote none. `keys` are the hashes of what was computed (columns
    of `table`, or a leaf's key), `metrics` the metrics they serve. Dates and windows are inclusive; dates are those of
    telemetry read. `units` counts analysis units, or is None where they were not counted. `adjusted` is None where no
    adjustment was asked for.

    `assignments` are the batches of assigned units that it was computed for. `inputs` says what it was made from, per
    date or window: of a date that was read the versions of its tables (see `store.dates`), of values and estimates a
    digest of the batches that went into them. `counts` holds the rows written per date or window. `facts` is a JSON
    object of what changes how the numbers are read. `format` is that of the record.
    """

    recorded_at: datetime
    node: str
    kind: Kind
    state: State
    plan: str
    attempt: str
    table: str = ""
    batch: int | None = None
    keys: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    source: str = ""
    basis: str = ""
    period: str = ""
    first_date: date | None = None
    last_date: date | None = None
    first_window: int | None = None
    last_window: int | None = None
    units: int | None = None
    rows: int = 0
    bytes: int = 0
    slot_ms: int = 0
    seconds: float = 0.0
    jobs: tuple[str, ...] = ()
    adjusted: bool | None = None
    error: str = ""
    message: str = ""
    partitions: int = 0
    assignments: tuple[int, ...] = ()
    inputs: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    facts: str = ""
    format: int = _FORMAT_USUAL

    def row(self) -> dict[str, Value]:
        """Return the entry as a row of the status table."""
        plain: dict[str, Value] = {}
        for name, value in asdict(self).items():
            plain[name] = list(value) if isinstance(value, tuple) else value
        return plain

    @property
    def extent(self) -> range:
        """The ordinals of its dates, or the indexes of its windows; empty where it is about neither."""
        if self.first_date is not None and self.last_date is not None:
            return range(self.first_date.toordinal(), self.last_date.toordinal() + 1)
        if self.first_window is not None and self.last_window is not None:
            return range(self.first_window, self.last_window + 1)
        return range(0)

    def input_at(self, position: int) -> str:
        """Return what it was made from at one of them; empty where that is not recorded."""
        index = position - self.extent.start
        return self.inputs[index] if 0 <= index < len(self.inputs) else ""


COLUMNS = tuple(columns_of(Entry))
_NAMES = tuple(column.name for column in COLUMNS)
_ARRAYS = tuple(column.name for column in COLUMNS if column.type.startswith("ARRAY"))
_TEXTS = tuple(column.name for column in COLUMNS if column.type == "STRING")
_NUMBERS = ("rows", "bytes", "slot_ms", "seconds", "partitions")
_EMPTY: dict[str, object] = {**dict.fromkeys(_TEXTS, ""), **dict.fromkeys(_NUMBERS, 0)}
_KINDS, _STATES = frozenset(Kind), frozenset(State)


def entry_of(row: Mapping[str, Value]) -> Entry | None:
    """Return the entry that a row of the status table holds; None for a kind or state that this version does not know.

    A column that the row lacks is empty, as is one that is NULL.
    """
    if row["kind"] not in _KINDS or row["state"] not in _STATES:
        return None
    values: dict[str, object] = {name: row.get(name) for name in _NAMES}
    for name in _ARRAYS:
        values[name] = tuple(values[name] or ())  # type: ignore[arg-type]  # an array
    for name, empty in _EMPTY.items():
        values[name] = values[name] or empty
    values["kind"] = Kind(str(row["kind"]))
    values["state"] = State(str(row["state"]))
    values["format"] = values["format"] or 1
    recorded = row["recorded_at"]
    if isinstance(recorded, datetime) and recorded.tzinfo is None:
        values["recorded_at"] = recorded.replace(tzinfo=UTC)
    return Entry(**values)  # type: ignore[arg-type]  # the columns are the fields


def read_entries(engine: Engine, owner: names.Owner) -> tuple[Entry, ...]:
    """Return what was recorded for an experiment and still counts, oldest first; nothing if nothing ever was.

    Raises:
        NewerRecord: a later version wrote some of it, with a meaning that this one does not know.
    """
    try:
        result = engine.query(entries_query(owner), labels={"experiment": names.place_of(owner).slug})
    except NotFound:
        return ()
    return remembered(_readable(result.dicts(), names.place_of(owner).slug))


def _readable(rows: Iterable[Mapping[str, Value]], slug: str) -> Iterator[Entry]:
    for row in rows:
        written = row.get("format")
        if isinstance(written, int) and written > FORMAT:
            raise NewerRecord(slug, found=written, known=FORMAT)
        entry = entry_of(row)
        if entry is not None:
            yield entry


def remembered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return `entries`, oldest first, without those that later entries forget, and without the entries that do so.

    An entry stays without the keys, or the metric, that were forgotten, since it still tells what its jobs cost; a
    failure of nothing else goes.
    """
    forgotten: set[tuple[str, ...]] = set()
    kept: list[Entry] = []
    for entry in reversed(list(entries)):
        if entry.state is State.FORGOTTEN:
            forgotten.update(_parts(entry).values())
            continue
        left = tuple(name for name, part in _parts(entry).items() if part not in forgotten)
        if left == tuple(_parts(entry)):
            kept.append(entry)
        elif entry.state is not State.FAILED or left:
            kept.append(replace(entry, metrics=left) if entry.kind is Kind.STATISTICS else replace(entry, keys=left))
    return tuple(reversed(kept))


def _parts(entry: Entry) -> dict[str, tuple[str, ...]]:
    """Return what can be forgotten of an entry, each by its own name: estimates by metric, else columns by table."""
    if entry.kind is Kind.STATISTICS:
        return {metric: (entry.kind, metric, entry.period) for metric in entry.metrics}
    return {key: (entry.kind, entry.table, key) for key in entry.keys}


def entries_query(owner: names.Owner) -> Sql:
    """Return the query for an experiment's entries, oldest first, with the columns that the table has."""
    return fill("entries", record=table(names.status(owner)))
