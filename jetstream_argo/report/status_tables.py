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
from jetstream_argo.report.facts import sentences, units_line
from jetstream_argo.report.failures import of_node
from jetstream_argo.report.status import MetricStatus, Standing, StatusReport, counted
from jetstream_argo.report.summary.words import bytes_text
from jetstream_argo.warehouse.arrow import result_of
from jetstream_argo.warehouse.protocol import Job, Result

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
    undated = [unseen.table for unseen in report.facts.unseen if not unseen.reason]
    if undated:
        yield Text(f"not versioned by date, so that a change makes nothing stale: {', '.join(undated)}", style="dim")
    for sentence in sentences(report.facts):
        yield Text(sentence, style="yellow")
    for failure in report.of_nodes:
        yield Text(of_node(failure), style="red")


def summary(report: StatusReport) -> str:
    """Return how many windows of metrics are in each standing."""
    counts = counted(report)
    if not counts:
        return "nothing was computed" if report.failures else "nothing is due"
    return "windows of metrics: " + ", ".join(f"{count} {standing}" for standing, count in counts.items())


def status_json(report: StatusReport) -> str:
    """Return the whole report as one JSON object."""
    plain = {
        "metrics": [_plain(each) for each in report.metrics],
        "sources": [_plain(each) for each in report.sources],
        "nodes": [_plain(each) for each in report.nodes],
        "failures": [_plain(each) for each in report.failures],
        "deleted_at": _plain(report.deleted_at),
        **{field.name: _plain(getattr(report.facts, field.name)) for field in fields(report.facts)},
    }
    return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"


def status_rows(report: StatusReport) -> Result:
    """Return a row per metric, period and range of windows."""
    rows = tuple(
        (
            each.metric, each.period, each.first_window, each.last_window, each.standing.value, each.computed_at,
            each.units, each.adjusted, each.note, each.error, each.message, each.before_deletion,
            each.settles_on,
        )
        for each in report.metrics
    )  # fmt: skip
    return result_of(_COLUMNS, rows, Job("", len(rows), 0, 0, 0.0))


def _metrics(report: StatusReport) -> Table:
    table = _titled("Metrics", "metric", "period", "windows", "standing", "computed")
    table.add_column("units", justify="right")
    table.add_column("adjusted")
    table.add_column("what to know", overflow="fold")
    before = ""
    for each in report.metrics:
        table.add_row(
            Text("" if each.metric == before else each.metric),
            each.period,
            _windows(each),
            Text(each.standing.value, style=_STYLES[each.standing]),
            _moment(each.computed_at),
            "" if each.units is None else f"{each.units:,}",
            {True: "yes", False: "no", None: ""}[each.adjusted],
            Text(_what(each)),
        )
        before = each.metric
    return table


def _sources(report: StatusReport) -> Table:
    table = _titled("Sources", "what", "source", "period", "dates")
    _add_cost_columns(table)
    for each in report.sources:
        dates = f"{each.dates}: {each.first_date} to {each.last_date}" if each.dates else ""
        table.add_row(each.kind.value, Text(each.source), each.period, dates, *_cost(each.cost), _failed(each.failed))
    return table


def _nodes(report: StatusReport) -> Table:
    table = _titled("Nodes", "node", "last recorded", "attempts")
    _add_cost_columns(table)
    for each in report.nodes:
        attempts = str(each.attempts or "")
        table.add_row(each.node, _moment(each.last), attempts, *_cost(each.cost), _failed(each.failed))
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


def _windows(each: MetricStatus) -> str:
    if each.first_window is None or each.last_window is None:
        return ""
    return (
        str(each.first_window)
        if each.first_window == each.last_window
        else f"{each.first_window} to {each.last_window}"
    )


def _what(each: MetricStatus) -> str:
    said = f"{each.error}: {each.message}" if each.error else each.note
    parts = [said, "older than the last deletion of units" * each.before_deletion]
    if each.settles_on is not None:
        parts.append(f"provisional until {each.settles_on}")
    return "; ".join(part for part in parts if part)


def _moment(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def _plain(each: object) -> object:
    """Return a dataclass of this package, or what it holds, as JSON has it."""
    if is_dataclass(each) and not isinstance(each, type):
        return {field.name: _plain(getattr(each, field.name)) for field in fields(each)}
    if isinstance(each, tuple):
        return [_plain(part) for part in each]
    return each.isoformat() if isinstance(each, date) else each
