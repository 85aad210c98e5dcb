"""Whether an analysis survives every known failure at every call it makes: `python -m benchmarks.fault_matrix`.

Prints a table: for each way to fail and each kind of call, how the node that met it ended. Then the run goes on, with
nodes repeated as Argo does; where the results differ from an undisturbed run's, the table says so.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.warehouse.bigquery.cases import CASES, JOB_CASES, Case, Outcome
from tests.warehouse.bigquery.fake_server.faults import Call
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import (
    PROJECT,
    RemotePipeline,
    Rows,
    make_telemetry,
    patience,
    results,
    run_as_argo_does,
    small_plan,
)
from tests.worlds.pipeline import Pipeline

CALLS = (
    *(Call.DRY_RUN, Call.SUBMIT, Call.UPLOAD, Call.POLL, Call.RESULTS),
    *(Call.TABLE_GET, Call.TABLE_INSERT, Call.TABLE_PATCH),
)


def disturbed(case: Case, call: Call, telemetry: Path, *, skip: int, expected: dict[str, Rows]) -> str:
    """Run with this failure, and say how it went."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "warehouse"
        shutil.copytree(telemetry, root)
        fake = FakeBigQuery(root, project=PROJECT, datasets=["results"])
        fault = case.at(call, skip=skip)
        fake.faults.order(fault)
        with serving(fake) as url:
            pipeline = RemotePipeline(root, small_plan(), url=url, retry_seconds=patience(case))
            codes = run_as_argo_does(pipeline, fake)
        if fault.skip or fault.times == case.times:
            return "not met"
        ended = ", ".join(f"exit {code}" for code in codes) or (
            "retried in place" if case.outcome is Outcome.RETRIED else "done in other pieces"
        )
        return ended if results(pipeline) == expected else f"{ended}; RESULTS DIFFER"


def _meets(case: Case, call: Call) -> bool:
    """Whether it can happen there: only what begins a job can begin one that fails."""
    return not case.job_reason or call in (Call.SUBMIT, Call.UPLOAD)


def main() -> int:
    """Print the table; return 1 if any results differ."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        telemetry, reference = Path(folder) / "telemetry", Path(folder) / "reference"
        make_telemetry(telemetry, small_plan())
        shutil.copytree(telemetry, reference)
        fake = FakeBigQuery(reference, project=PROJECT, datasets=["results"])
        with serving(fake) as url:
            run_as_argo_does(RemotePipeline(reference, small_plan(), url=url))
        expected = results(Pipeline(reference, small_plan()))
        made = {call: fake.calls.count(call) for call in CALLS}
        print("|  |", " | ".join(f"{call} ({made[call]} calls)" for call in CALLS), "|")
        print("|---|" + "---|" * len(CALLS))
        cells = []
        for case in (*CASES, *JOB_CASES):
            row = [
                disturbed(case, call, telemetry, skip=made[call] // 2, expected=expected) if _meets(case, call) else "–"
                for call in CALLS
            ]
            print(f"| {case.name} |", " | ".join(row), "|", flush=True)
            cells += row
    wrong = sum("DIFFER" in cell for cell in cells)
    runs, seconds = len(cells) - cells.count("–"), time.perf_counter() - started
    print(f"\n{runs} disturbed runs in {seconds:.0f} s; results differ in {wrong}.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
