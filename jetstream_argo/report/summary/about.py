"""Finds what a reader of answers needs to know of an experiment and its metrics, from a plan or from the record."""

import json
from collections.abc import Iterable

from jetstream_argo.config.model import MetricRole
from jetstream_argo.config.written import canonical
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.windows import due_windows
from jetstream_argo.report.summary.model import About, MetricAbout
from jetstream_argo.store.entries import Entry, Kind

_ABOUT = "about"


def about_plan(plan: AnalysisPlan) -> About:
    """Return what a plan says."""
    metrics = {metric.name: _about_metric(plan, metric) for metric in plan.metrics}
    return About(metrics, plan.experiment.reference_branch)


def recorded_about(entries: Iterable[Entry]) -> About:
    """Return what the record says: what the plan said that was published last; nothing where none did."""
    found = json.loads(_last(entries) or "{}").get(_ABOUT, {})
    metrics = {
        name: MetricAbout(
            title=facts.get("title", ""),
            description=facts.get("description", ""),
            unit=facts.get("unit", ""),
            role=MetricRole(facts.get("role", MetricRole.SECONDARY)),
            bigger_is_better=facts.get("bigger_is_better", True),
            margin=facts.get("margin"),
            planned_windows=facts.get("planned_windows"),
        )
        for name, facts in found.get("metrics", {}).items()
    }
    return About(metrics, found.get("reference"))


def about_to_record(plan: AnalysisPlan, entries: Iterable[Entry]) -> str:
    """Return what to write down as facts so that the record says what the plan does; empty where it does already.

    Of metrics of which nothing is said beyond their name nothing is written.
    """
    facts_of_metrics = {metric.name: facts for metric in plan.metrics if (facts := _facts(plan, metric))}
    written = canonical({_ABOUT: {"metrics": facts_of_metrics, "reference": plan.experiment.reference_branch}})
    last = _last(entries)
    if last == written or (not facts_of_metrics and last is None):
        return ""
    return written


def _last(entries: Iterable[Entry]) -> str | None:
    found = [entry.facts for entry in entries if entry.kind is Kind.EXPORT and entry.facts]
    return next((facts for facts in reversed(found) if _ABOUT in json.loads(facts)), None)


def _facts(plan: AnalysisPlan, metric: Metric) -> dict[str, str | bool | float]:
    facts: dict[str, str | bool | float] = {
        "title": metric.friendly_name if metric.friendly_name != metric.name else "",
        "description": metric.description,
        "unit": metric.unit,
        "role": "" if metric.role is MetricRole.SECONDARY else metric.role.value,
    }
    entries: dict[str, str | bool | float] = {name: value for name, value in facts.items() if value}
    if not metric.bigger_is_better:
        entries["bigger_is_better"] = False
    if metric.non_inferiority_margin is not None:
        entries["margin"] = metric.non_inferiority_margin
    if metric.role is not MetricRole.SECONDARY and (windows := _planned_windows(plan, metric)) is not None:
        entries["planned_windows"] = windows
    return entries


def _about_metric(plan: AnalysisPlan, metric: Metric) -> MetricAbout:
    return MetricAbout(
        metric.friendly_name,
        metric.description,
        metric.unit,
        metric.role,
        metric.bigger_is_better,
        metric.non_inferiority_margin,
        _planned_windows(plan, metric),
    )


def _planned_windows(plan: AnalysisPlan, metric: Metric) -> int | None:
    """Return in how many windows a metric is estimated until the experiment ends; None while that is open."""
    timeline = plan.experiment.timeline
    if timeline.end is None:
        return None
    periods = [leaf.period for leaf in plan.statistics if leaf.metric == metric.name]
    after = [period for period in periods if not period.before_enrollment]
    return sum(len(due_windows(period, timeline, as_of=timeline.end)) for period in after)
