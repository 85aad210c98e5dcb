"""How many rows of which batches were removed on purpose, with the units that asked for it."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from jetstream_argo.plan.codec import canonical
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry, Kind


def removed_of(entries: Iterable[Entry], table: str) -> Mapping[int | None, int]:
    """Return how many rows of each batch of `table` were removed."""
    removed: Counter[int | None] = Counter()
    for entry in entries:
        if entry.kind is Kind.DELETION and entry.table == table and entry.facts:
            removed.update({int(batch): rows for batch, rows in json.loads(entry.facts)["removed"].items()})
    return removed


def has_shredded(entries: Iterable[Entry], owner: names.Owner) -> bool:
    """Whether there are hashes of units that were removed from an experiment on purpose."""
    table = names.shredded(owner)
    return any(entry.kind is Kind.DELETION and entry.table == table for entry in entries)


def removal_facts(removed: Mapping[int, int]) -> str:
    """Return the same as facts of a record's entry."""
    return canonical({"removed": {str(batch): rows for batch, rows in removed.items()}})
