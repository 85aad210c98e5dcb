"""Whether what version 0.1 stored is gone on with: nothing read again, nothing lost, whoever is killed begins again."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, Node, SignalTask, SourceTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.sql import legacy_names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import FORMAT, Entry, Kind, State, entry_of
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.legacy import make_telemetry, plan_with_segments, plan_with_signal
from tests.worlds.pipeline import Pipeline

_STORED = Path(__file__).parent / "legacy" / "warehouse"
_OF_THE_ATTEMPT = {"batch", "computed_at", "plan", "position"}
_PLANS = {"segments": plan_with_segments, "signal": plan_with_signal}

Rows = dict[str, list[dict[str, Value]]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the warehouse that version 0.1 wrote, in which there is no telemetry."""
    shutil.copytree(_STORED, tmp_path / "warehouse")
    return tmp_path / "warehouse"


def views(root: Path, columns: Mapping[str, Sequence[str]] | None = None) -> Rows:
    """Return the rows of all views and of the units, in the columns that they have, or in `columns`."""
    engine = EmbeddedEngine(root)
    found: Rows = {}
    for info in engine.infos([listed.name for listed in engine.tables("results")]).values():
        if info.view_sql is None and not info.name.startswith("results.enrollments_"):
            continue
        if columns is not None and info.name not in columns:
            continue  # a view that version 0.1 did not have
        there = [column.name for column in info.columns if column.name not in _OF_THE_ATTEMPT]
        kept = [name for name in there if columns is None or name in columns[info.name]]
        rows = engine.query(Sql(f"SELECT {', '.join(kept)} FROM {info.name}"), labels={}).dicts()
        found[info.name] = sorted(rows, key=lambda row: repr(sorted(row.items())))
    return found


def assert_close(found: Rows, expected: Rows) -> None:
    assert found.keys() == expected.keys()
    for name, rows in expected.items():
        assert len(found[name]) == len(rows)
        for row, other in zip(found[name], rows, strict=True):
            assert row == {
                column: pytest.approx(value, rel=1e-12, abs=1e-13) if isinstance(value, float) else value
                for column, value in other.items()
            }


def columns_of(rows: Rows) -> dict[str, list[str]]:
    return {name: list(of_view[0]) for name, of_view in rows.items() if of_view}


def run(pipeline: Pipeline) -> dict[str, str]:
    """Do all nodes and publish; return the line of each."""
    lines = {name: result.line for name, result in pipeline.run().items()}
    return {**lines, "publish": pipeline.do(build_dag(pipeline.plan).last).line}


def rounded(rows: Rows) -> dict[str, list[str]]:
    """Return the rows as texts, with nine digits: what was made of other pieces differs in the last ones."""

    def text(value: Value) -> str:
        return f"{value:.9g}" if isinstance(value, float) else repr(value)

    return {
        name: sorted(str([text(value) for value in row.values()]) for row in table_rows)
        for name, table_rows in rows.items()
    }


def of_sources(pipeline: Pipeline, lines: Mapping[str, str]) -> set[str]:
    """Return the lines of the nodes that read telemetry, or what was read of it."""
    tasks = (SourceTask, SignalTask)
    return {lines[node.id] for node in build_dag(pipeline.plan).nodes if isinstance(node.task, tasks)}


def upgrade_of(pipeline: Pipeline) -> Entry:
    entries = read_ledger(pipeline.plan, pipeline.engine).entries
    return next(entry for entry in entries if entry.kind is Kind.UPGRADE)


@pytest.mark.parametrize("name", _PLANS)
def test_what_version_0_1_stored_is_gone_on_with_without_any_telemetry(root: Path, name: str) -> None:
    pipeline = Pipeline(root, _PLANS[name]())
    before = views(root)

    lines = run(pipeline)

    columns, estimates = {"segments": ([7, 7], [2, 3]), "signal": ([3, 3], [1, 1])}[name]
    facts = json.loads(upgrade_of(pipeline).facts)["upgrade"]
    assert (facts["units"], facts["columns"], facts["estimates"]) == (12, columns, estimates)
    assert "no telemetry was read" in lines["enrollments"]
    assert of_sources(pipeline, lines) == {"up to date"}
    # Estimates of a version before are made again where their covariates were: by other queries, so with other digits.
    assert_close(views(root, columns_of(before)), before)


@pytest.mark.parametrize("name", _PLANS)
def test_a_second_run_finds_nothing_to_do_and_no_table_of_version_0_1(root: Path, name: str) -> None:
    pipeline = Pipeline(root, _PLANS[name]())
    first = run(pipeline)

    second = run(pipeline)

    assert "removed" in first["publish"]
    assert second["enrollments"].startswith("cached")
    assert {line for node, line in second.items() if node not in ("enrollments", "publish")} == {"up to date"}
    tables = [listed.name for listed in pipeline.engine.tables("results")]
    assert not [table for table in tables if table in _tables_of_0_1(pipeline.plan)]


def _tables_of_0_1(plan: AnalysisPlan) -> tuple[str, ...]:
    sources = [source.name for source in plan.sources]
    return (*legacy_names.names_now(plan, sources), legacy_names.status(plan))


def test_a_changed_metric_is_read_anew_and_the_others_are_not(root: Path) -> None:
    make_telemetry(EmbeddedEngine(root))
    plan = plan_with_segments(hours="SUM(2 * hours)")
    pipeline = Pipeline(root, plan)
    fresh = Pipeline(root, replace(plan, dataset="fresh"))

    lines = run(pipeline)
    fresh.run()

    assert "5 of 7 columns" in lines["enrollments"]
    assert "the rest is computed anew" in lines["enrollments"]
    for name in ("hours", "days", "longest"):
        assert pipeline.values(name, Period.WEEK) == fresh.values(name, Period.WEEK)


