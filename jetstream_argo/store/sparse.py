"""Reads from an entry of values what holds for units that have no row of their own in it."""

import json

from jetstream_argo.config.model import Basis
from jetstream_argo.config.written import canonical
from jetstream_argo.sql.slices import SparseUnits
from jetstream_argo.sql.units import StoredUnits
from jetstream_argo.store.entries import Entry, Kind

_SPARSE = "sparse"


def sparse_facts(units: SparseUnits) -> str:
    """Return as facts of an entry that only some of these units have rows in it."""
    exposures = None if units.exposures is None else [list(pair) for pair in units.exposures]
    return canonical({_SPARSE: {"assigned": list(units.assigned), "exposures": exposures}})


def sparse_units(entry: Entry) -> SparseUnits | None:
    """Return for which units an entry has values of which only some have rows; None where all of them have."""
    found = json.loads(entry.facts).get(_SPARSE) if entry.kind is Kind.VALUES and entry.facts else None
    if found is None:
        return None
    exposures = found["exposures"]
    return SparseUnits(
        tuple(found["assigned"]), None if exposures is None else tuple((place, batch) for place, batch in exposures)
    )


def of_basis(units: StoredUnits, basis: Basis) -> SparseUnits:
    """Return the units of a basis, as they are known now."""
    exposures = None
    if basis is Basis.EXPOSURES:
        exposures = tuple(sorted((units.exposures or {}).items()))
    return SparseUnits(units.batches, exposures)
