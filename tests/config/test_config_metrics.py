"""Which metrics and statistics an experiment's files come to."""

from collections.abc import Callable

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.experiment import Resolution
from jetstream_argo.errors import ConfigError, UnknownReference

Resolve = Callable[..., Resolution]

CLICKS = """
[data_sources.clicks]
from_expression = "shop.clicks"
[metrics.clicks]
select_expression = "COUNT(ds.click)"
data_source = "clicks"
[metrics.clicks.statistics.count]
"""
WEEKLY = '[metrics]\nweekly = ["clicks"]\n'
APP = "definitions/fenix.toml"
DEFAULTS = "defaults/fenix.toml"


def _summaries(resolution: Resolution, period: Period = Period.WEEK) -> list[tuple[str, str]]:
    [found] = [due for due in resolution.config.periods if due.period is period]
    return [(summary.metric, summary.statistic.name) for summary in found.summaries]


def test_a_metric_of_the_file_comes_before_the_applications(resolved: Resolve) -> None:
    own = WEEKLY + CLICKS.replace("COUNT(ds.click)", "COUNT(*)")

    [metric] = resolved(own, {APP: CLICKS}).config.metrics

    assert metric.select_expression == "COUNT(*)"


def test_a_metric_that_only_names_statistics_is_the_applications(resolved: Resolve) -> None:
    own = WEEKLY + "[metrics.clicks]\nanalysis_bases = ['exposures']\n[metrics.clicks.statistics.sum]"

    resolution = resolved(own, {APP: CLICKS})

    [metric] = resolution.config.metrics
    assert metric.select_expression == "COUNT(ds.click)"
    assert metric.bases == (Basis.EXPOSURES,)
    assert _summaries(resolution) == [("clicks", "sum")]


def test_half_a_definition_in_the_file_does_not_count(resolved: Resolve) -> None:
    own = WEEKLY + "[metrics.clicks]\nselect_expression = 'COUNT(*)'"

    [metric] = resolved(own, {APP: CLICKS}).config.metrics

    assert metric.select_expression == "COUNT(ds.click)"


def test_a_metric_is_on_both_bases_unless_it_says(resolved: Resolve) -> None:
    [metric] = resolved(WEEKLY + CLICKS).config.metrics

    assert metric.bases == (Basis.ENROLLMENTS, Basis.EXPOSURES)


def test_summaries_come_from_the_last_name_to_the_first_and_later_layers_last(resolved: Resolve) -> None:
    names = "[metrics]\nweekly = ['{}', '{}']\n"
    own = names.format("a", "b") + CLICKS.replace("metrics.clicks", "metrics.a")
    own += "\n[metrics.b]\nselect_expression = 'SUM(y)'\ndata_source = 'clicks'\n"
    own += "[metrics.b.statistics]\ncount = {}\nsum = {}"
    defaults = names.format("c", "a") + CLICKS.replace("metrics.clicks", "metrics.c")

    summaries = _summaries(resolved(own, {DEFAULTS: defaults}))

    assert summaries == [("a", "count"), ("c", "count"), ("b", "sum"), ("b", "count")]


def test_a_name_asked_for_twice_counts_once(resolved: Resolve) -> None:
    assert _summaries(resolved("[metrics]\nweekly = ['clicks', 'clicks']\n" + CLICKS)) == [("clicks", "count")]


def test_an_outcomes_metrics_are_computed_weekly_and_overall(resolved: Resolve) -> None:
    outcome = "friendly_name = 'Clicks'\ndescription = 'D'\ndefault_metrics = ['clicks']\n" + CLICKS

    resolution = resolved("", {"outcomes/fenix/clicks.toml": outcome}, outcomes=("clicks",))

    assert [period.period for period in resolution.config.periods] == [Period.WEEK, Period.OVERALL]
    [found] = resolution.config.outcomes
    assert (found.slug, found.friendly_name, found.metrics, found.default_metrics) == (
        "clicks",
        "Clicks",
        ("clicks",),
        ("clicks",),
    )


def test_an_outcome_chosen_twice_counts_once_and_experimenters_come_first(resolved: Resolve) -> None:
    outcome = "friendly_name = 'O'\ndescription = 'D'\n"
    files = {f"outcomes/fenix/{name}.toml": outcome for name in ("a", "b")}

    resolution = resolved("[experiment]\noutcomes = ['a', 'b']", files, outcomes=("b",))

    assert [found.slug for found in resolution.config.outcomes] == ["b", "a"]


