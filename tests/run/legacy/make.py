"""Write the warehouse beside this file, with the code of version 0.1: see the README there."""

import shutil
from pathlib import Path

from world import make_telemetry, plan_with_segments, plan_with_signal  # type: ignore[import-not-found]  # beside this

from jetstream_argo.dag.build import build_dag
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds.pipeline import Pipeline

root = Path(__file__).parent / "warehouse"
shutil.rmtree(root, ignore_errors=True)
make_telemetry(EmbeddedEngine(root))
for plan in (plan_with_segments(), plan_with_signal()):
    pipeline = Pipeline(root, plan)
    pipeline.run()
    pipeline.do(build_dag(plan).last)
shutil.rmtree(root / "local" / "telemetry")
for lock in root.rglob(".lock"):
    lock.unlink()
