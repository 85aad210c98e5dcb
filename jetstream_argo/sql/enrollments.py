"""The queries about who takes part: the enrolled units, and the dates on which a signal exposed them."""

from datetime import date, timedelta

from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.plan.model import AnalysisPlan, Signal
from jetstream_argo.sql import names
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, column, fill, identifier, indented, lines, literal, table


def enrollments_query(plan: AnalysisPlan) -> Sql:
    """Return the query for the units of `plan`, with a column per segment and their exposure (NULL where none)."""
    relations = [
        f"segments_{number} AS (\n  {indented(_segments(plan, source))}\n)"
        for number, source in enumerate(plan.enrollments.segment_sources, 1)
    ]
    relations.append(f"exposures AS (\n  {indented(_exposures(plan))}\n)")
    columns = ["e.analysis_id", "e.branch", "e.enrollment_date", "e.num_enrollment_events"]
    joins = []
    for number, source in enumerate(plan.enrollments.segment_sources, 1):
        alias = f"segments_{number}"
        columns += [column(alias, s.name) for s in plan.enrollments.segments if s.data_source == source.name]
        joins.append(_left_join(alias))
    columns += ["exposures.exposure_date", "exposures.num_exposure_events"]
    joins.append(_left_join("exposures"))
    return fill(
        "enrollments",
        enrollments=Sql(plan.enrollments.sql.strip()),
        relations=Sql(",\n".join(relations)),
        columns=lines([Sql(each) for each in columns], indent=0),
        joins=Sql("\n".join(joins)),
    )


def signals_query(plan: AnalysisPlan, signal: Signal, *, first_date: date, last_date: date, batch: str) -> Sql:
    """Return the query that counts the signal's rows: (batch, analysis_id, branch, submission_date, count)."""
    day = date_of(signal.date_column)
    return Sql(
        "-- One row per analysis unit, branch and date with signals.\n"
        f"SELECT {literal(batch)} AS batch, e.analysis_id, e.branch, {day} AS submission_date, "
        f"{signal.partial.expression} AS {signal.partial.column}\n"
        f"FROM {table(names.enrollments(plan))} AS e\n"
        f"INNER JOIN {signal.from_expression} AS ds\n"
        f"  ON {unit_of(signal.id_column)} = e.analysis_id\n"
        f"  AND {indented(between(signal.date_column, first_date, last_date))}\n"
        f"GROUP BY e.analysis_id, e.branch, {day}\n"
    )


def _left_join(relation: str) -> str:
    return f"LEFT JOIN {relation}\n  ON {relation}.analysis_id = e.analysis_id AND {relation}.branch = e.branch"


def _segments(plan: AnalysisPlan, source: SegmentDataSource) -> Sql:
    timeline = plan.experiment.timeline
    mine = [segment for segment in plan.enrollments.segments if segment.data_source == source.name]
    columns = [Sql("e.analysis_id"), Sql("e.branch")]
    # A comment at the end of an expression must not swallow what follows it.
    columns += [Sql(f"(\n  {segment.select_expression}\n) AS {identifier(segment.name)}") for segment in mine]
    return fill(
        "segments",
        columns=lines(columns, indent=0),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        date=date_of(source.date_column),
        dates=between(
            source.date_column,
            timeline.start + timedelta(days=source.window_start),
            timeline.last_enrollment + timedelta(days=source.window_end),
        ),
        first_day=literal(source.window_start),
        last_day=literal(source.window_end),
    )


def _exposures(plan: AnalysisPlan) -> Sql:
    if plan.enrollments.exposures_sql is None:
        return Sql(
            "SELECT e.analysis_id, e.branch, CAST(NULL AS DATE) AS exposure_date, 0 AS num_exposure_events\n"
            "FROM raw_enrollments AS e"
        )
    return Sql(
        "SELECT CAST(x.analysis_id AS STRING) AS analysis_id, CAST(x.branch AS STRING) AS branch,\n"
        "  MIN(x.exposure_date) AS exposure_date,\n"
        "  SUM(x.num_exposure_events) AS num_exposure_events\n"
        f"FROM (\n  {indented(Sql(plan.enrollments.exposures_sql.strip()))}\n) AS x\n"
        "GROUP BY x.analysis_id, x.branch"
    )
