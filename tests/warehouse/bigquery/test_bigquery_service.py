"""What only the real service can show. Needs credentials, and a project in which the dataset `js_scratch` is ours.

JETSTREAM_BIGQUERY_PROJECT=my-project pytest -m bigquery

With JETSTREAM_BIGQUERY_ENDPOINT=http://… they run against the fake, which shows that they themselves work; three of
them want a function, a message and a statement that it does not have.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.bigquery import QueryJobConfig

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, CostExceeded, InvalidQuery, NotFound, TooBig
from jetstream_argo.report.spending import of_jobs
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.upkeep.counting import UnitRows, survey
from jetstream_argo.upkeep.gone import loaded
from jetstream_argo.upkeep.owned import unit_tables
from jetstream_argo.warehouse.bigquery.client import client_for
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.restrictions import ROWS
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Knowledge, Layout, TableVersions, Write
from tests.warehouse.bigquery.whole_run import make_telemetry, run_as_argo_does, small_plan, views
from tests.worlds.pipeline import Pipeline

PROJECT = os.environ.get("JETSTREAM_BIGQUERY_PROJECT", "")
ENDPOINT = os.environ.get("JETSTREAM_BIGQUERY_ENDPOINT")
DATASET = "js_scratch"
X = (Column("x", "INT64"),)
DAY = date(2026, 5, 4)

pytestmark = [
    pytest.mark.bigquery,
    pytest.mark.skipif(not PROJECT, reason="JETSTREAM_BIGQUERY_PROJECT names no project"),
]


@pytest.fixture
def settings() -> BigQuerySettings:
    return BigQuerySettings(PROJECT, timeout_seconds=300.0, api_endpoint=ENDPOINT)


@pytest.fixture
def engine(settings: BigQuerySettings) -> BigQueryEngine:
    return BigQueryEngine(settings, attempt=uuid4().hex, job_id_prefix="test")


@pytest.fixture(autouse=True)
def dataset(settings: BigQuerySettings) -> None:
    client_for(settings).create_dataset(DATASET, exists_ok=True)


@pytest.fixture
def table(engine: BigQueryEngine) -> Iterator[str]:
    name = f"{DATASET}.t_{uuid4().hex}"
    yield name
    engine.delete(name)


@dataclass
class ServicePipeline(Pipeline):
    """A pipeline each of whose nodes is a new client of the service."""

    settings: BigQuerySettings = field(kw_only=True)

    @property
    def engine(self) -> Engine:  # type: ignore[override]  # any engine will do
        return BigQueryEngine(self.settings, attempt=uuid4().hex)


def test_a_whole_analysis_gives_what_it_gives_on_this_machine(settings: BigQuerySettings, tmp_path: Path) -> None:
    naming = uuid4().hex[:8]
    plan = small_plan(f"test-{naming}", telemetry=f"{DATASET}.telemetry_{naming}_", dataset=DATASET)
    make_telemetry(tmp_path, plan)
    here, there = Pipeline(tmp_path, plan), ServicePipeline(tmp_path, plan, settings=settings)
    try:
        for made in here.engine.tables(DATASET):
            rows = here.engine.query(Sql(f"SELECT * FROM {made.name}"), labels={})
            there.engine.load(made.name, list(rows.dicts()), rows.columns, write=Write.TRUNCATE, labels={})
        assert run_as_argo_does(here) == run_as_argo_does(there) == ()
        expected, found = (dict(views(world.engine, DATASET, naming=naming)) for world in (here, there))
    finally:
        for left in there.engine.tables(DATASET):
            if naming in left.name:
                there.engine.delete(left.name)

    assert len(expected) == 8
    assert found.keys() == expected.keys()
    for name, rows_here in expected.items():
        # Floats are summed in another order.
        wanted, other = (sorted(map(_rounded, rows.elements()), key=repr) for rows in (rows_here, found[name]))
        assert wanted == other


def _rounded(row: tuple[Value, ...]) -> tuple[Value, ...]:
    return tuple(float(f"{value:.9g}") if isinstance(value, float) else value for value in row)


def test_rows_are_loaded_appended_and_read(engine: BigQueryEngine, table: str) -> None:
    layout = Layout(partition_by="day", cluster_by=("x",), description="A test.", labels={"kind": "test"})
    day = Sql("SELECT DATE '2026-05-04' AS day, 1 AS x")
    for write in (Write.TRUNCATE, Write.APPEND, Write.TRUNCATE):
        engine.query_to_table(day, table, write=write, labels={"node": "test"}, layout=layout)
    # A column more and a column less at once.
    engine.query_to_table(Sql("SELECT DATE '2026-05-05' AS day, 0.5 AS y"), table, write=Write.APPEND, labels={})
    engine.load(table, [{"x": 3}], X, write=Write.APPEND, labels={})

    rows = list(engine.query(Sql(f"SELECT x, y FROM {table}"), labels={}).dicts())
    info = engine.info(table)

    assert sorted(rows, key=str) == [{"x": 1, "y": None}, {"x": 3, "y": None}, {"x": None, "y": 0.5}]
    assert info is not None
    assert (info.description, dict(info.labels)) == ("A test.", {"kind": "test"})


def test_no_rows_can_be_loaded(engine: BigQueryEngine, table: str) -> None:
    engine.load(table, [], X, write=Write.TRUNCATE, labels={})

    info = engine.info(table)
    assert info is not None
    assert info.columns == X


def test_a_table_is_partitioned_by_an_integer_and_keeps_that(engine: BigQueryEngine, table: str) -> None:
    for write in (Write.APPEND, Write.APPEND, Write.TRUNCATE):
        engine.load(table, [{"x": 1}], X, write=write, labels={}, layout=Layout(partition_by="x"))

    assert engine.query(Sql(f"SELECT COUNT(*) FROM {table}"), labels={}).rows == ((1,),)


def test_a_view_may_name_tables_without_their_project(engine: BigQueryEngine, table: str) -> None:
    engine.load(table, [{"x": 1}], X, write=Write.TRUNCATE, labels={})
    view = f"{table}_view"
    try:
        for sql in (f"SELECT x FROM {table}", f"SELECT x + 1 AS x FROM {table}"):
            engine.create_view(view, Sql(sql), labels={"kind": "view"})
        assert engine.query(Sql(f"SELECT * FROM {view}"), labels={}).rows == ((2,),)
    finally:
        engine.delete(view)


def test_a_job_of_the_same_name_is_not_run_again(settings: BigQuerySettings) -> None:
    attempt = uuid4().hex
    draw = Sql("SELECT GENERATE_UUID()")

    first, second = (BigQueryEngine(settings, attempt=attempt).query(draw, labels={}) for _ in range(2))

    assert first.rows == second.rows


def test_views_and_wildcards_are_told_by_what_is_behind_them(engine: BigQueryEngine, table: str) -> None:
    shards = [f"{table}_20260504", f"{table}_20260505"]
    view = f"{table}_view"
    try:
        for name in (table, *shards):
            engine.load(name, [{"x": 1}], X, write=Write.TRUNCATE, labels={})
        engine.create_view(view, Sql(f"SELECT x FROM {table} UNION ALL SELECT x FROM `{table}_2026*`"), labels={})

        assert engine.base_tables(Sql(f"SELECT * FROM {view}")) == (table, *shards)
    finally:
        for name in (view, *shards):
            engine.delete(name)


def test_dates_have_versions_of_which_just_that_changes_whose_rows_do(engine: BigQueryEngine, table: str) -> None:
    first, last = date(2026, 5, 4), date(2026, 5, 6)
    sql = "SELECT '{batch}' AS batch, day FROM UNNEST([DATE '2026-05-04', DATE '2026-05-05', DATE '2026-05-07']) AS day"
    layout = Layout(partition_by="day")

    def versions() -> TableVersions:
        return engine.versions([table], date_column="day", first=first, last=last)[table]

    job = engine.query_to_table(Sql(sql.format(batch="a")), table, write=Write.APPEND, labels={}, layout=layout)
    before = versions()
    more = engine.query_to_table(
        Sql(f"SELECT * FROM ({sql.format(batch='b')}) WHERE day > DATE '2026-05-04'"),
        table,
        write=Write.APPEND,
        labels={},
    )
    after = versions()

    assert job.written == {"2026-05-04": 1, "2026-05-05": 1, "2026-05-07": 1}
    assert more.written == {"2026-05-05": 1, "2026-05-07": 1}
    assert (before.knowledge, before.newest) == (Knowledge.BY_DATE, date(2026, 5, 7))
    assert [version.rows for version in after.dates.values()] == [1, 2]
    assert after.dates[first] == before.dates[first]


def test_a_shared_lease_is_seen_at_once_by_who_wants_it_alone(engine: BigQueryEngine, table: str) -> None:
    other = BigQueryEngine(engine.settings, attempt=uuid4().hex)
    for _ in range(5):
        with (
            engine.lease(table, exclusive=False, holder="a"),
            pytest.raises(Conflict, match="a since"),
            other.lease(table, exclusive=True, holder="b"),
        ):
            pass
    with other.lease(table, exclusive=True, holder="b"):
        pass


def test_tables_of_ours_stay_though_the_datasets_do_not(
    settings: BigQuerySettings, engine: BigQueryEngine, table: str
) -> None:
    client = client_for(settings)
    settled = client.get_dataset(DATASET)
    week = 7 * 86_400_000
    try:
        settled.default_table_expiration_ms = settled.default_partition_expiration_ms = week
        client.update_dataset(settled, ["default_table_expiration_ms", "default_partition_expiration_ms"])
        engine.load(
            table,
            [{"day": date(2020, 5, 4)}],
            [Column("day", "DATE")],
            write=Write.APPEND,
            labels={},
            layout=Layout("day"),
        )
    finally:
        settled.default_table_expiration_ms = settled.default_partition_expiration_ms = None
        client.update_dataset(settled, ["default_table_expiration_ms", "default_partition_expiration_ms"])

    made = client.get_table(f"{PROJECT}.{table}")
    assert (made.num_rows, made.expires, made.time_partitioning.expiration_ms) == (1, None, None)


def test_refusals_are_understood(engine: BigQueryEngine, settings: BigQuerySettings) -> None:
    with pytest.raises(InvalidQuery, match=r"\^"):
        engine.query(Sql("SELECT\n  nope"), labels={})
    with pytest.raises(NotFound, match="missing"):
        engine.query(Sql(f"SELECT 1 FROM {DATASET}.missing"), labels={})
    with pytest.raises(NotFound, match="js_nowhere"):
        engine.query(Sql("SELECT 1 FROM js_nowhere.t"), labels={})
    capped = BigQueryEngine(replace(settings, maximum_bytes_billed=1), attempt=uuid4().hex)
    with pytest.raises(CostExceeded):
        capped.query(Sql("SELECT word FROM `bigquery-public-data.samples.shakespeare`"), labels={})
    slow = Sql("SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, UNNEST(GENERATE_ARRAY(1, 100000)) AS b")
    hasty = BigQueryEngine(replace(settings, timeout_seconds=1.0), attempt=uuid4().hex)
    with pytest.raises(TooBig):
        hasty.query(slow, labels={})


def test_clustering_labels_and_dispositions_are_refused_as_the_server_of_the_tests_does(
    settings: BigQuerySettings, table: str
) -> None:
    client = client_for(settings)
    name = f"{PROJECT}.{table}"
    updating = QueryJobConfig(destination=name, write_disposition="WRITE_TRUNCATE")
    updating.schema_update_options = ["ALLOW_FIELD_ADDITION"]

    for config in (
        QueryJobConfig(destination=name, clustering_fields=list("abcde")),
        QueryJobConfig(labels={"Upper": "x"}),
        updating,
    ):
        with pytest.raises(BadRequest):
            client.query("SELECT 1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e", job_config=config).result()


def test_a_required_filter_is_seen_through_a_view_and_a_subquery(engine: BigQueryEngine, table: str) -> None:
    columns = (Column("x", "INT64"), Column("day", "DATE"))
    layout = Layout(partition_by="day")
    engine.load(table, [{"x": 1, "day": DAY}], columns, write=Write.TRUNCATE, labels={}, layout=layout)
    client = client_for(engine.settings)
    made = client.get_table(f"{PROJECT}.{table}")
    made.require_partition_filter = True
    client.update_table(made, ["require_partition_filter"])

    with pytest.raises(InvalidQuery, match="without a filter"):
        engine.query(Sql(f"SELECT x FROM {table} WHERE x > 0"), labels={})
    inside = f"SELECT * FROM {table}"
    assert engine.query(Sql(f"SELECT x FROM ({inside}) WHERE day = '{DAY}'"), labels={}).rows == ((1,),)


@pytest.mark.parametrize(("column", "value"), [("submission_date", DAY), ("window_index", 3)])
def test_our_own_condition_for_all_partitions_is_a_filter_and_leaves_out_no_row(
    engine: BigQueryEngine, table: str, column: str, value: Value
) -> None:
    columns = (Column("batch", "INT64"), Column(column, "DATE" if isinstance(value, date) else "INT64"))
    layout = Layout(partition_by=column, requires_filter=True)
    rows: list[dict[str, Value]] = [{"batch": 1, column: value}, {"batch": 1}]
    engine.load(table, rows, columns, write=Write.APPEND, labels={}, layout=layout)

    with pytest.raises(InvalidQuery, match="without a filter"):
        engine.query(Sql(f"SELECT batch FROM {table}"), labels={})
    sql = f"SELECT COUNT(*) AS n FROM {table} AS t WHERE t.batch IN (1) AND {everywhere('t', column)}"
    assert engine.query(Sql(sql), labels={}).rows == ((2,),)

    # The table is replaced by its own rows, as `shred` does, and still requires the filter.
    kept = Sql(f"SELECT t.* FROM {table} AS t WHERE {everywhere('t', column)}")
    engine.query_to_table(kept, table, write=Write.TRUNCATE, labels={}, layout=layout)
    with pytest.raises(InvalidQuery, match="without a filter"):
        engine.query(Sql(f"SELECT batch FROM {table}"), labels={})


def test_a_job_says_that_row_access_policies_have_hidden_rows(engine: BigQueryEngine, table: str) -> None:
    engine.load(table, [{"x": 1}, {"x": 2}], X, write=Write.TRUNCATE, labels={})
    assert engine.query(Sql(f"SELECT x FROM {table}"), labels={}).job.restrictions == ()
    policy = (
        f"CREATE ROW ACCESS POLICY one ON `{PROJECT}.{table}` GRANT TO ('allAuthenticatedUsers') FILTER USING (x = 1)"
    )
    client_for(engine.settings).query(policy).result()

    answer = engine.query(Sql(f"SELECT t.x FROM {table} AS t"), labels={})

    assert answer.rows == ((1,),)
    assert answer.job.restrictions == (ROWS,)
    assert engine.unseen([table]) == ()
    assert engine.guards([table], []) == (
        f"{table} has row access policies (one): an account is given its own rows alone",
    )


def test_units_in_tables_of_several_kinds_are_counted_by_one_statement(engine: BigQueryEngine, table: str) -> None:
    place = Place(table.rpartition(".")[0], f"counted-{uuid4().hex[:8]}")
    record = Entry(
        recorded_at=datetime.now(UTC), node="n", kind=Kind.PARTIALS, state=State.COMPUTED, plan="", attempt="a",
        source="visits",
    )  # fmt: skip
    kinds: dict[str | None, tuple[str, Value]] = {
        None: ("DATE", DAY), "submission_date": ("DATE", DAY), "window_index": ("INT64", 3)
    }  # fmt: skip
    made = [next(found for found in unit_tables(place, [record]) if found.layout.partition_by == by) for by in kinds]
    try:
        for unit_table, (by, (kind, value)) in zip(made, kinds.items(), strict=True):
            columns = (Column("batch", "INT64"), Column("analysis_id", "STRING"), Column(by or "day", kind))
            rows: list[dict[str, Value]] = [{"batch": 7, "analysis_id": unit, by or "day": value} for unit in "ab"]
            engine.load(unit_table.name, rows, columns, write=Write.TRUNCATE, labels={}, layout=unit_table.layout)
        with loaded(engine, place, ["a", "nobody"], attempt=uuid4().hex[:8]) as gone:
            found = survey(engine, {place: [record]}, gone, {})
    finally:
        for unit_table in made:
            engine.delete(unit_table.name)

    places = {None: None, "submission_date": DAY.toordinal(), "window_index": 3}
    assert {name: rows for name, (_, rows) in found.counts.items()} == {
        unit_table.name: (UnitRows(7, places[by], 2, 1),) for unit_table, by in zip(made, kinds, strict=True)
    }


def test_what_jobs_have_cost_is_told_by_their_labels(engine: BigQueryEngine) -> None:
    name = f"cost-{uuid4().hex[:8]}"
    engine.query(Sql("SELECT 1 AS x"), labels={"experiment": name, "source": "visits"})
    since = datetime.now(UTC) - timedelta(hours=1)

    found = [part for part in of_jobs(engine, PROJECT, "US", since=since) if part.experiment == name]

    assert [(part.source, part.jobs) for part in found] == [("visits", 1)]


def test_a_filter_on_the_number_of_the_window_reads_that_partition_alone_through_a_view(
    engine: BigQueryEngine, table: str
) -> None:
    rows: list[dict[str, Value]] = [{"window_index": window, "x": 1} for window in range(1, 5) for _ in range(1000)]
    columns = (Column("window_index", "INT64"), *X)
    engine.load(table, rows, columns, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by="window_index"))
    view = f"{table}_view"
    both = "CAST(t.window_index AS STRING) AS window_index, t.window_index AS window_number"
    named = f"SELECT t.x, {both} FROM `{table}` AS t"
    try:
        engine.create_view(view, Sql(f"{named} WHERE (t.window_index BETWEEN 1 AND 4 AND t.x IN (1))"), labels={})
        everything, one_window, text = (
            engine.dry_run(Sql(f"SELECT SUM(x) AS s FROM `{view}`{where}")).bytes
            for where in ("", " WHERE window_number = 2", " WHERE window_index = '2'")
        )
    finally:
        engine.delete(view)

    assert one_window * 4 == everything
    assert text == everything
