import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import NodeError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.publishing import publish
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, State
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write
from tests.worlds import report as small

SCHEMAS = Path(__file__).parents[3] / "shared" / "fixtures"
PLAN = small.plan([small.HOURS, small.ADS])
WEEKLY = names.statistics_view(PLAN, Period.WEEK)
FIELDS = (
    *("segment", "metric", "statistic", "parameter", "comparison", "comparison_to_branch", "ci_width"),
    *("point", "lower", "upper", "window_index", "analysis_basis"),
)
UNITS = names.values_view(PLAN, Basis.ENROLLMENTS, Period.WEEK)
COMPLETE = [
    small.enrollments_entry(),
    small.statistics_entry("identity", "i", 1, (1, 2)),
    small.values_entry(small.HOURS, "v1", 1, (1, 2)),
    small.values_entry(small.ADS, "v2", 1, (1, 2)),
    small.statistics_entry("hours", "b1", 2, (1, 2)),
    small.statistics_entry("ads", "b2", 2, (1, 2)),
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return a warehouse with values and estimates of two metrics."""
    warehouse = EmbeddedEngine(tmp_path / "warehouse")
    small.enroll(warehouse)
    small.store_values(warehouse, "clients", ["m_hours"], [("v1", "a", "control", 1, None, 5.0)])
    small.store_values(warehouse, "events", ["m_ads"], [("v2", "a", "control", 1, None, 6.0)])
    rows = [
        small.estimate("hours", "b1", 1.0, parameter=small.TENTH, upper=float("inf")),
        small.estimate("hours", "b1", None, branch="treatment", reason="no_units", position=1),
        small.estimate("ads", "b2", 2.0),
    ]
    small.keep(warehouse, rows)
    small.record(warehouse, COMPLETE)
    return warehouse


def test_views_of_estimates_and_of_units_are_made(engine: Engine):
    line = publish(_context(engine, COMPLETE))

    assert line == "published 3 views"
    assert _rows(engine, f"SELECT v.metric, v.point FROM `{WEEKLY}` AS v WHERE v.point IS NOT NULL") == [
        ("ads", 2.0),
        ("hours", 1.0),
    ]
    assert _rows(engine, f"SELECT v.analysis_id, v.window_index, v.hours, v.ads FROM `{UNITS}` AS v") == [
        ("a", "1", 5.0, 6.0),
        ("a", "2", None, None),
        ("b", "1", None, None),
        ("b", "2", None, None),
    ]


def test_a_second_time_nothing_is_touched(engine: Engine, tmp_path: Path):
    publish(_context(engine, COMPLETE, export_to=tmp_path / "out"))
    before = [engine.info(name) for name in (WEEKLY, UNITS)]

    line = publish(_context(engine, COMPLETE, export_to=tmp_path / "out"))

    assert line == "published 0 views, 3 were up to date; published 0 files, 4 were up to date"
    assert [engine.info(name) for name in (WEEKLY, UNITS)] == before


def test_views_say_when_what_they_show_was_computed_and_which_schema_it_has(engine: Engine):
    publish(_context(engine, COMPLETE))
    small.keep(engine, [small.estimate("ads", "b3", 3.0)])

    line = publish(_context(engine, [*COMPLETE, small.statistics_entry("ads", "b3", 9, (1, 2))]))

    # facts: upstream 2.1; `last_updated` is in seconds since 1970
    assert line == "published 2 views, 1 was up to date"
    weekly, units = engine.info(WEEKLY), engine.info(UNITS)
    assert weekly is not None
    assert units is not None
    assert (weekly.labels["experiment"], weekly.labels["schema_version"]) == ("new-tab", "4")
    assert int(weekly.labels["last_updated"]) == small.at(9).timestamp()
    assert int(units.labels["last_updated"]) == small.at(1).timestamp()


def test_values_of_a_new_batch_replace_the_view_of_the_units(engine: Engine):
    publish(_context(engine, COMPLETE))
    small.store_values(engine, "events", ["m_ads"], [("v3", "a", "control", 1, None, 7.0)])

    line = publish(_context(engine, [*COMPLETE, small.values_entry(small.ADS, "v3", 3)]))

    assert line == "published 1 view, 2 were up to date"
    assert _rows(engine, f"SELECT v.hours, v.ads FROM `{UNITS}` AS v WHERE v.ads IS NOT NULL") == [(5.0, 7.0)]


def test_a_metric_that_failed_is_null_and_the_others_complete(engine: Engine, tmp_path: Path):
    recorded = [entry for entry in COMPLETE if "ads" not in entry.metrics]
    failed = small.values_entry(small.ADS, "", 3, state=State.FAILED, error="InvalidQuery", message="no column ads")

    line = publish(_context(engine, [*recorded, failed], export_to=tmp_path))

    assert line == "published 3 views; published 4 files; partial: no results of 1 metric (ads)"
    assert _rows(engine, f"SELECT v.hours, v.ads FROM `{UNITS}` AS v WHERE v.hours IS NOT NULL") == [(5.0, None)]
    about = json.loads((tmp_path / "metadata" / "metadata_new_tab.json").read_text())
    assert about["partial"] is True
    assert about["lacking"] == [
        {
            "metric": "ads",
            "period": "week",
            "first_window": 1,
            "last_window": 2,
            "standing": "failed",
            "message": "no column ads",
        }
    ]
    [error] = json.loads((tmp_path / "errors" / "errors_new_tab.json").read_text())
    assert (error["experiment"], error["metric"], error["exception_type"], error["message"]) == (
        *("new-tab", "ads", "InvalidQuery", "no column ads"),
    )


def test_what_is_complete_is_not_marked_partial_and_has_no_errors(engine: Engine, tmp_path: Path):
    publish(_context(engine, COMPLETE, export_to=tmp_path))

    assert json.loads((tmp_path / "metadata" / "metadata_new_tab.json").read_text())["partial"] is False
    assert json.loads((tmp_path / "errors" / "errors_new_tab.json").read_text()) == []


def test_a_metric_made_of_others_has_a_column_without_values(engine: Engine):
    publish(_context(engine, COMPLETE, plan=small.plan()))

    assert _rows(engine, f"SELECT v.hours, v.rate FROM `{UNITS}` AS v WHERE v.hours IS NOT NULL") == [(5.0, None)]


def test_metrics_of_one_batch_are_joined_once(engine: Engine):
    days = small.metric("days")
    small.store_values(engine, "clients", ["m_hours", "m_days"], [("v9", "b", "treatment", 2, date.min, 1.0, 2.0)])
    both = replace(small.values_entry(small.HOURS, "v9", 5, (1, 2)), keys=("m_hours", "m_days"))

    publish(_context(engine, [*COMPLETE, both], plan=small.plan([small.HOURS, days])))

    view = engine.info(UNITS)
    assert view is not None
    assert view.view_sql is not None
    assert view.view_sql.count("LEFT JOIN") == 1
    assert _rows(engine, f"SELECT v.hours, v.days FROM `{UNITS}` AS v WHERE v.days IS NOT NULL") == [(1.0, 2.0)]


def test_while_the_units_are_those_of_another_definition_their_view_is_left_as_it_is(engine: Engine):
    line = publish(_context(engine, [small.enrollments_entry(key="e_old"), *COMPLETE[1:]]))

    assert line == "published 2 views"
    assert engine.info(UNITS) is None


def test_before_anything_was_computed_nothing_is_published(tmp_path: Path):
    empty = EmbeddedEngine(tmp_path / "empty")

    assert publish(_context(empty, [])) == (
        "published 0 views; partial: no results of 3 metrics (identity, hours, ads)"
    )


def test_a_view_that_cannot_be_made_costs_neither_the_others_nor_the_files(engine: Engine, tmp_path: Path):
    column = Column("x", "INT64")
    engine.load(WEEKLY, [{"x": 1}], [column], write=Write.EMPTY, labels={})  # a table stands in the way

    with pytest.raises(NodeError, match=f"view {WEEKLY} failed"):
        publish(_context(engine, COMPLETE, export_to=tmp_path))

    assert engine.info(UNITS) is not None
    assert (tmp_path / "statistics" / "statistics_new_tab_weekly.json").exists()


def test_the_statistics_export_has_what_readers_expect(engine: Engine, tmp_path: Path):
    publish(_context(engine, COMPLETE, export_to=tmp_path))

    ads, hours = json.loads((tmp_path / "statistics" / "statistics_new_tab_weekly.json").read_text())

    assert (ads["metric"], ads["parameter"], ads["comparison"], ads["point"]) == ("ads", None, None, 2.0)
    assert (hours["parameter"], hours["window_index"], hours["lower"]) == ("0.1", "1", 0.0)
    assert "upper" not in hours  # infinite


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("statistics/statistics_new_tab_weekly.json", "Statistics_v1.0.json"),
        ("metadata/metadata_new_tab.json", "Metadata_v1.0.json"),
    ],
)
@pytest.mark.skipif(not SCHEMAS.exists(), reason="needs the readers' JSON schemas")
def test_the_exports_are_what_their_schemas_say(engine: Engine, tmp_path: Path, file: str, schema: str):
    publish(_context(engine, COMPLETE, export_to=tmp_path))

    jsonschema.validate(json.loads((tmp_path / file).read_text()), json.loads((SCHEMAS / schema).read_text()))


@pytest.mark.skipif(not SCHEMAS.exists(), reason="needs the readers' JSON schemas")
def test_the_view_of_statistics_holds_no_row_that_the_schema_of_its_readers_refuses(engine: Engine):
    publish(_context(engine, COMPLETE))

    found = engine.query(Sql(f"SELECT * FROM `{WEEKLY}`"), labels={}).dicts()
    # As an extract to JSON has it: NULL is left out, and text is what a NUMERIC is, or a number that is infinite.
    extracted = [
        {
            name: str(value) if name == "parameter" or value == float("inf") else value
            for name, value in row.items()
            if value is not None
        }
        for row in found
    ]
    schema = json.loads((SCHEMAS / "Statistics_v1.0.json").read_text())
    jsonschema.validate([{name: row[name] for name in row if name in FIELDS} for row in extracted], schema)
    assert {row["metric"] for row in extracted} == {"hours", "ads"}


def test_rows_without_a_point_stand_in_a_view_of_their_own_with_their_reason(engine: Engine):
    publish(_context(engine, COMPLETE))

    view = names.without_point_view(PLAN)
    assert not view.rpartition(".")[2].startswith("statistics_")
    assert _rows(engine, f"SELECT v.period, v.metric, v.branch, v.reason FROM `{view}` AS v") == [
        ("week", "hours", "treatment", "no_units")
    ]
    assert _rows(engine, f"SELECT COUNT(*) FROM `{WEEKLY}` AS v WHERE v.point IS NULL") == [(0,)]


def test_no_unfinished_file_is_left_beside_the_exports(engine: Engine, tmp_path: Path):
    publish(_context(engine, COMPLETE, export_to=tmp_path / "out"))

    assert sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")) == [
        "errors/errors_new_tab.json",
        "metadata/metadata_new_tab.json",
        "pages/page_new_tab.html",
        "statistics/statistics_new_tab_weekly.json",
    ]


def test_the_page_stands_beside_the_files_and_where_it_is_asked_for(engine: Engine, tmp_path: Path):
    context = _context(engine, COMPLETE, export_to=tmp_path / "out")

    publish(replace(context, page=str(tmp_path / "page.html")))

    text = (tmp_path / "page.html").read_text()
    assert (tmp_path / "out" / "pages" / "page_new_tab.html").read_text() == text
    assert "SUM(ds.hours)" in text
    assert "2026-05-05" in text  # when the units enrolled


def test_a_page_alone_needs_no_folder(engine: Engine, tmp_path: Path):
    line = publish(replace(_context(engine, COMPLETE), page=str(tmp_path / "page.html")))

    assert line == "published 3 views; published 1 file"
    assert [file.name for file in tmp_path.glob("*.html")] == ["page.html"]


def _context(
    engine: Engine, recorded: Sequence[Entry], *, plan: AnalysisPlan = PLAN, export_to: Path | str = ""
) -> Context:
    return Context(
        plan=plan,
        plan_sha256="f" * 64,
        node="export",
        engine=engine,
        attempt="a9",
        now=lambda: small.at(9),
        export_to=str(export_to),
        ledger=Ledger(list(recorded)),
    )


def _rows(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return sorted(engine.query(Sql(sql), labels={}).rows, key=str)
