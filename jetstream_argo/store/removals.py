"""Counts the rows of batches that stayed when units that asked for it were removed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from jetstream_argo.config.written import canonical
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry, Kind

# By the ordinal of a date or the index of a window, or None for rows of neither.
RowsLeft = Mapping[int | None, int]


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows of units the last removal took from how many tables."""

    rows: int
    tables: int


def rows_left(entries: Iterable[Entry], table: str) -> Mapping[int, RowsLeft]:
    """Return how many rows were to stay of each batch of `table` that rows were removed from, by the last removal.

    What stays is recorded, and not what goes: a removal that was stopped and is done again says the same twice.
    """
    left: dict[int, RowsLeft] = {}
    for entry in entries:
        if entry.kind is Kind.DELETION and entry.table == table and entry.facts:
            found = json.loads(entry.facts).get("left", {})
            left |= {int(batch): dict(of_batch) for batch, of_batch in found.items()}
    return left


def after_removal(entry: Entry, left: RowsLeft | None) -> Entry:
    """Return `entry` as if it had only counted the rows that stayed."""
    if left is None:
        return entry
    counts = tuple(left.get(place, 0) for place in entry.extent) if entry.counts else ()
    return replace(entry, rows=sum(left.values()), counts=counts)


def has_shredded(entries: Iterable[Entry], owner: names.Owner) -> bool:
    """Whether there are hashes of units that were removed from an experiment on purpose."""
    table = names.shredded(owner)
    return any(entry.kind is Kind.DELETION and entry.table == table for entry in entries)


def anew_since(entries: Iterable[Entry]) -> datetime | None:
    """Return when units were last removed so that estimates from before are to be made anew; None if never."""
    return max((entry.recorded_at for entry in entries if _asks_for_estimates(entry)), default=None)


def last_removed(entries: Iterable[Entry]) -> Removed | None:
    """Return what the last removal took, as its attempt recorded it; None if nothing was removed."""
    found = [entry for entry in entries if entry.kind is Kind.DELETION and entry.facts]
    if not found:
        return None
    last = [entry for entry in found if entry.attempt == found[-1].attempt]
    return Removed(sum(entry.rows for entry in last), len({entry.table for entry in last}))


def removal_facts(left: Mapping[int, RowsLeft], *, anew: bool = False) -> str:
    """Return what `rows_left` reads, as facts of a record's entry; `anew` has estimates from before made again."""
    plain = {
        str(batch): sorted(of_batch.items(), key=lambda item: (item[0] is not None, item[0] or 0))
        for batch, of_batch in left.items()
    }
    return canonical({"left": plain, **({"anew": True} if anew else {})})


def _asks_for_estimates(entry: Entry) -> bool:
    return entry.kind is Kind.DELETION and '"anew"' in entry.facts and bool(json.loads(entry.facts).get("anew"))
