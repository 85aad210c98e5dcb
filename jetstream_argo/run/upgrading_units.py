"""Takes over the units that version 0.1 found: as one batch of assignments, with exposures and segments."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import costed
from jetstream_argo.sql import names
from jetstream_argo.sql.enrollments import segment_dates
from jetstream_argo.sql.text import Sql, identifier, lines, literal, table
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.legacy import LegacyRecord
from jetstream_argo.warehouse.types import TableInfo, Write


def take_over_units(context: Context, record: LegacyRecord, key: str, info: TableInfo | None) -> tuple[Entry, ...]:
    """Copy the units, if they were found by the queries that the plan has; return the entries about them.

    `key` is what version 0.1 would have called these queries, `info` is of the table that its units are in.
    """
    enrolled = [
        entry
        for entry in record.entries
        if entry.kind is Kind.ENROLLMENTS
        and entry.state is State.COMPUTED
        and entry.table == names.enrollments(context.plan)
    ]
    if info is None or info.view_sql is not None or not info.rows or not enrolled or enrolled[-1].keys != (key,):
        return ()
    return tuple(_copies(context, info.name))


def _copies(context: Context, old: str) -> Iterator[Entry]:
    plan = context.plan
    timeline = plan.experiment.timeline
    enrolling = (timeline.start, timeline.last_enrollment)
    batch = context.batch("upgrade", "assignments")
    found = ["r.enrollment_date", "r.num_enrollment_events", f"{literal(batch)} AS assignment"]
    entry = replace(
        context.entry(Kind.ENROLLMENTS, State.COMPUTED),
        table=names.assignments(plan),
        batch=batch,
        keys=(plan.enrollments.key,),
        assignments=(batch,),
        source="enrollments",
    )
    yield _copy(context, old, entry, found, dates=enrolling)
    if plan.enrollments.exposures_sql is not None:
        entry = replace(
            context.entry(Kind.EXPOSURES, State.COMPUTED),
            table=names.exposures(plan),
            batch=context.batch("upgrade", "exposures"),
            keys=(plan.enrollments.exposures_key,),
            assignments=(batch,),
            source="exposures",
        )
        exposed = "r.exposure_date IS NOT NULL OR r.num_exposure_events IS NOT NULL"
        columns = ["r.exposure_date", "r.num_exposure_events"]
        yield _copy(context, old, entry, columns, dates=enrolling, condition=exposed)
    for source in plan.enrollments.segment_sources:
        of_segments = zip(plan.enrollments.segments, plan.enrollments.segment_columns, strict=True)
        own = {column: segment.name for segment, column in of_segments if segment.data_source == source.name}
        if not own:
            continue  # nobody excluded units then
        entry = replace(
            context.entry(Kind.SEGMENTS, State.COMPUTED),
            table=names.segments(plan, source.name),
            batch=context.batch("upgrade", "segments", source.name),
            keys=tuple(own),
            assignments=(batch,),
            source=source.name,
        )
        columns = [f"r.{identifier(name)} AS {column}" for column, name in own.items()]
        yield _copy(context, old, entry, columns, dates=segment_dates(plan, source))


def _copy(
    context: Context, old: str, entry: Entry, columns: Sequence[str], *, dates: tuple[date, date], condition: str = ""
) -> Entry:
    """Append columns of the old table as a batch; return the entry that says so."""
    wanted = [
        f"{literal(entry.batch)} AS batch",
        "CAST(r.analysis_id AS STRING) AS analysis_id",
        "CAST(r.branch AS STRING) AS branch",
        *columns,
    ]
    where = f"WHERE {condition}\n" if condition else ""
    about = "-- One row per analysis unit and branch, as version 0.1 found them."
    job = context.engine.query_to_table(
        Sql(f"{about}\nSELECT\n  {lines([Sql(column) for column in wanted])}\nFROM {table(old)} AS r\n{where}"),
        entry.table,
        write=Write.APPEND,
        labels=context.labels(),
        layout=context.layout(cluster_by=("analysis_id",)),
    )
    return replace(costed(entry, job), first_date=dates[0], last_date=dates[1])
