"""Units that a query gives are removed from every experiment, and estimates are made anew without telemetry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import TooBig
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import status_report
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, read_entries
from jetstream_argo.upkeep.counting import survey
from jetstream_argo.upkeep.gone import asked
from jetstream_argo.upkeep.shredding import holdings, shred
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.upkeep.test_shred import units
from tests.worlds.pipeline import START, Pipeline
from tests.worlds.upkeep import HOURS, MEDIAN, RATE, again, analysed, rows, telemetry

QUERY = "SELECT r.client_id FROM requests.deletions AS r"
SLUGS = ("try-it", "another")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two experiments, and who asked to be deleted: one unit of them, and many of which none is in any."""
    telemetry(tmp_path)
    asking: list[Mapping[str, Value]] = [{"client_id": unit} for unit in ("a", "nobody", "a", None)]
    EmbeddedEngine(tmp_path).load(
        "requests.deletions", asking, [Column("client_id", "STRING")], write=Write.TRUNCATE, labels={}
    )
    return tmp_path


def run_all(root: Path, *arguments: str) -> int:
    return exit_code_of(["shred", "--all", "--query", QUERY, "--warehouse", f"embedded:{root}", *arguments])


def estimates(pipeline: Pipeline) -> dict[tuple[Value, ...], tuple[Value, ...]]:
    """Points by all that tells rows apart."""
    found = read_estimates(pipeline.engine, pipeline.plan, Filters()).dicts()
    key = ("metric", "statistic", "branch", "comparison", "comparison_to_branch", "analysis_basis", "parameter")
    return {tuple(row[name] for name in key): (row["point"], row["lower"], row["upper"]) for row in found}


def lose_telemetry(root: Path) -> None:
    """From here on whoever reads telemetry fails."""
    engine = EmbeddedEngine(root)
    for listed in engine.tables("telemetry"):
        engine.delete(listed.name)


