"""Whether results are taken away from BigQuery as they are from a folder, also when it is interrupted half-way."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EXIT_RETRY
from jetstream_argo.plan import codec
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.upkeep.test_shred import units
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.kept import made_once
from tests.worlds.upkeep import HOURS, again, analysed, plan_of, rows, tables, telemetry

ALWAYS = 10_000


@pytest.fixture
def fake(tmp_path: Path) -> FakeBigQuery:
    """A warehouse with two experiments, of which `try-it` was analysed through BigQuery's client."""
    made_once("upkeep on bigquery", tmp_path, lambda: _analysed_twice(tmp_path))
    return FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])


def _analysed_twice(root: Path) -> None:
    telemetry(root)
    analysed(root, "another", [HOURS])
    fake = FakeBigQuery(root, project=PROJECT, datasets=["results"])
    plan = plan_of("try-it")
    with serving(fake) as url:
        again(RemotePipeline(root, plan, url=url, today=datetime.now(UTC) - timedelta(minutes=5)))
    (root / "plan.json").write_bytes(codec.dump(plan))


@pytest.fixture
def warehouse(fake: FakeBigQuery) -> Iterator[str]:
    with serving(fake) as url:
        yield f"bigquery:{PROJECT}?api_endpoint={url}&retry_seconds=0.2&first_delay_seconds=0.01&cancel_seconds=0.2"


def call(command: str, warehouse: str, *arguments: str) -> int:
    return exit_code_of([command, "--warehouse", warehouse, "--dataset", "results", "--yes", *arguments])


def left(root: Path, slug: str = "try_it") -> set[object]:
    """The units that any table of an experiment holds; rows of units without events are nobody's."""
    return set().union(*units(root, slug).values()) - {None}


