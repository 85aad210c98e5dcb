"""Rows of units go when an experiment is over; its estimates stay, and what is asked for later is read again."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.report.facts import facts_of
from jetstream_argo.report.sentences import sentences
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Kind, State, read_entries
from jetstream_argo.upkeep.inspecting import inspect
from jetstream_argo.upkeep.retiring import idle
from tests.worlds.pipeline import Pipeline
from tests.worlds.upkeep import again, analysed, telemetry


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    telemetry(tmp_path)
    return analysed(tmp_path, "over")


def estimates(pipeline: Pipeline) -> set[tuple[object, ...]]:
    view = names.statistics_view(pipeline.plan, Period.WEEK)
    sql = f"SELECT v.metric, v.statistic, v.branch, v.comparison, v.point FROM `{view}` AS v"
    return {tuple(row) for row in pipeline.engine.query(Sql(sql), labels={}).rows}


def command(pipeline: Pipeline, *more: str) -> int:
    where = ["--warehouse", f"embedded:{pipeline.root}", "--dataset", pipeline.plan.dataset]
    return exit_code_of(["retire", *more, *where, "--yes"])


def test_rows_of_units_go_and_estimates_and_their_view_stay(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    before = estimates(pipeline)

    assert command(pipeline, "over") == 0
    assert re.search(r"over: removed \d+ tables?; estimates stay", capsys.readouterr().out)

    engine, plan = pipeline.engine, pipeline.plan
    kinds = {table.name.partition(".")[2].partition("_")[0] for table in engine.tables(plan.dataset)}
    assert kinds.isdisjoint({"partials", "values", "published", "signals"})
    assert engine.info(names.values_view(plan, Basis.ENROLLMENTS, Period.WEEK)) is None
    assert estimates(pipeline) == before
    assert inspect(engine, plan).findings == ()
    (sentence,) = [text for text in sentences(facts_of(read_entries(engine, plan))) if "rows of units" in text]
    assert sentence.startswith(f"rows of units were removed on {datetime.now(UTC):%Y-}")

    assert command(pipeline, "over") == 0  # there is nothing left to do


def test_what_is_computed_later_reads_telemetry_again(pipeline: Pipeline) -> None:
    before = estimates(pipeline)
    command(pipeline, "over")

    pipeline.today = datetime.now(UTC) + timedelta(hours=1)  # the command looked at the clock of this machine
    again(pipeline)

    entries = read_entries(pipeline.engine, pipeline.plan)
    last = max(n for n, entry in enumerate(entries) if entry.kind is Kind.RETIREMENT)
    assert any(entry.kind is Kind.PARTIALS and entry.state is State.COMPUTED for entry in entries[last:])
    assert estimates(pipeline) == before
    assert not [text for text in sentences(facts_of(entries)) if "rows of units" in text]


def test_with_all_those_go_that_nothing_was_done_of_for_long(pipeline: Pipeline) -> None:
    now = datetime.now(UTC)

    assert list(idle(pipeline.engine, pipeline.plan.dataset, before=now - timedelta(days=1))) == []
    (found,) = idle(pipeline.engine, pipeline.plan.dataset, before=now + timedelta(days=1))

    assert found.place.slug == "over"
    assert command(pipeline, "--all", "--idle-days", "1") == 0
    assert list(idle(pipeline.engine, pipeline.plan.dataset, before=now + timedelta(days=1)))
