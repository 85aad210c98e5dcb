"""What becomes of our tables in a dataset whose tables or partitions expire by default."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery

COLUMNS = (Column("day", "DATE"), Column("x", "INT64"))
LONG_AGO = date(2020, 5, 4)
WEEK = timedelta(days=7)


@pytest.fixture(params=["tables", "partitions", "both"])
def defaults(request: pytest.FixtureRequest, fake: FakeBigQuery) -> None:
    dataset = fake.catalog.datasets[f"{PROJECT}.d"]
    if request.param != "partitions":
        dataset.table_expiration = WEEK
    if request.param != "tables":
        dataset.partition_expiration = WEEK


def count(engine: BigQueryEngine, table: str) -> object:
    ((found,),) = engine.query(Sql(f"SELECT COUNT(*) FROM {table}"), labels={}).rows
    return found


def write(engine: BigQueryEngine, table: str, *, how: Write = Write.APPEND, layout: Layout = Layout("day")) -> None:
    """Write a row of long ago by a load, and another by a query."""
    engine.load(table, [{"day": LONG_AGO, "x": 1}], COLUMNS, write=how, labels={}, layout=layout)
    engine.query_to_table(
        Sql(f"SELECT DATE '{LONG_AGO}' AS day, 2 AS x"), table, write=Write.APPEND, labels={}, layout=layout
    )


@pytest.mark.usefixtures("defaults")
@pytest.mark.parametrize("layout", [Layout("day"), Layout("x"), Layout(), Layout("day", labels={"a": "b"})])
def test_neither_our_tables_nor_their_partitions_expire(
    fake: FakeBigQuery, engine: BigQueryEngine, layout: Layout
) -> None:
    write(engine, "d.t", layout=layout)
    engine.query_to_table(
        Sql(f"SELECT DATE '{LONG_AGO}' AS day, 2 AS x"), "d.u", write=Write.TRUNCATE, labels={}, layout=layout
    )
    engine.create_view("d.v", Sql("SELECT * FROM d.t"), labels={})
    fake.clock.advance(timedelta(days=400))

    assert (count(engine, "d.t"), count(engine, "d.u"), count(engine, "d.v")) == (2, 1, 2)


@pytest.mark.parametrize("how", [Write.APPEND, Write.TRUNCATE])
def test_a_table_of_ours_that_expires_is_repaired_when_it_is_written(
    fake: FakeBigQuery, engine: BigQueryEngine, how: Write
) -> None:
    write(engine, "d.t")
    name = f"{PROJECT}.d.t"
    last = str(int((fake.clock.now() + WEEK).timestamp() * 1000))
    fake.catalog.patch(
        name, {"expirationTime": last, "timePartitioning": {"expirationMs": "1" + "0" * 12}}, if_match=None
    )

    engine.load("d.t", [{"day": LONG_AGO, "x": 1}], COLUMNS, write=how, labels={})
    fake.clock.advance(timedelta(days=20_000))

    resource = fake.catalog.resource(name)
    assert "expirationTime" not in resource
    assert resource["timePartitioning"] == {"type": "DAY", "field": "day"}
    assert count(engine, "d.t") == (3 if how is Write.APPEND else 1)


def test_a_view_of_ours_that_expires_is_repaired_when_it_is_made_again(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    write(engine, "d.t")
    engine.create_view("d.v", Sql("SELECT x FROM d.t"), labels={})
    last = str(int((fake.clock.now() + WEEK).timestamp() * 1000))
    fake.catalog.patch(f"{PROJECT}.d.v", {"expirationTime": last}, if_match=None)

    engine.create_view("d.v", Sql("SELECT x FROM d.t"), labels={})
    fake.clock.advance(2 * WEEK)

    assert count(engine, "d.v") == 2


@pytest.mark.usefixtures("defaults")
def test_an_account_that_may_not_look_at_the_dataset_writes_tables_that_stay(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.faults.order(Fault(Call.DATASET, times=100, status=403, reason="accessDenied"))

    write(engine, "d.t")
    fake.clock.advance(timedelta(days=400))

    assert count(engine, "d.t") == 2


def test_a_dataset_is_asked_for_its_settings_once(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    for name in ("d.a", "d.b"):
        write(engine, name)

    assert fake.calls.count(Call.DATASET) == 1


@pytest.mark.usefixtures("defaults")
def test_the_fakes_own_defaults_take_effect(fake: FakeBigQuery) -> None:
    body = {
        "schema": {"fields": [{"name": "day", "type": "DATE"}]},
        "timePartitioning": {"type": "DAY", "field": "day"},
    }
    name = f"{PROJECT}.d.others"
    fake.catalog.insert(name, body)
    days = [fake.clock.now().date() - timedelta(days=back) for back in (1, 8)]
    fake.catalog.engine.load(name, [{"day": day} for day in days], COLUMNS[:1], write=Write.APPEND, labels={})
    fake.catalog.expire()

    parts = fake.catalog.datasets[f"{PROJECT}.d"].partition_expiration is not None
    assert sum(part.rows for part in fake.catalog.partitions(name)) == (1 if parts else 2)

    fake.clock.advance(WEEK)
    fake.catalog.expire()
    assert (fake.catalog.engine.info(name) is None) is not parts


def test_a_temporary_table_ends_within_a_day_whatever_becomes_of_its_writer(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, job_reason="invalidQuery"))

    with pytest.raises(EngineError):
        engine.query_to_table(
            Sql("SELECT 1 AS x"), "d.scratch", write=Write.TRUNCATE, labels={}, layout=Layout(temporary=True)
        )

    left = engine._tables.get("d.scratch").expires
    assert left is not None
    assert timedelta(hours=23) < left - datetime.now(UTC) <= timedelta(days=1)
