"""What a platform asks of jobs and tables: slots of a reservation, a key of its own, a filter on partitions."""

from dataclasses import replace
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.upkeep.owned import own_tables
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT as LOCAL
from tests.warehouse.bigquery.whole_run import RemotePipeline, make_telemetry, results, run_as_argo_does, small_plan

X = (Column("x", "INT64"),)
KEY = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
OTHER_KEY = f"{KEY}2"
RESERVATION = "projects/p/locations/US/reservations/experiments"


def keyed(settings: BigQuerySettings, key: str) -> BigQueryEngine:
    return BigQueryEngine(replace(settings, kms_key=key), attempt=f"with-{key[-2:]}")


def key_of(fake: FakeBigQuery, table: str) -> object:
    found = fake.catalog.resource(f"{PROJECT}.{table}").get("encryptionConfiguration")
    return found["kmsKeyName"] if isinstance(found, dict) else None


def test_everything_that_is_written_is_under_the_key_and_so_are_answers(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    fake.limits.requires_key = True
    engine = keyed(settings, KEY)

    engine.load("d.loaded", [{"x": 1}], X, write=Write.APPEND, labels={})
    for write in (Write.APPEND, Write.APPEND, Write.TRUNCATE):
        engine.query_to_table(Sql("SELECT 1 AS x"), "d.made", write=write, labels={})
    engine.query_to_table(
        Sql("SELECT 1 AS x"), "d.brief", write=Write.TRUNCATE, labels={}, layout=Layout(temporary=True)
    )
    with engine.lease("d.lease", exclusive=True, holder="a"):
        engine.query(Sql("SELECT x FROM d.made"), labels={})

    assert {name: key_of(fake, f"d.{name}") for name in ("loaded", "made", "brief")} == dict.fromkeys(
        ("loaded", "made", "brief"), KEY
    )


def test_rows_are_added_under_the_key_that_a_table_has_and_replaced_under_ours(
    fake: FakeBigQuery, settings: BigQuerySettings, engine: BigQueryEngine
) -> None:
    engine.load("d.before", [{"x": 1}], X, write=Write.APPEND, labels={})
    keyed(settings, KEY).load("d.t", [{"x": 1}], X, write=Write.APPEND, labels={})

    later = keyed(settings, OTHER_KEY)
    for name in ("d.before", "d.t"):
        later.query_to_table(Sql("SELECT 2 AS x"), name, write=Write.APPEND, labels={})
    assert (key_of(fake, "d.before"), key_of(fake, "d.t")) == (None, KEY)

    later.query_to_table(Sql("SELECT 3 AS x"), "d.t", write=Write.TRUNCATE, labels={})
    assert key_of(fake, "d.t") == OTHER_KEY


def test_queries_take_the_slots_of_the_reservation(fake: FakeBigQuery, settings: BigQuerySettings) -> None:
    engine = BigQueryEngine(replace(settings, reservation=RESERVATION), attempt="a")

    engine.query(Sql("SELECT 1 AS x"), labels={})
    engine.query_to_table(Sql("SELECT 1 AS x"), "d.t", write=Write.TRUNCATE, labels={})

    assert [job.configuration.get("reservation") for job in fake.jobs.all] == [RESERVATION] * 2


def test_tables_of_ours_are_read_with_a_filter_on_their_partitions_alone(tmp_path: Path) -> None:
    plan = small_plan()
    make_telemetry(tmp_path, plan)
    fake = FakeBigQuery(tmp_path, project=LOCAL, datasets=["results"])

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        assert run_as_argo_does(pipeline) == ()
        tables = own_tables(plan, read_entries(pipeline.engine, plan))
        there = pipeline.engine.infos(list(tables))
        required = {name for name in there if fake.catalog.resource(f"{LOCAL}.{name}").get("requirePartitionFilter")}
        with pytest.raises(InvalidQuery, match="without a filter over column"):
            pipeline.engine.query(Sql(f"SELECT COUNT(*) AS n FROM `{min(required)}`"), labels={})

    assert required == {name for name in there if tables[name].requires_filter}
    assert {name.partition(".")[2].partition("_")[0] for name in required} == {"partials", "values", "published"}
    assert len(results(pipeline)) == 8
