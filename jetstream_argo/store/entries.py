"""One line of what was done: the rows of the status table, which is appended to and never changed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from jetstream_argo.engines.protocol import Column, Engine, Value
from jetstream_argo.errors import NotFound
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, identifier, lines, table


class Kind(StrEnum):
    """What an entry is about."""

    ENROLLMENTS = "enrollments"
    SIGNALS = "signals"
    PARTIALS = "partials"
    VALUES = "values"
    STATISTICS = "statistics"
    EXPORT = "export"
    DELETION = "deletion"  # of units, from one table


class State(StrEnum):
    """What became of it."""

    COMPUTED = "computed"  # the rows of this batch are complete: readers may use them
    FAILED = "failed"
    NO_DATA = "no_data"  # complete, and there were no rows
    FORGOTTEN = "forgotten"  # what earlier entries say of these keys, or of this metric's estimates, no longer counts


@dataclass(frozen=True, slots=True)
class Entry:
    """What one node did for some columns or one metric.

    `keys` are the hashes of what was computed (columns of `table`, or a leaf's key), `metrics` the metrics they serve.
    Dates and windows are inclusive; dates are those of telemetry read. `units` counts analysis units, or is None
    where nobody counted. `adjusted` is None where no adjustment was asked for.
    """

    recorded_at: datetime
    node: str
    kind: Kind
    state: State
    plan: str
    attempt: str
    table: str = ""
    batch: str = ""
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

    def row(self) -> dict[str, Value]:
        """Return the entry as a row of the status table."""
        plain: dict[str, Value] = {}
        for name, value in asdict(self).items():
            plain[name] = list(value) if isinstance(value, tuple) else value
        return plain


COLUMNS: tuple[Column, ...] = (
    Column("recorded_at", "TIMESTAMP"),
    Column("node", "STRING"),
    Column("kind", "STRING"),
    Column("state", "STRING"),
    Column("plan", "STRING"),
    Column("attempt", "STRING"),
    Column("table", "STRING"),
    Column("batch", "STRING"),
    Column("keys", "ARRAY<STRING>"),
    Column("metrics", "ARRAY<STRING>"),
    Column("source", "STRING"),
    Column("basis", "STRING"),
    Column("period", "STRING"),
    Column("first_date", "DATE"),
    Column("last_date", "DATE"),
    Column("first_window", "INT64"),
    Column("last_window", "INT64"),
    Column("units", "INT64"),
    Column("rows", "INT64"),
    Column("bytes", "INT64"),
    Column("slot_ms", "INT64"),
    Column("seconds", "FLOAT64"),
    Column("jobs", "ARRAY<STRING>"),
    Column("adjusted", "BOOL"),
    Column("error", "STRING"),
    Column("message", "STRING"),
    Column("partitions", "INT64"),
)

assert [column.name for column in COLUMNS] == [field.name for field in fields(Entry)]


def entry_of(row: Mapping[str, Value]) -> Entry:
    """Return the entry that a row of the status table holds; arrays may be NULL where they were empty."""
    values: dict[str, object] = dict(row)
    for name in ("keys", "metrics", "jobs"):
        values[name] = tuple(values.get(name) or ())  # type: ignore[arg-type]  # an array of strings
    values["kind"] = Kind(str(row["kind"]))
    values["state"] = State(str(row["state"]))
    recorded = row["recorded_at"]
    if isinstance(recorded, datetime) and recorded.tzinfo is None:
        values["recorded_at"] = recorded.replace(tzinfo=UTC)
    return Entry(**values)  # type: ignore[arg-type]  # the columns are the fields, checked above


def read_entries(engine: Engine, owner: names.Owner) -> tuple[Entry, ...]:
    """Return what was recorded for an experiment and still counts, oldest first; nothing if nothing ever was."""
    try:
        result = engine.query(entries_query(owner), labels={"experiment": names.place_of(owner).slug})
    except NotFound:
        return ()
    return remembered(entry_of(row) for row in result.dicts())


def remembered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return `entries`, oldest first, without what later ones say is to be forgotten, and without those.

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
    """Return the query for an experiment's entries, oldest first."""
    columns = lines([Sql(f"s.{identifier(column.name)}") for column in COLUMNS])
    return Sql(
        "-- One row per entry.\n"
        f"SELECT\n  {columns}\nFROM {table(names.status(owner))} AS s\nORDER BY s.recorded_at, s.batch\n"
    )
