"""The keys under which version 0.1 recorded what a plan computes.

In its keys of columns stood that of the enrollments, and in that the exposures and all segments.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import AnalysisPlan, Metric, MetricStatistics
from jetstream_argo.plan.sources import Composed, Direct, Source

# A count of days did not make sure then that the column holds dates, and gives the same where it does.
_UNGUARDED = re.compile(r"IF\(MIN\((.+?)\) = MAX\(\1\), 1, ERROR\('[^']*'\)\)")


@dataclass(frozen=True, slots=True)
class LegacyKeys:
    """The keys of version 0.1 for everything in a plan.

    `columns` gives, by the old name of a column of partials, signals or values, its name now. `estimates` gives the
    leaf by its old key; leaves that are not there were estimated otherwise then, and have to be estimated anew.
    """

    enrollments: str
    columns: Mapping[str, str]
    estimates: Mapping[str, MetricStatistics]


def legacy_keys(plan: AnalysisPlan) -> LegacyKeys:
    """Return the keys under which version 0.1 recorded what `plan` computes."""
    enrollments = _enrollments_key(plan)
    partials = {
        partial.column: "p_" + digest(_rows(source, enrollments), _UNGUARDED.sub("1", partial.expression))
        for source in plan.sources
        for partial in source.partials
    }
    signal = {}
    if plan.signal is not None:
        signal = {plan.signal.partial.column: "p_" + digest(enrollments, plan.signal.key)}
    metrics = {
        metric.column: _metric_column(plan, metric, partials, enrollments) for metric in plan.metrics if metric.source
    }
    return LegacyKeys(
        enrollments=enrollments,
        columns={old: new for new, old in (partials | signal | metrics).items()},
        estimates=dict(_estimates(plan, metrics)),
    )


def _enrollments_key(plan: AnalysisPlan) -> str:
    found = plan.enrollments
    return digest(
        found.sql,
        found.exposures_sql,
        [[segment.name, segment.data_source, segment.select_expression] for segment in found.segments],
        [
            [*_source(source), source.window_start, source.window_end]
            for source in found.segment_sources
            if source.name in {segment.data_source for segment in found.segments}
        ],
    )


def _source(source: SegmentDataSource) -> list[str]:
    return [source.name, source.from_expression, source.id_column, source.date_column]


def _rows(source: Source, enrollments: str) -> list[str | None]:
    return [enrollments, source.from_expression, source.id_column, source.date_column, source.branch_expression]


def _metric_column(plan: AnalysisPlan, metric: Metric, partials: Mapping[str, str], enrollments: str) -> str:
    match metric.computation:
        case Composed(columns, finaliser):
            for column in columns:
                finaliser = finaliser.replace(column, partials[column])
            how = ["composed", *(partials[column] for column in columns), finaliser]
        case Direct():
            how = ["direct", metric.select_expression]
        case None:
            how = []
        case _:
            assert_never(metric.computation)
    signal = plan.signal.key if plan.signal is not None else ""
    return "m_" + digest(_rows(plan.source(metric.source), enrollments), how, signal)


def _estimates(plan: AnalysisPlan, columns: Mapping[str, str]) -> Iterator[tuple[str, MetricStatistics]]:
    """Yield the leaves that are estimated as they were then: none that is adjusted by a covariate."""
    segments = [segment.name for segment in plan.enrollments.segments]
    for leaf in plan.statistics:
        if any(statistic.covariate is not None for statistic in leaf.statistics):
            continue
        metric = plan.metric(leaf.metric)
        read = [columns.get(plan.metric(name).column, "") for name in (leaf.metric, *metric.depends_on)]
        asked = [
            [
                statistic.name,
                statistic.parameters,
                [[step.name, step.arguments] for step in statistic.pre_treatments],
                None,
            ]
            for statistic in leaf.statistics
        ]
        facts = [metric.bases, metric.bigger_is_better]
        branches = plan.experiment.branches
        yield "s_" + digest(leaf.period, leaf.metric, read, facts, asked, segments, branches), leaf
