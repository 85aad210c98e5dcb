"""Which partitions a query's rows went to, though BigQuery does not say it of a job."""

from datetime import timedelta

import pytest

from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery

BY_DAY, BY_INDEX = Layout(partition_by="day"), Layout(partition_by="i")


def days(batch: str, *days: int) -> Sql:
    """A query for a row on each day of May, and one without."""
    dates = ", ".join(f"DATE '2026-05-{day:02}'" for day in days)
    rows = f"SELECT {batch} AS batch, day FROM UNNEST([{dates}]) AS day"
    return Sql(f"{rows} UNION ALL SELECT {batch} AS batch, CAST(NULL AS DATE) AS day")


@pytest.mark.parametrize(("first", "second"), [("'a-1'", "'b\\'2'"), ("-12", "34")])
def test_rows_that_are_appended_are_counted_by_their_batch(
    fake: FakeBigQuery, engine: BigQueryEngine, first: str, second: str
) -> None:
    made = engine.query_to_table(days(first, 4, 4, 5), "d.t", write=Write.APPEND, labels={}, layout=BY_DAY)
    fake.clock.advance(timedelta(hours=1))
    more = engine.query_to_table(days(second, 5, 6, 6), "d.t", write=Write.APPEND, labels={}, layout=BY_DAY)

    assert made.written == {"2026-05-04": 2, "2026-05-05": 1, "NULL": 1}
    assert more.written == {"2026-05-05": 1, "2026-05-06": 2, "NULL": 1}


def test_rows_by_window_are_counted_and_only_where_something_changed(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    for batch, first in (("a", 1), ("b", 2)):
        job = engine.query_to_table(
            Sql(f"SELECT '{batch}' AS batch, i FROM UNNEST([{first}, {first + 1}]) AS i"),
            "d.t",
            write=Write.APPEND,
            labels={},
            layout=BY_INDEX,
        )
        assert job.written == {str(first): 1, str(first + 1): 1}
        fake.clock.advance(timedelta(hours=1))

    (counted,) = (text for text in queries(fake) if "rows_written" in text and "'b'" in text)
    assert "IN (2, 3)" in counted


def queries(fake: FakeBigQuery) -> list[str]:
    return [str(job.configuration["query"]["query"]) for job in fake.jobs.all if job.is_query]


def test_a_table_that_is_written_anew_is_counted_by_its_metadata_alone(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    job = engine.query_to_table(
        Sql("SELECT CAST(i AS STRING) AS batch, i FROM UNNEST([1, 2, 2]) AS i"),
        "d.t",
        write=Write.TRUNCATE,
        labels={},
        layout=BY_INDEX,
    )

    assert job.written == {"1": 1, "2": 2}
    assert not any("rows_written" in text for text in queries(fake))


def test_rows_in_a_single_partition_need_no_counting(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    for _ in range(2):
        sql = Sql("SELECT 'a' AS batch, i FROM UNNEST([1, 1]) AS i")
        job = engine.query_to_table(sql, "d.t", write=Write.APPEND, labels={}, layout=BY_INDEX)

    assert job.written == {"1": 2}
    assert not any("rows_written" in text for text in queries(fake))


def test_rows_without_a_batch_that_went_to_several_partitions_are_told_as_a_whole(engine: BigQueryEngine) -> None:
    for number, batch in enumerate(("", "CAST(i AS STRING) AS batch, ")):
        for _ in range(2):
            sql = Sql(f"SELECT {batch}i FROM UNNEST([1, 2]) AS i")
            job = engine.query_to_table(sql, f"d.t{number}", write=Write.APPEND, labels={}, layout=BY_INDEX)

        assert job.written == {"": 2}


def test_a_write_succeeds_though_its_rows_cannot_be_counted(
    fake: FakeBigQuery, engine: BigQueryEngine, caplog: pytest.LogCaptureFixture
) -> None:
    fake.catalog.datasets[f"{PROJECT}.d"].denied.add("bigquery.tables.list")

    job = engine.query_to_table(days("'a'", 4), "d.t", write=Write.APPEND, labels={}, layout=BY_DAY)

    assert job.written == {"": 2}
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "not counted by partition"
    ]


def test_a_write_succeeds_though_its_table_cannot_be_looked_at_any_more(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.faults.order(Fault(Call.TABLE_GET, skip=1, times=1000, status=503, reason="backendError"))

    job = engine.query_to_table(days("'a'", 4), "d.t", write=Write.APPEND, labels={}, layout=BY_DAY)

    assert job.written == {"": 2}


def test_no_more_is_asked_where_no_rows_or_no_partitions_were_written(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, skip=2, times=100, status=403, reason="accessDenied"))

    plain = engine.query_to_table(Sql("SELECT 1 AS i"), "d.plain", write=Write.APPEND, labels={})
    empty = engine.query_to_table(
        Sql("SELECT i FROM UNNEST(CAST([] AS ARRAY<INT64>)) AS i"),
        "d.t",
        write=Write.APPEND,
        labels={},
        layout=BY_INDEX,
    )

    assert (plain.written, empty.written) == ({"": 1}, {})
