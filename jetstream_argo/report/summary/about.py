"""What a plan says of an experiment and its metrics, for whoever reads its answers."""

from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.report.summary.model import About, MetricAbout


def about_plan(plan: AnalysisPlan) -> About:
    """Return what a plan says."""
    return About({metric.name: about_metric(metric) for metric in plan.metrics}, plan.experiment.reference_branch)


def about_metric(metric: Metric) -> MetricAbout:
    """Return what a plan says of a metric."""
    return MetricAbout(
        title=metric.friendly_name,
        description=metric.description,
        bigger_is_better=metric.bigger_is_better,
    )