def test_units_of_a_query_go_from_all_tables_of_all_experiments_and_the_record_says_how_many(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for slug in SLUGS:
        analysed(root, slug, [HOURS])

    assert run_all(root, "--yes") == 0

    assert "2 units to remove from 2 experiments in 1 dataset" in capsys.readouterr().out
    for slug in ("try_it", "another"):
        assert set().union(*units(root, slug).values()) - {None} == {"b", "c", "d"}
    engine = EmbeddedEngine(root)
    report = status_report(None, read_entries(engine, names.Place("results", "try-it")))
    assert report.removed is not None
    assert report.removed.rows >= report.removed.tables >= 4
    assert exit_code_of(["status", "try-it", "--dataset", "results", "--warehouse", f"embedded:{root}"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"{report.removed.rows:,} rows, {report.removed.tables} tables" in printed


def test_estimates_are_made_anew_from_what_is_left_as_if_the_unit_had_never_been_there(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pipeline = analysed(root, "try-it", [HOURS, MEDIAN, RATE])
    values = names.values(pipeline.plan, Basis.ENROLLMENTS, "activity", Period.WEEK)
    before = estimates(pipeline)
    lose_telemetry(root)

    assert run_all(root, "--yes") == 0

    without = tmp_path_factory.mktemp("without")
    telemetry(without)
    engine = EmbeddedEngine(without)
    for name, column in (("assignments", "unit"), ("activity", "client_id"), ("exposures", "unit")):
        sql = Sql(f"SELECT t.* FROM telemetry.{name} AS t WHERE t.{column} != 'a'")
        engine.query_to_table(sql, f"telemetry.{name}", write=Write.TRUNCATE, labels={})
    never = analysed(without, "try-it", [HOURS, MEDIAN, RATE])
    assert estimates(pipeline) == estimates(never) != before
    stored = "SELECT * EXCEPT (batch) FROM `{}` AS v ORDER BY v.analysis_id"
    assert rows(root, stored.format(values)) == rows(without, stored.format(values))
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    assert not any(metric.before_deletion for metric in report.metrics)


def test_a_dry_run_says_how_many_rows_of_which_tables_and_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = analysed(root, "try-it", [HOURS])
    there = {listed.name: EmbeddedEngine(root).info(listed.name) for listed in EmbeddedEngine(root).tables("results")}

    assert run_all(root, "--dry-run") == 0

    printed = capsys.readouterr().out
    assert f"try-it: 1 row of {names.assignments(pipeline.plan)}" in printed
    assert "in 1 experiment hold any of them" in printed
    assert there == {name: EmbeddedEngine(root).info(name) for name in there}


class Counting(EmbeddedEngine):
    """Remembers the statements that count units; refuses those of more tables than `most`."""

    def __init__(self, root: Path, most: int = 10_000) -> None:
        super().__init__(root)
        self.most = most
        self.counts: list[str] = []

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        if "AS of_units" in sql:
            self.counts.append(sql)
            if sql.count("UNION ALL") >= self.most:
                raise TooBig("too many tables")
        return super().query(sql, labels=labels, page_rows=page_rows)


def records(engine: EmbeddedEngine) -> dict[names.Place, Sequence[Entry]]:
    return {place: read_entries(engine, place) for place in (names.Place("results", slug) for slug in SLUGS)}


def test_all_tables_of_all_experiments_are_counted_by_one_statement_to_what_each_alone_is(root: Path) -> None:
    for slug in SLUGS:
        analysed(root, slug, [HOURS])
    engine = Counting(root)
    with asked(engine, names.Place("results", "all"), QUERY, attempt="s") as gone:
        before = survey(engine, records(engine), gone, {})
        found = {place: holdings(engine, place, entries, gone, before) for place, entries in records(engine).items()}
        assert len(engine.counts) == 1

        assert found == {place: holdings(engine, place, entries, gone) for place, entries in records(engine).items()}
    assert all(len(holding) >= 4 for holding in found.values())


def test_what_is_too_much_at_once_is_counted_in_halves_and_at_last_by_itself(root: Path) -> None:
    for slug in SLUGS:
        analysed(root, slug, [HOURS])
    engine = Counting(root, most=6)
    with asked(engine, names.Place("results", "all"), QUERY, attempt="s") as gone:
        halves = survey(engine, records(engine), gone, {})
        assert len(engine.counts) == 3

        found = {place: holdings(engine, place, entries, gone, halves) for place, entries in records(engine).items()}
        assert len(engine.counts) == 3
        engine.most = 1
        nothing = survey(engine, records(engine), gone, {})

        assert not nothing.counts
        assert found == {
            place: holdings(engine, place, entries, gone, nothing) for place, entries in records(engine).items()
        }


def test_a_table_that_was_written_since_it_was_counted_is_counted_again(root: Path) -> None:
    pipeline = analysed(root, "try-it", [HOURS])
    engine, place = Counting(root), names.place_of(pipeline.plan)
    assigned = names.assignments(place)
    with asked(engine, place, "SELECT 'late' AS analysis_id", attempt="s") as gone:
        before = survey(engine, {place: read_entries(engine, place)}, gone, {})
        late = Sql(f"SELECT a.* REPLACE ('late' AS analysis_id) FROM {assigned} AS a WHERE a.analysis_id = 'b'")
        engine.query_to_table(late, assigned, write=Write.APPEND, labels={})

        (found,) = holdings(engine, place, read_entries(engine, place), gone, before)

    assert (found.table.name, found.rows) == (assigned, 1)


class Stopping(EmbeddedEngine):
    """Its process is stopped when it would rewrite another table after some."""

    def __init__(self, root: Path, after: int) -> None:
        super().__init__(root)
        self.left = after

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        if write is Write.TRUNCATE and not layout.temporary:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)


@pytest.mark.parametrize("after", [0, 2])
def test_what_was_stopped_half_way_goes_on_and_makes_estimates_anew(root: Path, after: int) -> None:
    pipeline = analysed(root, "try-it", [HOURS])
    engine, place = Stopping(root, after), names.place_of(pipeline.plan)
    with asked(engine, place, QUERY, attempt="s") as gone:
        found = holdings(engine, place, read_entries(engine, place), gone)
        with pytest.raises(KeyboardInterrupt):
            list(shred(engine, place, found, gone, now=pipeline.now, attempt="s", anew=True))
    assert "a" in set().union(*units(root).values())

    assert run_all(root, "--yes") == 0

    assert "a" not in set().union(*units(root).values())
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    assert not any(metric.before_deletion for metric in report.metrics)


def test_stopped_before_estimates_were_made_anew_the_next_run_makes_them(root: Path) -> None:
    pipeline = analysed(root, "try-it", [HOURS])
    before = estimates(pipeline)
    place = names.place_of(pipeline.plan)
    engine = EmbeddedEngine(root)
    with asked(engine, place, QUERY, attempt="s") as gone:
        found = holdings(engine, place, read_entries(engine, place), gone)
        list(shred(engine, place, found, gone, now=lambda: datetime.now(UTC), attempt="s", anew=True))
    pipeline.today = datetime.now(UTC)

    idle = again(pipeline)

    assert not idle["stats-week-hours"]
    assert idle["week-activity"]
    assert estimates(pipeline) != before
    assert all(again(pipeline).values())


def test_a_unit_does_not_come_back_with_telemetry_that_is_late(root: Path) -> None:
    pipeline = analysed(root, "try-it", [HOURS])
    assert run_all(root, "--yes") == 0
    pipeline.today = datetime.now(UTC)

    late = [(unit, branch, START) for unit, branch in (("a", "control"), ("a", "control"), ("e", "treatment"))]
    known = [(unit, ("control", "treatment")[n % 2], START) for n, unit in enumerate("bcd", 1)]
    pipeline.put("assignments", {"unit": "STRING", "branch": "STRING", "day": "DATE"}, [*known, *late])
    hours = [(unit, START, 9.0) for unit in "abcde"]
    pipeline.put("activity", {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64"}, hours)
    again(pipeline)

    assert "a" not in set().union(*units(root).values())


def test_an_experiment_that_somebody_writes_to_costs_itself_and_no_other(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for slug in SLUGS:
        analysed(root, slug, [HOURS])
    place = names.Place("results", "another")
    with EmbeddedEngine(root).lease(names.lease(place), exclusive=False, holder="a task"):
        assert run_all(root, "--yes") == 75

    assert "another" in capsys.readouterr().err
    assert "a" not in set().union(*units(root).values())
    assert "a" in set().union(*units(root, "another").values())
    assert run_all(root, "--yes") == 0
    assert "a" not in set().union(*units(root, "another").values())


def test_only_hashes_of_units_that_are_in_an_experiment_stay_there(root: Path) -> None:
    pipeline = analysed(root, "try-it", [HOURS])

    assert run_all(root, "--yes") == 0

    kept = rows(root, f"SELECT DISTINCT s.hash FROM `{names.shredded(pipeline.plan)}` AS s")
    assert len(kept) <= 2  # that of the unit, and of some unit for the key to stand beside


def test_a_query_says_which_column_names_the_units(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analysed(root, "try-it", [HOURS])
    place = ["--all", "--warehouse", f"embedded:{root}", "--dry-run"]

    assert exit_code_of(["shred", *place, "--query", "SELECT 1 AS x, 2 AS y"]) == 2
    assert "call that of the units analysis_id" in capsys.readouterr().err
    assert exit_code_of(["shred", *place, "--query", "SELECT 'a' AS analysis_id, 2 AS y;"]) == 0
    assert "1 unit to remove from 1 experiment in" in capsys.readouterr().out
    assert exit_code_of(["shred", *place]) == 2
    assert "--ids or --query" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [("--ids", "gone.txt", "there is no such file"), ("--query", "gone.sql", "neither a query nor a file")],
)
def test_a_file_that_is_not_there_is_no_unit_and_no_query(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, name: str, message: str
) -> None:
    where = ["--warehouse", f"embedded:{tmp_path}", "--dataset", "results"]

    assert exit_code_of(["shred", "try-it", option, str(tmp_path / name), *where]) == 2

    assert message in " ".join(capsys.readouterr().err.split())