def test_what_is_gone_of_the_old_tables_is_read_anew(root: Path) -> None:
    make_telemetry(EmbeddedEngine(root))
    plan = plan_with_segments()
    engine = EmbeddedEngine(root)
    old = legacy_names.partials(plan, "activity")
    kept = Sql(f"SELECT r.* FROM {old} AS r WHERE r.submission_date < DATE '2026-05-04'")
    engine.query_to_table(kept, old, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by="submission_date"))
    before = views(root)
    pipeline = Pipeline(root, plan)

    lines = run(pipeline)

    assert of_sources(pipeline, lines) != {"up to date"}
    assert rounded(views(root, columns_of(before))) == rounded(before)


class KilledError(Exception):
    """Stands for the end of a process."""


class Dying:
    """An engine that ends with its process before, or after, some write."""

    def __init__(self, engine: Engine, writes: int, *, after: bool) -> None:
        self._engine = engine
        self._left = writes
        self._after = after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)
        return self._dying(method) if name in ("query_to_table", "load", "create_view", "delete") else method

    def _dying(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0 and not self._after:
                raise KilledError
            result = method(*arguments, **named)
            if self._left < 0:
                raise KilledError
            return result

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("last", [False, True], ids=["enrollments", "publish"])
def test_whoever_is_killed_at_any_write_begins_again_and_comes_to_the_same(
    root: Path, *, last: bool, after: bool
) -> None:
    plan = plan_with_signal()
    pipeline = Pipeline(root, plan)
    before = views(root)
    dag = build_dag(plan)
    node = dag.last if last else next(node for node in dag.nodes if isinstance(node.task, EnrollmentsTask))
    if last:
        pipeline.run()

    deaths = 0
    while _is_killed(pipeline, node, deaths, after=after):
        deaths += 1
    lines = run(pipeline)

    assert deaths > 2
    assert of_sources(pipeline, lines) == {"up to date"}
    assert views(root, columns_of(before)) == before
    assert not [name for name in _tables_of_0_1(plan) if pipeline.engine.info(name) is not None]


def _is_killed(pipeline: Pipeline, node: Node, writes: int, *, after: bool) -> bool:
    context = pipeline.context(node.id)
    try:
        run_node(node, replace(context, engine=Dying(context.engine, writes, after=after)))
    except KilledError:
        return True
    return False


def test_units_that_were_found_by_another_query_are_found_anew_and_old_estimates_stay_until_then(root: Path) -> None:
    make_telemetry(EmbeddedEngine(root))
    plan = plan_with_segments()
    found = plan.enrollments
    plan = replace(plan, enrollments=replace(found, sql=found.sql + "-- changed", key="a_changed"))
    pipeline = Pipeline(root, plan)

    lines = run(pipeline)

    assert "0 units, 0 of 7 columns, 0 of 3 estimates" in lines["enrollments"]
    assert "12 units" in lines["enrollments"].split(";", 1)[1]


def test_delete_finds_what_version_0_1_stored(root: Path) -> None:
    code = exit_code_of(["delete", "try-it", "--dataset", "results", "--yes", "--warehouse", f"embedded:{root}"])

    left = [listed.name for listed in EmbeddedEngine(root).tables("results")]
    assert code == 0
    assert left
    assert all("with_signal" in name for name in left)


def test_shred_asks_for_a_run_first_while_tables_of_version_0_1_hold_units(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--dataset", "results", "--warehouse", f"embedded:{root}"]

    assert exit_code_of(["shred", "try-it", "--ids", "u1", "--yes", *where]) == 2
    assert "run it once" in capsys.readouterr().err


def test_a_record_of_a_later_version_ends_a_task_with_2_and_says_which_image_is_needed(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_with_signal()
    pipeline = Pipeline(root, plan)
    context = pipeline.context("enrollments")
    context.record([replace(context.entry(Kind.EXPORT, State.COMPUTED), format=FORMAT + 1)])
    file = tmp_path / "plan.json"
    file.write_bytes(codec.dump(plan))

    code = exit_code_of(["task", "--plan", str(file), "--node", "enrollments", "--warehouse", f"embedded:{root}"])

    assert code == 2
    assert f"its record has format {FORMAT + 1}" in capsys.readouterr().err


def test_kinds_and_columns_that_are_not_known_are_skipped_and_missing_ones_are_empty() -> None:
    row: dict[str, Value] = {"recorded_at": datetime(2026, 6, 1, tzinfo=UTC), "node": "n", "plan": "p", "attempt": "a"}

    assert entry_of(row | {"kind": "dream", "state": "computed"}) is None
    assert entry_of(row | {"kind": "export", "state": "dreamt"}) is None
    entry = entry_of(row | {"kind": "export", "state": "computed", "keys": None, "later": 1})
    assert entry is not None
    assert (entry.keys, entry.batch, entry.counts, entry.facts, entry.rows, entry.format) == ((), None, (), "", 0, 1)


def test_results_of_version_0_1_are_said_to_be_that_until_they_are_taken_over(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = plan_with_segments()
    (tmp_path / "plan.json").write_bytes(codec.dump(plan))
    by_slug = [plan.experiment.slug, "--dataset", "results"]

    for named in (by_slug, ["--plan", str(tmp_path / "plan.json")]):
        for command in ("status", "results"):
            assert exit_code_of([command, *named, "--warehouse", f"embedded:{root}"]) == 2
            printed = capsys.readouterr().err
            assert "its results are those of version 0.1" in printed
            assert "run it once, which reads no telemetry for that" in printed
