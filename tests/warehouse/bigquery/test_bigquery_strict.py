"""What the server of the tests refuses as the service does, and what becomes of it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.bigquery import Client, LoadJobConfig, QueryJobConfig

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery, NotFound, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.client import client_for
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.faults import Call
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving
from tests.warehouse.bigquery.fake_server.wire import ApiError
from tests.warehouse.bigquery.whole_run import PROJECT as LOCAL
from tests.warehouse.bigquery.whole_run import RemotePipeline, make_telemetry, results, run_as_argo_does, small_plan

X = (Column("x", "INT64"), Column("day", "DATE"))
DAY = date(2026, 5, 4)


@pytest.fixture
def client(settings: BigQuerySettings) -> Client:
    """Google's client, without what we do for it."""
    return client_for(settings)


@pytest.mark.parametrize(
    "labels",
    [
        *({"Experiment": "a"}, {"a": "B"}, {"a": "x" * 64}, {"a": "é.è"}, {"2a": "b"}, {"": "b"}),
        {f"a{number}": "" for number in range(65)},
    ],
    ids=lambda labels: str(labels)[:40],
)
def test_a_bad_label_is_refused(client: Client, labels: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match=r"[Ll]abel"):
        client.query("SELECT 1", job_config=QueryJobConfig(labels=labels), retry=None)


def test_whatever_we_label_a_job_with_is_taken(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    engine.query(Sql("SELECT 1 AS x"), labels={"Experiment": "A-B.c d", "2": "x" * 90, "é": "É", "_": ""})

    (job,) = fake.jobs.all
    assert len(str(job.configuration["labels"])) > 0


def test_five_clustering_columns_are_refused(client: Client) -> None:
    config = QueryJobConfig(destination=f"{PROJECT}.d.t", clustering_fields=list("abcde"))

    with pytest.raises(BadRequest, match="at most 4"):
        client.query("SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e", job_config=config, retry=None)


def test_columns_are_not_added_to_a_table_that_is_replaced(client: Client) -> None:
    config = QueryJobConfig(destination=f"{PROJECT}.d.t", write_disposition="WRITE_TRUNCATE")
    config.schema_update_options = ["ALLOW_FIELD_ADDITION"]

    with pytest.raises(BadRequest, match="Schema update options"):
        client.query("SELECT 1 AS a", job_config=config, retry=None)


def test_nan_is_no_json_and_is_loaded_as_text(client: Client, engine: BigQueryEngine) -> None:
    config = LoadJobConfig(schema=[], source_format="NEWLINE_DELIMITED_JSON")
    with pytest.raises(BadRequest, match="JSON"):
        client.load_table_from_json([{"x": float("nan")}], f"{PROJECT}.d.bare", job_config=config).result()

    column = (Column("x", "FLOAT64"),)
    engine.load("d.t", [{"x": float("nan")}, {"x": float("-inf")}], column, write=Write.TRUNCATE, labels={})

    answer = engine.query(Sql("SELECT COUNTIF(IS_NAN(x)) AS n, COUNTIF(IS_INF(x)) AS i FROM d.t"), labels={})
    assert answer.rows == ((1, 1),)


def test_a_job_elsewhere_than_the_dataset_finds_nothing(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    engine.load("d.t", [{"x": 1}], X, write=Write.TRUNCATE, labels={})
    fake.catalog.datasets[f"{PROJECT}.d"].location = "EU"

    with pytest.raises(NotFound, match="location"):
        engine.query(Sql("SELECT x FROM d.t"), labels={})
    with pytest.raises(NotFound, match="location"):
        engine.query_to_table(Sql("SELECT 1 AS x"), "d.other", write=Write.TRUNCATE, labels={})


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.query_to_table(Sql("SELECT 1 AS x"), "nowhere.t", write=Write.TRUNCATE, labels={}),
        lambda engine: engine.load("nowhere.t", [{"x": 1}], X, write=Write.APPEND, labels={}),
        lambda engine: engine.query(Sql("SELECT x FROM nowhere.t"), labels={}),
        lambda engine: engine.dry_run(Sql("SELECT x FROM nowhere.t")),
        lambda engine: engine.create_view("nowhere.v", Sql("SELECT 1 AS x"), labels={}),
        lambda engine: engine.tables("nowhere"),
    ],
    ids=["a query to it", "a load", "a query", "a dry run", "a view", "a list"],
)
def test_a_dataset_that_does_not_exist_is_named_and_is_not_made(
    fake: FakeBigQuery, engine: BigQueryEngine, ask: Callable[[BigQueryEngine], object]
) -> None:
    with pytest.raises(NotFound, match=r"Dataset fake-project[.:]nowhere"):
        ask(engine)

    assert f"{PROJECT}.nowhere" not in fake.catalog.datasets


