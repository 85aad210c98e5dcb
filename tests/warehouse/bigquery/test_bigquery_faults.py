"""What happens when BigQuery, or the way to it, fails: at every call that a task makes, in every way that is known."""

from dataclasses import replace

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY, Conflict, EngineError, TooBig, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.cases import ALWAYS, CASES, JOB_CASES, Case, Outcome
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery

ROWS = ({"x": 1}, {"x": 2})
RESULT: list[tuple[Value, ...]] = [(10,), (20,)]


CALLS = (Call.UPLOAD, Call.SUBMIT, Call.POLL, Call.RESULTS, Call.TABLE_GET, Call.TABLE_DELETE)


@pytest.fixture
def settings(settings: BigQuerySettings) -> BigQuerySettings:
    return replace(settings, retry_seconds=0.15, cancel_seconds=0.1)


@pytest.fixture
def patient(settings: BigQuerySettings) -> BigQueryEngine:
    """An engine that tries again for long enough on a busy machine; others give up soon what fails for good."""
    return BigQueryEngine(replace(settings, retry_seconds=10.0), attempt="attempt-1", job_id_prefix="plan-node")


def task(engine: BigQueryEngine, *, write: Write) -> list[tuple[Value, ...]]:
    """Do once what nodes do: load, query into a table, query."""
    engine.load("d.source", ROWS, [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    engine.query_to_table(Sql("SELECT x * 10 AS x FROM d.source"), "d.result", write=write, labels={})
    (count,) = engine.query(Sql("SELECT COUNT(*) FROM d.result"), labels={}).rows
    rows = engine.query(Sql("SELECT x FROM d.result"), labels={}).rows
    engine.delete("d.source")
    assert count == (len(rows),)
    return sorted(rows, key=repr)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_failed_call_is_retried_in_place_or_ends_the_task_and_rows_are_there_once(
    fake: FakeBigQuery,
    engine: BigQueryEngine,
    patient: BigQueryEngine,
    settings: BigQuerySettings,
    call: Call,
    case: Case,
) -> None:
    fake.faults.order(case.at(call))

    if case.outcome is Outcome.RETRIED:
        assert task(patient, write=Write.APPEND) == RESULT
        return
    with pytest.raises(EngineError) as caught:
        task(engine, write=Write.TRUNCATE)
    assert caught.value.exit_code == (EXIT_RETRY if case.outcome is Outcome.LATER else EXIT_DEFINITION)

    fake.faults.clear()
    assert task(BigQueryEngine(settings, attempt="attempt-2"), write=Write.TRUNCATE) == RESULT


@pytest.mark.parametrize("call", [Call.SUBMIT, Call.UPLOAD])
@pytest.mark.parametrize("case", JOB_CASES, ids=lambda case: case.name)
def test_a_failed_job_is_run_anew_or_ends_the_task_and_rows_are_there_once(
    fake: FakeBigQuery,
    engine: BigQueryEngine,
    patient: BigQueryEngine,
    settings: BigQuerySettings,
    case: Case,
    call: Call,
) -> None:
    fake.faults.order(case.at(call))

    if case.outcome is Outcome.RETRIED:
        assert task(patient, write=Write.APPEND) == RESULT
        assert any(job_id.endswith("-r1") for job_id in fake.jobs.executed)
        return
    with pytest.raises(EngineError) as caught:
        task(engine, write=Write.APPEND)
    assert caught.value.exit_code == (EXIT_RETRY if case.outcome is Outcome.LATER else EXIT_DEFINITION)

    assert task(BigQueryEngine(settings, attempt="attempt-2"), write=Write.APPEND) == RESULT


def test_a_job_that_always_fails_for_a_passing_reason_ends_in_exit_75(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, times=ALWAYS, job_reason="backendError"))

    with pytest.raises(Transient, match="time for trying again was over"):
        engine.query(Sql("SELECT 1"), labels={})

    assert fake.jobs.executed == []


@pytest.mark.parametrize("call", [Call.SUBMIT, Call.UPLOAD])
def test_a_lost_answer_does_not_run_a_job_twice(fake: FakeBigQuery, patient: BigQueryEngine, call: Call) -> None:
    fake.faults.order(Fault(call, times=2, reset=True, executed=True))
    fake.faults.order(Fault(Call.POLL, status=404, reason="notFound", message="Not found: Job"))  # jobs.get lags

    task(patient, write=Write.APPEND)

    assert len(fake.jobs.executed) == len(set(fake.jobs.executed)) == 4


def test_a_query_that_is_asked_twice_runs_twice(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    for _ in range(2):
        engine.query(Sql("SELECT 1"), labels={})

    assert len(fake.jobs.executed) == 2


def test_a_page_that_fails_is_asked_for_again(fake: FakeBigQuery, patient: BigQueryEngine) -> None:
    fake.page_rows = 10
    fake.faults.order(Fault(Call.RESULTS, skip=1, status=503, reason="backendError"))
    fake.faults.order(Fault(Call.RESULTS, skip=2, reset=True, executed=True))

    result = patient.query(Sql("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25)) AS x ORDER BY x"), labels={})

    assert result.table.column("x").to_pylist() == list(range(1, 26))
    assert [batch.num_rows for batch in result.table.to_batches()] == [10, 10, 5]


def test_rows_are_taken_as_many_at_a_time_as_there_is_room_for(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    sql = Sql("SELECT x, GENERATE_ARRAY(1, x) AS many FROM UNNEST(GENERATE_ARRAY(1, 7)) AS x ORDER BY x")

    result = engine.query(sql, labels={}, page_rows=3)

    assert [batch.num_rows for batch in result.table.to_batches()] == [3, 3, 1]
    assert result.rows == tuple((x, list(range(1, x + 1))) for x in range(1, 8))
    assert fake.calls.count(Call.RESULTS) == 3


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_view_and_labels_survive_failing_calls(fake: FakeBigQuery, engine: BigQueryEngine, case: Case) -> None:
    engine.load("d.t", ROWS, [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    for call in (Call.TABLE_INSERT, Call.TABLE_PATCH, Call.TABLE_LIST):
        fake.faults.order(case.at(call))

    def change() -> None:
        engine.create_view("d.v", Sql("SELECT x FROM d.t"), labels={})
        engine.create_view("d.v", Sql("SELECT x + 1 AS x FROM d.t"), labels={"a": "b"})
        engine.set_labels("d.t", {"last_updated": "1"})
        assert [info.name for info in engine.tables("d")] == ["d.t", "d.v"]

    if case.outcome is not Outcome.RETRIED:
        with pytest.raises(EngineError):
            change()
        fake.faults.clear()
    change()

    view, table = engine.info("d.v"), engine.info("d.t")
    assert view is not None
    assert table is not None
    assert (view.view_sql, dict(table.labels)) == ("SELECT x + 1 AS x FROM d.t", {"last_updated": "1"})


def test_labels_are_read_again_when_another_process_changed_the_table(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    engine.load("d.t", ROWS, [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    conflict = Fault(Call.TABLE_PATCH, status=412, reason="conditionNotMet")
    fake.faults.order(conflict)

    engine.set_labels("d.t", {"a": "b"})

    info = engine.info("d.t")
    assert info is not None
    assert dict(info.labels) == {"a": "b"}
    fake.faults.order(replace(conflict, times=ALWAYS))
    with pytest.raises(Conflict):
        engine.set_labels("d.t", {"a": "c"})


def test_a_job_that_does_not_end_is_cancelled_and_said_to_be_too_big(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, never_ends=True))
    engine = BigQueryEngine(replace(settings, timeout_seconds=0.1), attempt="1")

    with pytest.raises(TooBig, match="not done after"):
        engine.query(Sql("SELECT 1"), labels={})

    assert [str((job.error or {})["reason"]) for job in fake.jobs.all] == ["stopped"]


def test_a_job_that_does_not_begin_is_cancelled_and_may_be_tried_again(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, never_begins=True))
    engine = BigQueryEngine(replace(settings, timeout_seconds=0.1), attempt="1")

    with pytest.raises(Transient, match="waited"):
        engine.query(Sql("SELECT 1"), labels={})

    assert [str((job.error or {})["reason"]) for job in fake.jobs.all] == ["stopped"]


def test_a_job_is_cancelled_when_its_end_cannot_be_seen(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.faults.order(Fault(Call.SUBMIT, never_ends=True))
    fake.faults.order(Fault(Call.POLL, times=ALWAYS, status=503, reason="backendError"))

    with pytest.raises(Transient):
        engine.query(Sql("SELECT 1"), labels={})

    assert [str((job.error or {})["reason"]) for job in fake.jobs.all] == ["stopped"]


def test_a_query_over_the_warehouses_size_is_too_big_and_a_smaller_one_is_not(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.limits.longest_query = 30

    with pytest.raises(TooBig, match="fewer metrics"):
        engine.query(Sql("SELECT " + ", ".join(f"{x} AS x{x}" for x in range(9))), labels={})

    assert engine.query(Sql("SELECT 1 AS x"), labels={}).rows == ((1,),)


def test_a_message_names_the_job_and_the_place_in_the_sql(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.faults.order(Fault(Call.SUBMIT, job_reason="invalidQuery", message="Unrecognized name: nope at [2:3]"))

    with pytest.raises(EngineError) as caught:
        engine.query(Sql("SELECT\n  nope"), labels={})

    (job,) = fake.jobs.all
    assert str(caught.value) == (
        f"job {job.id}: Unrecognized name: nope at [2:3] (invalidQuery)\n  1 | SELECT\n  2 |   nope\n    |   ^"
    )
