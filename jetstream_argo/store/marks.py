"""Finds the stored rows that say why a unit has no value, or that were kept of units that are gone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from jetstream_argo.config.written import canonical
from jetstream_argo.sql.departed import DELETED_UPSTREAM
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.store.entries import Entry, Kind, State

CARRIED = "carried"
RESTATED = canonical({"restated": True})


def marked_batches(entries: Iterable[Entry], table: str) -> frozenset[int]:
    """Return the batches of a source's partials in which some rows only say that the unit was deleted upstream."""
    return frozenset(
        entry.batch
        for entry in entries
        if entry.kind is Kind.PARTIALS
        and entry.table == table
        and entry.batch is not None
        and _says(entry, DELETED_UPSTREAM)
    )


def is_carried(entry: Entry) -> bool:
    """Whether some rows of the entry's batch are of units that were gone when the others were read."""
    return _says(entry, CARRIED)


def repeating_batches(entries: Iterable[Entry], table: str) -> frozenset[int]:
    """Return the batches of a table in which a unit may have several rows on a date: some were carried over."""
    return frozenset(
        entry.batch for entry in entries if entry.table == table and entry.batch is not None and is_carried(entry)
    )


def is_restated(entry: Entry) -> bool:
    """Whether the dates of the entry were read again on purpose."""
    return _says(entry, "restated")


def with_marks(slices: Sequence[DateSlice], batches: frozenset[int]) -> tuple[DateSlice, ...]:
    """Return the slices, each with those of its batches that are among `batches` as the marked ones."""
    if not batches:
        return tuple(slices)
    return tuple(replace(part, marked=tuple(b for b in part.batches if b in batches)) for part in slices)


def with_repeats(slices: Sequence[DateSlice], batches: frozenset[int]) -> tuple[DateSlice, ...]:
    """Return the slices, saying of those that have one of `batches` that units may have several rows on a date."""
    return tuple(replace(part, repeated=not batches.isdisjoint(part.batches)) for part in slices)


def mark_facts(found: Mapping[str, object], *, carried: bool = False) -> str:
    """Return as facts of an entry what was counted of units that were deleted upstream; nothing where none was."""
    facts: dict[str, object] = {DELETED_UPSTREAM: dict(found)} if found else {}
    if carried:
        facts[CARRIED] = True
    return canonical(facts) if facts else ""


def counted_marks(entry: Entry) -> Mapping[int, Mapping[str, Sequence[int]]]:
    """Return, by window and branch, how many units of values were deleted upstream, and how many are left."""
    if entry.kind is not Kind.VALUES or entry.state is not State.COMPUTED or not entry.facts:
        return {}
    found = json.loads(entry.facts).get(DELETED_UPSTREAM, {})
    return {int(window): branches for window, branches in found.items()}


def _says(entry: Entry, name: str) -> bool:
    return bool(entry.facts) and name in json.loads(entry.facts)
