"""Keeps out units that were removed on request, without keeping who they were: by hashes that need a key."""

import hashlib

from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.text import Sql, fill, in_brackets, table


def keyed_hash(key: str, unit: str) -> str:
    """Return what stands for a unit: as hexadecimal digits, the SHA-256 of the key and that of the key and the unit.

    The key goes into both, as in an HMAC; `_hashed` is the same in SQL.
    """
    inner = hashlib.sha256(f"{key}{unit}".encode()).hexdigest()
    return hashlib.sha256(f"{key}{inner}".encode()).hexdigest()


def _hashed(key: str, unit: str) -> Sql:
    return Sql(f"TO_HEX(SHA256(CONCAT({key}, TO_HEX(SHA256(CONCAT({key}, {unit}))))))")


def hashes_query(owner: Owner, gone: str, *, assigned: bool = False) -> Sql:
    """Return the query for the key that is there, and the hash of every unit in the table `gone` that is not there.

    With `assigned` of those units that are assigned to branches: of very many, few are in an experiment.
    """
    units = table(gone)
    if assigned:
        units = in_brackets(fill("assigned_units", units=units, assignments=table(names.assignments(owner))))
    return fill("hashes", units=units, shredded=table(names.shredded(owner)), hash=_hashed("k.key", "g.analysis_id"))


def without_shredded(owner: Owner, relation: Sql) -> Sql:
    """Return the rows of a named relation but for those of units that were removed from `owner`, in brackets.

    The key is read where it is, so that no text of a query has it.
    """
    query = fill(
        "without_shredded",
        relation=relation,
        shredded=table(names.shredded(owner)),
        hash=_hashed("k.key", "u.analysis_id"),
    )
    return in_brackets(query)
