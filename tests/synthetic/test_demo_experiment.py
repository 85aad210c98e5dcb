"""The demo's experiment plans, and the truth of nearly all of its metrics is known."""

from datetime import date
from importlib import resources

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.files.experiment_file import load_experiment_file
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.model import MetricRole
from jetstream_argo.config.resolve.experiment import resolve_config
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sources import Direct
from jetstream_argo.synthetic.effects import Effect, read_effects
from jetstream_argo.synthetic.tables import design_tables
from jetstream_argo.synthetic.truth import true_effects

AS_OF = date(2026, 4, 6)


def _demo() -> tuple[AnalysisPlan, tuple[Effect, ...]]:
    with resources.as_file(resources.files("jetstream_argo.demo")) as folder:
        read = load_experiment_file(folder / "experiment.toml")
        effects = read_effects(folder / "effects.toml")
    config = resolve_config(
        read.experiment, Definitions.load([]), read.spec, conventions=load_conventions(), as_of=AS_OF
    )
    return resolve(config, as_of=AS_OF, dataset="results"), effects


def test_every_effect_is_on_a_column_that_the_plan_reads() -> None:
    plan, effects = _demo()

    tables = {table.name: table for table in design_tables(plan, effects)}

    assert {effect.table for effect in effects} <= set(tables)


def test_one_metric_is_computed_directly_and_its_truth_is_unknown_only_where_its_column_changes() -> None:
    plan, effects = _demo()

    unknown = {
        (effect.metric, effect.branch)
        for effect in true_effects(plan, effects)
        if effect.relative_uplift is None and not effect.metric.endswith("contradictory_branch")
    }

    assert [metric.name for metric in plan.metrics if isinstance(metric.computation, Direct)] == [
        "typical_visit_seconds"
    ]
    assert unknown == {("typical_visit_seconds", "wide")}


def test_all_kinds_of_windows_are_due_on_the_last_day() -> None:
    plan, _ = _demo()

    due = {period.period.value: len(period.windows) for period in plan.periods}

    assert due == {"preenrollment_week": 1, "day": 29, "week": 4, "days28": 1, "overall": 1}


def test_nothing_is_clipped_since_the_truth_is_that_of_whole_means() -> None:
    plan, _ = _demo()

    shares = [
        statistic.method.drop_highest
        for leaf in plan.statistics
        for statistic in leaf.statistics
        if hasattr(statistic.method, "drop_highest")
    ]

    assert set(shares) == {0}


def test_it_has_metrics_to_decide_by() -> None:
    plan, _ = _demo()

    roles = {metric.name: metric.role for metric in plan.metrics if metric.role is not MetricRole.SECONDARY}

    assert roles == {"active_hours": MetricRole.PRIMARY, "ad_clicks": MetricRole.GUARDRAIL}
    assert plan.metric("ad_clicks").non_inferiority_margin == 0.05
    assert plan.metric("active_hours").unit == "h"
