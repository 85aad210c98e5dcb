"""Checks how units are enrolled, exposed and put into segments."""

import re
from collections.abc import Iterator, Sequence

from jetstream_argo.config.model import Segment, SegmentDataSource
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.population import Exclusion
from jetstream_argo.sql.enrollments import signals_query
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import StoredUnits
from jetstream_argo.validate import probes
from jetstream_argo.validate.analysts import with_stand_ins
from jetstream_argo.validate.asking import Asker
from jetstream_argo.validate.expected import unit_tables
from jetstream_argo.validate.explaining import cleaned, explained
from jetstream_argo.validate.rows import TelemetryRows

_CUSTOM = "custom"
_TEXTS = ("STRING", "INT64", "NUMERIC", "BIGNUMERIC", "BOOL")
_UNKNOWN = re.compile(r"not found|not have|Unrecognized", re.IGNORECASE)
_OUTPUTS = ("analysis_id", "branch", "enrollment_date", "exposure_date")


def enrolling_mistakes(plan: AnalysisPlan, asker: Asker) -> Iterator[tuple[str, str]]:
    """Yield keys, and what is wrong with them, that concern all units, whatever the metric."""
    enrollments = plan.enrollments
    key = "enrollment_query" if enrollments.kind == _CUSTOM else "enrollments_query_type"
    yield from _query_mistakes(f"experiment.{key}", probes.enrollments_of(plan), "enrollment_date", asker)
    if enrollments.exposures_sql is not None:
        sql = probes.exposures_of(enrollments.exposures_sql)
        yield from _query_mistakes("experiment.exposure_query", sql, "exposure_date", asker)
    for source in enrollments.segment_sources:
        own = [segment for segment in enrollments.segments if segment.data_source == source.name]
        if own:
            yield from _segment_mistakes(plan, source, own, asker)
        for exclusion in enrollments.exclusions.named:
            if exclusion.rows is not None and exclusion.rows.data_source == source.name:
                yield from _exclusion_mistakes(plan, source, exclusion, asker)
    yield from _condition_mistakes(enrollments.exclusions.named, asker)
    yield from _signal_mistakes(plan, asker)


def _query_mistakes(key: str, sql: Sql, date: str, asker: Asker) -> Iterator[tuple[str, str]]:
    found = asker.ask(sql)
    if isinstance(found, EngineError):
        yield key, _explained_query(found, sql, asker)
        return
    types = {column.name.lower(): column.type.partition("(")[0] for column in found}
    for name, allowed in {"analysis_id": _TEXTS, "branch": _TEXTS, date: ("DATE",)}.items():
        if name not in types:
            yield key, _missing(name)
        elif types[name] not in allowed:
            advice = f"DATE({name})" if name == date else f"CAST({name} AS STRING)"
            yield key, f"column {name!r} is {types[name]}, and must be {allowed[0]}: write {advice}"


def _explained_query(error: EngineError, sql: Sql, asker: Asker) -> str:
    message = cleaned(str(error))
    if _UNKNOWN.search(message):
        for name in _OUTPUTS:
            if re.search(rf"\b{name}\b", message):
                return _missing(name)
    return explained(error, sql, asker.columns_in(sql), rows="its tables")


def _missing(name: str) -> str:
    return f"gives no column {name!r}; name it so, with AS {name}"


def _segment_mistakes(
    plan: AnalysisPlan, source: SegmentDataSource, segments: Sequence[Segment], asker: Asker
) -> Iterator[tuple[str, str]]:
    key = f"segments.data_sources.{source.name}"
    rows = TelemetryRows(asker, key, source.from_expression, source.id_column, source.date_column)
    wrong = [] if rows.are_plain({}) else list(rows.mistakes(plan.experiment.analysis_unit))
    yield from ((f"{key}.{name}", what) for name, what in wrong)
    if any(name == "from_expression" for name, _ in wrong) or not _of_segments(segments, rows, joined=not wrong):
        return
    for segment in segments:
        for what in _of_segments([segment], rows, joined=not wrong):
            yield f"segments.{segment.name}.select_expression", what


def _exclusion_mistakes(
    plan: AnalysisPlan, source: SegmentDataSource, exclusion: Exclusion, asker: Asker
) -> Iterator[tuple[str, str]]:
    key = f"experiment.exclude.{exclusion.name}"
    rows = TelemetryRows(asker, key, source.from_expression, source.id_column, source.date_column)
    wrong = [] if rows.are_plain({}) else list(rows.mistakes(plan.experiment.analysis_unit))
    yield from ((f"{key}.{name}", what) for name, what in wrong)
    if exclusion.rows is not None and not any(name == "from_expression" for name, _ in wrong):
        for what in _of_segments([exclusion.rows], rows, joined=not wrong):
            yield f"{key}.select_expression", what


def _condition_mistakes(exclusions: Sequence[Exclusion], asker: Asker) -> Iterator[tuple[str, str]]:
    for exclusion in exclusions:
        if exclusion.rows is not None:
            continue
        key = f"experiment.exclude.{exclusion.name}.condition"
        found = asker.ask(probes.condition_of(exclusion.condition))
        if isinstance(found, EngineError):
            yield key, cleaned(str(found))
        else:
            yield from ((key, f"gives {column.type}, and must be BOOL") for column in found if column.type != "BOOL")


def _of_segments(segments: Sequence[Segment], rows: TelemetryRows, *, joined: bool) -> list[str]:
    sql = probes.segments_of(
        rows.from_expression,
        {f"s_{number}": segment.select_expression for number, segment in enumerate(segments)},
        id_column=rows.id_column if joined else None,
        date_column=rows.date_column if joined else None,
        day=rows.asker.day,
    )
    found = rows.asker.ask(sql)
    if isinstance(found, EngineError):
        return [rows.explained(found, segments[0].select_expression)]
    return [f"gives {column.type}, and must be BOOL" for column in found if column.type != "BOOL"]


def _signal_mistakes(plan: AnalysisPlan, asker: Asker) -> Iterator[tuple[str, str]]:
    signal = plan.signal
    if signal is None:
        return
    units = StoredUnits((0,), (0,))
    sql = signals_query(plan, signal, units, (0,), first_date=asker.day, last_date=asker.day, batch=0)
    found = asker.ask(with_stand_ins(sql, unit_tables(plan)))
    if isinstance(found, EngineError):
        columns: tuple[Column, ...] = asker.columns_in(Sql(signal.from_expression))
        what = explained(found, signal.from_expression, columns, rows="its data source")
        yield "experiment.exposure_signal", what
