"""Records how an experiment was analysed, as far as readers of its results, who have no plan, want to know."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, assert_never

from jetstream_argo.config.statistics import Statistic
from jetstream_argo.config.written import canonical
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed, Direct
from jetstream_argo.store.entries import Entry, Kind

METHOD = "method"


@dataclass(frozen=True, slots=True)
class MetricMethod:
    """How a metric is computed: its SQL and source, or the metrics that it is made of.

    `directly` says why it is not computed from daily partials, and is empty where it is. `statistics` has each
    statistic, with its parameters, and the periods in which it is made.
    """

    sql: str = ""
    source: str = ""
    made_of: tuple[str, ...] = ()
    directly: str = ""
    statistics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnalysisMethod:
    """How an experiment is analysed. `shares` are the parts of units that branches were meant to get, if any are said.

    Dates are in ISO 8601, and empty where there is none. `sources` and `segments` have their SQL.
    """

    app: str = ""
    unit: str = ""
    first_enrollment: str = ""
    last_enrollment: str = ""
    end: str = ""
    shares: Mapping[str, int] = field(default_factory=dict)
    enrollments: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricMethod] = field(default_factory=dict)


def method_of(plan: AnalysisPlan) -> AnalysisMethod:
    """Return what a plan does."""
    experiment = plan.experiment
    timeline = experiment.timeline
    return AnalysisMethod(
        app=experiment.app_name,
        unit=experiment.analysis_unit.value,
        first_enrollment=timeline.start.isoformat(),
        last_enrollment=timeline.last_enrollment.isoformat(),
        end=timeline.end.isoformat() if timeline.end else "",
        shares=dict(zip(experiment.branches, experiment.branch_shares, strict=False)),
        enrollments=plan.enrollments.sql.strip(),
        sources={source.name: source.from_expression.strip() for source in plan.sources},
        segments={segment.name: segment.select_expression.strip() for segment in plan.enrollments.segments},
        metrics={metric.name: _metric(plan, metric) for metric in plan.metrics},
    )


def recorded_methods(entries: Iterable[Entry]) -> tuple[AnalysisMethod, ...]:
    """Return the methods that were recorded, the last one last; a new one is recorded when it changes."""
    found = (json.loads(entry.facts) for entry in entries if entry.kind is Kind.EXPORT and entry.facts)
    return tuple(_read(facts[METHOD]) for facts in found if METHOD in facts)


def method_to_record(plan: AnalysisPlan, entries: Iterable[Entry]) -> str:
    """Return what to write down as facts so that the record has the plan's method; empty where it has it already."""
    method = method_of(plan)
    last = recorded_methods(entries)[-1:]
    return "" if last == (method,) else canonical({METHOD: asdict(method)})


def _metric(plan: AnalysisPlan, metric: Metric) -> MetricMethod:
    statistics: dict[str, tuple[str, ...]] = {}
    for leaf in plan.statistics:
        for statistic in leaf.statistics if leaf.metric == metric.name else ():
            text = _statistic(statistic)
            statistics[text] = (*statistics.get(text, ()), leaf.period.value)
    return MetricMethod(
        sql=metric.select_expression.strip(),
        source=metric.source,
        made_of=metric.depends_on,
        directly=_directly(metric),
        statistics=statistics,
    )


def _directly(metric: Metric) -> str:
    match metric.computation:
        case Direct(reason):
            return reason
        case Composed() | None:
            return ""
        case _:
            assert_never(metric.computation)


def _statistic(statistic: Statistic) -> str:
    """Return a statistic with what was asked of it, such as `linear_model_mean, adjusted by sales (week before)`."""
    parameters: dict[str, Any] = json.loads(statistic.parameters)
    parts = [statistic.name, *(f"{name} = {json.dumps(value)}" for name, value in parameters.items())]
    if statistic.covariate is not None:
        parts.append(f"adjusted by {statistic.covariate.metric} ({statistic.covariate.period.value})")
    parts += [f"after {step.name} {step.arguments}" for step in statistic.pre_treatments]
    return ", ".join(parts)


def _read(facts: Mapping[str, Any]) -> AnalysisMethod:
    known = {name: facts[name] for name in AnalysisMethod.__dataclass_fields__ if name in facts}
    metrics = {
        name: MetricMethod(
            sql=found["sql"],
            source=found["source"],
            made_of=tuple(found["made_of"]),
            directly=found["directly"],
            statistics={text: tuple(periods) for text, periods in found["statistics"].items()},
        )
        for name, found in facts.get("metrics", {}).items()
    }
    return AnalysisMethod(**{**known, "metrics": metrics})
