"""Reads what version 0.1 recorded of an experiment, in a table of its own; nothing of it counts until it was taken
over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jetstream_argo.errors import NotFound
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.sql.text import fill, table
from jetstream_argo.store.entries import Entry, Kind, entry_of, remembered
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class LegacyRecord:
    """The entries that still count, oldest first, about tables by their old names.

    Batches had texts for names; `batches` gives these by the numbers that stand for them in `entries`.
    """

    entries: tuple[Entry, ...] = ()
    batches: Mapping[int, str] = field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        """The data sources that were ever read."""
        read = (Kind.PARTIALS, Kind.VALUES)
        return tuple(dict.fromkeys(entry.source for entry in self.entries if entry.source and entry.kind in read))


def read_legacy(engine: Engine, owner: names.Owner, *, number: Callable[[str], int] = len) -> LegacyRecord:
    """Return what version 0.1 recorded of an experiment; nothing if it never did. `number` numbers the batches."""
    sql = fill("legacy_entries", record=table(legacy_names.status(owner)))
    try:
        result = engine.query(sql, labels={"experiment": names.place_of(owner).slug})
    except NotFound:
        return LegacyRecord()
    batches: dict[int, str] = {}
    entries = []
    for row in result.dicts():
        text = str(row["batch"] or "")
        entry = entry_of({**row, "batch": number(text) if text else None})
        if entry is not None:
            entries.append(entry)
        if text:
            batches[number(text)] = text
    return LegacyRecord(remembered(entries), batches)
