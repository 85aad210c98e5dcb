"""What a configuration may ask of statistics, and how that is refused which cannot be computed."""

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Covariate, Statistic
from jetstream_argo.config.stored_statistics import statistic_of, written
from jetstream_argo.errors import ConfigError
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.pretreatments import CensorHighestValues, RemoveNulls
from tests.config.conftest import Resolve

EXPERIMENT = """
[data_sources.activity]
from_expression = "shop.activity"
experiments_column_type = "none"
[metrics]
weekly = ["clicks", "visits", "rate"]
[metrics.clicks]
data_source = "activity"
select_expression = "SUM(ds.clicks)"
[metrics.visits]
data_source = "activity"
select_expression = "SUM(ds.visits)"
[metrics.rate]
depends_on = ["clicks", "visits"]
"""
RATIO = "population_ratio = {numerator = 'clicks', denominator = 'visits'}"
SOUND = {"clicks": "sum = {}", "visits": "sum = {}", "rate": RATIO}


def experiment(**statistics: str) -> str:
    """The experiment's file, whose metrics have these statistics."""
    tables = (f"[metrics.{metric}.statistics]\n{asked}\n" for metric, asked in {**SOUND, **statistics}.items())
    return EXPERIMENT + "".join(tables)


def asked(resolved: Resolve, **statistics: str) -> dict[tuple[str, str], Statistic]:
    """The statistics of the weekly metrics, by metric and name."""
    [weekly] = resolved(experiment(**statistics)).config.periods
    return {(summary.metric, summary.statistic.name): summary.statistic for summary in weekly.summaries}


