"""The relation of the enrolled units: which stored batches it is made of, and the queries that write these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.shredded import without_shredded
from jetstream_argo.sql.text import Sql, fill, identifier, in_brackets, indented, lines, literal, literals, table

# In which column tables hold units, and the label of tables that do: its value is that column.
UNIT_COLUMN = "analysis_id"
UNIT_LABEL = "unit_column"

# By assignment, the batch that tells of its units.
Batches = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """Where it is stored which units are in the segment `name`: in `column` of `table`."""

    name: str
    table: str
    column: str
    batches: Batches


@dataclass(frozen=True, slots=True)
class StoredUnits:
    """Which stored batches say who takes part, and what is known of them.

    `batches` are those of the assignments table, in the order in which they came: the last one about a unit and branch
    counts. `assignments` are those that brought new units. `exposures` is None where nothing records exposures.
    `excluded` says by column of the plan's exclusions which units do not count.
    """

    batches: tuple[int, ...] = ()
    assignments: tuple[int, ...] = ()
    exposures: Batches | None = None
    segments: tuple[StoredSegment, ...] = field(default=())
    excluded: tuple[StoredSegment, ...] = field(default=())


def assigned(owner: Owner, units: StoredUnits) -> Sql:
    """Return the relation (analysis_id, branch, enrollment_date, num_enrollment_events, assignment), in brackets.

    One row per unit and branch; `assignment` is the batch that brought the unit with this enrollment date.
    """
    columns = "s.analysis_id, s.branch, s.enrollment_date, s.num_enrollment_events, s.assignment"
    rows = f"FROM {table(names.assignments(owner))} AS s\nWHERE s.batch IN ({literals(units.batches or (0,))})"
    if len(units.batches) > 1:
        order = " ".join(f"WHEN {batch} THEN {place}" for place, batch in enumerate(units.batches))
        rows += (
            "\nQUALIFY ROW_NUMBER() OVER (\n"
            f"  PARTITION BY s.analysis_id, s.branch ORDER BY CASE s.batch {order} END DESC\n) = 1"
        )
    query = Sql(f"SELECT {columns}\n{rows}")
    return in_brackets(query)


def enrolled(owner: Owner, units: StoredUnits, *, exposures: bool = True, segments: bool = True) -> Sql:
    """Return the relation of `assigned` with what else is known of the units, in brackets.

    That is a column per segment under the segment's name, and (exposure_date, num_exposure_events); `exposures` and
    `segments` leave them out, so that nothing is joined which nobody asks for.
    """
    if not units.batches:
        return _empty(units, exposures=exposures, segments=segments)
    columns = [Sql(f"a.{name}") for name in (*UNIT, "assignment")]
    joins: list[str] = []
    for number, together in enumerate(_stored_together(units.segments) if segments else (), 1):
        alias, first = f"s{number}", together[0]
        columns += [Sql(f"{alias}.{trait.column} AS {identifier(trait.name)}") for trait in together]
        stored = dict.fromkeys(trait.column for trait in together)
        joins.append(_join(alias, first.table, tuple(stored), first.batches))
    if exposures and units.exposures is None:
        columns += [Sql("CAST(NULL AS DATE) AS exposure_date"), Sql("0 AS num_exposure_events")]
    elif exposures and units.exposures is not None:
        columns += [Sql(f"x.{name}") for name in EXPOSURE]
        joins.append(_join("x", names.exposures(owner), EXPOSURE, units.exposures))
    if not joins and not exposures:
        return assigned(owner, units)
    text = f"SELECT\n  {lines(columns)}\nFROM {assigned(owner, units)} AS a\n" + "\n".join(joins)
    return in_brackets(Sql(text))


def nobody() -> Sql:
    """Return a relation with the columns of `enrolled` and no unit, for queries of which only the cost is asked."""
    texts, days, counts = ("analysis_id", "branch"), ("enrollment_date", "exposure_date"), (UNIT[-1], EXPOSURE[-1])
    columns = [Sql(f"CAST(NULL AS STRING) AS {name}") for name in texts]
    columns += [Sql(f"CAST(NULL AS DATE) AS {name}") for name in days]
    columns += [Sql(f"0 AS {name}") for name in (*counts, "assignment")]
    return in_brackets(Sql(f"SELECT\n  {lines(columns)}"))


def _empty(units: StoredUnits, *, exposures: bool, segments: bool) -> Sql:
    """Return the relation without a row, which reads no table: some are not there while there are no units."""
    types: dict[str, str] = dict(_TYPES)
    types |= {identifier(segment.name): "BOOL" for segment in (units.segments if segments else ())}
    types |= {"exposure_date": "DATE", "num_exposure_events": "INT64"} if exposures else {}
    columns = lines([Sql(f"CAST(NULL AS {type_}) AS {name}") for name, type_ in types.items()])
    return in_brackets(Sql(f"SELECT\n  {columns}\nLIMIT 0"))


def _stored_together(segments: Sequence[StoredSegment]) -> list[list[StoredSegment]]:
    """Return the segments, together where the same rows tell of them."""
    groups: list[list[StoredSegment]] = []
    for segment in segments:
        for group in groups:
            if (group[0].table, group[0].batches) == (segment.table, segment.batches):
                group.append(segment)
                break
        else:
            groups.append([segment])
    return groups


def enrolled_view(owner: Owner, units: StoredUnits) -> Sql:
    """Return the query of the view that readers know: a unit's segments stand before its exposure."""
    columns = [*UNIT, *(segment.name for segment in units.segments), *EXPOSURE]
    selected = lines([Sql(f"e.{identifier(column)}") for column in columns])
    about = "-- One row per enrolled analysis unit and branch: a unit in two branches has two rows."
    return Sql(f"{about}\nSELECT\n  {selected}\nFROM {enrolled(owner, units)} AS e\n")


