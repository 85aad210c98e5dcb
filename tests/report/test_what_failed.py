from datetime import UTC, datetime

from jetstream_argo.report.status import MetricStatus, Standing, StatusReport
from jetstream_argo.report.what_failed import failures_line
from jetstream_argo.store.entries import Entry, Kind, State


def test_metrics_that_failed_are_named_with_their_reason_those_of_one_reason_together():
    report = _report(
        _row("clicks", "week", "no such column"),
        _row("clicks", "overall", "no such column"),
        _row("views", "week", "no such column"),
        _row("hours", "week", "timed out"),
        MetricStatus("fine", "week", 1, 1, Standing.COMPUTED),
        MetricStatus("waits", "week", 1, 1, Standing.MISSING),
    )

    assert failures_line(report) == "3 metrics failed: clicks, views: no such column; hours: timed out"


def test_a_node_that_failed_as_a_whole_comes_first():
    line = failures_line(_report(_row("clicks", "week", "no table"), failures=(_failure("day-shop", "no table"),)))

    assert line == "1 metric failed: day-shop, clicks: no table"


def test_where_nothing_failed_there_is_nothing_to_say():
    assert failures_line(_report(MetricStatus("fine", "week", 1, 1, Standing.COMPUTED))) == ""


def _report(*rows: MetricStatus, failures: tuple[Entry, ...] = ()) -> StatusReport:
    return StatusReport(rows, sources=(), nodes=(), failures=failures)


def _row(metric: str, period: str, message: str) -> MetricStatus:
    return MetricStatus(metric, period, 1, 1, Standing.FAILED, error="InvalidQuery", message=message)


def _failure(node: str, message: str) -> Entry:
    at = datetime(2026, 5, 19, tzinfo=UTC)
    return Entry(at, node, Kind.VALUES, State.FAILED, "plan", "attempt", error="NotFound", message=message)
