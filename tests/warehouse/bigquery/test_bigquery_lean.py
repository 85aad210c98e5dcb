"""What a pod loads to talk to BigQuery."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from jetstream_argo.warehouse.bigquery.client_import import load_client
load_client()
from jetstream_argo.warehouse.connect import connect
connect("bigquery:project?api_endpoint=http://127.0.0.1:1", attempt="1")
print(*(name for name in ("pandas", "pyarrow", "numpy", "grpc", "duckdb", "sqlglot") if name in sys.modules))
# Not getrusage: that counts what the parent held before this program replaced its copy.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
import numpy, pyarrow
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_loaded_that_a_pod_does_not_use_and_everything_can_be_later() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    loaded, kilobytes = done.stdout.splitlines()
    assert loaded == ""
    assert (
        int(kilobytes) < 80_000
    )  # measured: 53,000, of 148,000 with everything that Google's client takes if it finds it
