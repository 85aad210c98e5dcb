"""What is asked of BigQuery for each job, and what becomes of it when the process ends."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EXIT_RETRY, CostExceeded, EngineError, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings, Priority
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300  # only so that nothing hangs
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_job_has_its_labels_its_priority_and_its_limits(fake: FakeBigQuery, settings: BigQuerySettings) -> None:
    settings = replace(settings, priority=Priority.BATCH, maximum_bytes_billed=10**9, timeout_seconds=60.0)
    engine = BigQueryEngine(settings, attempt="1", job_id_prefix="plan-node")
    labels = {"experiment": "My Experiment"}

    engine.load("d.t", [{"x": 1}], [Column("x", "INT64")], write=Write.TRUNCATE, labels=labels)
    engine.query_to_table(Sql("SELECT 1 AS x"), "d.t", write=Write.APPEND, labels=labels)
    engine.query(Sql("SELECT 1"), labels=labels)

    load, write, query = (job.configuration for job in fake.jobs.all)
    for configuration in (load, write, query):
        assert configuration["labels"] == {"experiment": "my_experiment"}
        assert str(configuration["jobTimeoutMs"]) == "60000"
    for configuration in (write, query):
        assert configuration["query"]["priority"] == "BATCH"
        assert configuration["query"]["maximumBytesBilled"] == "1000000000"
    assert all(job.id.startswith("plan-node-1-") for job in fake.jobs.all)


def test_a_table_is_stored_as_its_layout_says(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    layout = Layout(partition_by="day", cluster_by=("id",))

    engine.query_to_table(
        Sql("SELECT DATE '2026-05-04' AS day, 'a' AS id"), "d.t", write=Write.TRUNCATE, labels={}, layout=layout
    )

    config = fake.jobs.all[-1].configuration["query"]
    assert config["timePartitioning"] == {"type": "DAY", "field": "day"}
    assert config["clustering"] == {"fields": ["id"]}
    assert (config["writeDisposition"], config["createDisposition"]) == ("WRITE_TRUNCATE", "CREATE_IF_NEEDED")


def test_a_list_of_tables_takes_one_request_for_each_thousand(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    for number in range(30):
        engine.load(f"d.t{number}", [], [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    fake.calls.clear()

    found = engine.tables("d", prefix="t1")

    assert len(found) == 11
    assert fake.calls == [Call.TABLE_LIST]


def test_a_query_that_would_read_more_than_allowed_is_not_run(fake: FakeBigQuery, settings: BigQuerySettings) -> None:
    BigQueryEngine(settings, attempt="1").load(
        "d.t", [{"x": 1}], [Column("x", "INT64")], write=Write.TRUNCATE, labels={}
    )
    engine = BigQueryEngine(replace(settings, maximum_bytes_billed=1), attempt="2")

    with pytest.raises(CostExceeded, match="raise the cap"):
        engine.query(Sql("SELECT x FROM d.t"), labels={})


@pytest.mark.parametrize("fault", [None, Fault(Call.UPLOAD, skip=1, reset=True, executed=True)])
def test_more_rows_than_fit_one_request_are_loaded_once(
    fake: FakeBigQuery, engine: BigQueryEngine, fault: Fault | None
) -> None:
    if fault is not None:
        fake.faults.order(replace(fault))
    rows = [{"x": f"{number:06}" + "x" * 1000} for number in range(6000)]  # 6 MB; one request holds 5

    job = engine.load("d.t", rows, [Column("x", "STRING")], write=Write.APPEND, labels={})

    assert job.rows == 6000
    assert engine.query(Sql("SELECT COUNT(*), COUNT(DISTINCT x) FROM d.t"), labels={}).rows == ((6000, 6000),)


PROGRAM = """
import sys
from jetstream_argo.warehouse.bigquery.client_import import load_client
load_client()
from jetstream_argo.warehouse.connect import connect
from jetstream_argo.warehouse.termination import ending_on_sigterm
from jetstream_argo.sql.text import Sql
with ending_on_sigterm():
    connect(sys.argv[1], attempt="1").query(Sql("SELECT 1"), labels={})
