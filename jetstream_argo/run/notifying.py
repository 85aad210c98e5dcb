"""Tells a webhook what is new of an experiment, and the record what was told, so that it is told once."""

from collections.abc import Sequence
from dataclasses import replace

from jetstream_argo.errors import ConfigError, EngineError
from jetstream_argo.report.news import News, WorkEnd, news_of
from jetstream_argo.report.status import only, status_report
from jetstream_argo.run.context import Context
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.terminal.plural import counted

_TOLD = "told:"  # what the keys begin with under which the record has what was told


def notify(context: Context, *, published: str = "") -> str:
    """Tell what was not told yet; return a line about it, empty where there is no webhook or nothing to tell.

    What cannot be told fails nothing: the line warns of it, and whoever publishes next tells it. News are told before
    that is written down, so that none is lost; one may be told twice, with the same id. `published` says why views
    could not be made.
    """
    if not context.notify:
        return ""
    new = [news for news in _all(context, published) if _key(news) not in _told(context.ledger.entries)]
    try:
        for sent, news in enumerate(new):
            if failure := _tell(context, news):
                return f"warning: {counted(len(new) - sent, 'event')} not sent: {failure}"
    except EngineError as error:
        return f"warning: it could not be written down which events were sent: {error}"
    return f"sent {counted(len(new), 'event')}" if new else ""


def _all(context: Context, published: str) -> tuple[News, ...]:
    plan, entries, now = context.plan, context.ledger.entries, context.now()
    report = only(status_report(plan, entries, today=now.date()), context.metrics)
    ended = WorkEnd(tuple(sorted(context.metrics)), context.graph_failed, published)
    return news_of(plan, report, entries, ended, now=now, deadline_hours=context.deadline_hours)


def _key(news: News) -> str:
    return f"{_TOLD}{news.id}"


def _told(entries: Sequence[Entry]) -> set[str]:
    return {key for entry in entries if entry.kind is Kind.EXPORT for key in entry.keys if key.startswith(_TOLD)}


def _tell(context: Context, news: News) -> str:
    """Send news and record it; return why it could not be sent."""
    from jetstream_argo.storage.webhook import post  # loads urllib3

    try:
        post(context.notify, news.json(context.plan, context.plan_sha256, at=context.now()), id=news.id)
    except ConfigError as error:
        return " ".join(str(error).split())
    context.record([replace(context.entry(Kind.EXPORT, State.COMPUTED), keys=(_key(news),), message=news.text)])
    return ""
