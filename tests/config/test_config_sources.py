"""Which rows metrics, segments and exposure signals read."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.model import DataSource, Deletions, SignalBound
from jetstream_argo.config.resolve.experiment import Resolution, resolve
from jetstream_argo.errors import ConfigError, UnknownReference
from tests.config.conftest import launched

Resolve = Callable[..., Resolution]

METRIC = """
[metrics]
weekly = ["clicks"]
[metrics.clicks]
select_expression = "COUNT(ds.click)"
data_source = "clicks"
[metrics.clicks.statistics.count]
[data_sources.clicks]
"""
SEGMENT = """
[experiment]
segments = ["new"]
[segments.new]
data_source = "seen"
select_expression = "COALESCE(LOGICAL_OR(ds.is_new), FALSE)"
[segments.data_sources.seen]
from_expression = "shop.seen"
"""


def _source(resolution: Resolution) -> DataSource:
    [source] = resolution.config.data_sources
    return source


def test_columns_are_those_of_the_conventions_unless_the_source_names_its_own(resolved: Resolve) -> None:
    usual = _source(resolved(METRIC + "from_expression = 'shop.clicks'"))
    own = _source(
        resolved(METRIC + "from_expression = 's.c'\nclient_id_column = 'user.id'\nsubmission_date_column = 'day'")
    )

    assert (usual.id_column, usual.date_column) == ("client_id", "submission_date")
    assert (own.id_column, own.date_column) == ("user.id", "day")


def test_rows_may_be_two_days_late_unless_the_source_says_otherwise(resolved: Resolve) -> None:
    usual = _source(resolved(METRIC + "from_expression = 'shop.clicks'"))
    late = _source(resolved(METRIC + "from_expression = 's.c'\nsettle_days = 4\nmay_be_empty = true"))

    assert (usual.settle_days, usual.may_be_empty) == (2, False)
    assert (late.settle_days, late.may_be_empty) == (4, True)


def test_conventions_say_how_late_rows_are_and_when_units_were_deleted(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        """
[freshness]
settle_days = 3
deletion_dates = ["2026-06-01"]
deletion_query = "SELECT day FROM shredder.runs"
[freshness.data_sources.clicks]
settle_days = 7
may_be_empty = true
"""
    )
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/exp.toml").write_text(METRIC + "from_expression = 'shop.clicks'")

    conventions = load_conventions([own])
    config = resolve(launched(), Definitions.load([tmp_path / "hub"]), conventions=conventions).config

    assert (config.data_sources[0].settle_days, config.data_sources[0].may_be_empty) == (7, True)
    assert config.settle_days == 3
    assert config.deletions == Deletions((date(2026, 6, 1),), "SELECT day FROM shredder.runs")


@pytest.mark.parametrize("wrong", ["settle_days = -1", "settle_days = 'two'", "may_be_empty = 1"])
def test_how_late_rows_may_be_is_checked(resolved: Resolve, wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"data_sources\.clicks\."):
        resolved(METRIC + f"from_expression = 's.c'\n{wrong}")


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("simple", "mozfun.map.get_key(ds.experiments, 'exp')"),
        ("native", "mozfun.map.get_key(ds.experiments, 'exp').branch"),
        ("glean", "mozfun.map.get_key(ds.ping_info.experiments, 'exp').branch"),
        (
            "events_stream",
            """CASE WHEN JSON_VALUE(ds.event_extra, '$.experiment') = 'exp'
  THEN JSON_VALUE(ds.event_extra, '$.branch') END""",
        ),
    ],
)
def test_a_row_says_its_branch_as_the_source_carries_experiments(resolved: Resolve, kind: str, expression: str) -> None:
    source = _source(resolved(METRIC + f"from_expression = 't'\nexperiments_column_type = '{kind}'"))

    assert source.experiments_column_type == kind
    assert source.branch_expression == expression


def test_rows_carry_experiments_in_a_map_unless_the_source_says_that_they_do_not(resolved: Resolve) -> None:
    assert _source(resolved(METRIC + "from_expression = 't'")).experiments_column_type == "simple"

    none = _source(resolved(METRIC + "from_expression = 't'\nexperiments_column_type = 'None'"))

    assert none.experiments_column_type is none.branch_expression is None


def test_an_unknown_column_type_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(UnknownReference, match=r"experiments_column_type 'naitve'.*did you mean 'native'"):
        resolved(METRIC + "from_expression = 't'\nexperiments_column_type = 'naitve'")


def test_the_dataset_is_the_launched_applications_then_the_sources_then_the_platforms(resolved: Resolve) -> None:
    rows = METRIC + "from_expression = '{dataset}.t'\n"

    launched = _source(resolved(rows + "default_dataset = 'usual'", app_id="org.mozilla.Fenix"))
    usual = _source(resolved(rows + "default_dataset = 'usual'"))
    platform = _source(resolved(rows))

    assert launched.from_expression == "org_mozilla_fenix.t"
    assert usual.from_expression == "usual.t"
    assert platform.from_expression == "fenix.t"


def test_a_dataset_that_nothing_names_is_an_error(resolved: Resolve) -> None:
    own = "[experiment]\nenrollment_query = 'SELECT * FROM t'\n" + METRIC + "from_expression = '{dataset}.t'"

    with pytest.raises(ConfigError, match=r"has \{dataset\}, and nothing says which; set default_dataset"):
        resolved(own, app_name="shop")


def test_rows_may_depend_on_the_experiment_and_hold_braces(resolved: Resolve) -> None:
    rows = "(SELECT * FROM t WHERE day <= '{{experiment.last_enrollment_date_str}}')"
    literal = "(SELECT * FROM t WHERE addon = '{{d10d0bf8-f5b5}}')"

    assert "day <= '2026-05-11'" in _source(resolved(METRIC + f'from_expression = "{rows}"')).from_expression
    assert "addon = '{d10d0bf8-f5b5}'" in _source(resolved(METRIC + f'from_expression = "{literal}"')).from_expression


def test_a_source_without_rows_or_with_an_odd_name_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(ConfigError, match=r"data_sources\.clicks\.from_expression: is missing"):
        resolved(METRIC)
    odd = METRIC.replace("data_sources.clicks", "data_sources.'cl-icks'").replace(
        '"clicks"\n[metrics.clicks.s', '"cl-icks"\n[metrics.clicks.s'
    )
    with pytest.raises(ConfigError, match=r"only letters, digits and underscores"):
        resolved(
            odd + "from_expression = 't'", {"definitions/fenix.toml": "[data_sources.'cl-icks']\nfrom_expression='t'"}
        )


def test_joins_are_warned_of(resolved: Resolve) -> None:
    own = METRIC + "from_expression = 't'\n[data_sources.clicks.joins.users]\nrelationship = 'one_to_many'"

    [warning] = resolved(own).warnings

    assert "join in from_expression instead" in warning.problem.what


def test_an_unknown_relationship_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(ConfigError, match=r"data_sources\.clicks\.joins\.users\.relationship: is 'many'"):
        resolved(METRIC + "from_expression = 't'\n[data_sources.clicks.joins.users]\nrelationship = 'many'")


def test_segments_of_the_file_come_first_then_those_chosen_elsewhere_each_once(resolved: Resolve) -> None:
    app = SEGMENT.replace('[experiment]\nsegments = ["new"]', "").replace("segments.new", "segments.old")

    config = resolved(SEGMENT, {"definitions/fenix.toml": app}, segments=("old", "new")).config

    assert [segment.name for segment in config.segments] == ["new", "old"]
    [source] = config.segment_data_sources
    assert (source.window_start, source.window_end, source.id_column) == (0, 0, "client_id")


def test_segments_are_filled_with_functions_and_their_rows_with_the_experiment(resolved: Resolve) -> None:
    functions = '[functions.agg_any]\ndefinition = "COALESCE(LOGICAL_OR({select_expr}), FALSE)"'
    own = SEGMENT.replace("COALESCE(LOGICAL_OR(ds.is_new), FALSE)", "{{agg_any('x')}}").replace(
        "shop.seen", "{dataset}.seen_{{experiment.slug}}"
    )

    config = resolved(own + "window_start = -7\nwindow_end = -1", {"definitions/functions.toml": functions}).config

    assert config.segments[0].select_expression == "COALESCE(LOGICAL_OR(x), FALSE)"
    assert config.segment_data_sources[0].from_expression == "fenix.seen_exp"
    assert (config.segment_data_sources[0].window_start, config.segment_data_sources[0].window_end) == (-7, -1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["new"]', '["nwe"]', "segment 'nwe', which is not defined; did you mean 'new'"),
        ('data_source = "seen"', 'data_source = "sene"', "segment data source 'sene', .*did you mean 'seen'"),
        ("shop.seen", "{x}", r"segments\.data_sources\.seen\.from_expression: has \{x\}"),
        ("ds.is_new", "{{x}}", r"segments\.new\.select_expression: .*'x' is undefined"),
    ],
)
def test_a_segment_that_cannot_be_resolved_is_an_error(resolved: Resolve, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){message}"):
        resolved(SEGMENT.replace(old, new))


SIGNAL = """
[experiment.exposure_signal]
name = "seen"
friendly_name = "Seen"
data_source = "clicks"
select_expression = "event = 'seen'"
window_start = "enrollment_start"
window_end = 3
[data_sources.clicks]
from_expression = "shop.clicks"
"""


def test_an_exposure_signal_has_its_rows_and_its_window(resolved: Resolve) -> None:
    signal = resolved(SIGNAL).config.exposure_signal

    assert signal is not None
    assert signal.data_source.from_expression == "shop.clicks"
    assert (signal.window_start, signal.window_end) == (SignalBound.ENROLLMENT_START, 3)


def test_an_exposure_signal_from_an_unknown_source_is_an_error(resolved: Resolve) -> None:
    with pytest.raises(UnknownReference, match=r"exposure_signal\.data_source:\n.*data source 'clikcs'"):
        resolved(SIGNAL.replace('= "clicks"', '= "clikcs"'))


@pytest.mark.parametrize("written", ["shop.clicks -- all", "shop.clicks AS c", "shop.clicks c  # all"])
def test_rows_may_have_an_alias_or_a_comment_at_their_end(resolved: Resolve, written: str) -> None:
    source = _source(resolved(METRIC + f"from_expression = '{written}'"))
    (seen,) = resolved(SEGMENT.replace("shop.seen", written)).config.segment_data_sources

    assert (source.from_expression, seen.from_expression) == ("shop.clicks", "shop.clicks")
