"""What a file may hold, and what is said about what it may not hold."""

from pathlib import Path

import pytest

from jetstream_argo.config.files.reading import read_outcome, read_spec
from jetstream_argo.config.model import AnalysisUnit, Basis, SignalBound
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import Spec
from jetstream_argo.errors import ConfigError


def _read(tmp_path: Path, text: str) -> Spec:
    path = tmp_path / "exp.toml"
    path.write_text(text)
    return read_spec(path)


def _problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    assert caught.value.file == str(tmp_path / "exp.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_file_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    [problem] = _problems(tmp_path, "[metrics]\nweekly = [a]\n")

    assert problem.startswith("is not valid TOML:")
    assert "line 2" in problem


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml:\n  cannot be read: No such file"):
        read_spec(tmp_path / "nowhere.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "exp.toml").write_bytes(b"a = '\xff'")

    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read_spec(tmp_path / "exp.toml")


def test_all_problems_of_a_file_are_told_at_once_with_the_nearest_key(tmp_path: Path) -> None:
    problems = _problems(
        tmp_path,
        """
        metric = 1
        [experiment]
        enrolment_period = 7
        sample_size = 101
        end_date = "tomorrow"
        start_date = 20260504
        skip = "yes"
        analysis_unit = "user"
        [metrics]
        weekly = "clicks"
        daily = [1]
        [metrics.clicks]
        select_expresion = "1"
        analysis_bases = ["exposure"]
        [metrics.clicks.statistics]
        mean = 5
        [segments.new]
        select_expression = "TRUE"
        [segments.data_sources.seen]
        from_expression = "t"
        window_start = 3
        window_end = "x"
        [segments.data_sources.late]
        from_expression = "t"
        window_start = 3
        """,
    )

    assert problems == [
        "metric: is not a known key; did you mean 'metrics'?",
        "experiment.enrolment_period: is not a known key; did you mean 'enrollment_period'?",
        "experiment.start_date: is 20260504: write it as YYYY-MM-DD",
        "experiment.end_date: is 'tomorrow': should be a valid date or datetime, input is too short",
        "experiment.sample_size: is 101: should be less than or equal to 100",
        "experiment.analysis_unit: is 'user': should be 'client_id' or 'profile_group_id'",
        "experiment.skip: is 'yes': should be a valid boolean",
        "metrics.daily: must be a list of metrics, holds 1",
        "metrics.weekly: must be a list of metrics, is 'clicks'; write [\"clicks\"]",
        "metrics.clicks.select_expresion: is not a known key; did you mean 'select_expression'?",
        "metrics.clicks.statistics.mean: is 5: should be a valid table",
        "metrics.clicks.analysis_bases.0: is 'exposure': should be 'enrollments' or 'exposures'",
        "segments.new.data_source: is missing",
        "segments.data_sources.seen.window_end: is 'x': should be a valid integer",
        "segments.data_sources.late: window_start 3 is after window_end 0",
    ]


def test_a_section_that_is_not_a_table_is_refused(tmp_path: Path) -> None:
    assert _problems(tmp_path, "metrics = 5\n[data_sources]\nclicks = 'table'") == [
        "metrics: must be a table, is 5",
        "data_sources.clicks: must be a table, is 'table'",
    ]


def test_keys_are_read_whatever_their_case(tmp_path: Path) -> None:
    spec = _read(tmp_path, "[metrics.clicks]\nSelect_Expression = 'SUM(x)'")

    assert spec.metrics["clicks"].select_expression == "SUM(x)"


def test_a_period_is_known_by_its_name_in_files(tmp_path: Path) -> None:
    spec = _read(
        tmp_path,
        """
        [metrics]
        daily = ["a"]
        weekly = ["a", "b"]
        28_day = ["c"]
        overall = ["d"]
        preenrollment_weekly = ["e"]
        preenrollment_days28 = ["f"]
        """,
    )

    assert {period: [name.name for name in names] for period, names in spec.periods.items()} == {
        Period.DAY: ["a"],
        Period.WEEK: ["a", "b"],
        Period.DAYS28: ["c"],
        Period.OVERALL: ["d"],
        Period.PREENROLLMENT_WEEK: ["e"],
        Period.PREENROLLMENT_DAYS28: ["f"],
    }


def test_numbers_and_dates_are_read_as_real_files_write_them(tmp_path: Path) -> None:
    spec = _read(
        tmp_path,
        """
        [experiment]
        sample_size = 3.0
        start_date = 2026-05-04
        end_date = "2026-06-08"
        [experiment.exposure_signal]
        name = "seen"
        data_source = "clicks"
        select_expression = "TRUE"
        window_start = 0
        window_end = "analysis_window_end"
        [metrics.clicks]
        owner = "someone@example.com"
        analysis_units = ["profile_group_id"]
        analysis_bases = ["exposures"]
        """,
    )

    assert spec.experiment.sample_size == 3
    assert str(spec.experiment.start_date) == "2026-05-04"
    assert str(spec.experiment.end_date) == "2026-06-08"
    assert spec.experiment.exposure_signal is not None
    assert spec.experiment.exposure_signal.window_start == 0
    assert spec.experiment.exposure_signal.window_end is SignalBound.ANALYSIS_WINDOW_END
    assert spec.metrics["clicks"].owner == ("someone@example.com",)
    assert spec.metrics["clicks"].analysis_units == (AnalysisUnit.GROUP,)
    assert spec.metrics["clicks"].analysis_bases == (Basis.EXPOSURES,)


def test_a_signal_bound_must_be_one_of_those_that_exist(tmp_path: Path) -> None:
    text = (
        "[experiment.exposure_signal]\nname='s'\ndata_source='d'\nselect_expression='TRUE'\nwindow_end='enrolment_end'"
    )

    problems = _problems(tmp_path, text)

    assert any("'enrollment_start', 'enrollment_end', 'analysis_window_start'" in problem for problem in problems)


@pytest.mark.parametrize(
    ("section", "line", "message"),
    [
        ("metrics.a", "descriptionn = 'x'", "did you mean 'description'?"),
        ("metrics.a", "exposure_basis = ['exposures']", "did you mean 'analysis_bases'?"),
        ("metrics.a", "window_start = 3", "has no effect here"),
        ("metrics.a", "name = 'a'", "is named by its section"),
        ("data_sources.a", "descriptions = 'x'", "did you mean 'description'?"),
        ("data_sources.a", "deprecated = true", "has no effect here"),
        ("experiment", "enrollments_query = 'SELECT 1'", "did you mean 'enrollment_query'?"),
        ("experiment", "exposure_query_type = 'glean-event'", "enrollments_query_type"),
        ("experiment", "default_dataset = 'x'", "did you mean 'dataset_id'?"),
        ("experiment", "enrollment_end_date = '2026-05-11'", "did you mean 'enrollment_period'"),
    ],
)
def test_a_useless_key_of_real_files_is_passed_over_with_a_warning(
    tmp_path: Path, section: str, line: str, message: str
) -> None:
    spec = _read(tmp_path, f"[{section}]\n{line}")

    [warning] = spec.warnings
    assert warning.file == str(tmp_path / "exp.toml")
    assert warning.problem.where == f"{section}.{line.split(' ')[0]}"
    assert message in warning.problem.what


def test_a_useless_key_of_a_segment_is_passed_over_with_a_warning(tmp_path: Path) -> None:
    spec = _read(
        tmp_path,
        """
        [segments.new]
        data_source = "seen"
        select_expression = "TRUE"
        window_start = -1
        [segments.data_sources.seen]
        from_expression = "t"
        description = "x"
        """,
    )

    assert [warning.problem.where for warning in spec.warnings] == [
        "segments.new.window_start",
        "segments.data_sources.seen.description",
    ]


def test_an_outcome_holds_its_periods_at_its_top(tmp_path: Path) -> None:
    path = tmp_path / "search.toml"
    path.write_text(
        """
        friendly_name = "Search"
        description = "How much people search"
        default_metrics = ["a"]
        daily = ["a"]
        [metrics.a.statistics.mean]
        """
    )

    outcome = read_outcome(path)

    assert outcome.slug == "search"
    assert outcome.default_metrics == ("a",)
    assert [name.name for name in outcome.spec.periods[Period.DAY]] == ["a"]


def test_an_outcome_must_have_a_title_and_only_metrics_of_its_own_by_default(tmp_path: Path) -> None:
    path = tmp_path / "search.toml"
    path.write_text("description = 1\ndefault_metrics = ['search']\n[metrics.searches]\n[experiment]\nskip = true")

    with pytest.raises(ConfigError) as caught:
        read_outcome(path)

    assert [str(problem) for problem in caught.value.problems] == [
        "experiment: is not a known key",
        "default_metrics: metric 'search' is not defined in this outcome; did you mean 'searches'?",
        "friendly_name: is missing",
        "description: must be text, is 1",
    ]
