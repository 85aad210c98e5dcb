"""How long a pod takes, and how much memory it has, before its first query, against a bare Python.

Usage: python benchmarks/startup.py [REPEATS]

Each line is the median of fresh processes. `task` unpacks and verifies a real plan, opens the warehouse and finds its
node; what follows would be the first query, and with its answer what holds answers is loaded. Resident memory is the
largest that the process ever had.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from datetime import date
from importlib import resources
from tempfile import TemporaryDirectory

from jetstream_argo.argo.manifest import transport
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_experiment

_COMMON = """
import os
from jetstream_argo.argo.manifest.transport import from_environment
from jetstream_argo.cli.task import task
from jetstream_argo.dag.build import build_dag
from jetstream_argo.warehouse.bigquery.client_import import load_client
from jetstream_argo.warehouse.connect import connect
plan = from_environment(os.environ)
build_dag(plan).node("enrollments")
"""
STEPS = {
    "python": "",
    "+ click": "import click",
    "+ command line": "import jetstream_argo.cli.main",
    "task": _COMMON,
    "task, embedded": _COMMON + "connect('embedded:' + os.environ['FOLDER'], attempt='a')\nimport duckdb",
    "task, bigquery": _COMMON
    + "import google.auth.credentials as c, google.auth\n"
    + "google.auth.default = lambda **_: (c.AnonymousCredentials(), 'p')\n"
    + "load_client()\nconnect('bigquery:p', attempt='a')",
}
STEPS["+ an answer"] = STEPS["task, bigquery"] + "\nimport jetstream_argo.warehouse.arrow"
# Only those who need them may load these.
WATCHED = "hera kubernetes yaml jinja2 rich pandas pyarrow numpy scipy sqlglot duckdb google.cloud.bigquery".split()
REPORT = f"""
import sys
from pathlib import Path
# Not getrusage's, which counts what the parent had before it became this process.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(peak.split()[1], *[n for n in {WATCHED!r} if n in sys.modules])
"""


def main(repeats: int) -> None:
    """Print a line for each step."""
    plan = _plan()
    with TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            transport.PLAN: transport.pack(plan),
            transport.PLAN_SHA256: codec.sha256(plan),
            "FOLDER": folder,
        }
        print(f"{'':<16} {'seconds':>8} {'CPU':>6} {'MiB':>6}  loaded")
        for name, code in STEPS.items():
            runs = [_run(code, environment) for _ in range(repeats)]
            seconds, cpu, memory = (statistics.median(run[n] for run in runs) for n in range(3))
            print(f"{name:<16} {seconds:>8.2f} {cpu:>6.2f} {memory:>6.0f}  {runs[0][3]}")


def _run(code: str, environment: dict[str, str]) -> tuple[float, float, float, str]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    since = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT], env=environment, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - since
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory, _, loaded = done.stdout.strip().partition(" ")
    return seconds, cpu, int(memory) / 1024, loaded


def _plan() -> AnalysisPlan:
    with resources.as_file(resources.files("jetstream_argo.demo")) as demo:
        made = plan_experiment(
            str(demo / "experiment.toml"), ConfigSources(), as_of=date(2026, 4, 6), dataset="analysis"
        )
    return made.plan


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
