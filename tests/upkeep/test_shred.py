"""Units that ask for it are removed from all that an experiment has, and readers are told what is older."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.report.status import status_report
from jetstream_argo.run.existence import losses
from jetstream_argo.sql import names
from jetstream_argo.sql.shredded import keyed_hash
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.upkeep.gone import loaded
from jetstream_argo.upkeep.shredding import holdings, shred
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Job, Layout, TableInfo, Write
from tests.worlds.pipeline import Pipeline
from tests.worlds.upkeep import again, analysed, rows, telemetry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    telemetry(tmp_path)
    return tmp_path


def units(root: Path, slug: str = "try_it") -> dict[str, set[object]]:
    """The units in each table of an experiment that has any."""
    engine = EmbeddedEngine(root)
    found = {}
    for info in engine.infos([table.name for table in engine.tables("results")]).values():
        is_own = f"_{slug}_" in f"{info.name}_" and info.view_sql is None
        if is_own and "analysis_id" in {column.name for column in info.columns}:
            found[info.name] = {unit for (unit,) in rows(root, f"SELECT DISTINCT analysis_id FROM `{info.name}`")}
    return found


def etags(root: Path) -> dict[str, str]:
    """What changes with every change of a table or view."""
    engine = EmbeddedEngine(root)
    infos = engine.infos([table.name for table in engine.tables("results")])
    return {name: info.etag for name, info in infos.items()}


def run_shred(root: Path, *arguments: str) -> int:
    return exit_code_of(["shred", "--warehouse", f"embedded:{root}", "--dataset", "results", "--yes", *arguments])


def described(info: TableInfo | None) -> tuple[object, ...]:
    assert info is not None
    return info.columns, info.description, dict(info.labels)


def test_units_are_gone_from_every_table_of_the_experiment_and_of_no_other(root: Path) -> None:
    analysed(root, "try-it")
    analysed(root, "try-it-week")
    before = units(root, "try_it_week")

    code = run_shred(root, "try-it", "--ids", "a,c")

    assert code == 0
    after = units(root)
    own_units = {name: units for name, units in after.items() if name not in before}
    assert len(own_units) >= 4
    assert all(units <= {"b", "d", None} for units in own_units.values())
    assert units(root, "try_it_week") == before
    assert any("a" in units for units in before.values())


def test_what_units_without_rows_get_stays_since_it_is_nobody_s(root: Path) -> None:
    pipeline = analysed(root, "try-it")

    run_shred(root, "try-it", "--ids", "a")

    assert None in units(root)[names.partials(pipeline.plan, "activity")]


def test_a_table_keeps_its_partitions_and_what_is_said_of_it(root: Path) -> None:
    pipeline = analysed(root, "try-it")
    tables = [
        names.assignments(pipeline.plan),
        names.partials(pipeline.plan, "activity"),
        names.values(pipeline.plan, Basis.ENROLLMENTS, "activity", Period.WEEK),
    ]
    before = [described(pipeline.engine.info(name)) for name in tables]
    partial = f"SELECT COUNT(*) FROM `{tables[1]}` WHERE submission_date = DATE '2026-05-04'"
    scanned = pipeline.engine.query(partial, labels={}).job.scanned

    run_shred(root, "try-it", "--ids", "a")

    assert [described(pipeline.engine.info(name)) for name in tables] == before
    assert pipeline.engine.query(partial, labels={}).job.scanned == scanned


def test_a_run_afterwards_does_not_bring_them_back_nor_compute_what_is_there(root: Path) -> None:
    pipeline = analysed(root, "try-it")

    run_shred(root, "try-it", "--ids", "a")
    idle = again(pipeline)

    assert all(idle.values())
    assert all("a" not in unit for unit in units(root).values())


def test_results_that_still_count_the_units_are_said_to_be_older(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = analysed(root, "try-it")

    run_shred(root, "try-it", "--ids", "a")

    assert "estimates that still count deleted units" in capsys.readouterr().out
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    assert {metric.metric for metric in report.metrics if metric.before_deletion} >= {"hours", "median", "identity"}

    place = ["--dataset", "results", "--warehouse", f"embedded:{root}"]
    assert exit_code_of(["status", "try-it", *place]) == 0
    assert "older than the last deletion of units" in " ".join(capsys.readouterr().out.split())
    assert exit_code_of(["results", "try-it", "--metrics", "hours", *place]) == 0
    assert "the estimates of hours are older than the last deletion of units" in capsys.readouterr().err


def test_results_computed_later_are_not_older(root: Path) -> None:
    pipeline = analysed(root, "try-it")
    engine = pipeline.engine
    early = datetime(2020, 1, 1, tzinfo=UTC)

    with loaded(engine, pipeline.plan, ["a"], attempt="s") as gone:
        found = holdings(engine, pipeline.plan, read_entries(engine, pipeline.plan), gone)
        list(shred(engine, pipeline.plan, found, gone, now=lambda: early, attempt="s"))

    report = status_report(pipeline.plan, read_entries(engine, pipeline.plan))
    assert report.deleted_at == early
    assert not any(metric.before_deletion for metric in report.metrics)


class Stopped(EmbeddedEngine):
    """Its process is stopped before it replaces a table."""

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        raise KeyboardInterrupt


@dataclass
class Watched(EmbeddedEngine):
    """A warehouse that remembers what it is asked to write."""

    written: list[tuple[str, str, int]] = field(default_factory=list)  # the kind of write, the table, characters of SQL

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.written = []

    def load(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
    ) -> Job:
        self.written.append(("load", destination, 0))
        return super().load(destination, rows, columns, write=write, labels=labels, layout=layout)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        self.written.append(("query", destination, len(sql)))
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)


def test_however_many_units_are_loaded_once_and_each_table_is_rewritten_once(root: Path) -> None:
    pipeline = analysed(root, "try-it")
    engine = Watched(root)
    many = ["a", *(f"{number:036}" for number in range(30_000)), "a"]

    with loaded(engine, pipeline.plan, many, attempt="s") as gone:
        found = holdings(engine, pipeline.plan, read_entries(engine, pipeline.plan), gone)
        done = list(shred(engine, pipeline.plan, found, gone, now=pipeline.now, attempt="s"))

    assert gone.number == 30_001
    loads = [table for kind, table, _ in engine.written if kind == "load" and table != names.status(pipeline.plan)]
    rewritten = [table for kind, table, _ in engine.written if kind == "query"]
    assert loads == [gone.table]
    assert rewritten == [rewritten_table.table.name for rewritten_table in done]
    assert len(set(rewritten)) == len(rewritten)
    assert max(length for _, _, length in engine.written) < 1_000
    assert all("a" not in unit for unit in units(root).values())
    assert pipeline.engine.info(gone.table) is None


def test_rows_count_as_removed_once_when_a_shredding_was_stopped_and_done_again(root: Path) -> None:
    pipeline = analysed(root, "try-it")
    partials = names.partials(pipeline.plan, "activity")
    engine = pipeline.engine
    with loaded(engine, pipeline.plan, ["a"], attempt="stopped") as gone:
        found = holdings(engine, pipeline.plan, read_entries(engine, pipeline.plan), gone)
        with pytest.raises(KeyboardInterrupt):
            list(shred(Stopped(root), pipeline.plan, found, gone, now=pipeline.now, attempt="stopped"))
    assert "a" in units(root)[partials]

    assert run_shred(root, "try-it", "--ids", "a") == 0

    assert lost(pipeline) == []
    engine.query_to_table(
        Sql(f"SELECT p.* FROM `{partials}` AS p WHERE p.analysis_id != 'b'"),
        partials,
        write=Write.TRUNCATE,
        labels={},
        layout=Layout("submission_date"),
    )
    assert lost(pipeline) == [partials]


def lost(pipeline: Pipeline) -> list[str]:
    return [loss.entry.table for loss in losses(pipeline.engine, pipeline.context("n").ledger.entries, labels={})]


def test_the_ids_are_recorded_nowhere(root: Path) -> None:
    telemetry(root)
    pipeline = analysed(root, "try-it")
    ids = root / "ids.txt"
    ids.write_text("d\n\nnobody-of-that-name\n", encoding="utf-8")

    assert run_shred(root, "try-it", "--ids", str(ids)) == 0

    recorded = rows(root, f"SELECT * FROM `{names.status(pipeline.plan)}`")
    assert not any("nobody-of-that-name" in str(row) for row in recorded)


def test_units_that_telemetry_still_holds_do_not_come_back_when_enrollments_are_read_again(root: Path) -> None:
    pipeline = analysed(root, "try-it")

    run_shred(root, "try-it", "--ids", "a")
    run_shred(root, "try-it", "--ids", "c,a")
    enrollments = replace(pipeline.plan.enrollments, key="another query's")
    pipeline.plan = replace(pipeline.plan, enrollments=enrollments)
    again(pipeline)

    assert all(unit <= {"b", "d", None} for unit in units(root).values())
    assert units(root)[names.assignments(pipeline.plan)] == {"b", "d"}
    assert set(pipeline.values("hours", Period.WEEK)) == {("b", "treatment", 1), ("d", "treatment", 1)}


def test_a_unit_is_kept_out_by_a_hash_that_takes_a_key(root: Path) -> None:
    pipeline = analysed(root, "try-it")

    run_shred(root, "try-it", "--ids", "a")
    run_shred(root, "try-it", "--ids", "c")

    kept = rows(root, f"SELECT s.key, s.hash FROM `{names.shredded(pipeline.plan)}` AS s")
    (key,) = {str(key) for key, _ in kept}
    assert len(key) == 64
    assert {hash for _, hash in kept} == {keyed_hash(key, "a"), keyed_hash(key, "c")}
    recorded = rows(root, f"SELECT s.* FROM `{names.status(pipeline.plan)}` AS s")
    assert not any(key in str(row) for row in recorded)


def test_units_that_no_table_holds_change_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analysed(root, "try-it")
    before = etags(root)

    assert run_shred(root, "try-it", "--ids", "nobody") == 0

    assert "holds any rows of this unit" in capsys.readouterr().out
    assert etags(root) == before


def test_an_experiment_without_results_is_said_to_have_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_shred(root, "try-it", "--ids", "a") == 2
    assert "there is nothing in dataset" in capsys.readouterr().err
