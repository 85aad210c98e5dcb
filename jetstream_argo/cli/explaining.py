"""Explains a metric: its definition, how it is split, the SQL that computes it, and what is estimated of it."""

from collections.abc import Iterator, Mapping
from typing import Any, assert_never

import click

from jetstream_argo.cli.planning import day, planned_from, planning_options, sources
from jetstream_argo.config.model import Basis
from jetstream_argo.errors import UnknownReference
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed, Direct, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.partials import partials_query
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import StoredUnits, enrolled
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.terminal.text import say

_SUFFIXES = (".toml", ".json")
_SOME = StoredUnits(batches=(0,), assignments=(0,))  # those of a batch without a name yet


@click.command(epilog="Example: jetstream-argo explain revenue checkout.toml --as-of 2026-06-15")
@click.argument("metric")
@planning_options
@click.option("--app", metavar="APPLICATION", help="Without EXPERIMENT: whose metric, of those with definitions.")
def explain(metric: str, app: str | None, **planning: Any) -> None:
    """Say of METRIC of EXPERIMENT what it is, how it is split, by which SQL it is read, and what is estimated of it.

    Without EXPERIMENT, METRIC is one that an application of --definitions defines, and is shown as over 28 days.
    """
    named = planning["experiment"]
    if named is not None and _is_file(metric) and not _is_file(named):
        metric, planning["experiment"] = named, metric  # in the order in which one reads it elsewhere
    alone = named is None and planning["plan_file"] is None and planning["definitions"]
    plan, files = _defined(metric, app, **planning) if alone else planned_from(**planning)
    known = [defined.name for defined in plan.metrics]
    if metric not in known:
        raise UnknownReference("metric", metric, known=known, used_by=plan.experiment.slug)
    for line in explained(plan, plan.metric(metric), files):
        say(line)


def _defined(metric: str, app: str | None, **planning: Any) -> tuple[AnalysisPlan, Mapping[str, str]]:
    """Return a plan of a metric that an application defines, and the files that hold its definition."""
    from jetstream_argo.plan.defined import plan_metric

    where = sources(*(planning[name] for name in ("definitions", "experiments", "config", "conventions")))
    made = plan_metric(metric, app, where, as_of=day(planning["as_of"]))
    return made.plan, made.files


def _is_file(text: str) -> bool:
    return text.endswith(_SUFFIXES) or "://" in text


def explained(plan: AnalysisPlan, metric: Metric, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines about one metric; `files` hold the tables of the configuration, by key."""
    better = "bigger is better" if metric.bigger_is_better else "smaller is better"
    unit = f", in {metric.unit}" if metric.unit else ""
    yield f"{metric.name}: {metric.role}{unit}; {better}"
    if metric.description:
        yield from _block(metric.description)
    file = files.get(f"metrics.{metric.name}")
    if file:
        yield f"defined in {file}"
    if metric.depends_on:
        yield f"made of {', '.join(metric.depends_on)}: explain those for their SQL"
    else:
        yield from _definition(plan, metric, plan.source(metric.source))
    yield from _statistics(plan, metric)


def _definition(plan: AnalysisPlan, metric: Metric, source: Source) -> Iterator[str]:
    yield "definition, of a unit's rows:"
    yield from _block(metric.select_expression)
    yield f"data source {source.name}: units by {source.id_column}, dates by {source.date_column}, rows of"
    yield from _block(source.from_expression)
    match metric.computation:
        case Composed(partials, finaliser):
            yield "split: each date is read once, into"
            for partial in source.partials:
                if partial.column in partials:
                    yield f"  {partial.column} = {' '.join(partial.expression.split())}, merged by {partial.merge}"
            yield "and the value of a window is"
            yield from _block(finaliser)
            yield "SQL that reads a date:"
            yield from _block(_reading(plan, source, partials))
        case Direct(reason):
            yield f"not split: {reason}; each window is computed from all of its rows"
            yield "SQL of a window:"
            yield from _block(_direct(plan, source, metric))
        case None:
            pass
        case _:
            assert_never(metric.computation)


def _reading(plan: AnalysisPlan, source: Source, partials: tuple[str, ...]) -> Sql:
    day = plan.experiment.timeline.start
    units = enrolled(plan, _SOME, exposures=False, segments=False)
    return partials_query(source, partials, units, (0,), first_date=day, last_date=day, batch=0)


def _direct(plan: AnalysisPlan, source: Source, metric: Metric) -> Sql:
    period = metric.periods[0]
    window = next(iter(plan.windows(period)), AnalysisWindow(1, 0, 0))
    grid = WindowGrid(Basis.ENROLLMENTS, period, (window,), enrolled(plan, _SOME, segments=False))
    return direct_query(plan, source, [metric], grid, batch=0)


def _statistics(plan: AnalysisPlan, metric: Metric) -> Iterator[str]:
    leaves = [leaf for leaf in plan.statistics if leaf.metric == metric.name]
    if not leaves:
        periods = ", ".join(metric.periods)
        yield f"statistics: none of its own; its values are computed ({periods}) for metrics that need them"
        return
    yield f"statistics, on the basis of {' and '.join(metric.bases)}:"
    for leaf in leaves:
        yield f"  {leaf.period}:"
        for statistic in leaf.statistics:
            parameters = "" if statistic.parameters in ("", "{}") else f" {statistic.parameters}"
            before = "".join(f", after {step.name} {step.arguments}" for step in statistic.pre_treatments)
            covariate = statistic.covariate
            adjusted = f", adjusted by {covariate.metric} of {covariate.period}" if covariate else ""
            yield f"    {statistic.name}{parameters}{before}{adjusted}"


def _block(text: str) -> Iterator[str]:
    yield from (f"  {line}" for line in text.strip().splitlines())
