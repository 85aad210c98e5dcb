import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from jetstream_argo.cli.pages import report
from jetstream_argo.cli.reporting import results, status
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.store.entries import Kind, State
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds import report as small

BROKEN = small.values_entry(small.ADS, "", 3, state=State.FAILED, error="InvalidQuery", message="no column ads")


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """Return the URL of a warehouse with estimates of `hours`, and a failure of `ads`."""
    engine = EmbeddedEngine(tmp_path / "warehouse")
    rows = [
        small.estimate("hours", "b1", 1.5, parameter=small.TENTH),
        small.estimate("hours", "b1", 2.5, window_index=2),
    ]
    small.keep(engine, rows)
    small.record(engine, [small.statistics_entry("hours", "b1", 1, (1, 2), units=1234), BROKEN])
    return f"embedded:{tmp_path / 'warehouse'}"


@pytest.fixture
def plan_file(tmp_path: Path) -> str:
    """Return the file of a plan that is due to have `hours` in two weeks."""
    file = tmp_path / "plan.json"
    file.write_bytes(codec.dump(small.plan([small.HOURS])))
    return str(file)


def test_results_need_a_slug_and_a_dataset_and_no_configuration(warehouse: str):
    shown = _run(results, "new-tab", "--dataset", "analysis", "--warehouse", warehouse)

    assert shown.exit_code == 0
    assert "week 1, days 0 to 6 · enrollments · all units" in shown.output
    assert "mean 0.1" in shown.output


def test_results_of_a_plan_need_no_dataset(warehouse: str, plan_file: str):
    shown = _run(results, "--plan", plan_file, "--warehouse", warehouse, "--format", "json", "--window", "2")

    assert [row["point"] for row in json.loads(shown.output)] == [2.5]


def test_results_go_to_a_file_in_any_format(warehouse: str, tmp_path: Path):
    common = ("new-tab", "--dataset", "analysis", "--warehouse", warehouse)

    for name in ("table", "json", "csv", "parquet"):
        assert _run(results, *common, "--format", name, "-o", str(tmp_path / name)).output == ""

    assert "week 1" in (tmp_path / "table").read_text()
    assert len(json.loads((tmp_path / "json").read_text())) == 2
    assert len((tmp_path / "csv").read_text().splitlines()) == 3
    assert pyarrow.parquet.read_table(io.BytesIO((tmp_path / "parquet").read_bytes())).num_rows == 2


def test_results_say_by_their_exit_code_that_something_is_lacking(warehouse: str, plan_file: str):
    here = ("--warehouse", warehouse, "--exit-code")

    assert _run(results, "new-tab", "--dataset", "analysis", *here).exit_code == EXIT_DEFINITION
    assert _run(results, "new-tab", "--dataset", "analysis", "--metrics", "hours", *here).exit_code == EXIT_DONE
    assert _run(results, "--plan", plan_file, *here).exit_code == EXIT_RETRY  # nobody counted the units


def test_status_tells_what_was_computed_and_what_failed(warehouse: str):
    shown = _run(status, "new-tab", "--dataset", "analysis", "--warehouse", warehouse)

    assert shown.exit_code == 0
    lines = [line.split() for line in shown.output.splitlines()]
    assert [*("hours", "week", "1", "to", "2", "computed"), "2026-05-25", "01:00", "1,234"] in lines
    assert [*("ads", "week", "1", "failed"), *("InvalidQuery:", "no", "column", "ads")] in lines
    assert "windows of metrics: 2 computed, 1 failed" in shown.output


def test_status_with_a_plan_tells_what_is_missing(warehouse: str, plan_file: str):
    shown = _run(status, "--plan", plan_file, "--warehouse", warehouse, "--lacking", "--format", "json", "--exit-code")

    assert shown.exit_code == EXIT_RETRY
    report = json.loads(shown.output)
    assert [(metric["metric"], metric["standing"]) for metric in report["metrics"]] == [("identity", "missing")]
    assert [node["node"] for node in report["nodes"]][:3] == ["enrollments", "counts", "day-clients"]


def test_status_comes_as_a_table_of_metrics_too(warehouse: str):
    shown = _run(status, "new-tab", "--dataset", "analysis", "--warehouse", warehouse, "--format", "csv")

    assert shown.output.splitlines()[1].startswith("ads,week,1,1,failed,,,,,InvalidQuery,no column ads")


def test_a_misspelt_slug_is_answered_with_the_nearest_known_one(warehouse: str):
    with pytest.raises(PlanError, match="did you mean 'new-tab'"):
        _run(status, "new-tap", "--dataset", "analysis", "--warehouse", warehouse)


def test_without_a_slug_or_a_plan_the_command_says_what_it_needs(warehouse: str):
    shown = _run(results, "--warehouse", warehouse)

    assert shown.exit_code == 2
    assert "name an experiment by its slug, or give --plan FILE" in shown.output


