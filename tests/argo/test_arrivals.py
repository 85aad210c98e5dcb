"""Until which date sources are there, by what a warehouse tells of its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from importlib import resources

import pytest

from jetstream_argo.argo.due.arrivals import Arrivals
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import ExposureSignal
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import AccessDenied, NotFound
from jetstream_argo.plan.readiness import ENROLLMENTS, EXPOSURES, Readiness
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Knowledge, Layout, TableVersions, Write
from tests.worlds.pipeline import experiment, metric, planned, source, summary_of

AS_OF = date(2026, 5, 13)  # units enroll from 4 to 6 May
TODAY = AS_OF + timedelta(days=1)
LATE = AS_OF - timedelta(days=1)


@dataclass
class Told:
    """A warehouse that tells what a test says of tables: a newest date, None for a look-up table, or an error."""

    tables: Mapping[str, date | Knowledge | Exception]
    asked: list[str] = field(default_factory=list)

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        self.asked.append(sql)
        found = tuple(name for name in self.tables if name in sql)
        if not found:
            raise NotFound("no such table")
        return found

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        assert first <= last
        found = {}
        for name in tables:
            match self.tables[name]:
                case date() as newest:
                    found[name] = TableVersions(name, Knowledge.BY_DATE, newest=newest)
                case Knowledge() as knowledge:
                    found[name] = TableVersions(name, knowledge)
                case Exception() as error:
                    raise error
        return found


def plan(rows: str = "telemetry.activity", *, as_of: date = AS_OF):
    settings = experiment(
        [metric("hours", "SUM(hours)")],
        [source("activity", rows)],
        {Period.DAY: [summary_of("hours", "linear_model_mean")]},
    )
    return planned(settings, as_of=as_of)


def readiness(tables, rows: str = "telemetry.activity", *, as_of: date = AS_OF) -> Mapping[str, date]:
    found = Arrivals(Told(tables), today=TODAY)(plan(rows, as_of=as_of))
    return dict(found.dates) if found else {}


def test_a_source_is_there_until_the_newest_date_of_its_table():
    assert readiness({"telemetry.activity": LATE}) == {"activity": LATE}
    assert readiness({"telemetry.activity": TODAY}) == {"activity": TODAY}


BOTH = "(SELECT * FROM telemetry.activity JOIN telemetry.other USING (client_id))"


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (LATE, LATE),  # a date is there when both tables have it
        (date(2025, 1, 1), AS_OF),  # nothing comes to the other any more
        (Knowledge.NOT_BY_DATE, AS_OF),
        (Knowledge.UNKNOWN, None),
        (AccessDenied("no"), None),
    ],
)
def test_of_several_tables_the_date_counts_that_all_have_to_which_rows_still_come(other, found):
    assert readiness({"telemetry.activity": AS_OF, "telemetry.other": other}, BOTH).get("activity") == found


def test_a_date_is_waited_for_for_two_days_and_is_empty_then():
    assert readiness({"telemetry.activity": date(2026, 5, 1)}) == {"activity": date(2026, 5, 11)}
    # An older date is not even asked for.
    assert readiness({"telemetry.activity": date(2026, 5, 1)}, as_of=date(2026, 5, 11)) == {}


def test_nothing_is_known_where_the_warehouse_does_not_tell():
    assert readiness({"elsewhere": AS_OF}) == {}
    assert readiness({"telemetry.activity": Knowledge.NOT_BY_DATE}) == {}


def test_enrollments_and_signals_are_looked_for_while_they_matter():
    settings = experiment(
        [metric("hours", "SUM(hours)")],
        [source("activity")],
        {Period.DAY: [summary_of("hours", "linear_model_mean")]},
        signal=ExposureSignal("seen", source("seen"), "seen", None, None),
    )
    made = planned(settings, as_of=date(2026, 5, 6))
    before = date(2026, 5, 5)
    tables = {"telemetry.activity": made.as_of, "telemetry.seen": before, "telemetry.assignments": before}

    found = Arrivals(Told(tables), today=date(2026, 5, 7))(made)

    assert found == Readiness.of({"activity": made.as_of, EXPOSURES: before, ENROLLMENTS: before})


def test_a_statement_is_asked_about_once_for_all_experiments():
    warehouse = Told({"telemetry.activity": LATE})
    arrivals = Arrivals(warehouse, today=TODAY)

    assert arrivals(plan()) == arrivals(replace(plan(), dataset="other"))
    assert len(warehouse.asked) == 1


def test_the_planner_leaves_out_what_is_late_and_says_it_at_the_last_look(tmp_path, capsys):
    experiments = tmp_path / "experiments"
    experiments.mkdir()
    text = resources.files("jetstream_argo.demo").joinpath("experiment.toml").read_text()
    (experiments / "sidebar-layout.toml").write_text(text)
    engine = EmbeddedEngine(tmp_path / "warehouse")
    newest = {
        "daily_activity": date(2026, 3, 20),
        "daily_searches": date(2026, 3, 19),
        "interactions": date(2026, 3, 20),
    }
    for name, day in newest.items():
        texts = ("client_id", "experiments", "engine", "source")
        columns = [*(Column(text, "STRING") for text in texts), Column("submission_date", "DATE")]
        columns += [Column("searches", "INT64"), Column("ad_clicks", "INT64")]
        rows = [{"client_id": "a", "submission_date": day}]
        engine.load(f"demo.{name}", rows, columns, write=Write.TRUNCATE, labels={}, layout=Layout("submission_date"))
    command = ["submit-due", "--experiments", str(experiments), "--image", "i@sha256:0", "--readiness"]
    command += ["--warehouse", f"embedded:{tmp_path / 'warehouse'}", "--output", str(tmp_path / "out"), "--date"]

    codes = [exit_code_of([*command, f"2026-03-21T{hour}:00:00Z"]) for hour in ("05", "20")]

    lines = capsys.readouterr().out.splitlines()
    waits = "search of 2026-03-20 is not loaded yet (newest: 2026-03-19)"
    assert codes == [0, 75]
    assert waits in lines[0]
    assert f"{waits}, for 1 experiment" in lines[-1]
    assert len([*(tmp_path / "out").iterdir()]) == 1
