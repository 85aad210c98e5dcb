"""The relation of the units as they were known at several times, from one look at what is stored of them."""

from collections.abc import Iterator, Sequence

from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.slices import SparseUnits
from jetstream_argo.sql.text import Sql, in_brackets, indented, lines, literals, table
from jetstream_argo.sql.units import StoredUnits, enrolled


def known_units(owner: Owner, versions: Sequence[SparseUnits]) -> Sql:
    """Return the relation (analysis_id, branch, enrollment_date, known_0, known_1, …), in brackets.

    `known_i` says whether the i-th of `versions` has the unit, enrolled on this date; of a single version it is left
    out, as there are no other units.
    """
    if len(versions) == 1:
        return _of_version(owner, versions[0])
    lists = list(dict.fromkeys(version.assigned for version in versions))
    batches = tuple(dict.fromkeys(batch for assigned in lists for batch in assigned))
    columns = [Sql(f"a.{name}") for name in ("analysis_id", "branch", "enrollment_date")]
    columns += [Sql(f"{_known(version, lists)} AS known_{number}") for number, version in enumerate(versions)]
    latest = [Sql(f"{_latest(assigned)} AS latest_{number}") for number, assigned in enumerate(lists)]
    own = [Sql(f"s.{name}") for name in ("analysis_id", "branch", "enrollment_date", "assignment")]
    rows = Sql(
        f"SELECT\n  {lines([*own, *latest])}\nFROM {table(names.assignments(owner))} AS s\n"
        f"WHERE s.batch IN ({literals(batches or (0,))})"
    )
    return in_brackets(Sql(f"SELECT\n  {lines(columns)}\nFROM {in_brackets(rows)} AS a{_exposed(owner, versions)}"))


def _of_version(owner: Owner, version: SparseUnits) -> Sql:
    stored = StoredUnits(version.assigned, exposures=version.exposed_in)
    relation = enrolled(owner, stored, exposures=version.exposures is not None, segments=False)
    if version.exposures is None:
        return relation
    return Sql(f"(SELECT x.* FROM {relation} AS x WHERE x.exposure_date IS NOT NULL)")


def _latest(assigned: Sequence[int]) -> str:
    """Whether a row is the last one of these batches about its unit and branch."""
    own = f"s.batch IN ({literals(assigned or (0,))})"
    if len(assigned) == 1:
        return own
    order = " ".join(f"WHEN {batch} THEN {place}" for place, batch in enumerate(assigned))
    return (
        f"{own}\nAND ROW_NUMBER() OVER (\n"
        f"  PARTITION BY s.analysis_id, s.branch ORDER BY CASE s.batch {order} ELSE -1 END DESC\n) = 1"
    )


def _known(version: SparseUnits, lists: Sequence[tuple[int, ...]]) -> str:
    latest = f"a.latest_{lists.index(version.assigned)}"
    if version.exposures is None:
        return latest
    cases = " ".join(f"WHEN {assignment} THEN x.exposed_{batch}" for assignment, batch in version.exposures)
    return f"{latest} AND CASE a.assignment {cases} END" if cases else "FALSE"


def _exposed(owner: Owner, versions: Sequence[SparseUnits]) -> str:
    batches = list(_exposure_batches(versions))
    if not batches:
        return ""
    flags = [Sql(f"LOGICAL_OR(r.batch = {batch}) AS exposed_{batch}") for batch in batches]
    rows = Sql(
        f"SELECT\n  {lines([Sql('r.analysis_id'), Sql('r.branch'), *flags])}\n"
        f"FROM {table(names.exposures(owner))} AS r\n"
        f"WHERE r.batch IN ({literals(batches)}) AND r.exposure_date IS NOT NULL\nGROUP BY r.analysis_id, r.branch"
    )
    return f"\nLEFT JOIN (\n  {indented(rows)}\n) AS x\n  ON x.analysis_id = a.analysis_id AND x.branch = a.branch"


def _exposure_batches(versions: Sequence[SparseUnits]) -> Iterator[int]:
    yield from dict.fromkeys(batch for version in versions for _, batch in version.exposures or ())
