"""Publishes results: views and files of whatever is there, however much of it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from jetstream_argo.config.model import Basis, MetricRole
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY, EngineError, NodeError
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.report.decision.results import decisions
from jetstream_argo.report.decision.rule import BranchDecision
from jetstream_argo.report.exports import error_rows, metadata, mismatches, statistic_rows
from jetstream_argo.report.files import Json, json_rows
from jetstream_argo.report.method import method_to_record
from jetstream_argo.report.results import Filters, lacking_columns, read_estimates
from jetstream_argo.report.segment_tests import SegmentTest, segment_tests
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import StatusReport, only, status_report
from jetstream_argo.report.summary.about import about_plan, about_to_record
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.views import (
    StoredMetrics,
    estimates_without_point,
    numbered,
    published_view,
    readable_estimates,
    unit_values,
)
from jetstream_argo.report.what_failed import failures_line
from jetstream_argo.run.context import Context, updated
from jetstream_argo.run.published import keep_published
from jetstream_argo.run.values import bases_of
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Kind, State
from jetstream_argo.store.kept_plan import keep_plan
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.types import Result, TableInfo


def publish(context: Context) -> str:
    """Make the views of what is there, and the files if a folder is set; return a line that says what changed.

    What failed is NULL or absent, the rest is complete. What is as it should be is not touched.

    Raises:
        NodeError: some view could not be made; the others were, and the files.
    """
    views = _publish_views(context)
    _record_about(context)
    keep_plan(context.engine, context.plan, labels=context.labels())
    parts = [_count(views.changed, views.same, "view")]
    report = status_report(context.plan, context.ledger.entries, today=context.now().date())
    if context.export_to or context.page:
        written = [*(_export(context, report) if context.export_to else ()), *_export_page(context)]
        parts.append(_count(sum(written), len(written) - sum(written), "file"))
    if report.lacking:
        lacking = dict.fromkeys(status.metric for status in report.lacking)
        parts.append(f"partial: no results of {counted(len(lacking), 'metric')} ({_some(list(lacking))})")
    parts += sentences(report.facts)
    if views.failed:
        parts += [f"view {name} failed: {error}" for name, error in views.failed]
        retry = any(error.exit_code == EXIT_RETRY for _, error in views.failed)
        raise NodeError("; ".join(parts), exit_code=EXIT_RETRY if retry else EXIT_DEFINITION)
    return "; ".join(parts)


def what_failed(context: Context) -> str:
    """Return each metric and node that failed, with its reason, in a line."""
    report = status_report(context.plan, context.ledger.entries)
    return failures_line(only(report, context.metrics)) or "a node failed without a word on record: see the red ones"


def _record_about(context: Context) -> None:
    """Write down what the plan says of its metrics and method, for readers who have no plan, if the record lacks it."""
    plan, entries = context.plan, context.ledger.entries
    found = (about_to_record(plan, entries), method_to_record(plan, entries))
    context.record([replace(context.entry(Kind.EXPORT, State.COMPUTED), facts=facts) for facts in found if facts])


def _count(changed: int, same: int, what: str) -> str:
    were = "was" if same == 1 else "were"
    return f"published {counted(changed, what)}" + (f", {same} {were} up to date" if same else "")


def _some(metrics: Sequence[str], most: int = 5) -> str:
    more = f", and {len(metrics) - most} more" if len(metrics) > most else ""
    return ", ".join(metrics[:most]) + more


@dataclass(frozen=True, slots=True)
class _PublishedView:
    name: str
    sql: Sql
    description: str
    labels: dict[str, str]

    def is_shown_by(self, found: TableInfo | None) -> bool:
        """Return whether there is such a view, of results as new as these."""
        return found is not None and found.view_sql == self.sql and self.labels.items() <= found.labels.items()


@dataclass(frozen=True, slots=True)
class _Published:
    """How many views were made or replaced, how many were as they should be, and which could not be made."""

    changed: int
    same: int
    failed: tuple[tuple[str, EngineError], ...]


def _publish_views(context: Context) -> _Published:
    failed: list[tuple[str, EngineError]] = []
    changed = same = 0
    for view in _views(context, failed):
        try:
            if view.is_shown_by(context.engine.info(view.name)):
                same += 1
                continue
            labels = {**context.labels(), **view.labels}
            context.engine.create_view(view.name, view.sql, description=view.description, labels=labels)
            changed += 1
        except EngineError as error:
            failed.append((view.name, error))
    return _Published(changed, same, tuple(failed))


def _views(context: Context, failed: list[tuple[str, EngineError]]) -> Iterator[_PublishedView]:
    plan, ledger = context.plan, context.ledger
    estimated = {e.period: e.recorded_at for e in ledger.complete(Kind.STATISTICS, names.statistics(plan))}
    lacking = lacking_columns(context.engine, plan) if estimated else ()
    for due in plan.periods:
        if due.period in estimated:
            text = f"Latest estimates of {plan.experiment.slug}"
            sql = readable_estimates(plan, due.period, lacking=lacking)
            yield _PublishedView(names.statistics_view(plan, due.period), sql, text, updated(estimated[due.period]))
    known_periods = [due.period for due in plan.periods if due.period in estimated]
    if known_periods:
        text = f"Latest estimates of {plan.experiment.slug} that are no number"
        sql = estimates_without_point(plan, known_periods, lacking=lacking)
        latest = max(estimated[period] for period in known_periods)
        yield _PublishedView(names.without_point_view(plan), sql, text, updated(latest))
    enrolled = ledger.latest(Kind.ENROLLMENTS, names.enrollments(plan))
    known = (plan.enrollments.key, plan.enrollments.exposures_key, *plan.enrollments.segment_columns)
    if enrolled is None or enrolled.keys != known:
        return  # the view of the units may lack the segments' columns; a view that is there stays as it is
    for due in plan.periods:
        for basis in plan.bases:
            metrics = _metrics(plan, basis, due.period)
            stored = _stored(plan, ledger, basis, due.period, metrics, due.windows)
            if due.windows and stored:
                name = names.values_view(plan, basis, due.period)
                try:
                    sql = _unit_rows(context, basis, due.period, metrics, stored)
                except EngineError as error:
                    failed.append((name, error))
                    continue
                text = f"Metrics of every unit of {plan.experiment.slug}"
                computed = [e.recorded_at for values in stored for e in ledger.complete(Kind.VALUES, values.table)]
                labels = updated(max((enrolled.recorded_at, *computed)))
                yield _PublishedView(name, sql, text, labels)


def _unit_rows(
    context: Context, basis: Basis, period: Period, metrics: Sequence[Metric], stored: Sequence[StoredMetrics]
) -> Sql:
    """Return the query for every unit's metrics, from a table that is partitioned by window where that pays."""
    if not context.engine.bills_partitions:
        return numbered(unit_values(context.plan, basis, period, metrics, stored))

    def stored_in(windows: Sequence[AnalysisWindow]) -> list[StoredMetrics]:
        return _stored(context.plan, context.ledger, basis, period, metrics, windows)

    slices = keep_published(context, basis, period, stored_in)
    kept = {metric.column for values in stored for metric in values.metrics}
    return published_view(context.plan, metrics, kept, slices, name=names.published(context.plan, basis, period))


