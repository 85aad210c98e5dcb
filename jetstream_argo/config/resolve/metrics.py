"""Resolves the metrics that are computed, from what, and with which statistics."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jetstream_argo.config.layers import overlay
from jetstream_argo.config.model import Basis, DataSource, MetricDefinition, MetricRole
from jetstream_argo.config.names import case_twins, wrong_with_metric
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.context import ResolutionContext, prose
from jetstream_argo.config.resolve.inferred_statistics import Added
from jetstream_argo.config.resolve.misplaced import misplaced_statistics
from jetstream_argo.config.resolve.sources import SourceResolver
from jetstream_argo.config.resolve.statistics import read_statistic
from jetstream_argo.config.schema import MetricSpec, ParameterSpec, Reference
from jetstream_argo.config.statistics import PeriodMetrics, Summary
from jetstream_argo.config.templates.fill import fill_braces
from jetstream_argo.dialect.expressions import wrong_with_expression
from jetstream_argo.dialect.from_clause import with_rows_named
from jetstream_argo.errors import ConfigError

_QUOTED_CASE = re.compile(r"""['"]CASE e\.branch """)


@dataclass(slots=True)
class Metrics:
    """Resolves metrics, each once. One name means one metric throughout an experiment."""

    context: ResolutionContext
    sources: SourceResolver
    parameters: Mapping[str, str]
    added: Added
    _resolved: dict[str, MetricDefinition | None] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def periods(self) -> tuple[PeriodMetrics, ...]:
        """Return the summaries of every period that has any."""
        asked = self.context.spec.periods.items()
        periods = (PeriodMetrics(period, self._summaries(names, period)) for period, names in asked)
        return tuple(period for period in periods if period.summaries)

    def used(self) -> tuple[MetricDefinition, ...]:
        """Return the metrics that were asked for so far, and those that these are made of."""
        return tuple(metric for metric in self._resolved.values() if metric)

    def check_names(self) -> None:
        """Note metrics whose names are one column to the warehouse."""
        for name, other in case_twins(metric.name for metric in self.used()):
            what = f"differs from {other!r} by case only, which columns do not keep apart; choose another name"
            self._error(self._definition(name), name, "", what)

    def check_statistics(self, periods: Iterable[PeriodMetrics]) -> None:
        """Note statistics that their metrics cannot have."""
        for asked in periods:
            for file, problem in misplaced_statistics(asked, self._resolved):
                self.context.findings.refused(ConfigError(file, [problem]))

    def sources_used(self) -> tuple[DataSource, ...]:
        """Return the data sources of these metrics."""
        names = dict.fromkeys(metric.data_source for metric in self.used() if metric.data_source)
        return tuple(source for name in names if (source := self.sources.found(name)))

    def _summaries(self, names: Iterable[Reference], period: Period) -> tuple[Summary, ...]:
        """Return the summaries of the metrics named, from the last to the first; of equal ones the last counts."""
        asked = [summary for name in names for summary in self._summaries_of(name, period)]
        unique: dict[tuple[str, str], Summary] = {}
        for summary in reversed(asked):
            unique.setdefault((summary.metric, summary.statistic.name), summary)
        return tuple(unique.values())

    def _summaries_of(self, reference: Reference, period: Period) -> tuple[Summary, ...]:
        metric = self._metric(reference.name, file=reference.file, where="metrics")
        if metric is None:
            return ()
        spec = self._definition(reference.name)
        if not spec.statistics:
            self._error(spec, metric.name, "statistics", f"is missing: {reference.file} asks for statistics of it")
            return ()
        found = []
        for name, table in self.added.beside(spec.statistics):
            try:
                statistic = read_statistic(name, table, metric=metric.name, period=period, file=spec.file)
            except ConfigError as error:
                self.context.findings.refused(error)
            else:
                found.append(Summary(metric.name, statistic))
        return tuple(found)

    def _metric(self, name: str, *, file: str, where: str) -> MetricDefinition | None:
        if name in self._open:
            self.context.findings.error(file, where, f"metric {name!r} is made of itself: {' > '.join(self._open)}")
            return None
        if name not in self._resolved:
            known = {**self.context.application.metrics, **self.context.spec.metrics}
            if name not in known:
                self.context.findings.unknown("metric", name, known=known, file=file, where=where)
                self._resolved[name] = None
                return None
            self._open.append(name)
            self._resolved[name] = self._resolve(name, self._definition(name))
            self._open.pop()
        return self._resolved[name]

    def _definition(self, name: str) -> MetricSpec:
        """Return the definition of the metric: the application's definition counts where the layers are incomplete."""
        own = self.context.spec.metrics.get(name)
        definition = self.context.application.metrics.get(name)
        if own is None or definition is None:
            return own or definition or MetricSpec()
        if own.depends_on or (own.select_expression and own.data_source):
            return own
        return overlay(definition, own.model_copy(update={"select_expression": None, "data_source": None}))

    def _warn_of_half(self, name: str) -> None:
        """Warn of a select_expression without a data source, or the reverse, where the application defines both."""
        own = self.context.spec.metrics.get(name)
        if own is None or own.depends_on or name not in self.context.application.metrics:
            return
        halves = {"select_expression": own.select_expression, "data_source": own.data_source}
        given = [key for key, value in halves.items() if value]
        if len(given) == 1:
            [missing] = set(halves) - set(given)
            what = f"is ignored without {missing}: the application's definition is used"
            self.context.findings.warn(own.file, f"metrics.{name}.{given[0]}", what)

    def _resolve(self, name: str, spec: MetricSpec) -> MetricDefinition | None:
        if wrong := wrong_with_metric(name):
            self._error(spec, name, "", wrong)
            return None
        self._warn_of_half(name)
        if spec.analysis_units and self.context.unit not in spec.analysis_units:
            self.context.findings.warn(
                spec.file,
                f"metrics.{name}.analysis_units",
                f"does not hold the experiment's analysis unit {self.context.unit.value!r}; it is used all the same",
            )
        if spec.select_expression and spec.data_source:
            source = self.sources.resolve(spec.data_source, file=spec.file, where=f"metrics.{name}.data_source")
            if source and not self.sources.has_unit(source.name, self.context.unit):
                unit = self.context.unit.value
                self._error(spec, name, "data_source", f"{source.name!r} does not have the analysis unit {unit!r}")
            expression = self._expression(spec, name, spec.select_expression)
            if not source or not expression:
                return None
            return self._build(spec, name, spec.data_source, with_rows_named(expression, source.own_name))
        if spec.depends_on:
            where = f"metrics.{name}.depends_on"
            parts = [self._metric(part, file=spec.file, where=where) for part in spec.depends_on]
            return self._build(spec, name, None, None) if all(parts) else None
        self._error(spec, name, "", "needs select_expression and data_source, or depends_on")
        return None

    def _build(self, spec: MetricSpec, name: str, data_source: str | None, expression: str | None) -> MetricDefinition:
        bases = spec.analysis_bases or tuple(Basis)
        return MetricDefinition(
            name=name,
            data_source=data_source,
            select_expression=expression,
            depends_on=() if data_source else tuple(dict.fromkeys(spec.depends_on or ())),
            bases=tuple(basis for basis in Basis if basis in bases),
            friendly_name=prose(spec.friendly_name),
            description=prose(spec.description),
            bigger_is_better=spec.bigger_is_better is not False,
            file=spec.file,
            unit=prose(spec.unit),
            role=spec.role or MetricRole.SECONDARY,
            non_inferiority_margin=spec.non_inferiority_margin,
        )

    def _expression(self, spec: MetricSpec, name: str, template: str) -> str | None:
        where = f"metrics.{name}.select_expression"
        text = self.context.findings.filled(spec.file, where, lambda: self._filled(spec, where, template))
        wrong = None if text is None else wrong_with_expression(text)
        if wrong is not None:
            self.context.findings.error(spec.file, where, wrong)
        return text

    def _filled(self, spec: MetricSpec, where: str, template: str) -> str:
        text = self.context.templates.fill(template, parameters=self.parameters, experiment=self.context.experiment)
        if _QUOTED_CASE.search(text):
            self.context.findings.warn(
                spec.file, where, "has a parameter that differs by branch in quotes: it is compared as text"
            )
        return fill_braces(text, experiment_slug=self.context.experiment.slug)

    def _error(self, spec: MetricSpec, name: str, key: str, what: str) -> None:
        self.context.findings.error(spec.file, f"metrics.{name}.{key}".rstrip("."), what)


def parameter_values(context: ResolutionContext) -> Mapping[str, str]:
    """Return what stands for each parameter in an expression."""
    values = {}
    for name, spec in context.spec.parameters.items():
        value = _parameter(spec)
        if spec.distinct_by_branch and isinstance(value, Mapping):
            cases = " ".join(f"WHEN {_quoted(branch)} THEN {_quoted(text)}" for branch, text in value.items())
            values[name] = f"CASE e.branch {cases} END"
        elif isinstance(value, str) and not spec.distinct_by_branch:
            values[name] = value
        else:
            needed = "a value for each branch, as value.control = '…'" if spec.distinct_by_branch else "a text"
            context.findings.error(spec.file, f"parameters.{name}", f"needs {needed}, has {value!r}")
    return values


def _parameter(spec: ParameterSpec) -> str | Mapping[str, str] | None:
    """Return the value, with what the default says about other branches."""
    if isinstance(spec.value, Mapping) and isinstance(spec.default, Mapping):
        return {**spec.default, **spec.value}
    return spec.value or spec.default


def _quoted(text: str) -> str:
    # In double quotes, which is what the expressions that use them expect.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