def test_units_are_gone_from_every_table_which_stays_stored_as_it_was(
    tmp_path: Path, fake: FakeBigQuery, warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {name: fake.catalog.resource(f"{PROJECT}.{name}") for name in units(tmp_path)}

    assert call("shred", warehouse, "try-it", "--ids", "a") == 0

    assert "estimates that still count deleted units" in capsys.readouterr().out
    assert left(tmp_path) == {"b", "c", "d"}
    assert "a" in left(tmp_path, "another")
    for name, was in before.items():
        now = fake.catalog.resource(f"{PROJECT}.{name}")
        for key in ("timePartitioning", "rangePartitioning", "clustering", "description", "labels", "schema"):
            assert now.get(key) == was.get(key)


def test_units_that_telemetry_still_holds_do_not_come_back(tmp_path: Path, fake: FakeBigQuery, warehouse: str) -> None:
    assert call("shred", warehouse, "try-it", "--ids", "a") == 0
    url = warehouse.partition("api_endpoint=")[2].partition("&")[0]
    later = RemotePipeline(tmp_path, plan_of("try-it"), url=url, today=datetime.now(UTC))
    later.attempts, later.starts = count(1000), count(1000)
    later.plan = replace(later.plan, enrollments=replace(later.plan.enrollments, key="another query's"))
    again(later)

    assert left(tmp_path) == {"b", "c", "d"}
    key = str(rows(tmp_path, f"SELECT DISTINCT s.key FROM `{names.shredded(later.plan)}` AS s")[0][0])
    assert not any(key in str(job.resource()) for job in fake.jobs.all)


def shred_all(warehouse: str, *arguments: str) -> int:
    query = "SELECT r.unit AS analysis_id FROM requests.deletions AS r"
    return exit_code_of(["shred", "--all", "--query", query, "--warehouse", warehouse, *arguments])


@pytest.fixture
def asking(tmp_path: Path) -> None:
    """A unit of the experiments, and one of nobody's, ask to be deleted."""
    EmbeddedEngine(tmp_path, project=PROJECT).load(
        "requests.deletions",
        [{"unit": "a"}, {"unit": "nobody"}],
        [Column("unit", "STRING")],
        write=Write.TRUNCATE,
        labels={},
    )


@pytest.mark.usefixtures("asking")
def test_units_of_a_query_go_from_all_experiments_and_estimates_are_made_anew(
    tmp_path: Path, fake: FakeBigQuery, warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = "SELECT COUNT(*), COUNTIF(n_units = 4) FROM results.statistics_try_it_weekly WHERE metric = 'hours'"
    before = rows(tmp_path, shown)
    tables, since = len(units(tmp_path)), len(fake.jobs.all)

    assert shred_all(warehouse, "--yes") == 0

    assert left(tmp_path) == left(tmp_path, "another") == {"b", "c", "d"}
    assert rows(tmp_path, shown) != before
    assert "2 units to remove from 2 experiments in 1 dataset" in capsys.readouterr().out
    asked = [job for job in fake.jobs.all[since:] if "requests.deletions" in str(job.configuration)]
    assert len([job for job in asked if "dryRun" not in str(job.configuration)]) == 1
    run = [str(job.configuration) for job in fake.jobs.all[since:]]
    assert len([text for text in run if "AS of_units" in text]) == 1  # of both experiments
    # Each table of the experiment was written once at most, by a job that joins it with the ids.
    rewrites = [text for text in run if "but those of some units" in text and "try_it" in text]
    assert 0 < len(rewrites) <= tables


@pytest.mark.usefixtures("asking")
def test_one_that_was_interrupted_goes_on_from_there(tmp_path: Path, fake: FakeBigQuery, warehouse: str) -> None:
    fake.faults.order(
        Fault(Call.SUBMIT, skip=len(units(tmp_path)) + 6, times=ALWAYS, status=503, reason="backendError")
    )
    assert shred_all(warehouse, "--yes") == EXIT_RETRY
    fake.faults.clear()

    assert shred_all(warehouse, "--yes") == 0

    assert left(tmp_path) == left(tmp_path, "another") == {"b", "c", "d"}
    assert not [name for name in tables(tmp_path) if "gone" in name]


@pytest.mark.parametrize("passed", [0, 1, 3])
def test_an_interrupted_shredding_goes_on_and_results_are_said_to_be_older(
    tmp_path: Path, fake: FakeBigQuery, warehouse: str, passed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = len(units(tmp_path)) + 2  # a query for each table that there is, and one for what was recorded
    fake.faults.order(Fault(Call.SUBMIT, skip=counted + passed, times=ALWAYS, status=503, reason="backendError"))

    assert call("shred", warehouse, "try-it", "--ids", "a") == EXIT_RETRY
    fake.faults.clear()
    assert call("shred", warehouse, "try-it", "--ids", "a") == 0

    assert left(tmp_path) == {"b", "c", "d"}
    assert "estimates that still count deleted units" in capsys.readouterr().out


def test_no_table_is_rewritten_before_that_is_recorded(tmp_path: Path, fake: FakeBigQuery, warehouse: str) -> None:
    # Else a process that ended in between would leave results of which nobody knows that they count the units.
    before = units(tmp_path)
    fake.faults.order(Fault(Call.UPLOAD, times=ALWAYS, status=503, reason="backendError"))

    assert call("shred", warehouse, "try-it", "--ids", "a") == EXIT_RETRY

    assert units(tmp_path) == before


def test_everything_of_the_experiment_goes_and_an_interrupted_deletion_goes_on(
    tmp_path: Path, fake: FakeBigQuery, warehouse: str
) -> None:
    others = {name for name in tables(tmp_path) if "another" in name}
    fake.faults.order(Fault(Call.TABLE_DELETE, skip=4, times=ALWAYS, status=503, reason="backendError"))

    assert call("delete", warehouse, "try-it") == EXIT_RETRY
    assert tables(tmp_path) > others
    fake.faults.clear()
    fake.clock.advance(timedelta(minutes=10))  # its lease could not be given back either, and runs out
    assert call("delete", warehouse, "try-it") == 0

    assert tables(tmp_path) == others


def test_what_is_missing_or_left_over_is_told_and_repaired(
    tmp_path: Path, warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_of("try-it")
    values = names.values(plan, Basis.ENROLLMENTS, "activity", Period.WEEK)
    shown = "SELECT v.analysis_id, v.hours FROM results.try_it_enrollments_weekly AS v ORDER BY 1"
    before = rows(tmp_path, shown)
    place = ["--warehouse", warehouse, "--dataset", "results", "try-it"]
    assert exit_code_of(["check", *place]) == 0
    assert "everything that is recorded is there, and nothing else" in capsys.readouterr().out
    EmbeddedEngine(tmp_path, project=PROJECT).query_to_table(
        Sql(f"SELECT r.* REPLACE (7 AS batch) FROM `{values}` AS r"), values, write=Write.TRUNCATE, labels={}
    )

    assert exit_code_of(["check", *place, "--json"]) == 2
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(fault["fault"], fault["table"]) for fault in found} == {("missing", values), ("left over", values)}
    assert exit_code_of(["check", *place, "--repair"]) == 0
    url = warehouse.partition("api_endpoint=")[2].partition("&")[0]
    later = RemotePipeline(tmp_path, plan, url=url, today=datetime.now(UTC))
    later.attempts, later.starts = count(1000), count(1000)
    again(later)

    assert rows(tmp_path, shown) == before
    assert exit_code_of(["check", *place]) == 0


def test_a_forgotten_metric_is_computed_again_with_the_same_values(
    tmp_path: Path, fake: FakeBigQuery, warehouse: str
) -> None:
    shown = "SELECT branch, point FROM results.statistics_try_it_weekly WHERE metric = 'hours' ORDER BY 1, 2"
    before = rows(tmp_path, shown)
    plan = tmp_path / "plan.json"

    assert exit_code_of(["delete", "--warehouse", warehouse, "--plan", str(plan), "--metrics", "hours", "--yes"]) == 0
    forgotten = rows(tmp_path, shown)
    url = warehouse.partition("api_endpoint=")[2].partition("&")[0]
    later = RemotePipeline(tmp_path, codec.read(plan), url=url, today=datetime.now(UTC))
    later.attempts, later.starts = count(1000), count(1000)
    idle = again(later)

    assert forgotten == []
    assert rows(tmp_path, shown) == before
    assert not idle["stats-week-hours"]
    assert idle["stats-week-median"]
