"""Whether BigQuery, too, goes on with what version 0.1 stored: there a table must be deleted before a view is made."""

import shutil
from pathlib import Path

from jetstream_argo.dag.build import build_dag
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline, run_as_argo_does, views
from tests.worlds.legacy import plan_with_signal

_STORED = Path(__file__).parents[2] / "run" / "legacy" / "warehouse"


def test_what_version_0_1_stored_is_gone_on_with_through_bigquerys_client(tmp_path: Path) -> None:
    shutil.copytree(_STORED, tmp_path, dirs_exist_ok=True)
    plan = plan_with_signal()
    before = dict(views(EmbeddedEngine(tmp_path), "results", naming="signal"))
    assert len(before) > 1

    with serving(FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        assert run_as_argo_does(pipeline) == ()
        again = pipeline.do(next(iter(build_dag(plan).nodes))).line

    engine = EmbeddedEngine(tmp_path)
    units = engine.info(names.enrollments(plan))
    after = dict(views(engine, "results", naming="signal"))
    assert units is not None
    assert units.view_sql is not None
    assert engine.info(legacy_names.status(plan)) is None
    assert again.startswith("cached")
    assert {name: len(list(rows.elements())) for name, rows in after.items() if name in before} == {
        name: len(list(rows.elements())) for name, rows in before.items()
    }
