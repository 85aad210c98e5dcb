"""The moments of a single leaf by hand, from the values that the pipeline has stored.

Plain SQL joins values, segments and covariate once, and takes thresholds and moments from that. The covariate's
reference value, the mean of 10,000 quantiles a window, it leaves out.
"""

import math
from pathlib import Path

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, in_brackets
from jetstream_argo.sql.units import enrolled
from jetstream_argo.sql.value_rows import value_rows
from jetstream_argo.store.currency import stored_units
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

METRIC = "active_hours"
CLIPPED = 0.005
Means = dict[tuple[object, ...], float]


def compared_leaf(plan: AnalysisPlan, warehouse: Path) -> str:
    """Compute the moments by plain SQL, and compare the means with the pipeline's.

    Raises:
        SystemExit: a mean differs.
    """
    engine = EmbeddedEngine(warehouse)
    means = _by_hand(engine, plan)
    query = Sql(
        "SELECT analysis_basis, window_index, segment, branch, point\n"
        f"FROM `{names.statistics_view(plan, Period.DAY)}`\n"
        f"WHERE metric = '{METRIC}' AND statistic = 'mean_lm' AND comparison IS NULL"
    )
    ours = {row[:4]: row[4] for row in engine.query(query, labels={}).rows}
    for key, mean in means.items():
        if not math.isclose(float(str(ours[key])), mean, rel_tol=1e-9):
            raise SystemExit(f"{key}: {ours[key]} by the pipeline, {mean} by hand")
    return f"{len(means)} means are the same"


def _by_hand(engine: EmbeddedEngine, plan: AnalysisPlan) -> Means:
    metric = plan.metric(METRIC)
    ledger = read_ledger(plan, engine)
    segments = [segment.name for segment in plan.enrollments.segments]
    relations = {"units": enrolled(plan, stored_units(plan, ledger), exposures=False)}
    for name, basis, period in (
        ("enrollments", Basis.ENROLLMENTS, Period.DAY),
        ("exposures", Basis.EXPOSURES, Period.DAY),
        ("before", Basis.ENROLLMENTS, Period.PREENROLLMENT_WEEK),
    ):
        table = names.values(plan, basis, metric.source, period)
        slices = ledger.window_slices(table, metric.column, plan.windows(period))
        relations[name] = in_brackets(value_rows(plan, table, slices, {"y": metric.column}))
    connection = engine._session.connection
    for name, relation in relations.items():
        translated = engine._session.prepare(Sql(f"SELECT * FROM {relation} AS r"))
        connection.execute(f"CREATE TEMP VIEW by_hand_{name} AS {translated.sql}")
    flags = ", ".join(f"CAST(u.{name} AS INTEGER) AS s{i}" for i, name in enumerate(segments, 1))
    connection.execute(
        "CREATE TEMP TABLE observed AS SELECT v.basis, v.window_index, v.branch, v.y, x.y AS x, 1 AS s0, "
        f"{flags} FROM (SELECT 'enrollments' AS basis, * FROM by_hand_enrollments UNION ALL "
        "SELECT 'exposures', * FROM by_hand_exposures) AS v "
        "JOIN by_hand_units AS u USING (analysis_id, branch) "
        "LEFT JOIN by_hand_before AS x USING (analysis_id, branch)"
    )
    found: Means = {}
    for i, segment in enumerate(["all", *segments]):
        rows = connection.execute(
            "WITH own AS (SELECT * FROM observed WHERE s" + str(i) + " = 1), "
            f"limits AS (SELECT basis, window_index, quantile_cont(y, {1 - CLIPPED}) AS top_y, "
            f"quantile_cont(x, {1 - CLIPPED}) AS top_x "
            "FROM own GROUP BY ALL), "
            "clipped AS (SELECT o.basis, o.window_index, o.branch, least(o.y, l.top_y) AS y, least(o.x, l.top_x) AS x "
            "FROM own AS o JOIN limits AS l USING (basis, window_index)) "
            "SELECT basis, window_index, branch, avg(y), count(*), var_samp(y), var_samp(x), covar_samp(x, y), avg(x) "
            "FROM clipped GROUP BY ALL"
        ).fetchall()
        found |= {(row[0], str(row[1]), segment, row[2]): row[3] for row in rows}
    return found
