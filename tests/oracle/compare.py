"""How stored rows are compared with those of direct queries and of Jetstream's own SQL: counts, and what differs."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import Metric
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.run.values import bases_of
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.store.estimates_table import IDENTITY
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.oracle.world import World

Answer = Mapping[str, Any]  # what upstream.py prints
Place = tuple[str, str]  # analysis_id, branch

PROJECT, DATASET = "oracle", "upstream"


@dataclass
class Comparison:
    """How much was compared, by kind, and a line per difference."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def see(self, kind: str, where: str, ours: object, theirs: object) -> None:
        """Count a comparison, and keep it if the sides differ."""
        self.compared[kind] += 1
        if not equal(ours, theirs):
            self.differences.append(f"{kind} {where}: {ours!r}, theirs {theirs!r}")


def equal(left: object, right: object) -> bool:
    """Whether two values are the same, numbers to 9 digits; whole numbers may differ in type."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(left) and math.isnan(right))
    return left == right


def compare_direct(world: World) -> Comparison:
    """Compare every stored value with the query over its own window alone."""
    found = Comparison()
    for source in world.plan.sources:
        metrics = [metric for metric in world.plan.metrics if metric.source == source.name]
        for period in [due.period for due in world.plan.periods]:
            for basis in Basis:
                due_metrics = list(
                    {m.column: m for m in metrics if period in m.periods and basis in bases_of(m, period)}.values()
                )
                if due_metrics:
                    _compare_windows(found, world, source.name, due_metrics, period, basis)
    return found


def _compare_windows(
    found: Comparison, world: World, source: str, metrics: list[Metric], period: Period, basis: Basis
) -> None:
    plan, engine = world.plan, world.pipeline.engine
    stored = _stored(world, metrics, period, basis)
    signals = _signals(world, basis)
    for window in plan.windows(period):
        grid = WindowGrid(basis, period, (window,), world.pipeline.units(), signals)
        rows = list(engine.query(direct_query(plan, plan.source(source), metrics, grid, batch=0), labels={}).dicts())
        for metric in metrics:
            direct = {(str(r["analysis_id"]), str(r["branch"])): r[metric.column] for r in rows}
            assert len(direct) == len(rows)
            values = {key[:2]: value for key, value in stored[metric.name].items() if key[2] == window.index}
            _compare_values(found, f"{basis} {period} {window.index}", metric.name, values, direct)


def _stored(world: World, metrics: list[Metric], period: Period, basis: Basis) -> dict[str, dict]:
    """Return the stored values by metric; metrics that are the same thing share a column."""
    columns = {metric.column: metric for metric in metrics}
    found = world.pipeline.all_values(list(columns.values()), period, basis)
    return {metric.name: found[columns[metric.column].name] for metric in metrics}


def _signals(world: World, basis: Basis) -> tuple:
    """Return where all signals are: the query itself picks those of its window."""
    signal = world.plan.signal
    if signal is None or basis is not Basis.EXPOSURES:
        return ()
    ledger = world.pipeline.context("oracle").ledger
    table = names.signals(world.plan)
    assigned = ledger.assigned(names.assignments(world.plan), world.plan.enrollments.key).assignments
    return ledger.date_slices(table, [signal.partial.column], signal.first_date, signal.last_date, assigned)


def _compare_values(
    found: Comparison, where: str, metric: str, ours: Mapping[Place, object], theirs: Mapping[Place, object]
) -> None:
    found.see("units", f"{metric} {where}", sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours)))
    for place in sorted(set(ours) & set(theirs)):
        found.see("values", f"{metric} {where} {place}", ours[place], theirs[place])


def compare_enrollments(world: World, answer: Answer) -> Comparison:
    """Compare the enrolled units with those of Jetstream's query, which is stored for the queries that read it.

    Rows of theirs without a unit or without a branch are left out.
    """
    found = Comparison()
    engine = world.pipeline.engine
    table = f"{PROJECT}.{DATASET}.{answer['enrollments']['table']}"
    engine.query_to_table(Sql(answer["enrollments"]["sql"]), table, write=Write.TRUNCATE, labels={})
    segments = answer["segments"]
    columns = ["enrollment_date", "num_enrollment_events", *segments]
    if not answer["signal"]:  # with a signal theirs has the signal's dates, as of the first day
        columns += ["exposure_date", "num_exposure_events"]
    ours, _ = _units(engine, names.enrollments(world.plan))
    theirs, anonymous = _units(engine, table)
    found.compared["their rows without unit or branch"] += anonymous
    found.compared["units in two branches"] += sum(n > 1 for n in Counter(unit for unit, _ in ours).values())
    found.see("enrolled", "only on one side", sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours)))
    for place in sorted(set(ours) & set(theirs)):
        for column in columns:
            found.see("enrollments", f"{place} {column}", ours[place][column], theirs[place][column])
    return found


def _units(engine: EmbeddedEngine, table: str) -> tuple[dict[Place, dict[str, object]], int]:
    rows = list(engine.query(Sql(f"SELECT * FROM `{table}`"), labels={}).dicts())
    named = [row for row in rows if row["analysis_id"] is not None and row["branch"] is not None]
    units = {(str(row["analysis_id"]), str(row["branch"])): row for row in named}
    assert len(units) == len(named), "a unit has two rows in a branch"
    return units, len(rows) - len(named)


def compare_metrics(world: World, answer: Answer) -> Comparison:
    """Compare every stored value with what Jetstream's query for its window gives on the same rows."""
    found = Comparison()
    plan = world.plan
    stored: dict[tuple[str, Period, Basis], dict[str, dict]] = {}
    seen = set()
    for asked in answer["metrics"]:
        period, basis = Period(asked["period"]), Basis(asked["basis"])
        window = next((w for w in plan.windows(period) if w.index == asked["index"]), None)
        where = f"{basis} {period} {asked['index']}"
        days = (window.first_day, window.last_day) if window else None
        found.see("windows", where, days, (asked["first_day"], asked["last_day"]))
        metrics = [plan.metric(name) for name in asked["metrics"]]
        key = (asked["source"], period, basis)
        if key not in stored:
            stored[key] = _stored(world, metrics, period, basis)
        rows = _their_rows(world, asked, basis)
        if basis is Basis.EXPOSURES:
            _compare_exposures(found, world, asked, rows)
        for metric in metrics:
            seen.add((metric.name, period, basis, asked["index"]))
            theirs = {place: row[metric.name] for place, row in rows.items()}
            ours = {p[:2]: value for p, value in stored[key].get(metric.name, {}).items() if p[2] == asked["index"]}
            _compare_values(found, where, metric.name, ours, theirs)
    found.see("windows", "that only we have", sorted(_ours(world) - seen), [])
    return found


