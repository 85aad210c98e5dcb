"""A service that deletes units everywhere finds the tables that hold some of ours."""

import json
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.report.status import status_report
from jetstream_argo.run.existence import losses
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.upkeep.test_shred import units
from tests.worlds.upkeep import HOURS, analysed, plan_of, telemetry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    telemetry(tmp_path)
    analysed(tmp_path, "try-it", [HOURS])
    analysed(tmp_path, "another", [HOURS])
    return tmp_path


def registry(root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    capsys.readouterr()
    assert exit_code_of(["shred", "--registry", "--warehouse", f"embedded:{root}", *arguments]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_every_table_with_units_is_labelled_with_their_column_and_no_other_is(root: Path) -> None:
    engine = EmbeddedEngine(root)
    listed = [found for found in engine.tables("results") if not found.is_view]

    labelled = {found.name for found in listed if found.labels.get("unit_column") == "analysis_id"}

    assert labelled == {*units(root), *units(root, "another")}
    assert len(labelled) < len(listed)


def test_the_registry_names_each_of_them_with_field_and_partitions(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = registry(root, capsys, "--all")

    assert {f"{row['dataset']}.{row['table']}" for row in found} == {*units(root), *units(root, "another")}
    assert {row["field"] for row in found} == {"analysis_id"}
    assert {row["experiment"] for row in found} == {"try-it", "another"}
    partitions = {str(row["table"]).partition("_")[0]: row["partitioned_by"] for row in found}
    assert partitions["assignments"] is None
    assert (partitions["partials"], partitions["values"]) == ("submission_date", "window_index")


def test_the_registry_of_an_experiment_names_its_own(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = registry(root, capsys, "try-it", "--dataset", "results")

    assert {f"{row['dataset']}.{row['table']}" for row in found} == set(units(root))


def test_rows_that_somebody_else_removed_count_as_removed_and_telemetry_is_not_read_for_them(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, plan = EmbeddedEngine(root), plan_of("try-it", [HOURS])
    for name in units(root):
        sql = Sql(f"SELECT t.* FROM `{name}` AS t WHERE t.analysis_id IS NULL OR t.analysis_id != 'a'")
        engine.query_to_table(sql, name, write=Write.TRUNCATE, labels={})
    for listed in engine.tables("telemetry"):
        engine.delete(listed.name)
    lacking = list(losses(engine, read_entries(engine, plan), labels={}))
    place = ["--warehouse", f"embedded:{root}", "--all", "--adopt"]

    assert exit_code_of(["shred", *place, "--dry-run"]) == 0
    assert "in 1 experiment are lacking" in capsys.readouterr().out
    assert exit_code_of(["shred", *place]) == 0

    assert lacking
    assert not list(losses(engine, read_entries(engine, plan), labels={}, closely=True))
    report = status_report(plan, read_entries(engine, plan))
    assert not any(metric.before_deletion for metric in report.metrics)
    assert "in 1 experiment count as removed" in capsys.readouterr().out
    assert exit_code_of(["shred", *place]) == 0
    assert "0 rows of 0 tables" in capsys.readouterr().out