def test_an_outcome_that_the_application_lacks_is_an_error(resolved: Resolve) -> None:
    outcome = "friendly_name = 'O'\ndescription = 'D'\n"

    with pytest.raises(
        UnknownReference, match="outcome of fenix 'serach', which is not defined; did you mean 'search'"
    ):
        resolved("", {"outcomes/fenix/search.toml": outcome}, outcomes=("serach",))


def test_a_metric_may_be_made_of_others_which_need_no_statistics(resolved: Resolve) -> None:
    own = (
        "[metrics]\nweekly = ['rate']\n"
        + CLICKS.replace("[metrics.clicks.statistics.count]", "")
        + "[metrics.rate]\ndepends_on = ['clicks', 'views', 'clicks']\n[metrics.rate.statistics.population_ratio]\n"
        + "numerator = 'clicks'\ndenominator = 'views'\n"
    )
    app = "[metrics.views]\nselect_expression = 'COUNT(ds.view)'\ndata_source = 'clicks'"

    config = resolved(own, {APP: app}).config

    metrics = {metric.name: metric for metric in config.metrics}
    assert metrics["rate"].depends_on == ("clicks", "views")
    assert metrics["rate"].data_source is metrics["rate"].select_expression is None
    assert metrics["views"].select_expression == "COUNT(ds.view)"
    assert [source.name for source in config.data_sources] == ["clicks"]


def test_a_metric_made_of_itself_is_an_error(resolved: Resolve) -> None:
    own = "[metrics]\nweekly=['a']\n[metrics.a]\ndepends_on=['b']\n[metrics.b]\ndepends_on=['a']"

    with pytest.raises(ConfigError, match="metric 'a' is made of itself: a > b"):
        resolved(own)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (WEEKLY.replace("clicks", "clikcs") + CLICKS, "refers to metric 'clikcs', .*did you mean 'clicks'"),
        (WEEKLY + CLICKS.replace('= "clicks"', "= 'clikcs'"), r"metrics\.clicks\.data_source:\n.*data source 'clikcs'"),
        (WEEKLY + "[metrics.clicks]\ndepends_on = ['x']", r"metrics\.clicks\.depends_on:\n.*metric 'x'"),
        (WEEKLY + "[metrics.clicks]\nfriendly_name = 'x'", "needs select_expression and data_source, or depends_on"),
        (WEEKLY + CLICKS.replace("[metrics.clicks.statistics.count]", ""), r"metrics\.clicks\.statistics: is missing"),
        (WEEKLY + CLICKS.replace("COUNT(ds.click)", "{{agg_sum('x')}}"), "'agg_sum' is undefined"),
        (WEEKLY + CLICKS.replace("ds.click", "'a{2}'"), r"select_expression: has \{2\}"),
    ],
)
def test_a_metric_that_cannot_be_resolved_is_told_with_its_file_and_key(
    resolved: Resolve, own: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)exp\.toml.*{message}"):
        resolved(own)


def test_everything_that_is_wrong_is_told_at_once_and_once(resolved: Resolve) -> None:
    own = "[metrics]\nweekly = ['a', 'clicks']\noverall = ['a', 'clicks']\n" + CLICKS.replace("shop.clicks", "{x}")

    with pytest.raises(ConfigError) as caught:
        resolved(own)

    assert caught.value.file == "exp"
    first, second = (str(problem).split("exp.toml", 1)[1] for problem in caught.value.problems)
    assert first == ", metrics: refers to metric 'a', which is not defined"
    assert second.startswith(": data_sources.clicks.from_expression: has {x}, where only")


def test_expressions_are_filled_with_functions_and_the_slug(resolved: Resolve) -> None:
    functions = '[functions.agg_sum]\ndefinition = "COALESCE(SUM({select_expr}), 0)"'
    own = WEEKLY + CLICKS.replace("COUNT(ds.click)", "{{agg_sum('IF(x = \\\\'{experiment_slug}\\\\', 1, 0)')}}")

    [metric] = resolved(own, {"definitions/functions.toml": functions}).config.metrics

    assert metric.select_expression == "COALESCE(SUM(IF(x = 'exp', 1, 0)), 0)"


