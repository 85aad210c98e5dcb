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
    known = table(names.shredded(owner))
    units = f"SELECT DISTINCT a.analysis_id FROM {table(names.assignments(owner))} AS a"
    only = f"  INNER JOIN ({units}) AS t\n    ON t.analysis_id = g.analysis_id\n" if assigned else ""
    return Sql(
        "-- One row per unit: the experiment's key, and the unit's hash by it.\n"
        "SELECT u.key, u.hash\nFROM (\n"
        f"  SELECT k.key, {_hashed('k.key', 'g.analysis_id')} AS hash\n"
        f"  FROM {table(gone)} AS g\n{only}"
        f"  CROSS JOIN (SELECT MIN(s.key) AS key FROM {known} AS s) AS k\n"
        f") AS u\nLEFT JOIN {known} AS x\n  ON x.key = u.key AND x.hash = u.hash\n"
        "WHERE x.hash IS NULL\n"
    )


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
