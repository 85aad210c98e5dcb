"""Whether partials merged over windows give what one query over each window gives, for real expressions."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis, DataSource, MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.errors import Unsupported
from jetstream_argo.plan.sources import Composed
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.synthetic.generate import generate
from tests.worlds.pipeline import BOTH, EXPOSURES, START, Pipeline, experiment, planned, summary_of

ORACLE = Path(__file__).parents[3] / "shared/oracles/composition.json"
END = date(2026, 6, 2)  # 27 days after the last enrollment: a window of 28 days is never due, of 27 it is
PERIODS = (Period.PREENROLLMENT_WEEK, Period.DAY, Period.WEEK, Period.OVERALL)
AT_ONCE = 8
FEWER_AT_ONCE = {"urlbar_terminal_typed_sessions": 4}  # whose expressions have many partials
# Every expression in every period and on both bases, which differ in what days count from.
COMPARED = tuple(zip(PERIODS, (Basis.ENROLLMENTS, Basis.EXPOSURES) * 2, strict=True))


def real_metrics() -> dict[str, list[MetricDefinition]]:
    """Real expressions by data source; a name that occurs twice is told apart by a number."""
    found: dict[str, list[MetricDefinition]] = {}
    seen: Counter[str] = Counter()
    for entry in json.loads(ORACLE.read_text())["metrics"] if ORACLE.exists() else ():
        seen[entry["metric"]] += 1
        name = f"{entry['metric']}_{seen[entry['metric']]}"
        found.setdefault(entry["data_source"], []).append(
            MetricDefinition(name, entry["data_source"], entry["select_expression"], (), BOTH)
        )
    return found


def equal(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(left) and math.isnan(right))
    return left == right


def differences(pipeline: Pipeline, metrics: list[MetricDefinition]) -> Iterator[str]:
    """Compare stored values with the direct query's, unit by unit and window by window."""
    plan = pipeline.plan
    source = plan.sources[0]
    engine, units = pipeline.engine, pipeline.units()
    known = list({known.column: known for known in (plan.metric(metric.name) for metric in metrics)}.values())
    for period, basis in COMPARED:
        grid = WindowGrid(basis, period, plan.windows(period), units)
        query = direct_query(plan, source, known, grid, batch=0)
        rows = list(engine.query(query, labels={}).dicts())
        assert rows
        stored = pipeline.all_values(known, period, basis)
        for metric in known:
            assert len(stored[metric.name]) == len(rows)
            for row in rows:
                key = (str(row["analysis_id"]), str(row["branch"]), int(str(row["window_index"])))
                left, right = stored[metric.name][key], row[metric.column]
                if not equal(left, right):
                    yield f"{metric.name} {basis} {period} {key}: {left!r}, direct {right!r}"


def parts() -> Iterator[tuple[str, int]]:
    """The sources, those with many metrics in parts: DuckDB's time to plan a query grows faster than its columns."""
    for name, metrics in real_metrics().items():
        yield from ((name, part) for part in range(math.ceil(len(metrics) / at_once(name))))


def at_once(source: str) -> int:
    return FEWER_AT_ONCE.get(source, AT_ONCE)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "part"), list(parts()))
def test_merged_partials_of_real_expressions_equal_the_direct_query(name: str, part: int, tmp_path: Path) -> None:
    metrics = real_metrics()[name][part * at_once(name) : (part + 1) * at_once(name)]
    source = DataSource(name, f"telemetry.{name}", "client_id", "submission_date", None, None)
    periods = {period: [summary_of(metric.name, "count") for metric in metrics] for period in PERIODS}
    plan = planned(experiment(metrics, [source], periods, end=END, exposures_sql=EXPOSURES), as_of=END)
    pipeline = Pipeline(tmp_path, plan)
    generate(plan, pipeline.engine, units=20, seed=1)

    results = pipeline.run(only=[EnrollmentsTask, SourceTask])

    refused = {metric: error for result in results.values() for metric, error in result.failed}
    assert all(isinstance(error, Unsupported) for error in refused.values()), refused
    composed = [m for m in metrics if isinstance(plan.metric(m.name).computation, Composed) and m.name not in refused]
    assert list(differences(pipeline, composed)) == []
    assert START < END