def test_a_parameter_is_the_experiments_value_over_the_outcomes_default(resolved: Resolve) -> None:
    clicks = CLICKS.replace("COUNT(ds.click)", "COUNTIF(ds.button = {{parameters.button}})")
    outcome = (
        "friendly_name = 'O'\ndescription = 'D'\n"
        + clicks
        + "[parameters.button]\ndistinct_by_branch = true\ndefault = {control = 'x', other = 'z'}"
    )
    own = "[parameters.button]\nvalue = {control = 'a', treatment = 'b\"'}"

    [metric] = resolved(own, {"outcomes/fenix/o.toml": outcome}, outcomes=("o",)).config.metrics

    assert metric.select_expression == (
        'COUNTIF(ds.button = CASE e.branch WHEN "control" THEN "a" WHEN "other" THEN "z" '
        'WHEN "treatment" THEN "b\\"" END)'
    )


def test_a_parameter_that_is_the_same_in_all_branches_is_put_in_as_it_is(resolved: Resolve) -> None:
    own = WEEKLY + CLICKS.replace("ds.click", "{{parameters.x}}") + "[parameters.x]\ndefault = 'ds.y'"

    [metric] = resolved(own).config.metrics

    assert metric.select_expression == "COUNT(ds.y)"


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("distinct_by_branch = true\nvalue = 'a'", r"parameters\.x: needs a value for each branch, .*, has 'a'"),
        ("value = {control = 'a'}", r"parameters\.x: needs a text, has \{'control': 'a'\}"),
        ("", r"parameters\.x: needs a text, has None"),
    ],
)
def test_a_parameter_of_the_wrong_kind_is_an_error(resolved: Resolve, parameter: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolved(f"[parameters.x]\n{parameter}")


def test_a_parameter_by_branch_in_quotes_is_warned_of(resolved: Resolve) -> None:
    own = WEEKLY + CLICKS.replace("ds.click", "IF(ds.b = '{{parameters.x}}', 1, NULL)")
    own += "[parameters.x]\ndistinct_by_branch = true\nvalue = {control = 'a'}"

    [warning] = resolved(own).warnings

    assert "compared as text" in warning.problem.what


def test_the_data_source_must_have_the_analysis_unit(resolved: Resolve) -> None:
    own = "[experiment]\nanalysis_unit = 'profile_group_id'\nenrollment_query = 'SELECT * FROM t'\n" + WEEKLY + CLICKS

    with pytest.raises(ConfigError, match=r"metrics\.clicks\.data_source: 'clicks' does not have the analysis unit"):
        resolved(own)

    units = '"shop.clicks"\nanalysis_units = ["profile_group_id"]'
    assert resolved(own.replace('"shop.clicks"', units)).config.data_sources[0].id_column == "profile_group_id"


def test_desktop_data_sources_have_both_units_unless_they_say(resolved: Resolve) -> None:
    own = "[experiment]\nanalysis_unit = 'profile_group_id'\n" + WEEKLY + CLICKS

    assert resolved(own, app_name="firefox_desktop").config.metrics


def test_a_metric_for_another_unit_is_warned_of(resolved: Resolve) -> None:
    own = WEEKLY + CLICKS.replace("[metrics.clicks]", "[metrics.clicks]\nanalysis_units = ['profile_group_id']")

    [warning] = resolved(own).warnings

    assert "does not hold the experiment's analysis unit 'client_id'" in warning.problem.what


def test_titles_and_descriptions_lose_the_indentation_of_their_file(resolved: Resolve) -> None:
    own = WEEKLY + CLICKS.replace("[metrics.clicks]", '[metrics.clicks]\ndescription = """\n    a\n      b\n    """')

    [metric] = resolved(own).config.metrics

    assert metric.description == "a\n  b"


def test_half_a_definition_is_warned_of(resolved: Resolve) -> None:
    own = WEEKLY + "[metrics.clicks]\nselect_expression = 'COUNT(*)'"

    [warning] = resolved(own, {APP: CLICKS}).warnings

    assert warning.problem.where == "metrics.clicks.select_expression"
    assert "is ignored without data_source" in warning.problem.what
