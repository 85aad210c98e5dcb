"""Finds the columns of the tables that a plan reads: in the warehouse or a file, or else by what the SQL says."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from jetstream_argo.config.model import Basis
from jetstream_argo.dialect.inference.columns import infer_tables
from jetstream_argo.dialect.syntax import parse_query
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, InvalidQuery, Problem, Unsupported
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.enrollments import exposures_query, segments_query, signals_query
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import StoredSegment, StoredUnits, assignments_query, enrolled
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.storage.files import read_file
from jetstream_argo.validate.expected import unit_tables
from jetstream_argo.warehouse.protocol import Engine

Known = Mapping[str, tuple[Column, ...]]


def telemetry_columns(plan: AnalysisPlan, known: Known) -> dict[str, tuple[Column, ...]]:
    """Return the columns of every table that the plan's queries read; of those not in `known`, what the SQL says.

    The SQL is taken at its word: a misspelt column is found only where the table is known.
    """
    inferred = infer_tables(*_texts(plan), known={**_own(plan), **known})
    assumed = {
        name: tuple(Column(column, type_) for column, type_ in columns.items()) or (Column("nothing", "INT64"),)
        for name, columns in inferred.items()
    }
    return {**assumed, **known}


def telemetry_tables(plan: AnalysisPlan) -> tuple[str, ...]:
    """Return the names of the tables that the plan's queries read."""
    return tuple(infer_tables(*_texts(plan), known=_own(plan)))


def tables_of_sources(plan: AnalysisPlan) -> dict[str, tuple[str, ...]]:
    """Return the tables that each data source's queries read; under the empty name, those of the enrollments."""
    texts: dict[str, list[Sql]] = {}
    for source, text in _reading(plan):
        texts.setdefault(source, []).extend([text] if _parses(text) else [])
    return {source: tuple(infer_tables(*source_texts, known=_own(plan))) for source, source_texts in texts.items()}


def known_to(engine: Engine, plan: AnalysisPlan) -> dict[str, tuple[Column, ...]]:
    """Return the columns of those of the plan's tables that the warehouse has."""
    found = {name: engine.info(name) for name in telemetry_tables(plan)}
    return {name: info.columns for name, info in found.items() if info is not None}


def read_schema(file: Path) -> dict[str, tuple[Column, ...]]:
    """Return the columns that a JSON file says tables have: {table: {column: type}}.

    Raises:
        ConfigError: the file says something else.
    """
    try:
        tables = json.loads(read_file(file))
        return {
            str(name): tuple(Column(str(column), str(type_)) for column, type_ in columns.items())
            for name, columns in tables.items()
        }
    except (ValueError, AttributeError, RecursionError) as error:
        what = f'is no JSON of tables with their columns, {{"table": {{"column": "TYPE"}}}}: {error}'
        raise ConfigError(str(file), [Problem("", what)]) from error


def _own(plan: AnalysisPlan) -> dict[str, tuple[Column, ...]]:
    return unit_tables(plan)


def _texts(plan: AnalysisPlan) -> tuple[Sql, ...]:
    return tuple(text for _, text in _reading(plan) if _parses(text))


def _reading(plan: AnalysisPlan) -> Iterator[tuple[str, Sql]]:
    """Yield queries that read what the plan reads, with whole expressions: they say more of types than partials.

    With each goes the name of its data source, which is empty for enrollments.
    """
    members = plan.enrollments.memberships
    stored = [StoredSegment(s.name, names.segments(plan, s.data_source), column, {0: 0}) for s, column in members]
    segments = tuple(stored[: len(plan.enrollments.segments)])
    units = StoredUnits((0,), (0,), {0: 0} if plan.enrollments.exposures_sql else None, segments)
    yield "", assignments_query(plan, plan.enrollments.sql, units, batch=0)
    if plan.enrollments.exposures_sql is not None:
        yield "", exposures_query(plan, units, (0,), batch=0)
    for rows in plan.enrollments.segment_sources:
        own = [segment.column for segment in stored if segment.table == names.segments(plan, rows.name)]
        yield "", segments_query(plan, rows, own, units, (0,), batch=0)
    if plan.signal is not None:
        first, last = plan.signal.first_date, plan.signal.last_date
        yield "", signals_query(plan, plan.signal, units, (0,), first_date=first, last_date=last, batch=0)
    due = next((due for due in plan.periods if due.windows), None)
    if due is None:
        return
    grid = WindowGrid(Basis.ENROLLMENTS, due.period, due.windows[:1], enrolled(plan, units))
    for source in plan.sources:
        metrics = [metric for metric in plan.metrics if metric.source == source.name]
        together = direct_query(plan, source, metrics, grid, batch=0)
        if _parses(together):
            yield source.name, together
        else:
            yield from ((source.name, direct_query(plan, source, [metric], grid, batch=0)) for metric in metrics)


def _parses(sql: Sql) -> bool:
    """Whether the text can be asked about its tables; if not, its analysis will say why."""
    try:
        parse_query(sql)
    except (InvalidQuery, Unsupported):
        return False
    return True