"""


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Call.SUBMIT, never_ends=True),
        Fault(Call.SUBMIT, delay_seconds=1.0, never_ends=True),  # the request is on its way when the signal comes
        Fault(Call.SUBMIT, times=100, reset=True, executed=True, never_ends=True),
    ],
    ids=["while waiting", "while submitting", "while trying again"],
)
def test_sigterm_cancels_the_job_and_says_that_a_retry_is_worth_it(
    fake: FakeBigQuery, settings: BigQuerySettings, fault: Fault
) -> None:
    fake.faults.order(replace(fault))
    url = f"bigquery:{settings.project}?api_endpoint={settings.api_endpoint}"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, url])
    wait_until(lambda: Call.SUBMIT in fake.calls)
    time.sleep(0.2)

    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=300)

    assert code == EXIT_RETRY
    assert [str((job.error or {})["reason"]) for job in fake.jobs.all] == ["stopped"]
    assert fake.jobs.executed == []


def test_another_thread_can_cancel_what_is_running(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.faults.order(Fault(Call.SUBMIT, never_ends=True))
    caught: list[EngineError] = []

    def run() -> None:
        try:
            engine.query(Sql("SELECT 1"), labels={})
        except EngineError as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: Call.POLL in fake.calls)
    engine.cancel()
    thread.join(timeout=300)

    assert [type(error) for error in caught] == [Transient]


def test_a_new_start_of_a_node_cancels_what_an_earlier_one_has_left_running_and_no_other_jobs(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, times=2, never_ends=True))
    caught: list[EngineError] = []

    def run(prefix: str) -> None:
        try:
            BigQueryEngine(settings, attempt="a1", job_id_prefix=prefix).query(Sql("SELECT 1"), labels={})
        except EngineError as error:
            caught.append(error)

    threads = [threading.Thread(target=run, args=(prefix,)) for prefix in ("plan-week", "plan-week-more")]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(fake.jobs.all) == 2)

    successor = BigQueryEngine(settings, attempt="a2", job_id_prefix="plan-week")
    successor.take_over()
    threads[0].join(timeout=300)

    assert [(type(error), error.exit_code) for error in caught] == [(Transient, EXIT_RETRY)]
    assert successor.query(Sql("SELECT 1"), labels={}).rows == ((1,),)
    assert [job.state for job in fake.jobs.all if "-more-" in job.id] == ["RUNNING"]
    BigQueryEngine(settings, attempt="a2", job_id_prefix="plan-week-more").take_over()
    threads[1].join(timeout=300)


def test_an_account_that_may_not_list_jobs_runs_its_own(
    fake: FakeBigQuery, engine: BigQueryEngine, caplog: pytest.LogCaptureFixture
) -> None:
    fake.faults.order(Fault(Call.JOB_LIST, status=403, reason="accessDenied"))

    engine.take_over()

    assert [record.message for record in caplog.records] == ["not listed"]
    assert engine.query(Sql("SELECT 1"), labels={}).rows == ((1,),)


def test_how_far_a_query_is_and_what_it_cost_is_logged(
    fake: FakeBigQuery, engine: BigQueryEngine, caplog: pytest.LogCaptureFixture
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, running_polls=40))

    with caplog.at_level("INFO", logger="jetstream_argo"):
        job = engine.query(Sql("SELECT 1"), labels={}).job

    began, running, ended = (
        next(vars(record) for record in caplog.records if record.message == message)
        for message in ("began", "running", "ended")
    )
    assert began["job"] == running["job"] == ended["job"] == job.id
    assert (running["state"], running["units"], running["slot_ms"]) == ("running", "2 of 10", 5)
    assert (ended["state"], ended["slot_ms"]) == ("done", job.slot_ms) == ("done", 7)


def test_tables_without_a_dataset_are_those_of_the_default_one(fake: FakeBigQuery, settings: BigQuerySettings) -> None:
    engine = BigQueryEngine(replace(settings, default_dataset="other-project.d"), attempt="1")

    engine.query(Sql("SELECT 1"), labels={})

    query = fake.jobs.all[-1].configuration["query"]
    assert query["defaultDataset"] == {"projectId": "other-project", "datasetId": "d"}


def test_a_table_expires_some_days_after_it_was_last_written_to_which_is_not_changed_with_every_write(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    def write(days: float) -> float:
        engine = BigQueryEngine(replace(settings, expire_days=days), attempt=str(days))
        job = engine.query_to_table(Sql("SELECT 1 AS x"), "d.t", write=Write.APPEND, labels={"days": str(days)})
        assert job.rows == 1
        return float(str(fake.catalog.resource(f"{settings.project}.d.t")["expirationTime"])) / 1000

    now = time.time()
    first = write(30)
    again = write(30.01)
    later = write(32)

    assert first == pytest.approx(now + 30 * 86_400, abs=60)
    assert again == first
    assert later == pytest.approx(now + 32 * 86_400, abs=60)
    assert fake.calls.count(Call.TABLE_PATCH) == 2
