"""What is damaged, missing or left over is told, and a repair and a run bring the same results back."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import Damaged
from jetstream_argo.plan import codec
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.run.existence import note_losses
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Kind, read_entries
from jetstream_argo.upkeep.repairing import repair
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import Pipeline
from tests.worlds.upkeep import HOURS, again, analysed, rows, tables, telemetry


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    telemetry(tmp_path)
    pipeline = analysed(tmp_path, "try-it", [HOURS])
    (tmp_path / "plan.json").write_bytes(codec.dump(pipeline.plan))
    return pipeline


def call(pipeline: Pipeline, command: str, *arguments: str) -> int:
    place = ["--warehouse", f"embedded:{pipeline.root}", "--dataset", "results"]
    return exit_code_of([command, "try-it", *place, *arguments])


def data_files(pipeline: Pipeline, table: str) -> list[Path]:
    return sorted((pipeline.root / "local" / "results" / table.rpartition(".")[2]).glob("*.parquet"))


def pointer(pipeline: Pipeline, table: str) -> Path:
    return pipeline.root / "local" / "results" / table.rpartition(".")[2] / "current.json"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Pipeline, str], object]] = {
    "deleted": lambda p, t: data_files(p, t)[0].unlink(),
    "truncated": lambda p, t: data_files(p, t)[0].write_bytes(data_files(p, t)[0].read_bytes()[:40]),
    "flipped": lambda p, t: flip(data_files(p, t)[0]),
    "pointer empty": lambda p, t: pointer(p, t).write_bytes(b""),
    "pointer cut": lambda p, t: pointer(p, t).write_bytes(pointer(p, t).read_bytes()[:90]),
}


def estimates(pipeline: Pipeline) -> list[tuple[object, ...]]:
    table = read_estimates(pipeline.engine, pipeline.plan, Filters())
    return sorted(
        (tuple(row[name] for name in ("metric", "branch", "point", "lower", "upper")) for row in table.dicts()), key=str
    )


def test_what_is_sound_is_said_to_be(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(pipeline, "check") == 0
    assert "everything that is recorded is there" in capsys.readouterr().out


def test_damaged_estimates_are_told_by_every_command_and_made_again(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    table = names.statistics(pipeline.plan)
    before = estimates(pipeline)
    counted = len([e for e in read_entries(pipeline.engine, pipeline.plan) if e.kind is Kind.PARTIALS])
    for name, damage in DAMAGES.items():
        damage(pipeline, table)

        assert call(pipeline, "results") == 2, name
        printed = capsys.readouterr().err
        assert "check EXPERIMENT --repair" in printed
        assert table.rpartition(".")[2] in printed
        arguments = ["--plan", str(pipeline.root / "plan.json"), "--warehouse", f"embedded:{pipeline.root}"]
        assert exit_code_of(["run", *arguments, "-j", "1"]) == 2, name
        assert "up to date" not in capsys.readouterr().out
        assert call(pipeline, "check") == 2
        assert call(pipeline, "check", "--repair") == 0, name
        again(pipeline)

        assert estimates(pipeline) == before, name
    left = [e for e in read_entries(pipeline.engine, pipeline.plan) if e.kind is Kind.PARTIALS]
    assert len(left) == counted  # nothing was read of telemetry


def test_a_damaged_pointer_does_not_keep_an_experiment_from_being_deleted(pipeline: Pipeline) -> None:
    for damaged in ("pointer empty", "pointer cut"):
        table = {"pointer empty": names.statistics(pipeline.plan), "pointer cut": names.enrollments(pipeline.plan)}
        DAMAGES[damaged](pipeline, table[damaged])

    assert call(pipeline, "delete", "--yes") == 0

    assert tables(pipeline.root) == set()
    assert not [path for path in (pipeline.root / "local" / "results").rglob("*") if path.is_file()]


def test_rows_that_do_not_count_hide_no_loss_and_go(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    table = names.values(pipeline.plan, Basis.ENROLLMENTS, "activity", Period.WEEK)
    engine = pipeline.engine
    before = pipeline.values("hours", Period.WEEK)
    engine.query_to_table(
        f"SELECT r.* REPLACE (7 AS batch) FROM `{table}` AS r", table, write=Write.TRUNCATE, labels={}
    )

    assert call(pipeline, "check", "--json") == 2
    found = json.loads(capsys.readouterr().out)["findings"]
    assert {(fault["fault"], fault["table"]) for fault in found} == {("missing", table), ("left over", table)}
    assert call(pipeline, "check", "--repair") == 0
    again(pipeline)

    assert pipeline.values("hours", Period.WEEK) == before
    assert (7,) not in rows(pipeline.root, f"SELECT DISTINCT batch FROM `{table}`")


def test_a_record_of_which_nothing_can_be_read_is_told_with_what_can_be_done(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES["pointer empty"](pipeline, names.status(pipeline.plan))

    assert call(pipeline, "status") == 2
    assert call(pipeline, "check") == 2
    assert call(pipeline, "check", "--repair") == 2
    assert "nothing of the record" in capsys.readouterr().err
    assert call(pipeline, "delete", "--yes") == 2
    assert call(pipeline, "delete", "--yes", "--plan", str(pipeline.root / "plan.json")) == 0
    assert tables(pipeline.root) == set()


def test_what_is_left_of_a_record_is_kept_and_the_rest_computed_anew(pipeline: Pipeline) -> None:
    before = estimates(pipeline)
    DAMAGES["truncated"](pipeline, names.status(pipeline.plan))

    assert call(pipeline, "check", "--repair") == 0
    again(pipeline)

    assert estimates(pipeline) == before


def test_a_node_notices_that_a_file_is_gone(pipeline: Pipeline) -> None:
    data_files(pipeline, names.statistics(pipeline.plan))[0].unlink()

    with pytest.raises(Damaged):
        note_losses(pipeline.context("any"))


class Stopped(EmbeddedEngine):
    """Its process is stopped when it has made a damaged table what is left of it."""

    def salvage(self, table: str) -> None:
        super().salvage(table)
        raise KeyboardInterrupt


def test_what_a_repair_lost_is_found_if_it_was_stopped_before_it_recorded_that(pipeline: Pipeline) -> None:
    before = estimates(pipeline)
    table = names.statistics(pipeline.plan)
    stray = Sql(f"SELECT s.* REPLACE (7 AS batch) FROM `{table}` AS s")
    pipeline.engine.query_to_table(stray, table, write=Write.APPEND, labels={})  # as many rows as are going to be lost
    data_files(pipeline, table)[0].unlink()
    with pytest.raises(KeyboardInterrupt):
        repair(Stopped(pipeline.root), pipeline.plan, now=pipeline.now, attempt="stopped")

    again(pipeline)

    assert estimates(pipeline) == before
    assert call(pipeline, "check", "--repair") == 0
    assert estimates(pipeline) == before


def test_files_that_a_killed_task_left_are_told_and_removed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    table = names.statistics(pipeline.plan)
    (whole, *_) = data_files(pipeline, table)
    dead = "0123456789abcdef"  # nobody holds the lock of that name
    for name in (f"{dead}.1.parquet", f"{dead}.2.new.parquet"):
        whole.with_name(name).write_bytes(whole.read_bytes())

    assert call(pipeline, "check", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    assert (found["fault"], found["table"], found["message"]) == ("left over", table, "2 files that a killed task left")
    assert call(pipeline, "check", "--repair") == 0

    assert not list(whole.parent.glob(f"{dead}*"))
    capsys.readouterr()
    assert call(pipeline, "check", "--json") == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_no_file_holds_a_unit_after_shredding(pipeline: Pipeline) -> None:
    results = pipeline.root / "local" / "results"

    assert call(pipeline, "shred", "--ids", "d", "--yes") == 0

    engine = EmbeddedEngine(pipeline.root)
    for info in engine.infos([table.name for table in engine.tables("results")]).values():
        if info.view_sql is None:
            folder = results / info.name.rpartition(".")[2]
            named = {file[0] for file in json.loads((folder / "current.json").read_text())["table"]["files"]}
            assert {path.name for path in folder.glob("*.parquet")} == named
            if "analysis_id" in {column.name for column in info.columns}:
                assert ("d",) not in rows(pipeline.root, f"SELECT DISTINCT analysis_id FROM `{info.name}`")
