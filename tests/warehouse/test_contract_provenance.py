"""What every engine tells about the rows that a statement reads and writes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import InvalidQuery, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Knowledge, Layout, TableVersions, Write
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving

COLUMNS = (Column("day", "DATE"), Column("x", "INT64"))
MAY_1, MAY_2, MAY_3 = (date(2026, 5, day) for day in (1, 2, 3))


@pytest.fixture(params=["embedded", "bigquery"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "embedded":
        yield EmbeddedEngine(tmp_path, project=PROJECT)
        return
    with serving(FakeBigQuery(tmp_path, datasets=["d"])) as url:
        yield BigQueryEngine(BigQuerySettings(PROJECT, api_endpoint=url, retry_seconds=2.0), attempt="1")


def load(
    engine: Engine, table: str, days: list[date | None], *, write: Write = Write.APPEND,
    layout: Layout = Layout("day"),
) -> None:  # fmt: skip
    rows: list[dict[str, Value]] = [{"day": day, "x": number} for number, day in enumerate(days)]
    engine.load(table, rows, COLUMNS, write=write, labels={}, layout=layout)


def versions(engine: Engine, table: str, *, first: date = MAY_1, last: date = MAY_3) -> TableVersions:
    return engine.versions([table], date_column="day", first=first, last=last)[table]


def test_the_base_tables_of_a_query_are_those_behind_its_views_and_wildcards(engine: Engine) -> None:
    for table in ("d.b", "d.a", "d.events_1", "d.events_2"):
        load(engine, table, [MAY_1])
    engine.create_view("d.v", Sql("SELECT a.x FROM d.a AS a"), labels={})
    engine.create_view("d.w", Sql("SELECT v.x FROM d.v AS v JOIN d.b AS b USING (x)"), labels={})

    sql = "WITH own AS (SELECT x FROM d.w) SELECT o.x FROM own AS o JOIN `d.events_*` AS e USING (x) JOIN d.a USING (x)"

    assert engine.base_tables(Sql(sql)) == ("d.a", "d.b", "d.events_1", "d.events_2")
    assert engine.base_tables(Sql("SELECT 1 AS x")) == ()


def test_the_base_tables_of_a_query_that_cannot_run_are_not_told(engine: Engine) -> None:
    with pytest.raises(NotFound, match=r"d\.missing"):
        engine.base_tables(Sql("SELECT x FROM d.missing"))
    with pytest.raises(InvalidQuery):
        engine.base_tables(Sql("SELECT FROM"))


def test_dates_have_their_rows_within_what_is_asked_and_the_newest_of_all(engine: Engine) -> None:
    load(engine, "d.t", [MAY_1, MAY_1, MAY_3, date(2026, 6, 1), None])

    found = versions(engine, "d.t", last=MAY_2)

    assert found.knowledge is Knowledge.BY_DATE
    assert {day: version.rows for day, version in found.dates.items()} == {MAY_1: 2}
    assert found.dates[MAY_1].bytes > 0
    assert found.newest == date(2026, 6, 1)


def test_only_a_date_that_changed_has_another_version(engine: Engine) -> None:
    load(engine, "d.t", [MAY_1, MAY_2])
    before = versions(engine, "d.t").dates

    load(engine, "d.t", [MAY_2, MAY_3])
    after = versions(engine, "d.t").dates

    assert after[MAY_1] == before[MAY_1]
    assert after[MAY_2] != before[MAY_2]
    assert after[MAY_3].rows == 1


def test_rows_replaced_by_as_many_others_are_another_version(engine: Engine) -> None:
    load(engine, "d.t", [MAY_1, MAY_2])
    before = versions(engine, "d.t").dates

    engine.query_to_table(Sql("SELECT day, x + 1 AS x FROM d.t"), "d.t", write=Write.TRUNCATE, labels={})

    after = versions(engine, "d.t").dates
    assert after[MAY_1].rows == before[MAY_1].rows
    assert after[MAY_1].modified != before[MAY_1].modified


def test_storage_by_date_counts_whatever_column_the_reader_takes_dates_from(engine: Engine) -> None:
    load(engine, "d.t", [MAY_1])

    found = engine.versions(["d.t"], date_column="x", first=MAY_1, last=MAY_1)["d.t"]

    assert list(found.dates) == [MAY_1]


def test_a_table_without_dates_has_no_versions(engine: Engine) -> None:
    engine.load("d.names", [{"x": 1}], [Column("x", "INT64")], write=Write.EMPTY, labels={})
    engine.load("d.windows", [{"day": MAY_1, "x": 1}], COLUMNS, write=Write.EMPTY, labels={}, layout=Layout("x"))

    found = engine.versions(["d.names", "d.windows"], date_column="day", first=MAY_1, last=MAY_3)

    assert {table: version.knowledge for table, version in found.items()} == {
        "d.names": Knowledge.NOT_BY_DATE,
        "d.windows": Knowledge.NOT_BY_DATE,
    }


def test_a_table_without_rows_has_no_newest_date(engine: Engine) -> None:
    load(engine, "d.t", [])

    assert versions(engine, "d.t") == TableVersions("d.t", Knowledge.BY_DATE)


def test_of_a_table_that_is_not_there_nothing_is_known_and_it_says_so(engine: Engine) -> None:
    found = versions(engine, "d.missing")

    assert found.knowledge is Knowledge.UNKNOWN
    assert "d.missing" in found.reason


def test_a_write_tells_its_rows_by_partition(engine: Engine) -> None:
    rows: list[dict[str, Value]] = [{"day": MAY_1}, {"day": MAY_2}, {"day": MAY_2}, {"day": None}]

    loaded = engine.load("d.t", rows, COLUMNS, write=Write.APPEND, labels={}, layout=Layout("day"))
    queried = engine.query_to_table(
        Sql("SELECT 'b' AS batch, day FROM d.t WHERE day = '2026-05-02'"), "d.t", write=Write.APPEND, labels={}
    )
    indexed = engine.query_to_table(
        Sql("SELECT 'b' AS batch, 7 AS x"), "d.i", write=Write.TRUNCATE, labels={}, layout=Layout(partition_by="x")
    )

    assert loaded.written == {"2026-05-01": 1, "2026-05-02": 2, "NULL": 1}
    assert queried.written == {"2026-05-02": 2}
    assert indexed.written == {"7": 1}


def test_a_write_to_a_table_without_partitions_tells_its_rows_and_of_no_rows_nothing(engine: Engine) -> None:
    plain = engine.load("d.plain", [{"x": 1}], COLUMNS, write=Write.APPEND, labels={})
    load(engine, "d.t", [MAY_1])

    empty = engine.query_to_table(Sql("SELECT day FROM d.t LIMIT 0"), "d.t", write=Write.APPEND, labels={})
    read = engine.query(Sql("SELECT day FROM d.t"), labels={})

    assert (plain.written, empty.written, read.job.written) == ({"": 1}, {}, {})


def test_a_table_was_made_when_its_first_rows_came_whatever_was_written_since(engine: Engine) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=1)
    load(engine, "d.t", [MAY_1])
    first = engine.info("d.t")

    load(engine, "d.t", [MAY_1], write=Write.TRUNCATE)
    load(engine, "d.t", [MAY_2])
    engine.set_labels("d.t", {"a": "b"})
    later = engine.info("d.t")

    assert first is not None
    assert later is not None
    assert first.created is not None
    assert first.created == later.created
    assert begun < first.created <= datetime.now(UTC) + timedelta(seconds=1)


def test_a_table_that_was_deleted_and_made_anew_was_made_later(engine: Engine) -> None:
    load(engine, "d.t", [MAY_1])
    first = engine.info("d.t")

    engine.delete("d.t")
    load(engine, "d.t", [MAY_1])
    second = engine.info("d.t")

    assert first is not None
    assert second is not None
    assert first.created is not None
    assert second.created is not None
    assert first.created < second.created
