"""Says before a run what it would compute and read, by the warehouse's record: nothing is written, no row is read."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.dag.selection import Selection, selected_metrics, with_needed
from jetstream_argo.plan.due import leaf_windows
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.summary.formatting import bytes_text
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.forecast import Forecast, Upcoming, forecast
from jetstream_argo.run.own_dates import own_dates_sizes
from jetstream_argo.store.staleness import Stale, stale_estimates
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.connect import connect, new_attempt, settings


def forecast_of(plan: AnalysisPlan, warehouse: str, selection: Selection) -> Iterator[RenderableType]:
    """Yield what to print about a run of what is selected: what is there, what is new or changed, and what is read."""
    engine = connect(warehouse, attempt=new_attempt())
    ledger = read_ledger(plan, engine)
    metrics = selected_metrics(plan, selection)
    leaves = [
        leaf
        for leaf in plan.statistics
        if (not metrics or leaf.metric in metrics) and (not selection.periods or leaf.period in selection.periods)
    ]
    wanted = {(leaf.metric, leaf.period) for leaf in leaves}
    stale = [found for found in stale_estimates(plan, ledger) if (found.metric, found.period) in wanted]
    yield from _computed(sum(len(leaf_windows(plan, leaf)) for leaf in leaves), stale)
    by_dry_run = isinstance(settings(warehouse), BigQuerySettings)
    needed = with_needed(plan, metrics)
    found = forecast(plan, engine, ledger, now=lambda: datetime.now(UTC), metrics=needed, by_dry_run=by_dry_run)
    yield from _read(found, by_dry_run=by_dry_run)
    for name, size in own_dates_sizes(plan, engine, needed).items():
        yield Text(f"{name}: {size} of dates of its own in each of its queries", style="yellow")


def _computed(due: int, stale: Sequence[Stale]) -> Iterator[RenderableType]:
    new = sum(found.windows for found in stale if found.is_new)
    again = sum(found.windows for found in stale if not found.is_new)
    there = due - new - again
    yield Text(
        f"To compute: {new + again} of {due} windows of metrics: {there} there already, {new} new, {again} changed"
    )
    if not stale:
        return
    table = Table("metric", "period", "windows", "", "why")
    for found in stale:
        last = f" … {found.last_window}" if found.last_window > found.first_window else ""
        what = Text("new") if found.is_new else Text("changed", "yellow")
        table.add_row(found.metric, found.period, f"{found.first_window}{last}", what, found.why)
    yield table


def _read(found: Forecast, *, by_dry_run: bool) -> Iterator[RenderableType]:
    for sentence in found.awaited:
        yield Text(f"waits: {sentence}", style="yellow")
    for sentence in found.refused:
        yield Text(f"cannot be foreseen: {sentence}", style="red")
    if not found.upcoming:
        yield Text("To read: no telemetry")
        return
    days = sum(read.partition_days for read in found.upcoming)
    total = f"To read: {counted(days, 'date')} of telemetry, {_rows(read.rows for read in found.upcoming)} rows"
    if by_dry_run:
        total += f", {_size(read.bytes for read in found.upcoming)} by dry runs"
    yield Text(total)
    yield _table(found.upcoming, sized=by_dry_run)


def _table(upcoming: Sequence[Upcoming], *, sized: bool) -> Table:
    table = Table("source", "dates", "why")
    for heading in ("days", "rows", *(["size"] if sized else [])):
        table.add_column(heading, justify="right")
    for read in upcoming:
        dates = f"{read.first_date} … {read.last_date}" if read.last_date > read.first_date else f"{read.first_date}"
        size = [_size([read.bytes])] if sized else []
        table.add_row(read.source, dates, read.why, str(read.partition_days), _rows([read.rows]), *size)
    return table


def _rows(counts: Iterable[int | None]) -> str:
    total = _total(counts)
    return "unknown" if total is None else f"{total:,}"


def _size(counts: Iterable[int | None]) -> str:
    total = _total(counts)
    return "unknown" if total is None else bytes_text(total)


def _total(counts: Iterable[int | None]) -> int | None:
    """Return the sum; None if part of it is not known."""
    found = list(counts)
    return None if None in found else sum(count for count in found if count is not None)
