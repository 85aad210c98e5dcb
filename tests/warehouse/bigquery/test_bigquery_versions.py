"""What BigQuery tells about the rows that a statement reads: which tables, and the versions of their dates."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import AccessDenied, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.pace import Pace
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import DateVersion, Knowledge, Layout, TableVersions, Write
from tests.warehouse.bigquery.fake_server.datasets import GET, LIST
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.jobs import FakeJob
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery

COLUMNS = (Column("day", "DATE"), Column("x", "INT64"))
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 5, 4) + timedelta(days) for days in range(4))
BY_DAY = Layout(partition_by="day")


def write(
    engine: BigQueryEngine,
    table: str,
    days: Sequence[date | None],
    *,
    layout: Layout = BY_DAY,
    how: Write = Write.APPEND,
) -> None:
    """Write a row for each of the days."""
    engine.load(table, [{"day": day, "x": 1} for day in days], COLUMNS, write=how, labels={}, layout=layout)


def versions(
    engine: BigQueryEngine, table: str, first: date = MONDAY, last: date = WEDNESDAY, *, column: str = "day"
) -> TableVersions:
    return engine.versions([table], date_column=column, first=first, last=last)[table]


def rows(found: TableVersions) -> dict[date, int]:
    return {day: version.rows for day, version in found.dates.items()}


def asked(fake: FakeBigQuery) -> list[FakeJob]:
    """The queries of metadata so far."""
    return [job for job in fake.jobs.all if job.is_query and "PARTITIONS" in str(job.configuration["query"]["query"])]


def test_a_query_reads_the_tables_that_it_names_and_those_behind_views(engine: BigQueryEngine) -> None:
    for name in ("d.a", "d.b", "other.c"):
        write(engine, name, [MONDAY])
    engine.create_view("d.v", Sql("SELECT a.day FROM d.a INNER JOIN other.c USING (day)"), labels={})
    engine.create_view("d.w", Sql("SELECT * FROM d.v"), labels={})

    assert engine.base_tables(Sql("WITH w AS (SELECT * FROM d.w) SELECT * FROM w, d.b")) == ("d.a", "d.b", "other.c")
    assert engine.base_tables(Sql("SELECT 1 AS x")) == ()


@pytest.mark.parametrize(("views", "wildcards"), [(False, False), (True, False), (False, True), (True, True)])
def test_views_and_wildcards_are_resolved_however_the_service_lists_them(
    fake: FakeBigQuery, engine: BigQueryEngine, views: bool, wildcards: bool
) -> None:
    for name in ("d.a", "d.events_20260504", "d.events_20260505"):
        write(engine, name, [MONDAY], layout=Layout())
    engine.create_view("d.v", Sql("SELECT a.x, i FROM d.a, UNNEST([a.x]) AS i"), labels={})
    engine.create_view("d.w", Sql("SELECT x FROM d.v UNION ALL SELECT x FROM `d.events_*`"), labels={})
    fake.limits.lists_views, fake.limits.lists_wildcards = views, wildcards

    found = engine.base_tables(Sql("SELECT * FROM d.w"))

    assert found == ("d.a", "d.events_20260504", "d.events_20260505")


def test_tables_of_other_projects_have_their_full_names(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.catalog.datasets.make("telemetry-project.d")
    write(engine, "telemetry-project.d.a", [MONDAY, MONDAY])
    engine.create_view("telemetry-project.d.v", Sql("SELECT * FROM `telemetry-project`.d.a"), labels={})

    assert engine.base_tables(Sql("SELECT * FROM `telemetry-project.d.v`")) == ("telemetry-project.d.a",)
    assert rows(versions(engine, "telemetry-project.d.a")) == {MONDAY: 2}


def test_the_versions_of_the_dates_asked_for_come_with_the_newest_of_all(engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY, TUESDAY, TUESDAY, None, THURSDAY])

    found = versions(engine, "d.a")

    assert (found.table, found.knowledge, found.reason) == ("d.a", Knowledge.BY_DATE, "")
    assert rows(found) == {MONDAY: 1, TUESDAY: 2}
    assert found.newest == THURSDAY
    assert all(version.bytes > 0 for version in found.dates.values())
    assert versions(engine, "d.a", date(2027, 1, 1), date(2027, 1, 2)).dates == {}


def test_a_table_without_rows_has_no_newest_date(engine: BigQueryEngine) -> None:
    write(engine, "d.a", [])

    assert versions(engine, "d.a") == TableVersions("d.a", Knowledge.BY_DATE)


def test_just_the_date_whose_rows_change_gets_another_version(engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY, TUESDAY])
    before = versions(engine, "d.a").dates

    write(engine, "d.a", [TUESDAY])
    after = versions(engine, "d.a").dates

    assert after[MONDAY] == before[MONDAY]
    assert after[TUESDAY].rows == 2
    assert after[TUESDAY].modified > before[TUESDAY].modified


def test_a_table_that_is_written_anew_has_other_versions_though_its_rows_are_the_same(engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY])
    before = versions(engine, "d.a").dates[MONDAY]

    write(engine, "d.a", [MONDAY], how=Write.TRUNCATE)

    after = versions(engine, "d.a").dates[MONDAY]
    assert (after.rows, after.bytes) == (before.rows, before.bytes)
    assert after.modified != before.modified


def test_rows_in_the_streaming_buffer_are_not_there_yet(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY, TUESDAY])
    before = versions(engine, "d.a")
    fake.catalog.stream(f"{PROJECT}.d.a", [{"day": day, "x": 2} for day in (TUESDAY, WEDNESDAY)])
    engine = another(engine)

    assert versions(engine, "d.a") == before
    assert (engine.query(Sql("SELECT COUNT(*) FROM d.a"), labels={}).rows, info_rows(engine)) == (((4,),), 2)

    fake.catalog.flush(f"{PROJECT}.d.a")
    after = versions(another(engine), "d.a")
    assert rows(after) == {MONDAY: 1, TUESDAY: 2, WEDNESDAY: 1}
    assert after.newest == WEDNESDAY


def info_rows(engine: BigQueryEngine) -> int:
    info = engine.info("d.a")
    assert info is not None
    return info.rows


def another(engine: BigQueryEngine) -> BigQueryEngine:
    """The engine of another process."""
    return BigQueryEngine(engine.settings, attempt=uuid4().hex)


@pytest.mark.parametrize("column_type", ["TIMESTAMP", "DATETIME"])
def test_moments_count_to_their_day_and_hours_are_added_up(
    fake: FakeBigQuery, engine: BigQueryEngine, column_type: str
) -> None:
    zone = UTC if column_type == "TIMESTAMP" else None
    moments = [datetime(2026, 5, day, hour, 30, tzinfo=zone) for day, hour in ((4, 0), (4, 23), (5, 1), (7, 1), (7, 2))]
    columns = (Column("at", column_type),)
    for name in ("d.days", "d.hours"):
        engine.load(
            name,
            [{"at": moment} for moment in moments],
            columns,
            write=Write.TRUNCATE,
            labels={},
            layout=Layout(partition_by="at"),
        )
    fake.catalog.store(f"{PROJECT}.d.hours", {"timePartitioning": {"type": "HOUR", "field": "at"}})

    days, hours = (versions(engine, name, column="at") for name in ("d.days", "d.hours"))

    assert rows(days) == rows(hours) == {MONDAY: 2, TUESDAY: 1}
    assert days.newest == hours.newest == THURSDAY


def test_tables_partitioned_by_ingestion_time_have_versions(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY, TUESDAY], layout=Layout())
    fake.catalog.store(f"{PROJECT}.d.a", {"timePartitioning": {"type": "DAY"}, "by": "day"})

    assert rows(versions(engine, "d.a")) == {MONDAY: 1, TUESDAY: 1}


def test_of_months_nothing_is_known_by_date(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY])
    fake.catalog.store(f"{PROJECT}.d.a", {"timePartitioning": {"type": "MONTH", "field": "day"}})

    found = versions(engine, "d.a")

    assert (found.knowledge, found.dates) == (Knowledge.UNKNOWN, {})
    assert "MONTH" in found.reason


def test_tables_that_are_not_partitioned_by_dates_are_not_versioned(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    write(engine, "d.names", [MONDAY], layout=Layout())
    write(engine, "d.numbers", [MONDAY], layout=Layout(partition_by="x"))

    found = engine.versions(["d.names", "d.numbers"], date_column="day", first=MONDAY, last=TUESDAY)

    assert {version.knowledge for version in found.values()} == {Knowledge.NOT_BY_DATE}
    assert asked(fake) == []


def test_a_shard_has_the_date_in_its_name_and_the_newest_of_its_family(engine: BigQueryEngine) -> None:
    for day, count in ((MONDAY, 2), (TUESDAY, 1), (THURSDAY, 1), (date(2026, 5, 8), 0)):
        write(engine, f"d.events_{day:%Y%m%d}", [day] * count, layout=Layout())
    write(engine, "d.events_intraday_20260509", [MONDAY], layout=Layout())
    names = engine.base_tables(Sql("SELECT * FROM `d.events_2026*`"))

    found = engine.versions(names, date_column="day", first=MONDAY, last=WEDNESDAY)

    assert list(found) == [f"d.events_202605{day:02}" for day in (4, 5, 7, 8)]
    assert [rows(version) for version in found.values()] == [{MONDAY: 2}, {TUESDAY: 1}, {}, {}]
    assert {version.newest for version in found.values()} == {THURSDAY}


def test_a_partitioned_table_with_a_date_in_its_name_is_no_shard(engine: BigQueryEngine) -> None:
    write(engine, "d.copy_20260101", [MONDAY])

    found = versions(engine, "d.copy_20260101")

    assert (rows(found), found.newest) == ({MONDAY: 1}, MONDAY)


def test_one_query_for_each_dataset_tells_all_and_is_billed_ten_megabytes(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    names = ["d.a", "d.b", "other.c"]
    for name in names:
        write(engine, name, [MONDAY])

    first = engine.versions(names, date_column="day", first=MONDAY, last=WEDNESDAY)
    again = engine.versions(names[:2], date_column="day", first=TUESDAY, last=TUESDAY)

    assert [rows(found) for found in first.values()] == [{MONDAY: 1}] * 3
    assert [found.dates for found in again.values()] == [{}, {}]
    assert len(asked(fake)) == 2
    assert [job.cost.bytes if job.cost else 0 for job in asked(fake)] == [10 * 1024**2] * 2


def test_what_was_kept_too_long_or_written_to_is_asked_for_again(
    fake: FakeBigQuery, settings: BigQuerySettings
) -> None:
    now = [0.0]
    engine = BigQueryEngine(settings, attempt="1", pace=Pace(seconds=lambda: now[0]))
    write(engine, "d.a", [MONDAY])
    versions(engine, "d.a")
    write(another(engine), "d.a", [MONDAY])

    assert rows(versions(engine, "d.a")) == {MONDAY: 1}
    now[0] += 601
    assert rows(versions(engine, "d.a")) == {MONDAY: 2}
    engine.delete("d.a")
    assert versions(engine, "d.a").knowledge is Knowledge.UNKNOWN
    assert len(asked(fake)) == 2


def test_more_tables_than_a_query_may_name_are_asked_for_in_several(
    fake: FakeBigQuery, engine: BigQueryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jetstream_argo.warehouse.bigquery.metadata.MOST_TABLES", 2)
    names = [f"d.t{number}" for number in range(5)]
    for name in names:
        write(engine, name, [MONDAY])

    found = engine.versions(names, date_column="day", first=MONDAY, last=MONDAY)

    assert [rows(version) for version in found.values()] == [{MONDAY: 1}] * 5
    assert len(asked(fake)) == 3


@pytest.mark.parametrize("right", [GET, LIST])
def test_without_rights_nothing_is_known_and_the_reason_names_the_role(
    fake: FakeBigQuery, engine: BigQueryEngine, right: str
) -> None:
    write(engine, "d.a", [MONDAY])
    write(engine, "other.b", [MONDAY])
    fake.catalog.datasets[f"{PROJECT}.d"].denied.add(right)

    found = engine.versions(["d.a", "other.b"], date_column="day", first=MONDAY, last=MONDAY)

    assert found["d.a"].knowledge is Knowledge.UNKNOWN
    assert "roles/bigquery.metadataViewer" in found["d.a"].reason
    assert f"{PROJECT}.d" in found["d.a"].reason
    assert rows(found["other.b"]) == {MONDAY: 1}
    assert engine.base_tables(Sql("SELECT * FROM d.a")) == ("d.a",)


def test_a_list_of_tables_that_may_be_cut_makes_their_versions_unknown(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    names = [f"d.t{number:02}" for number in range(51)]
    for name in names:
        write(engine, name, [MONDAY])
    many = Sql(" UNION ALL ".join(f"SELECT x FROM {name}" for name in names))

    found = engine.base_tables(many)
    (unlisted,) = set(names) - set(found)
    versions = engine.versions([found[0], unlisted], date_column="day", first=MONDAY, last=MONDAY)

    assert len(found) == 50
    assert versions[found[0]].knowledge is Knowledge.UNKNOWN
    assert "50" in versions[found[0]].reason
    assert versions[unlisted].knowledge is Knowledge.BY_DATE


def test_metadata_are_asked_for_where_the_dataset_is(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    write(engine, "d.a", [MONDAY])
    fake.catalog.datasets[f"{PROJECT}.d"].location = "EU"

    assert rows(versions(engine, "d.a")) == {MONDAY: 1}
    assert [job.reference["location"] for job in asked(fake)] == ["EU"]


def test_a_cap_below_what_metadata_cost_makes_versions_unknown(settings: BigQuerySettings) -> None:
    engine = BigQueryEngine(replace(settings, maximum_bytes_billed=10**6), attempt="1")
    write(engine, "d.a", [MONDAY])

    found = versions(engine, "d.a")

    assert found.knowledge is Knowledge.UNKNOWN
    assert "10 MB" in found.reason


def test_passing_failures_are_tried_again_and_are_no_lack_of_knowledge(
    fake: FakeBigQuery, engine: BigQueryEngine
) -> None:
    write(engine, "d.a", [MONDAY])
    fake.faults.order(Fault(Call.SUBMIT, status=503, reason="backendError"))

    assert rows(versions(engine, "d.a")) == {MONDAY: 1}

    fake.faults.order(Fault(Call.TABLE_GET, times=100, status=503, reason="backendError"))
    with pytest.raises(Transient):
        versions(another(engine), "d.a")


def test_a_query_that_may_not_be_read_is_refused(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    fake.faults.order(Fault(Call.DRY_RUN, status=403, reason="accessDenied", message="Access Denied: Table p:d.a"))

    with pytest.raises(AccessDenied):
        engine.base_tables(Sql("SELECT 1"))


def test_versions_are_equal_when_rows_bytes_and_time_are() -> None:
    assert DateVersion(1, 2, "a") == DateVersion(1, 2, "a")
    assert DateVersion(1, 2, "a") != DateVersion(1, 2, "b")


def test_a_table_says_when_it_was_made(fake: FakeBigQuery, engine: BigQueryEngine) -> None:
    def created() -> datetime:
        info = engine.info("d.a")
        assert info is not None
        assert info.created is not None
        return info.created

    write(engine, "d.a", [MONDAY])
    first = created()
    fake.clock.advance(timedelta(hours=1))
    write(engine, "d.a", [MONDAY], how=Write.TRUNCATE)
    assert created() == first

    engine.delete("d.a")
    write(engine, "d.a", [MONDAY])

    assert created() - first >= timedelta(hours=1)
