"""Few real experiments, of few of their metrics, that together have every kind of statement."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.selection import with_needed
from jetstream_argo.plan.model import AnalysisPlan, Metric

Asked: TypeAlias = tuple[Period, str]  # a metric in a period


@dataclass(frozen=True, slots=True)
class Parts:
    """What is to be covered of an experiment: `shared` by all of it, and of each metric in each period by itself."""

    shared: frozenset[str]
    by_metric: Mapping[Asked, frozenset[str]]

    def without(self, covered: Collection[str]) -> "Parts":
        """Return what is not covered; what adds nothing to those before it is left out."""
        left: dict[Asked, frozenset[str]] = {}
        known = set(covered)
        for asked, parts in self.by_metric.items():
            if added := parts - known:
                left[asked] = added
                known |= added
        return Parts(self.shared.difference(covered), left)

    @property
    def every(self) -> frozenset[str]:
        """All parts together."""
        return self.shared.union(*self.by_metric.values())


def covering(experiments: Mapping[str, tuple[ExperimentConfig, AnalysisPlan]]) -> Iterator[ExperimentConfig]:
    """Yield experiments until all that any of them has was in one, each time that which adds most.

    There are those of its metrics, in those of its periods, that add something, and what these are made of and
    adjusted by.
    """
    left = {slug: parts_of(plan).without(()) for slug, (_, plan) in experiments.items()}
    while left:
        slug = max(left, key=lambda name: len(left[name].every))
        added = left[slug]
        yield only(experiments[slug][0], added.by_metric)
        left = {name: parts.without(added.every) for name, parts in left.items()}
        left = {name: parts for name, parts in left.items() if parts.every}


def parts_of(plan: AnalysisPlan) -> Parts:
    """Return the kinds of statements of an experiment: each metric's expression on its data source, by day and in
    longer windows, every statistic in every period, and the way to enroll.

    A metric brings along what it is made of and adjusted by, and the checks that nobody asks for of its data source.
    """
    asked = tuple(dict.fromkeys(leaf.metric for leaf in plan.statistics))
    needed = {metric: with_needed(plan, (metric,)) for metric in asked}
    known = {name for names in needed.values() for name in names}
    checks = [metric for metric in plan.metrics if metric.name not in known]
    by_metric: dict[Asked, frozenset[str]] = {}
    for leaf in sorted(plan.statistics, key=lambda leaf: leaf.period is not Period.DAY):
        used = [plan.metric(name) for name in needed[leaf.metric]]
        sources = {metric.source for metric in used}
        used += [check for check in checks if check.source in sources]
        rows = "daily" if leaf.period is Period.DAY else "in windows"
        values = (f"{_expression(plan, metric)} {rows}" for metric in used if metric.source)
        statistics = (f"{statistic.name} {statistic.parameters} {leaf.period}" for statistic in leaf.statistics)
        by_metric[leaf.period, leaf.metric] = frozenset((*values, *statistics))
    return Parts(frozenset((plan.enrollments.kind,)), by_metric)


def only(config: ExperimentConfig, asked: Collection[Asked]) -> ExperimentConfig:
    """Return the experiment with the summaries of these metrics in these periods alone."""
    periods = (
        replace(due, summaries=tuple(summary for summary in due.summaries if (due.period, summary.metric) in asked))
        for due in config.periods
    )
    return replace(config, periods=tuple(period for period in periods if period.summaries))


def _expression(plan: AnalysisPlan, metric: Metric) -> str:
    text = f"{plan.source(metric.source).from_expression} {metric.select_expression}"
    return text.replace(plan.experiment.slug, "SLUG")
