"""Finds what is new in an experiment's record, to notify people: results, failures, alarms, changes, delays."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias

from jetstream_argo.errors import NotLoaded
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.facts import Waiting
from jetstream_argo.report.health import HealthCheck
from jetstream_argo.report.status import StatusReport
from jetstream_argo.report.what_failed import failures_line
from jetstream_argo.store.entries import Entry, Kind, State

VERSION = 1  # of the JSON; fields may be added without a new number
_LONGEST = 300  # of a reason

Details: TypeAlias = list[dict[str, str | int]]


class NewsKind(StrEnum):
    """What has happened."""

    RESULTS = "results"  # all that was asked for is there
    FAILED = "failed"
    HEALTH = "health"  # an alarm: estimates must not be believed before somebody has looked
    CHANGED = "changed"  # dates of a table hold other rows than when they were read
    WAITING = "waiting"  # for telemetry, for longer than the deadline


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell. `id` is the same whenever the same is told: receivers know by it what they have."""

    kind: NewsKind
    id: str
    text: str
    details: Details

    def json(self, plan: AnalysisPlan, plan_sha256: str, *, at: datetime) -> str:
        """Return it as a JSON object."""
        return json.dumps(
            {
                "version": VERSION,
                "id": self.id,
                "event": self.kind,
                "experiment": plan.experiment.slug,
                "dataset": plan.dataset,
                "as_of": plan.as_of.isoformat(),
                "plan": plan_sha256,
                "at": at.isoformat(timespec="seconds"),
                "text": self.text,
                "details": self.details,
            },
            ensure_ascii=False,
        )


@dataclass(frozen=True, slots=True)
class WorkEnd:
    """How the work ended whose news are told: which `metrics` were asked for (all where empty), and what has failed.

    `graph_failed` says that a node failed, and `published` why views could not be made; it is empty if they were.
    """

    metrics: tuple[str, ...] = ()
    graph_failed: bool = False
    published: str = ""


def news_of(
    plan: AnalysisPlan,
    report: StatusReport,
    entries: Sequence[Entry],
    ended: WorkEnd,
    *,
    now: datetime,
    deadline_hours: float,
) -> tuple[News, ...]:
    """Return all that there is to tell, be it told already or not; `report` is that on the metrics asked for."""
    found = [*_outcome(plan, report, entries, ended), *_alarms(plan, report), *_changes(plan, report)]
    late = [wait for wait in report.facts.waiting if _is_late(wait, now, deadline_hours)]
    found += [
        _news(plan, NewsKind.WAITING, wait.message, [_dates(wait)], wait.source, str(wait.first_date)) for wait in late
    ]
    return tuple(found)


def _news(plan: AnalysisPlan, kind: NewsKind, text: str, details: Details, *identity: str) -> News:
    return News(kind, digest(kind, plan.dataset, plan.experiment.slug, *identity), text, details)


def _outcome(plan: AnalysisPlan, report: StatusReport, entries: Sequence[Entry], ended: WorkEnd) -> Iterator[News]:
    """Yield that results are there or that something failed; nothing where all that is lacking waits for dates."""
    failed = [*_lacking(report), *_failed_nodes(report)]
    if ended.published:
        failed.append(_failure("publish", "", "NotPublished", ended.published))
    reasons = {str(failure["error"]) for failure in failed} - {""}
    without_a_word = ended.graph_failed and not reasons and not report.facts.waiting
    if without_a_word or reasons - {NotLoaded.__name__}:
        text = ended.published or failures_line(report) or "a node failed without a word on record"
        # Without messages, which may name a job: the same failure of a later attempt is no news.
        what = sorted(f"{failure['what']} {failure['period']} {failure['error']}" for failure in failed)
        yield _news(plan, NewsKind.FAILED, text, failed, str(plan.as_of), *what)
    elif report.metrics and not report.lacking:
        names = sorted({metric.metric for metric in report.metrics})
        text = f"results of {plan.experiment.slug} are there until {plan.as_of}"
        details: Details = [{"metric": name} for name in names]
        newest = _newest_estimates(entries)
        yield _news(plan, NewsKind.RESULTS, text, details, str(plan.as_of), newest, *ended.metrics)


def _newest_estimates(entries: Sequence[Entry]) -> str:
    """Return what tells estimates that were made anew from those before."""
    made = (entry for entry in entries if entry.kind is Kind.STATISTICS and entry.state is State.COMPUTED)
    return max((f"{entry.recorded_at.isoformat()} {entry.batch}" for entry in made), default="")


def _lacking(report: StatusReport) -> Iterator[dict[str, str | int]]:
    for metric in report.lacking:
        yield _failure(metric.metric, metric.period, metric.error, metric.message)


def _failed_nodes(report: StatusReport) -> Iterator[dict[str, str | int]]:
    for failure in report.of_nodes:
        yield _failure(failure.node, failure.period, failure.error, failure.message)


def _failure(what: str, period: str, error: str, message: str) -> dict[str, str | int]:
    return {"what": what, "period": period, "error": error, "message": message[:_LONGEST]}


def _alarms(plan: AnalysisPlan, report: StatusReport) -> Iterator[News]:
    """Yield every alarm once; of a check whose numbers change from day to day only that it is one."""
    known: set[str] = set()
    for check in report.facts.health:
        identity = _identity(check.check, check.message)
        if check.alarm and identity not in known:
            known.add(identity)
            details: Details = [{"check": check.check, "message": check.message}]
            yield _news(plan, NewsKind.HEALTH, check.message, details, identity)


def _identity(check: HealthCheck, message: str) -> str:
    return message if check is HealthCheck.ROWS else check


def _changes(plan: AnalysisPlan, report: StatusReport) -> Iterator[News]:
    """Yield of each table that its dates changed after they were read."""
    tables: dict[str, Details] = {}
    for change in report.facts.changed:
        tables.setdefault(change.table, []).append({"date": change.day.isoformat(), "rows": change.rows})
    for table, dates in tables.items():
        text = f"{table}: {len(dates)} dates hold other rows than when they were read, the first {dates[0]['date']}"
        details: Details = [{"table": table, **changed} for changed in dates]
        yield _news(plan, NewsKind.CHANGED, text, details, table, *(f"{d['date']} {d['rows']}" for d in dates))


def _is_late(wait: Waiting, now: datetime, hours: float) -> bool:
    end = datetime.combine(wait.first_date + timedelta(days=1), time(), UTC)
    return now >= end + timedelta(hours=hours)


def _dates(wait: Waiting) -> dict[str, str | int]:
    return {"source": wait.source, "first_date": str(wait.first_date), "last_date": str(wait.last_date)}
