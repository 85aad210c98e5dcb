"""How much memory one large answer takes on its way from BigQuery, by how many rows are taken at a time.

Usage: python -m benchmarks.answers

The answer has a row for each of 20 branches, with 100,000 values and their counts: the four million numbers that
statistics ask for at once at most. Each line is a fresh process that asks our server of BigQuery's protocol through
Google's client, as a pod does. The server gives the pages that are asked for; BigQuery itself ends a page at 20 MB,
which are eight of these rows; a row is never split.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROWS = 20
VALUES = 100_000
PAGES = (8, 1)
POD = """
import sys, time
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":  # which the image does not have, and pyarrow takes if it is there
            raise ImportError(name)
sys.meta_path.insert(0, Hidden())
from jetstream_argo.warehouse.bigquery.client_import import load_client
load_client()
from jetstream_argo.warehouse.connect import connect
from jetstream_argo.estimating.reading import rows_of
from jetstream_argo.sql.text import Sql

def peak():
    return int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))) // 1024

url, sql, page_rows = sys.argv[1:]
engine = connect(f"bigquery:fake-project?api_endpoint={url}", attempt="1")
engine.query(Sql("SELECT 1"), labels={})
before, since = peak(), time.perf_counter()
rows = list(rows_of(engine.query(Sql(sql), labels={}, page_rows=int(page_rows))))
print(before, peak(), time.perf_counter() - since, sum(row.wholes("counts").sum() for row in rows))
"""


def main() -> None:
    """Print a line for each number of rows a page."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    sql = (
        "SELECT b, ARRAY_AGG(x * 1.37 ORDER BY x) AS vals, ARRAY_AGG(x ORDER BY x) AS counts\n"
        f"FROM UNNEST(GENERATE_ARRAY(1, {VALUES})) AS x CROSS JOIN UNNEST(GENERATE_ARRAY(1, {ROWS})) AS b\nGROUP BY b"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with tempfile.TemporaryDirectory() as folder:
        serve = (sys.executable, "-m", "tests.warehouse.bigquery.fake_server", "--root", folder)
        command = [*serve, "--page-rows", str(10**9)]
        server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            print(f"{'rows a page':>12} {'MiB before':>11} {'at most':>8} {'seconds':>8}")
            for page_rows in PAGES:
                pod = [sys.executable, "-c", POD, url, sql, str(page_rows)]
                printed = subprocess.run(
                    pod, env=environment, capture_output=True, text=True, check=True
                ).stdout.split()
                assert int(printed[3]) == ROWS * VALUES * (VALUES + 1) // 2, "numbers were lost"
                print(f"{page_rows:>12,} {printed[0]:>11} {printed[1]:>8} {float(printed[2]):>8.1f}", flush=True)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