def _run(command: object, *arguments: str) -> Result:
    """Return what a command printed and answered, as the command line would exit with it; let our errors through."""
    shown = CliRunner().invoke(
        command,  # type: ignore[arg-type]  # a command
        list(arguments),
        standalone_mode=False,
    )
    if isinstance(shown.exception, PlanError):
        raise shown.exception
    if shown.exception is not None:
        shown = CliRunner().invoke(command, list(arguments))  # type: ignore[arg-type]  # a command
    elif isinstance(shown.return_value, int):
        shown.exit_code = shown.return_value
    return shown


def test_a_failure_of_the_enrollments_is_shown_where_nothing_else_was_recorded(tmp_path: Path):
    failed = small.entry(Kind.ENROLLMENTS, State.FAILED, 4, node="enrollments", error="InvalidQuery", message="no unit")
    small.record(EmbeddedEngine(tmp_path), [failed])
    common = ("new-tab", "--dataset", "analysis", "--warehouse", f"embedded:{tmp_path}")

    shown = _run(status, *common, "--exit-code")
    lacking = CliRunner().invoke(results, common)

    assert "nothing was computed" in shown.output
    assert "enrollments failed at 2026-05-25 04:00: InvalidQuery: no unit" in shown.output
    assert shown.exit_code == EXIT_DEFINITION
    assert "warning: enrollments failed at 2026-05-25 04:00: InvalidQuery: no unit" in lacking.stderr
    assert isinstance(lacking.exception, PlanError)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--metrics huors", "no estimates with metric 'huors'; did you mean 'hours'"),
        ("--metrics hours,ads", "no estimates of metric 'ads', which failed: InvalidQuery: no column ads"),
        ("--statistic meen", "no estimates with statistic 'meen'; did you mean 'mean'"),
        ("--statistic bootstrap_mean", "no estimates with statistic 'bootstrap_mean'; its rows say 'mean'"),
        ("--segment loyal", "no estimates with segment 'loyal'; there are all"),
        ("--window 7 --format csv", "no estimates with window_index '7'; there are 1, 2"),
        ("--period day", "no estimates with period 'day'; there are week"),
        ("--source searches", "there is no data source 'searches'"),
    ],
)
def test_a_filter_that_matches_nothing_is_answered_with_what_there_is(warehouse: str, options: str, message: str):
    with pytest.raises(PlanError, match=message) as raised:
        _run(results, "new-tab", "--dataset", "analysis", "--warehouse", warehouse, *options.split())

    assert raised.value.exit_code == EXIT_DEFINITION


def test_metrics_and_periods_are_repeated_or_have_commas(warehouse: str):
    common = ("new-tab", "--dataset", "analysis", "--warehouse", warehouse, "--format", "json")

    shown = _run(results, *common, "--metrics", "hours,hours", "--metrics", "hours", "--period", "week")

    assert len(json.loads(shown.output)) == 2
    assert _run(results, *common, "--period", "weekly").exit_code == 2


def test_every_statistic_has_a_line_in_detail(warehouse: str):
    shown = _run(results, "new-tab", "--dataset", "analysis", "--warehouse", warehouse, "--format", "detail")

    assert shown.exit_code == 0
    assert "mean 0.1" in shown.output
    assert "estimate" in shown.output


def test_a_page_is_one_file_that_needs_no_other(warehouse: str, tmp_path: Path):
    file = tmp_path / "page.html"

    shown = _run(report, "new-tab", "--dataset", "analysis", "--warehouse", warehouse, "-o", str(file))

    assert shown.output == f"wrote {file} ({file.stat().st_size:,} bytes)\n"
    text = file.read_text()
    page = ElementTree.fromstring(text.removeprefix("<!doctype html>"))
    tags = {element.tag for element in page.iter()}
    assert {"script", "img", "link", "iframe"}.isdisjoint(tags)
    assert all(link.get("href", "").startswith("#") for link in page.iter("a"))
    assert "Week 2, days 0 to 6" in text
    text = text.replace('xmlns="http://www.w3.org/2000/svg"', "")  # a name, and no address
    assert not any(word in text for word in ("http:", "https:", "url(", "src=", "data:"))


def test_all_pages_of_a_dataset_have_an_index_that_leads_to_them(warehouse: str, tmp_path: Path):
    engine = EmbeddedEngine(tmp_path / "warehouse")
    small.keep(engine, [small.estimate("hours", "b1", 1.5)], slug="new_tab")
    small.record(engine, [small.statistics_entry("hours", "b1", 1)], slug="new_tab")

    shown = _run(report, "--all", "--dataset", "analysis", "--warehouse", warehouse, "-o", str(tmp_path / "pages"))

    assert shown.exit_code == 0
    index = ElementTree.fromstring((tmp_path / "pages" / "index.html").read_text().partition("<!doctype html>")[2])
    links = {link.text: link.get("href", "") for link in index.iter("a")}
    assert set(links) == {"new-tab", "new_tab"}
    for slug, file in links.items():
        assert f"<title>{slug}: results</title>" in (tmp_path / "pages" / file).read_text()


def test_all_pages_are_not_those_of_one_experiment(warehouse: str):
    assert "--all is of all experiments" in _run(report, "new-tab", "--all", "--warehouse", warehouse).output