def problems(resolved: Resolve, **statistics: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        resolved(experiment(**statistics))
    return [str(problem).partition("exp.toml: ")[2] or str(problem) for problem in caught.value.problems]


def test_a_statistic_is_read_into_its_type_once_and_comes_back_from_a_plan_as_the_same(resolved: Resolve) -> None:
    treatments = "['remove_nulls', {name = 'censor_highest_values', fraction = 0.9}]"
    table = f"bootstrap_mean = {{drop_highest = 0, pre_treatments = {treatments}}}"

    statistic = asked(resolved, clicks=table)["clicks", "bootstrap_mean"]

    assert statistic.method == BootstrapMean(drop_highest=0.0)
    assert [step.treatment for step in statistic.pre_treatments] == [RemoveNulls(), CensorHighestValues(0.9)]
    assert statistic.parameters == '{"drop_highest":0}'
    assert [step.arguments for step in statistic.pre_treatments] == ["{}", '{"fraction":0.9}']
    assert statistic_of(written(statistic)) == statistic


@pytest.mark.parametrize(
    ("table", "covariate"),
    [
        ("{}", Covariate("clicks", Period.PREENROLLMENT_WEEK)),
        ("{period = 'preenrollment_days28'}", Covariate("clicks", Period.PREENROLLMENT_DAYS28)),
        ("{metric = 'visits'}", Covariate("visits", Period.PREENROLLMENT_WEEK)),
        ("{metric = ''}", Covariate("clicks", Period.PREENROLLMENT_WEEK)),
    ],
)
def test_a_covariate_is_the_metric_itself_in_the_week_before_unless_it_says_otherwise(
    resolved: Resolve, table: str, covariate: Covariate
) -> None:
    found = asked(resolved, clicks=f"welch_mean = {{covariate_adjustment = {table}}}")["clicks", "welch_mean"]

    assert found.covariate == covariate
    assert found.parameters == "{}"


@pytest.mark.parametrize("value", ["[['period', 'preenrollment_week']]", "[]", "'preenrollment_week'", "7", "false"])
def test_a_covariate_is_a_table_and_nothing_that_looks_like_one(resolved: Resolve, value: str) -> None:
    (found,) = problems(resolved, clicks=f"welch_mean = {{covariate_adjustment = {value}}}")

    where, _, what = found.partition(": ")
    assert where == "metrics.clicks.statistics.welch_mean.covariate_adjustment"
    assert what.startswith("must be a table such as {period = 'preenrollment_week'}, is ")


@pytest.mark.parametrize(
    ("covariate", "key", "what"),
    [
        ("{metric = 'rate'}", "metric", "is 'rate', which is made of other metrics"),
        ("{metric = 'visit'}", "metric", "is 'visit', which is no metric of this experiment; did you mean 'visits'?"),
        ("{metric = 7}", "metric", "must be the name of a metric, is 7"),
        ("{period = 'preenrolment_week'}", "period", "is 'preenrolment_week', not one of"),
        ("{period = 7}", "period", "is 7, not one of"),
        ("{perod = 'preenrollment_week'}", "perod", "is not a known key; did you mean 'period'?"),
    ],
)
def test_a_covariate_has_values_before_enrollment(resolved: Resolve, covariate: str, key: str, what: str) -> None:
    (found,) = problems(resolved, clicks=f"linear_model_mean = {{covariate_adjustment = {covariate}}}")

    assert found.startswith(f"metrics.clicks.statistics.linear_model_mean.covariate_adjustment.{key}: {what}")


def test_all_problems_are_told_at_once_and_each_once(resolved: Resolve) -> None:
    own = experiment(
        clicks="bootstrap_maen = {}\ndeciles = {confidence_interval = 95.0, pre_treatments = ['remove_null']}",
        visits="binomial = {covariate_adjustment = {period = 'preenrollment_week'}}",
    )

    with pytest.raises(ConfigError) as caught:
        resolved(own.replace("[metrics]", "[metrics]\n28_day = ['clicks', 'visits']"))

    found = [str(problem).partition("exp.toml: ")[2] for problem in caught.value.problems]
    assert [line.partition(":")[0] for line in found] == [
        "metrics.clicks.statistics.bootstrap_maen",
        "metrics.clicks.statistics.deciles.pre_treatments.remove_null",
        "metrics.clicks.statistics.deciles.confidence_interval",
        "metrics.visits.statistics.binomial.covariate_adjustment",
    ]
    assert "did you mean 'bootstrap_mean'?" in found[0]


def test_a_metric_made_of_others_has_ratios_of_those_only(resolved: Resolve) -> None:
    other = "population_ratio = {numerator = 'clicks', denominator = 'visit'}"

    denominator, made_of = sorted(problems(resolved, rate=f"bootstrap_mean = {{}}\n{other}"), reverse=True)

    assert made_of.startswith(
        "metrics.rate.statistics.bootstrap_mean: cannot be had of a metric that is made of others"
    )
    assert denominator.startswith("metrics.rate.statistics.population_ratio.denominator: is 'visit', which is not in")
    assert denominator.endswith("did you mean 'visits'?")


def test_a_ratio_needs_a_metric_made_of_others(resolved: Resolve) -> None:
    (found,) = problems(resolved, clicks=RATIO)

    assert found.startswith("metrics.clicks.statistics.population_ratio: is of a metric that is made of others")


def test_an_expression_that_is_not_sql_is_told_together_with_the_rest(resolved: Resolve) -> None:
    own = experiment(clicks="meen = {}", visits="deciels = {}").replace("SUM(ds.clicks)", "COALESCE(SUM(ds.clicks, 0)")

    with pytest.raises(ConfigError) as caught:
        resolved(own)

    found = [str(problem).partition("exp.toml: ")[2] for problem in caught.value.problems]
    assert [line.partition(": ")[0] for line in found] == [
        "metrics.clicks.select_expression",
        "metrics.clicks.statistics.meen",
        "metrics.visits.statistics.deciels",
    ]
    assert "is not SQL" in found[0]


@pytest.mark.parametrize("entry", ["5", "{fraction = 0.9}", "{name = 5}"])
def test_a_pre_treatment_has_a_name(resolved: Resolve, entry: str) -> None:
    (found,) = problems(resolved, clicks=f"sum = {{pre_treatments = [{entry}]}}")

    assert found.startswith("metrics.clicks.statistics.sum.pre_treatments: holds ")
    assert found.endswith("write a name, or a table with a name and arguments")
