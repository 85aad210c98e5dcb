"""The queries of a scan for several experiments, and of what each of them takes from it."""

from collections.abc import Mapping, Sequence
from datetime import date

from jetstream_argo.plan.sharing import ROWS_BRANCH, SharedColumn, SharedReading, SharedScan, Sharer
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, lines, literal, literals, table, union_all
from jetstream_argo.sql.units import StoredUnits, enrolled


def shared_query(scan: SharedScan, reading: SharedReading, columns: Sequence[str], *, batch: int) -> Sql:
    """Return the query that reads a source once into `columns`, for the units of all who share it.

    A unit that takes part in several experiments has rows for each of them: on the day of enrollment only rows that
    carry the experiment count, and expressions may name the branch.
    """
    wanted = [
        Sql(f"{literal(batch)} AS batch"),
        Sql("e.shared_experiment"),
        Sql("e.shared_assignment"),
        Sql("e.analysis_id"),
        Sql("e.branch"),
        Sql("e.enrollment_date"),
        Sql(f"{date_of(scan.date_column)} AS submission_date"),
        *(Sql(f"{_expression(column, reading)} AS {column.column}") for column in scan.columns
          if column.column in columns),
    ]  # fmt: skip
    return fill(
        "shared",
        units=union_all(query for sharer in reading.sharers for query in _units(scan, sharer)),
        columns=lines(wanted, indent=0),
        source=Sql(scan.from_expression),
        unit=unit_of(scan.id_column),
        date=date_of(scan.date_column),
        dates=between(scan.date_column, reading.first_date, reading.last_date),
        counts=_counting(scan, reading),
    )


def _units(scan: SharedScan, sharer: Sharer) -> tuple[Sql, Sql]:
    units = StoredUnits(sharer.batches, sharer.assignments)
    relation = enrolled(Place(scan.dataset, sharer.slug), units, exposures=False, segments=False)
    experiment = literal(sharer.slug)
    own = Sql(
        f"SELECT {experiment} AS shared_experiment, u.assignment AS shared_assignment, u.analysis_id, u.branch, "
        f"u.enrollment_date\nFROM {relation} AS u\nWHERE u.assignment IN ({literals(sharer.assignments)})"
    )
    nobody = Sql(
        f"SELECT DISTINCT {experiment} AS shared_experiment, CAST(NULL AS INT64) AS shared_assignment, "
        f"CAST(NULL AS STRING) AS analysis_id, u.branch, u.enrollment_date\nFROM {relation} AS u"
    )
    return own, nobody


def _expression(column: SharedColumn, reading: SharedReading) -> str:
    return column.form.replace(ROWS_BRANCH, _rows_branch(reading)) if ROWS_BRANCH in column.form else column.form


def _rows_branch(reading: SharedReading) -> str:
    cases = [
        f"WHEN {literal(sharer.slug)} THEN ({sharer.branch_expression})"
        for sharer in reading.sharers
        if sharer.branch_expression is not None
    ]
    return f"(CASE e.shared_experiment {' '.join(cases)} END)"


def _counting(scan: SharedScan, reading: SharedReading) -> Sql:
    """On the day of enrollment, only rows that carry the experiment count, where its source tells."""
    cases = [
        f"WHEN {literal(sharer.slug)} THEN ({sharer.branch_expression}) IS NOT NULL"
        for sharer in reading.sharers
        if sharer.branch_expression is not None
    ]
    if not cases:
        return Sql("TRUE")
    carries = f"CASE e.shared_experiment {' '.join(cases)} ELSE TRUE END"
    return Sql(f"{date_of(scan.date_column)} != e.enrollment_date OR {carries}")


def copied_query(
    shared: str,
    columns: Mapping[str, str],
    sharer: Sharer,
    *,
    first_date: date,
    last_date: date,
    shared_batch: int,
    batch: int,
) -> Sql:
    """Return the query for what an experiment takes from `shared_batch`, as rows of a batch of its own partials.

    `columns` are the shared ones, by its own.
    """
    keys = ("analysis_id", "branch", "enrollment_date", "submission_date")
    taken = [Sql(f"s.{there} AS {own}") for own, there in columns.items()]
    return fill(
        "copied",
        columns=lines([Sql(f"{literal(batch)} AS batch"), *(Sql(f"s.{key}") for key in keys), *taken], indent=0),
        shared=table(shared),
        batch=literal(shared_batch),
        experiment=literal(sharer.slug),
        assignments=literals(sharer.assignments),
        first=literal(first_date),
        last=literal(last_date),
    )
