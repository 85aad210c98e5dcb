"""Resolves the rows that metrics, segments and exposure signals read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from jetstream_argo.config.conventions.load import SourceFreshness
from jetstream_argo.config.model import AnalysisUnit, DataSource, ExposureSignal, Segment, SegmentDataSource
from jetstream_argo.config.names import case_twins, wrong_with_segment, wrong_with_source
from jetstream_argo.config.resolve.context import ResolutionContext, prose
from jetstream_argo.config.schema import DataSourceSpec, ExposureSignalSpec, SegmentDataSourceSpec, SegmentSpec
from jetstream_argo.config.templates.fill import TemplateError, fill_braces
from jetstream_argo.dialect.from_clause import own_name, relation, with_rows_named

_NO_EXPERIMENTS = "none"


@dataclass(slots=True)
class SourceResolver:
    """Resolves data sources, each once."""

    context: ResolutionContext
    _resolved: dict[str, DataSource | None] = field(default_factory=dict)

    def resolve(self, name: str, *, file: str, where: str) -> DataSource | None:
        """Return the data source that `where` in `file` names, or None if that is an error."""
        known = {**self.context.application.data_sources, **self.context.spec.data_sources}
        if name not in known:
            self.context.findings.unknown("data source", name, known=known, file=file, where=where)
            return None
        if name not in self._resolved:
            self._resolved[name] = _data_source(self.context, name, known[name])
        return self._resolved[name]

    def found(self, name: str) -> DataSource | None:
        """Return the data source if it was resolved before."""
        return self._resolved.get(name)

    def has_unit(self, name: str, unit: AnalysisUnit) -> bool:
        """Return whether the rows of a known data source can be counted by `unit`."""
        source = self.context.spec.data_sources.get(name) or self.context.application.data_sources[name]
        return unit in (source.analysis_units or self.context.units)


def exposure_signal(
    context: ResolutionContext, sources: SourceResolver, spec: ExposureSignalSpec
) -> ExposureSignal | None:
    """Return the rows that mean exposure, or None if their data source is an error."""
    where = "experiment.exposure_signal.data_source"
    source = sources.resolve(spec.data_source, file=spec.file, where=where)
    expression = spec.select_expression
    checked = context.findings.filled(spec.file, "experiment.exposure_signal.select_expression", lambda: expression)
    if source is None or checked is None:
        return None
    return ExposureSignal(
        name=spec.name,
        data_source=source,
        select_expression=with_rows_named(spec.select_expression, source.own_name),
        window_start=spec.window_start,
        window_end=spec.window_end,
        friendly_name=prose(spec.friendly_name),
        description=prose(spec.description),
    )


def segments(
    context: ResolutionContext, asked: Mapping[str, str], *, asked_at: str = "experiment.segments"
) -> tuple[tuple[Segment, ...], tuple[SegmentDataSource, ...]]:
    """Return the segments `asked` for, each with the file that asks, and the data sources that decide about them.

    `asked_at` is where the files ask.
    """
    known = {**context.application.segments, **context.spec.segments}
    known_sources = {**context.application.segment_data_sources, **context.spec.segment_data_sources}
    found: dict[str, Segment] = {}
    sources: dict[str, _SegmentRows | None] = {}
    for name, file in asked.items():
        if name not in known:
            context.findings.unknown("segment", name, known=known, file=file, where=asked_at)
            continue
        spec = known[name]
        where = f"segments.{name}"
        if wrong := wrong_with_segment(name):
            context.findings.error(spec.file, where, wrong)
            continue
        if spec.data_source not in known_sources:
            context.findings.unknown(
                "segment data source",
                spec.data_source,
                known=known_sources,
                file=spec.file,
                where=f"{where}.data_source",
            )
            continue
        if spec.data_source not in sources:
            sources[spec.data_source] = _segment_source(context, spec.data_source, known_sources[spec.data_source])
        rows = sources[spec.data_source]
        expression = context.findings.filled(
            spec.file,
            f"{where}.select_expression",
            partial(_segment_expression, context, spec, rows.own_name if rows else ""),
        )
        found[name] = Segment(
            name=name,
            data_source=spec.data_source,
            select_expression=expression or "",
            friendly_name=prose(spec.friendly_name),
            description=prose(spec.description),
        )
    for name, other in case_twins(found):
        what = f"differs from {other!r} by case only, which columns do not keep apart; choose another name"
        context.findings.error(known[name].file, f"segments.{name}", what)
    return tuple(found.values()), tuple(rows.source for rows in sources.values() if rows)


def _data_source(context: ResolutionContext, name: str, spec: DataSourceSpec) -> DataSource | None:
    where = f"data_sources.{name}"
    if wrong := wrong_with_source(name):
        context.findings.error(spec.file, where, wrong)
        return None
    if not spec.from_expression:
        context.findings.error(spec.file, f"{where}.from_expression", "is missing")
        return None
    if spec.joins:
        context.findings.warn(
            spec.file, f"{where}.joins", "are not made when experiments are analysed; join in from_expression instead"
        )
    kind, branch_expression = _experiments_column(context, name, spec)
    rows = context.findings.filled(spec.file, f"{where}.from_expression", partial(_rows, context, spec))
    if rows is None:
        return None
    freshness = context.conventions.freshness
    late = freshness.data_sources.get(name, SourceFreshness())
    settle_days = late.settle_days if spec.settle_days is None else spec.settle_days
    return DataSource(
        name=name,
        from_expression=relation(rows),
        id_column=context.id_column(spec.client_id_column, spec.group_id_column),
        date_column=spec.submission_date_column or context.conventions.columns.submission_date,
        experiments_column_type=kind,
        branch_expression=branch_expression,
        settle_days=freshness.settle_days if settle_days is None else settle_days,
        may_be_empty=late.may_be_empty if spec.may_be_empty is None else spec.may_be_empty,
        own_name=own_name(rows),
    )


def _experiments_column(context: ResolutionContext, name: str, spec: DataSourceSpec) -> tuple[str | None, str | None]:
    types = context.conventions.experiments_column_types
    kind = spec.experiments_column_type or types.default
    if kind.lower() == _NO_EXPERIMENTS:
        return None, None
    if kind not in types.branch_expressions:
        context.findings.unknown(
            "experiments_column_type",
            kind,
            known=[*types.branch_expressions, _NO_EXPERIMENTS],
            file=spec.file,
            where=f"data_sources.{name}.experiments_column_type",
        )
        return None, None
    template = types.branch_expressions[kind]
    return kind, context.templates.fill(template, slug=context.experiment.slug).strip()


@dataclass(frozen=True, slots=True)
class _SegmentRows:
    """Rows that decide about segments, and what the file calls one of them; empty if it does not say."""

    source: SegmentDataSource
    own_name: str


def _segment_source(context: ResolutionContext, name: str, spec: SegmentDataSourceSpec) -> _SegmentRows | None:
    where = f"segments.data_sources.{name}.from_expression"
    rows = context.findings.filled(spec.file, where, partial(_segment_rows, context, spec))
    if rows is None:
        return None
    source = SegmentDataSource(
        name=name,
        from_expression=relation(rows),
        id_column=context.id_column(spec.client_id_column, spec.group_id_column),
        date_column=spec.submission_date_column or context.conventions.columns.submission_date,
        window_start=spec.window_start or 0,
        window_end=spec.window_end or 0,
    )
    return _SegmentRows(source, own_name(rows))


def _rows(context: ResolutionContext, spec: DataSourceSpec) -> str:
    text = context.templates.fill_from_experiment(spec.from_expression or "", context.experiment)
    return _with_dataset(text, context.dataset_or(spec.default_dataset))


def _segment_rows(context: ResolutionContext, spec: SegmentDataSourceSpec) -> str:
    text = context.templates.fill(spec.from_expression, experiment=context.experiment)
    return _with_dataset(text, context.dataset_or(spec.default_dataset))


def _segment_expression(context: ResolutionContext, spec: SegmentSpec, own: str) -> str:
    return with_rows_named(context.templates.fill(spec.select_expression, experiment=context.experiment), own)


def _with_dataset(text: str, dataset: str | None) -> str:
    if dataset is not None:
        return fill_braces(text, dataset=dataset)
    if "{dataset}" in text.replace("{{", "").replace("}}", ""):
        raise TemplateError("has {dataset}, and nothing says which; set default_dataset")
    return fill_braces(text)
