"""The fake as a process of its own, for programs that are tested from outside."""

import json
import subprocess
import sys
from pathlib import Path

import requests

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.connect import connect
from jetstream_argo.warehouse.types import Write

ROOT = Path(__file__).parents[3]


def test_a_process_serves_its_folder_and_takes_orders_for_faults(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.warehouse.bigquery.fake_server", "--root", str(tmp_path)]
    command += ["--dataset", "d"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        endpoint = server.stdout.readline().strip()
        engine = connect(f"bigquery:fake-project?api_endpoint={endpoint}&first_delay_seconds=0.01", attempt="1")
        order = {"call": "jobs.insert with rows", "status": 503, "reason": "backendError"}
        requests.post(f"{endpoint}/faults", data=json.dumps(order), timeout=300).raise_for_status()
        engine.load("d.t", [{"x": 1}], [Column("x", "INT64")], write=Write.APPEND, labels={})
    finally:
        server.terminate()
        server.communicate(timeout=300)

    embedded = connect(f"embedded:{tmp_path}?project=fake-project", attempt="1")
    assert embedded.query(Sql("SELECT x FROM d.t"), labels={}).rows == ((1,),)
