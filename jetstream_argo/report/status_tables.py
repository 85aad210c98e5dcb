"""Shows the standing of an experiment to people, and writes it for programs."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.dialect.types import Column
from jetstream_argo.report.costs import Cost
from jetstream_argo.report.failures import of_node
from jetstream_argo.report.sentences import sentences, units_line
from jetstream_argo.report.status import MetricStatus, Standing, StatusReport, by_standing
from jetstream_argo.report.summary.formatting import bytes_text
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.arrow import result_of
from jetstream_argo.warehouse.types import Job, Result

_STYLES = {
    Standing.COMPUTED: "green",
    Standing.NO_DATA: "green",
    Standing.OUTDATED: "yellow",
    Standing.MISSING: "yellow",
    Standing.FAILED: "red",
}
_COLUMNS = (
    Column("metric", "STRING"),
    Column("period", "STRING"),
    Column("first_window", "INT64"),
    Column("last_window", "INT64"),
    Column("standing", "STRING"),
    Column("computed_at", "TIMESTAMP"),
    Column("units", "INT64"),
    Column("adjusted", "BOOL"),
    Column("note", "STRING"),
    Column("error", "STRING"),
    Column("message", "STRING"),
    Column("before_deletion", "BOOL"),
    Column("settles_on", "DATE"),
)


def status_tables(report: StatusReport) -> Iterator[RenderableType]:
    """Yield what to print: who is in it, metrics, sources, nodes, a line that sums up, and what is about all of it."""
    if report.facts.units is not None:
        yield Text(units_line(report.facts.units))
    yield _metrics(report)
    yield _sources(report)
    yield _nodes(report)
    yield Text(summary(report), style="bold")
    if report.removed is not None:
        yield Text(
            f"units were removed on request at {_moment(report.deleted_at)}: {counted(report.removed.rows, 'row')}, "
            f"{counted(report.removed.tables, 'table')}"
        )
    undated = [unseen.table for unseen in report.facts.unseen if not unseen.reason]
    if undated:
        yield Text(f"not versioned by date, so that a change makes nothing stale: {', '.join(undated)}", style="dim")
    for sentence in sentences(report.facts):
        yield Text(sentence, style="yellow")
    for failure in report.of_nodes:
        yield Text(of_node(failure), style="red")


def summary(report: StatusReport) -> str:
    """Return how many windows of metrics are in each standing."""
    counts = by_standing(report)
    if not counts:
        return "nothing was computed" if report.failures else "nothing is due"
    return "windows of metrics: " + ", ".join(f"{count} {standing}" for standing, count in counts.items())


def status_json(report: StatusReport) -> str:
    """Return the whole report as one JSON object."""
    plain = {
        "metrics": [_plain(metric) for metric in report.metrics],
        "sources": [_plain(source) for source in report.sources],
        "nodes": [_plain(node) for node in report.nodes],
        "failures": [_plain(failure) for failure in report.failures],
        "deleted_at": _plain(report.deleted_at),
        "removed": _plain(report.removed),
        **{field.name: _plain(getattr(report.facts, field.name)) for field in fields(report.facts)},
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def status_rows(report: StatusReport) -> Result:
    """Return a row per metric, period and range of windows."""
    rows = tuple(
        (
            metric.metric, metric.period, metric.first_window, metric.last_window, metric.standing.value,
            metric.computed_at, metric.units, metric.adjusted, metric.note, metric.error, metric.message,
            metric.before_deletion, metric.settles_on,
        )
        for metric in report.metrics
    )  # fmt: skip
    return result_of(_COLUMNS, rows, Job("", len(rows), 0, 0, 0.0))


def _metrics(report: StatusReport) -> Table:
    table = _titled("Metrics", "metric", "period", "windows", "standing", "computed")
    table.add_column("units", justify="right")
    table.add_column("adjusted")
    table.add_column("what to know", overflow="fold")
    before = ""
    for metric in report.metrics:
        table.add_row(
            Text("" if metric.metric == before else metric.metric),
            metric.period,
            _windows(metric),
            Text(metric.standing.value, style=_STYLES[metric.standing]),
            _moment(metric.computed_at),
            "" if metric.units is None else f"{metric.units:,}",
            {True: "yes", False: "no", None: ""}[metric.adjusted],
            Text(_what(metric)),
        )
        before = metric.metric
    return table


def _sources(report: StatusReport) -> Table:
    table = _titled("Sources", "what", "source", "period", "dates")
    _add_cost_columns(table)
    for source in report.sources:
        dates = f"{source.dates}: {source.first_date} to {source.last_date}" if source.dates else ""
        table.add_row(
            source.kind.value, Text(source.source), source.period, dates, *_cost(source.cost), _failed(source.failed)
        )
    return table


def _nodes(report: StatusReport) -> Table:
    table = _titled("Nodes", "node", "last recorded", "attempts")
    _add_cost_columns(table)
    for node in report.nodes:
        attempts = str(node.attempts or "")
        table.add_row(node.node, _moment(node.last), attempts, *_cost(node.cost), _failed(node.failed))
    return table


def _titled(title: str, *columns: str) -> Table:
    heading = Text(title, style="bold")
    return Table(*columns, title=heading, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)


def _add_cost_columns(table: Table) -> None:
    for name in ("rows", "read", "seconds", "jobs", "failures"):
        table.add_column(name, justify="right")


def _cost(cost: Cost) -> tuple[str, ...]:
    if not cost.jobs:
        return "", "", "", ""
    return f"{cost.rows:,}", bytes_text(cost.bytes), f"{cost.seconds:.1f}", str(cost.jobs)


def _failed(count: int) -> Text:
    return Text(str(count) if count else "", style="red")


def _windows(metric: MetricStatus) -> str:
    if metric.first_window is None or metric.last_window is None:
        return ""
    return (
        str(metric.first_window)
        if metric.first_window == metric.last_window
        else f"{metric.first_window} to {metric.last_window}"
    )


def _what(metric: MetricStatus) -> str:
    reason = f"{metric.error}: {metric.message}" if metric.error else metric.note
    parts = [reason, "older than the last deletion of units" * metric.before_deletion]
    if metric.settles_on is not None:
        parts.append(f"provisional until {metric.settles_on}")
    return "; ".join(part for part in parts if part)


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def _plain(value: object) -> object:
    """Return a dataclass of this package, or what it holds, as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value
