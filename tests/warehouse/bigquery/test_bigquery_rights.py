"""What BigQuery refuses to an account, or for a row's size, and what becomes of it."""

from datetime import date

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import AccessDenied, PartDenied, TooBig
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.datasets import GET_DATA
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery

COLUMNS = (Column("day", "DATE"), Column("x", "INT64"), Column("secret", "STRING"))

USES = (
    "SELECT secret FROM d.t",
    "SELECT COUNT(*) AS n FROM d.t WHERE secret IS NOT NULL",
    "SELECT t.x FROM d.t AS t ORDER BY t.secret",
    "SELECT * FROM d.t",
    "WITH own AS (SELECT * FROM d.t) SELECT MAX(secret) AS m FROM own",
    "SELECT s FROM d.v",
)
DOES_WITHOUT = (
    "SELECT x FROM d.t",
    "SELECT COUNT(*) AS n FROM d.t",
    "SELECT * EXCEPT (secret) FROM d.t",
    "WITH own AS (SELECT * FROM d.t) SELECT MAX(x) AS m FROM own",
    "SELECT 'secret' AS secret",
    "SELECT secret FROM d.other",
)


@pytest.fixture(autouse=True)
def tagged(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    for name in ("d.t", "d.other"):
        row = {"day": date(2026, 5, 4), "x": 1, "secret": "s"}
        engine.load(name, [row], COLUMNS, write=Write.TRUNCATE, labels={})
    engine.create_view("d.v", Sql("SELECT x, secret AS s FROM d.t"), labels={})
    fake.catalog.policies.tag(f"{PROJECT}.d.t", "secret")


@pytest.mark.parametrize("sql", USES)
def test_a_statement_that_uses_a_tagged_column_is_refused_as_a_part_that_may_not_be_read(
    engine: BigQueryEngine, sql: str
) -> None:
    for ask in (engine.dry_run, engine.base_tables, lambda text: engine.query(text, labels={})):
        with pytest.raises(PartDenied, match=r"policy tag .* on column .*d\.t\.secret"):
            ask(Sql(sql))


@pytest.mark.parametrize("sql", DOES_WITHOUT)
def test_a_statement_that_does_without_it_is_not(engine: BigQueryEngine, sql: str) -> None:
    engine.dry_run(Sql(sql))

    assert engine.query(Sql(sql), labels={}).job.rows == 1


def test_a_table_that_may_not_be_read_is_refused_as_a_whole(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.catalog.datasets[f"{PROJECT}.d"].denied.add(GET_DATA)

    with pytest.raises(AccessDenied) as caught:
        engine.query(Sql("SELECT x FROM d.t"), labels={})

    assert not isinstance(caught.value, PartDenied)


def test_a_sort_that_one_worker_cannot_bear_is_too_big_and_one_in_parts_is_not(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    fake.limits.largest_sort = 2
    values = "FROM UNNEST([1, 2, 3, 4]) AS x"

    with pytest.raises(TooBig):
        engine.query(Sql(f"SELECT SUM(x) OVER (ORDER BY x) AS s {values}"), labels={})
    parts = engine.query(Sql(f"SELECT SUM(x) OVER (PARTITION BY x > 2 ORDER BY x) AS s {values}"), labels={})

    assert sorted(row[0] for row in parts.rows) == [1, 3, 3, 7]


def test_a_row_that_is_too_large_is_too_big(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.limits.largest_row = 1_000
    gathered = "SELECT ARRAY_AGG(i) AS many FROM UNNEST(GENERATE_ARRAY(1, {last})) AS i"

    assert engine.query(Sql(gathered.format(last=10)), labels={}).job.rows == 1
    with pytest.raises(TooBig):
        engine.query(Sql(gathered.format(last=1000)), labels={})
    with pytest.raises(TooBig):
        engine.query_to_table(Sql(gathered.format(last=1000)), "d.many", write=Write.TRUNCATE, labels={})


def test_tables_that_may_give_a_part_and_no_error_are_named(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.catalog.policies.row_policies.add(f"{PROJECT}.d.other")

    assert engine.guards(["d.t", "d.other", "d.missing"], ["x"]) == (
        "d.other has row access policies (own_rows): an account is given its own rows alone",
    )
    (sentence,) = engine.guards(["d.t"], ["x", "Secret"])
    assert sentence.startswith("d.t: secret bear policy tags")