UNIT = ("analysis_id", "branch", "enrollment_date", "num_enrollment_events")
_TYPES = {
    "analysis_id": "STRING",
    "branch": "STRING",
    "enrollment_date": "DATE",
    "num_enrollment_events": "INT64",
    "assignment": "INT64",
}
EXPOSURE = ("exposure_date", "num_exposure_events")


def assignments_query(owner: Owner, sql: str, known: StoredUnits, *, batch: int, shredded: bool = False) -> Sql:
    """Return the query for the units that the enrollment query `sql` finds and that are not `known`.

    A known unit is given again if it now has an earlier enrollment date, or more enrollment events: telemetry that
    came late. What is gone from telemetry stays known. `shredded` says that units were removed from `owner` on request:
    these are left out, whatever telemetry still holds.
    """
    new = literal(batch)
    return fill(
        "assignments",
        batch=new,
        found=without_shredded(owner, Sql("found")) if shredded else Sql("found"),
        enrollments=Sql(sql.strip()),
        assignment=Sql(f"IF(u.enrollment_date = f.enrollment_date, u.assignment, {new})") if known.batches else new,
        known=_beside(owner, known) if known.batches else Sql(""),
    )


def _beside(owner: Owner, known: StoredUnits) -> Sql:
    return Sql(
        f"LEFT JOIN {assigned(owner, known)} AS u\n"
        "  ON u.analysis_id = f.analysis_id AND u.branch = f.branch\n"
        "WHERE u.analysis_id IS NULL\n"
        "  OR f.enrollment_date < u.enrollment_date\n"
        "  OR (f.enrollment_date = u.enrollment_date AND f.num_enrollment_events > u.num_enrollment_events)"
    )


def _join(alias: str, name: str, columns: Sequence[str], batches: Batches) -> str:
    selected = "".join(f", r.{column}" for column in columns)
    rows = Sql(
        f"SELECT r.batch, r.analysis_id, r.branch{selected}\n"
        f"FROM {table(name)} AS r\n"
        f"WHERE r.batch IN ({literals(tuple(dict.fromkeys(batches.values())) or (0,))})"
    )
    condition = f"{alias}.analysis_id = a.analysis_id AND {alias}.branch = a.branch"
    if len(set(batches.values())) > 1:
        # A unit that came again with another enrollment date has rows of both times.
        batch_cases = " ".join(f"WHEN {assignment} THEN {batch}" for assignment, batch in batches.items())
        condition += f"\n  AND {alias}.batch = CASE a.assignment {batch_cases} END"
    return f"LEFT JOIN (\n  {indented(rows)}\n) AS {alias}\n  ON {condition}"
