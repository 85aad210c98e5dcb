"""Resolves the units that do not count, and the rows that decide about it."""

from collections.abc import Mapping
from functools import partial

from jetstream_argo.config.exclusions import SEVERAL_ALARM, ExclusionRule, ExclusionRules, SeveralBranches
from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.config.resolve.context import ResolutionContext
from jetstream_argo.config.resolve.sources import SourceResolver, segments
from jetstream_argo.config.schema import ExcludeSpec, ExclusionSpec
from jetstream_argo.dialect.columns import columns_named
from jetstream_argo.dialect.from_clause import with_rows_named

_FIRST_DAY, _LAST_DAY = -28, -1
_UNIT = ("analysis_id", "enrollment_date", "num_enrollment_events")
_BRANCH = "branch"

# What an exclusion comes to, and the rows that it asks, if it asks any.
_Found = tuple[ExclusionRule, SegmentDataSource | None]


def exclusions(
    context: ResolutionContext, sources: SourceResolver, spec: ExcludeSpec | None
) -> tuple[ExclusionRules, tuple[SegmentDataSource, ...]]:
    """Return which units do not count, and the data sources that decide about them."""
    if spec is None:
        return ExclusionRules(), ()
    named: Mapping[str, ExclusionSpec] = spec.named or {}
    found = [
        exclusion
        for name, named_spec in named.items()
        if (exclusion := _exclusion(context, sources, name, named_spec)) is not None
    ]
    rows = {source.name: source for _, source in found if source is not None}
    alarm = SEVERAL_ALARM if spec.several_branches_alarm is None else spec.several_branches_alarm
    several = spec.several_branches or SeveralBranches.KEEP
    return ExclusionRules(several, alarm, tuple(exclusion for exclusion, _ in found)), tuple(rows.values())


def _exclusion(context: ResolutionContext, sources: SourceResolver, name: str, spec: ExclusionSpec) -> _Found | None:
    where = f"experiment.exclude.{name}"
    if spec.condition is not None:
        return _by_condition(context, name, spec.condition, spec.file, f"{where}.condition")
    found = _by_segment(context, name, spec, where) if spec.segment else _by_rows(context, sources, name, spec, where)
    if found is None:
        return None
    exclusion, rows = found
    if rows is not None and rows.window_end >= 0 and not spec.post_treatment:
        context.findings.error(
            spec.file, where,
            f"looks at days {rows.window_start} to {rows.window_end} since enrollment, when the experiment may have "
            "changed who is excluded; end before day 0, or set post_treatment = true, which marks all results",
        )  # fmt: skip
        return None
    if (("e", _BRANCH)) in columns_named(exclusion.select_expression):
        context.findings.error(spec.file, where, "names e.branch: who counts must not depend on the branch")
        return None
    return exclusion, rows


def _by_condition(context: ResolutionContext, name: str, condition: str, file: str, where: str) -> _Found | None:
    text = context.findings.filled(file, where, partial(_filled, context, condition))
    if text is None:
        return None
    for alias, column in columns_named(text):
        if column == _BRANCH and alias in ("", "e"):
            context.findings.error(file, where, "names e.branch: who counts must not depend on the branch")
            return None
        if alias not in ("", "e") or column not in _UNIT:
            known = [f"e.{unit_column}" for unit_column in _UNIT]
            written = f"{alias}.{column}" if alias else column
            context.findings.unknown("column of an enrolled unit", written, known=known, file=file, where=where)
            return None
    return ExclusionRule(name, condition=text), None


def _by_segment(context: ResolutionContext, name: str, spec: ExclusionSpec, where: str) -> _Found | None:
    found, rows = segments(context, {str(spec.segment): spec.file}, asked_at=f"{where}.segment")
    if not found or not rows:
        return None
    segment, source = found[0], rows[0]
    return _over(name, source, segment.select_expression), source


def _by_rows(
    context: ResolutionContext, sources: SourceResolver, name: str, spec: ExclusionSpec, where: str
) -> _Found | None:
    source = sources.resolve(str(spec.data_source), file=spec.file, where=f"{where}.data_source")
    text = context.findings.filled(
        spec.file, f"{where}.select_expression", partial(_filled, context, str(spec.select_expression))
    )
    if source is None or text is None:
        return None
    last = _LAST_DAY if spec.window_end is None else spec.window_end
    first = min(_FIRST_DAY, last) if spec.window_start is None else spec.window_start
    if first > last:
        context.findings.error(spec.file, where, f"window_start {first} is after window_end {last}")
        return None
    rows = SegmentDataSource(
        name=f"excluded as {name}",  # no segment data source is called so
        from_expression=source.from_expression,
        id_column=source.id_column,
        date_column=source.date_column,
        window_start=first,
        window_end=last,
    )
    return _over(name, rows, with_rows_named(text, source.own_name)), rows


def _over(name: str, rows: SegmentDataSource, expression: str) -> ExclusionRule:
    return ExclusionRule(name, data_source=rows.name, select_expression=expression, post_treatment=rows.window_end >= 0)


def _filled(context: ResolutionContext, text: str) -> str:
    return context.templates.fill(text, experiment=context.experiment)