def _compare_exposures(
    found: Comparison, world: World, asked: Answer, rows: Mapping[Place, Mapping[str, object]]
) -> None:
    """Compare since when, and how often, the units of one window are exposed: a signal decides it anew per window."""
    table = names.values(world.plan, Basis.EXPOSURES, asked["source"], Period(asked["period"]))
    ours = world.pipeline.engine.query(
        Sql(
            "SELECT DISTINCT v.analysis_id, v.branch, v.exposure_date, v.num_exposure_events\n"
            f"FROM `{table}` AS v WHERE v.window_index = {asked['index']}"
        ),
        labels={},
    )
    for unit, branch, day, events in ours.rows:
        theirs = rows.get((str(unit), str(branch)), {})
        where = f"{asked['source']} {asked['period']} {asked['index']} {unit} {branch}"
        found.see("exposures", where, (day, events), (theirs.get("exposure_date"), theirs.get("num_exposure_events")))


def _ours(world: World) -> set[tuple[str, Period, Basis, int]]:
    """Return what has values: what only covariates need has none upstream."""
    asked = {period for period in Period if any(leaf.period is period for leaf in world.plan.statistics)}
    return {
        (metric.name, period, basis, window.index)
        for metric in world.plan.metrics
        if metric.source
        for period in metric.periods
        if period in asked
        for basis in metric.bases
        for window in world.plan.windows(period)
    }


def _their_rows(world: World, asked: Answer, basis: Basis) -> dict[Place, dict[str, object]]:
    engine = world.pipeline.engine
    sql = Sql(asked["sql"])
    if Period(asked["period"]).before_enrollment or Period(asked["period"]) is Period.OVERALL:
        table = f"{PROJECT}.{DATASET}.{asked['table']}"
        engine.query_to_table(sql, table, write=Write.TRUNCATE, labels={})
        sql = Sql(f"SELECT * FROM `{table}`")
    rows = [
        row
        for row in engine.query(sql, labels={}).dicts()
        if row["analysis_id"] is not None
        and row["branch"] is not None
        and (basis is Basis.ENROLLMENTS or row["exposure_date"] is not None)
    ]
    units = {(str(row["analysis_id"]), str(row["branch"])): row for row in rows}
    assert len(units) == len(rows), "a unit has two rows in a branch"
    return units


def compare_counts(world: World, answer: Answer) -> Comparison:
    """Compare the units counted per basis and segment with the rows of Jetstream's query for them.

    With an exposure signal theirs are those exposed by the first day's window, whatever the window: not compared.
    """
    found = Comparison()
    engine = world.pipeline.engine
    ours = read_estimates(engine, world.plan, Filters(metrics=(IDENTITY,)))
    index = [column.name for column in ours.columns].index
    for asked in answer["counts"]:
        if answer["signal"] and asked["basis"] == Basis.EXPOSURES:
            continue
        rows = engine.query(Sql(asked["sql"]), labels={}).rows
        theirs = Counter(str(branch) for (branch,) in rows)
        for row in ours.rows:
            if (row[index("analysis_basis")], row[index("segment")]) == (asked["basis"], asked["segment"]):
                branch = str(row[index("branch")])
                where = (
                    f"{branch} {asked['basis']} {asked['segment']} {row[index('period')]} {row[index('window_index')]}"
                )
                found.see("counts", where, row[index("point")], theirs[branch])
    return found


def qualified(sql: str) -> str:
    """Return a query for a metric's values, with the dataset that Jetstream's client puts in front of tables."""
    return re.sub(r"`(\w+)`", rf"`{PROJECT}.{DATASET}.\1`", sql)


def problems(world: World) -> Iterator[str]:
    """Yield what failed on our side."""
    for node, result in world.results.items():
        for metric, error in result.failed:
            yield f"{node}: {metric}: {error}"
