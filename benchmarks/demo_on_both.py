"""Whether the demo gives the same results on the embedded engine and through BigQuery's client.

`python -m benchmarks.demo_on_both [--units 6000] [--jobs 2]`: runs it on either, the second against the fake, each
node in a process of its own, and compares every row of every view.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from jetstream_argo.cli.demo import demo_experiment
from jetstream_argo.cli.local_run import LocalRun, run_locally
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, results
from tests.worlds.pipeline import Pipeline


def main() -> int:
    """Run twice and compare; return 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=6000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    plan, effects = demo_experiment("results")
    with tempfile.TemporaryDirectory() as folder:
        embedded, emulated = Path(folder) / "embedded", Path(folder) / "fake"
        made = generate(plan, EmbeddedEngine(embedded), units=arguments.units, seed=12, effects=effects)
        print(f"telemetry: {sum(table.rows for table in made):,} rows", flush=True)
        shutil.copytree(embedded, emulated)
        found = []
        with serving(FakeBigQuery(emulated, project=PROJECT, datasets=["results"])) as url:
            for name, root, warehouse in (
                ("embedded", embedded, f"embedded:{embedded}"),
                ("bigquery", emulated, f"bigquery:{PROJECT}?api_endpoint={url}"),
            ):
                since = time.perf_counter()
                ran = run_locally(LocalRun(plan, warehouse, arguments.jobs))
                code = 0 if isinstance(ran, str) else ran.exit_code
                found.append(results(Pipeline(root, plan)))
                rows = sum(sum(view.values()) for view in found[-1].values())
                seconds = time.perf_counter() - since
                print(f"{name}: exit {code}, {len(found[-1])} views, {rows:,} rows, {seconds:.0f} s", flush=True)
    differing = [view for view in found[0] if found[0][view] != found[1].get(view)]
    print(f"views that differ: {', '.join(differing) or 'none'}")
    return int(bool(differing) or found[0].keys() != found[1].keys())


if __name__ == "__main__":
    sys.exit(main())