def test_a_table_that_is_written_to_too_often_is_written_to_a_moment_later(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    for number in range(12):
        engine.load("d.t", [{"x": number}], X, write=Write.APPEND, labels={})

    assert fake.jobs.writes.refused > 0
    assert engine.query(Sql("SELECT COUNT(*) AS n FROM d.t"), labels={}).rows == ((12,),)


def test_a_write_that_stays_too_many_is_named_for_what_it_is(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.clock.stands_still = True
    for number in range(5):
        engine.load("d.t", [{"x": number}], X, write=Write.APPEND, labels={})

    with pytest.raises(Transient, match="too many table update operations"):
        engine.load("d.t", [{"x": 5}], X, write=Write.APPEND, labels={})


def test_a_partitioned_table_takes_ten_times_as_many_writes(fake: FakeBigQuery) -> None:
    by_day = {"timePartitioning": {"type": "DAY"}}
    for _ in range(50):
        fake.jobs.writes.count("d.t", by_day)

    with pytest.raises(ApiError, match="too many table update operations"):
        fake.jobs.writes.count("d.t", by_day)


def test_changes_of_labels_count_among_the_writes_to_a_table(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.clock.stands_still = True
    engine.load("d.t", [{"x": 1}], X, write=Write.APPEND, labels={}, layout=Layout(description="once described"))
    for number in range(3):
        engine.set_labels("d.t", {"number": str(number)})

    with pytest.raises(Exception, match="too many table update operations"):
        engine.set_labels("d.t", {"number": "3"})


def test_a_page_ends_where_the_service_ends_it_and_all_rows_come(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.limits.largest_page = 200

    result = engine.query(Sql("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 40)) AS x"), labels={})

    assert len(result.rows) == 40
    assert fake.calls.count(Call.RESULTS) > 3


@pytest.fixture
def required(fake: FakeBigQuery, engine: BigQueryEngine) -> FakeBigQuery:
    """A table that wants a filter on its days, and a view of it."""
    engine.load("d.t", [{"x": 1, "day": DAY}], X, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by="day"))
    by_day = {"type": "DAY", "field": "day"}
    fake.catalog.store(f"{PROJECT}.d.t", {"timePartitioning": by_day, "requirePartitionFilter": True})
    engine.create_view("d.v", Sql("SELECT t.* FROM d.t AS t"), labels={})
    return fake


@pytest.mark.parametrize(
    ("sql", "accepted"),
    [
        ("SELECT x FROM d.t", False),
        ("SELECT x FROM d.t WHERE x > 0", False),
        ("SELECT x FROM d.t WHERE EXTRACT(YEAR FROM day) = 2026", False),
        ("SELECT x FROM d.v", False),
        ("SELECT x FROM d.t WHERE day >= '2026-05-01' OR x > 0", False),
        ("SELECT t.x FROM d.t AS t JOIN UNNEST([DATE '2026-05-04']) AS o ON o = t.day WHERE o >= '2026-05-01'", False),
        (
            "SELECT t.x FROM d.t AS t JOIN (SELECT 1 AS x, 2 AS day) AS o USING (x) WHERE o.day = 2",
            False,
        ),
        ("SELECT r.x FROM (SELECT x, day AS at FROM d.t) AS r WHERE r.at = '2026-05-04'", True),
        ("SELECT r.x FROM (SELECT x, DATE '2026-05-04' AS day FROM d.t) AS r WHERE r.day = '2026-05-04'", False),
        ("SELECT x FROM d.t WHERE DATE(day) = '2026-05-04'", True),
        ("WITH all_rows AS (SELECT * FROM d.t) SELECT a.x FROM all_rows AS a", False),
        ("WITH all_rows AS (SELECT * FROM d.t) SELECT a.x FROM all_rows AS a WHERE a.day > '2026-05-01'", True),
        ("SELECT x FROM d.t WHERE day >= '2026-05-01' OR day IS NULL", True),
        ("SELECT x FROM d.t WHERE day >= '2026-05-01'", True),
        ("SELECT x FROM d.v AS v WHERE v.day BETWEEN '2026-05-01' AND '2026-05-09'", True),
        ("SELECT x FROM (SELECT * FROM d.t) WHERE day = '2026-05-04'", True),
    ],
)
def test_a_table_may_require_a_filter_on_its_partitions(
    required: FakeBigQuery, engine: BigQueryEngine, sql: str, accepted: bool
) -> None:
    if accepted:
        assert engine.query(Sql(sql), labels={}).rows == ((1,),)
    else:
        for ask in (engine.dry_run, lambda text: engine.query(text, labels={})):
            with pytest.raises(InvalidQuery, match="without a filter over column"):
                ask(Sql(sql))


def test_an_analysis_reads_telemetry_that_requires_a_filter(tmp_path: Path) -> None:
    plan = small_plan()
    make_telemetry(tmp_path, plan)
    fake = FakeBigQuery(tmp_path, project=LOCAL, datasets=["results"])
    for name in ("activity", "search"):
        by_day = {"type": "DAY", "field": "submission_date"}
        fake.catalog.store(f"{LOCAL}.telemetry.{name}", {"timePartitioning": by_day, "requirePartitionFilter": True})

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        assert run_as_argo_does(pipeline) == ()

    assert len(results(pipeline)) == 8
