"""Made-up telemetry for an analysis plan, a date at a time."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.synthetic.leaves import SyntheticRows
from jetstream_argo.synthetic.population import Events, Integers, Population, populate
from jetstream_argo.synthetic.reads import read_dates
from jetstream_argo.synthetic.tables import Rhythm, SyntheticTable, design_tables
from jetstream_argo.synthetic.values import ColumnMaker

_LOOKUP_ROWS = 40
_UPTAKE = 0.9  # share of its active days on which a unit has rows in a table
_ASIDE = 0.02  # … in a table that no metric reads
_FREE = 0.15  # share of rows that follow no pattern
_FIRST_DAY = 0.85  # share of rows on the day of enrollment that came after it
_CARRIES = 0.99  # … of later rows that report the experiment
_EVENTS = 1.5  # on top of the first, on a day with any


@dataclass(frozen=True, slots=True)
class TelemetryPartition:
    """All rows of a table on one date, or all there are where `day` is None."""

    table: str
    day: date | None
    rows: pa.Table


def make_telemetry(
    plan: AnalysisPlan, *, units: int, seed: int, effects: tuple[Effect, ...] = ()
) -> Iterator[TelemetryPartition]:
    """Yield the telemetry that the plan reads, table by table and date by date; equal arguments give equal rows.

    `units` enroll, some of them too late or twice; about a twentieth as many have telemetry and never enroll.

    Raises:
        PlanError: an effect names what is not there.
    """
    population = populate(plan.experiment, units=units, seed=seed)
    ids = _ids(population.units, seed)
    first, last = (day.toordinal() for day in read_dates(plan))
    for table in design_tables(plan, effects):
        values = ColumnMaker(
            table,
            population,
            ids=ids,
            slug=plan.experiment.slug,
            branches=plan.experiment.branches,
            seed=seed,
        )
        if table.rhythm is Rhythm.LOOKUP:
            yield TelemetryPartition(
                table.name, None, _filled(table, values, _lookup(first), np.random.default_rng([seed, 3]))
            )
            continue
        number = zlib.crc32(table.name.encode())
        for day in range(first, last + 1):
            rng = np.random.default_rng([seed, 4, number, day])
            rows = _rows(table, population, day, seed, rng)
            if rows.size:
                yield TelemetryPartition(table.name, date.fromordinal(day), _filled(table, values, rows, rng))


def _filled(table: SyntheticTable, values: ColumnMaker, rows: SyntheticRows, rng: np.random.Generator) -> pa.Table:
    return pa.table({name: values.column(name, rows, rng) for name in table.columns})


def _ids(units: int, seed: int) -> pa.Array:
    parts = np.random.default_rng([seed, 5]).integers(2**32, size=(units, 4), dtype=np.uint64)
    shifts = np.array([0, 4, 8, 12, 16, 20, 24, 28], dtype=np.uint64)
    digits = ((parts[:, :, None] >> shifts) & np.uint64(15)).reshape(units, 32).astype(np.uint8)
    letters = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)[digits]
    return pa.array(np.ascontiguousarray(letters).view("S32").ravel(), type=pa.binary()).cast(pa.string())


def _lookup(day: int) -> SyntheticRows:
    nothing = np.full(_LOOKUP_ROWS, -1, dtype=np.int64)
    return SyntheticRows(day, np.zeros(_LOOKUP_ROWS, dtype=np.int64), nothing, nothing, nothing)


def _rows(
    table: SyntheticTable, population: Population, day: int, seed: int, rng: np.random.Generator
) -> SyntheticRows:
    parts = [] if table.only_reports else [_ordinary(table, population, day, seed, rng)]
    for events, patterns in ((population.enrollments, table.enrollment), (population.exposures, table.exposure)):
        if patterns:
            parts.append(_reports(events.on(day), population, patterns, day, rng))
    return SyntheticRows(
        day,
        np.concatenate([part.unit for part in parts]),
        np.concatenate([part.arm for part in parts]),
        np.concatenate([part.branch for part in parts]),
        np.concatenate([part.pattern for part in parts]),
    )


def _ordinary(
    table: SyntheticTable, population: Population, day: int, seed: int, rng: np.random.Generator
) -> SyntheticRows:
    # Whether a unit is active is the same in all tables.
    active = np.random.default_rng([seed, 6, day]).random(population.units) < population.activity
    uptake = _UPTAKE if table.measured else _ASIDE
    unit = np.flatnonzero(active & (rng.random(population.units) < uptake))
    if table.rhythm is Rhythm.EVENTS:
        unit = np.repeat(unit, 1 + rng.poisson(_EVENTS * np.exp(0.5 * population.intensity[unit] - 0.125)))
    arm = _arm(population, unit, day)
    first = population.enrolled[unit] == day
    before = first & (rng.random(len(unit)) >= _FIRST_DAY)
    silent = rng.random(len(unit)) >= _CARRIES
    pattern = np.full(len(unit), -1, dtype=np.int64)
    if table.ordinary:
        pattern = rng.integers(len(table.ordinary), size=len(unit))
        pattern[rng.random(len(unit)) < _FREE] = -1
    return SyntheticRows(day, unit, arm, np.where(before | silent, -1, arm), pattern)


def _reports(
    events: Events, population: Population, patterns: tuple[int, ...], day: int, rng: np.random.Generator
) -> SyntheticRows:
    pattern = np.array(patterns)[rng.integers(len(patterns), size=len(events.unit))]
    return SyntheticRows(day, events.unit, _arm(population, events.unit, day), events.branch, pattern)


def _arm(population: Population, unit: Integers, day: int) -> Integers:
    return np.where(population.enrolled[unit] <= day, population.branch[unit], -1)
