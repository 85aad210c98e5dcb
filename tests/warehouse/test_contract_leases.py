"""How writers keep out of one another's way, and what is left of rows that were deleted."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine, Leases
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving


@pytest.fixture(params=["embedded", "bigquery"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes the engine of one more process, in the same warehouse."""
    if request.param == "embedded":
        yield lambda: EmbeddedEngine(tmp_path, project=PROJECT)
        return
    with serving(FakeBigQuery(tmp_path, datasets=["d"])) as url:
        settings = BigQuerySettings(PROJECT, api_endpoint=url, retry_seconds=2.0)
        yield lambda: BigQueryEngine(settings, attempt=uuid4().hex)


@pytest.fixture
def engine(process: Callable[[], Engine]) -> Engine:
    return process()


@pytest.fixture
def other(process: Callable[[], Engine]) -> Engine:
    return process()


def test_many_hold_a_lease_shared_and_then_nobody_holds_it_alone(engine: Leases, other: Leases) -> None:
    with (
        engine.lease("d.e", exclusive=False, holder="week-clicks"),
        other.lease("d.e", exclusive=False, holder="day-clicks"),
        pytest.raises(Conflict, match="week-clicks"),
        other.lease("d.e", exclusive=True, holder="shred"),
    ):
        pass

    with other.lease("d.e", exclusive=True, holder="shred"):
        pass


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_lease_that_is_held_alone_excludes_everybody_and_names_the_holder(
    engine: Leases, other: Leases, exclusive: bool
) -> None:
    with engine.lease("d.e", exclusive=True, holder="shred of unit 7"):
        with (
            pytest.raises(Conflict, match="shred of unit 7"),
            other.lease("d.e", exclusive=exclusive, holder="x", wait_seconds=0.1),
        ):
            pass
        with other.lease("d.another", exclusive=True, holder="x"):
            pass


def test_a_lease_ends_with_an_error_inside_too(engine: Leases, other: Leases) -> None:
    with pytest.raises(ZeroDivisionError), engine.lease("d.e", exclusive=True, holder="a"):
        raise ZeroDivisionError

    with other.lease("d.e", exclusive=True, holder="b"):
        pass


def test_what_is_purged_leaves_the_rows_that_there_are(engine: Engine) -> None:
    rows: list[dict[str, Value]] = [{"x": 1}, {"x": 2}]
    columns = [Column("x", "INT64")]
    for table in ("d.kept", "d.deleted"):
        engine.load(table, rows, columns, write=Write.EMPTY, labels={})
    engine.query_to_table(Sql("SELECT x FROM d.kept WHERE x = 2"), "d.kept", write=Write.TRUNCATE, labels={})
    engine.delete("d.deleted")

    engine.purge(["d.kept", "d.deleted", "d.never"])

    assert engine.query(Sql("SELECT x FROM d.kept"), labels={}).rows == ((2,),)
    assert engine.info("d.deleted") is None


def test_a_table_that_is_whole_or_missing_is_not_damaged(engine: Engine) -> None:
    engine.load("d.t", [{"x": 1}], [Column("x", "INT64")], write=Write.EMPTY, labels={})

    assert engine.verify("d.t") == engine.verify("d.missing") == ()