def _metrics(plan: AnalysisPlan, basis: Basis, period: Period) -> list[Metric]:
    """Return the metrics with values in `period`, and those made of others, which have a column without values."""
    asked = {leaf.metric for leaf in plan.statistics if leaf.period is period}
    return [
        metric
        for metric in plan.metrics
        if basis in bases_of(metric, period) and (period in metric.periods or metric.name in asked)
    ]


def _stored(
    plan: AnalysisPlan,
    ledger: Ledger,
    basis: Basis,
    period: Period,
    metrics: Iterable[Metric],
    windows: Sequence[AnalysisWindow],
) -> list[StoredMetrics]:
    """Return where the values of `metrics` in some windows are, those in the same rows together."""
    together: dict[tuple[str, tuple[tuple[object, ...], ...]], tuple[list[WindowSlice], list[Metric]]] = {}
    for metric in metrics:
        if not metric.source:
            continue
        table = names.values(plan, basis, metric.source, period)
        slices = ledger.window_slices(table, metric.column, windows)
        if slices:
            rows = tuple((slice_.batches, slice_.first_index, slice_.last_index, slice_.sparse) for slice_ in slices)
            together.setdefault((table, rows), (list(slices), []))[1].append(metric)
    return [StoredMetrics(table, tuple(slices), tuple(of_table)) for (table, _), (slices, of_table) in together.items()]


def _export(context: Context, report: StatusReport) -> list[bool]:
    """Write the files; return, for each of them, whether it changed."""
    plan = context.plan
    slug = names.normalised(plan.experiment.slug)
    written = []
    estimated = {entry.period for entry in context.ledger.complete(Kind.STATISTICS, names.statistics(plan))}
    doubtful: list[dict[str, Json]] = []
    tested: list[SegmentTest] = []
    for due in plan.periods:
        if due.period in estimated:
            result: Result = read_estimates(context.engine, plan, Filters(periods=(due.period,)))
            name = f"statistics/statistics_{slug}_{due.period.suffix}.json"
            written.append(_write(context, name, json_rows(statistic_rows(result, report.facts))))
            doubtful += mismatches(result)
            if due.period is Period.OVERALL and plan.enrollments.segments:
                tested += segment_tests(result.dicts(), reference=_reference(plan))
    about = metadata(
        plan,
        context.plan_sha256,
        context.ledger.entries,
        report,
        mismatched=doubtful,
        decided=_decided(context, report) if estimated else (),
        segments=tested,
    )
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    written.append(_write(context, f"metadata/metadata_{slug}.json", text))
    written.append(_write(context, f"errors/errors_{slug}.json", json_rows(error_rows(plan, report))))
    return written


def _reference(plan: AnalysisPlan) -> str:
    return plan.experiment.reference_branch or plan.experiment.branches[0]


def _decided(context: Context, report: StatusReport) -> tuple[BranchDecision, ...]:
    about = about_plan(context.plan)
    if all(known.role is MetricRole.SECONDARY for known in about.metrics.values()):
        return ()
    rows = read_estimates(context.engine, context.plan, Filters(segments=("all",))).dicts()
    return decisions(windows_of(rows, about), about, report.facts)


def _export_page(context: Context) -> list[bool]:
    """Write the result page to the folder of the files and to the file that is asked for, as far as they are set."""
    from jetstream_argo.report.page.gather import material  # loads the page's templates
    from jetstream_argo.report.page.page import page
    from jetstream_argo.storage.objects import replace_if_changed, within  # loads urllib3

    plan, entries = context.plan, context.ledger.entries
    if not any(entry.kind is Kind.STATISTICS for entry in entries):
        return []
    result = read_estimates(context.engine, plan, Filters())
    text = page(material(context.engine, plan, result, entries, today=context.now().date()))
    name = f"pages/page_{names.normalised(plan.experiment.slug)}.html"
    files = [within(context.export_to, name)] if context.export_to else []
    files += [context.page] if context.page else []
    return [replace_if_changed(file, text.encode(), "text/html; charset=utf-8") for file in files]


def _write(context: Context, name: str, text: str) -> bool:
    from jetstream_argo.storage.objects import replace_if_changed, within  # loads urllib3

    return replace_if_changed(within(context.export_to, name), text.encode(), "application/json")
