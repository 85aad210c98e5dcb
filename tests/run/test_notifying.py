"""A webhook is told of what is new, once, and whatever becomes of that fails nothing."""

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jetstream_argo.dag.build import build_dag
from jetstream_argo.errors import ConfigError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.facts import Changed, Facts
from jetstream_argo.report.health import Check, HealthCheck
from jetstream_argo.report.news import News, NewsKind, WorkEnd, news_of
from jetstream_argo.report.status import status_report
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.run.notifying import notify
from jetstream_argo.storage.webhook import post
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds import report as small

PLAN = small.plan([small.HOURS, small.ADS])
HOURS = small.statistics_entry("hours", "b1", 2, (1, 2))
ADS = small.statistics_entry("ads", "b2", 2, (1, 2))
COMPLETE = [small.enrollments_entry(), small.statistics_entry("identity", "i", 1, (1, 2)), HOURS, ADS]
FAILED = small.values_entry(small.ADS, "", 3, state=State.FAILED, error="InvalidQuery", message="no column ads")


class Receiver:
    """A webhook on this machine that keeps what it is sent, and answers as it is told."""

    def __init__(self) -> None:
        self.status = 204
        self.told: list[dict[str, object]] = []
        self.keys: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/secret-token"

    def __enter__(self) -> "Receiver":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def events(self) -> list[object]:
        return [message["event"] for message in self.told]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # a name of the standard library
            receiver.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            receiver.keys.append(self.headers["Idempotency-Key"])
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.delenv("JETSTREAM_HOSTS", raising=False)
    with Receiver() as started:
        yield started


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    return EmbeddedEngine(tmp_path / "warehouse")


def context(
    engine: EmbeddedEngine, url: str, recorded: Sequence[Entry] = (), *, plan: AnalysisPlan = PLAN, days: int = 0
) -> Context:
    """Return an attempt that publishes, by what was recorded here and in the warehouse."""
    return Context(
        plan=plan,
        plan_sha256="f" * 64,
        node="publish",
        engine=engine,
        attempt="a9",
        now=lambda: small.at(9) + timedelta(days=days),
        notify=url,
        ledger=Ledger([*recorded, *read_ledger(plan, engine).entries]),
    )


def test_results_that_are_there_are_told_once_also_by_a_later_attempt(
    engine: EmbeddedEngine, receiver: Receiver
) -> None:
    first = notify(context(engine, receiver.url, COMPLETE))
    again = notify(context(engine, receiver.url, COMPLETE))

    [message] = receiver.told
    assert (first, again) == ("sent 1 event", "")
    assert (message["event"], message["experiment"], message["version"]) == ("results", "new-tab", 1)
    assert message["details"] == [{"metric": "ads"}, {"metric": "hours"}, {"metric": "identity"}]
    assert receiver.keys == [message["id"]]


def test_results_that_were_computed_anew_are_told_again(engine: EmbeddedEngine, receiver: Receiver) -> None:
    notify(context(engine, receiver.url, COMPLETE))
    notify(context(engine, receiver.url, [*COMPLETE, small.statistics_entry("ads", "b3", 5, (1, 2))]))

    assert receiver.events == ["results", "results"]
    assert len(set(receiver.keys)) == 2


def test_a_failure_is_told_once_whatever_its_message_says_the_next_time(
    engine: EmbeddedEngine, receiver: Receiver
) -> None:
    recorded = [*COMPLETE[:-1], FAILED]
    notify(context(engine, receiver.url, recorded))
    notify(context(engine, receiver.url, [*recorded, replace(FAILED, message="no column ads, job 2")]))

    [message] = receiver.told
    assert message["event"] == "failed"
    assert {"what": "ads", "period": "week", "error": "InvalidQuery", "message": "no column ads"} in message["details"]  # type: ignore[operator]  # JSON


def test_after_a_repair_the_results_are_told(engine: EmbeddedEngine, receiver: Receiver) -> None:
    notify(context(engine, receiver.url, [*COMPLETE[:-1], FAILED]))
    notify(context(engine, receiver.url, COMPLETE))

    assert receiver.events == ["failed", "results"]


def test_views_that_could_not_be_made_are_a_failure(engine: EmbeddedEngine, receiver: Receiver) -> None:
    notify(context(engine, receiver.url, COMPLETE), published="view v failed: no right")

    [message] = receiver.told
    assert (message["event"], message["text"]) == ("failed", "view v failed: no right")


def test_a_graph_that_failed_without_a_word_is_a_failure(engine: EmbeddedEngine, receiver: Receiver) -> None:
    notify(replace(context(engine, receiver.url, COMPLETE), graph_failed=True))

    assert receiver.events == ["failed"]


def test_telemetry_is_told_of_when_it_is_later_than_the_deadline(engine: EmbeddedEngine, receiver: Receiver) -> None:
    day = small.at(9).date()
    message = f"clients of {day} is not loaded yet"
    waiting = small.entry(
        Kind.PARTIALS, State.WAITING, 3, source="clients", first_date=day, last_date=day, keys=("k",),
        table="t", error="NotLoaded", message=message,
    )  # fmt: skip
    recorded = [small.enrollments_entry(), waiting]

    in_time = notify(context(engine, receiver.url, recorded, days=1))
    late = notify(context(engine, receiver.url, recorded, days=2))

    assert (in_time, late) == ("", "sent 1 event")
    assert receiver.events == ["waiting"]
    assert receiver.told[0]["details"] == [{"source": "clients", "first_date": str(day), "last_date": str(day)}]


def test_a_graph_that_failed_since_it_waits_is_no_failure(engine: EmbeddedEngine, receiver: Receiver) -> None:
    day = small.at(9).date()
    waiting = small.entry(
        Kind.PARTIALS, State.WAITING, 3, source="clients", first_date=day, last_date=day, table="t", message="not there"
    )

    line = notify(replace(context(engine, receiver.url, [waiting], days=1), graph_failed=True))

    assert (line, receiver.told) == ("", [])


def _news(facts: Facts) -> list[News]:
    report = replace(status_report(PLAN, COMPLETE), facts=facts)
    found = news_of(PLAN, report, COMPLETE, WorkEnd(), now=small.at(9), deadline_hours=20)
    return [news for news in found if news.kind is not NewsKind.RESULTS]


def test_an_alarm_of_health_is_the_same_news_when_its_numbers_change_and_another_check_is_other_news() -> None:
    split, later = (Check(HealthCheck.SPLIT, alarm=True, message=f"p = {p}") for p in (1e-7, 1e-8))
    several = Check(HealthCheck.SEVERAL, alarm=True, message="3 % are in several branches")
    fine = Check(HealthCheck.BEFORE, alarm=False, message="alike")

    [first] = _news(Facts(health=(split, fine)))
    second, other = _news(Facts(health=(later, several)))

    assert (first.kind, first.id, first.text) == (NewsKind.HEALTH, second.id, "p = 1e-07")
    assert other.id != first.id


def test_a_table_that_changed_after_it_was_read_is_news_by_its_dates() -> None:
    monday, tuesday = date(2026, 5, 4), date(2026, 5, 5)

    [first] = _news(Facts(changed=(Changed("t", monday, 3),)))
    [more] = _news(Facts(changed=(Changed("t", monday, 3), Changed("t", tuesday, -1))))

    assert first.kind is NewsKind.CHANGED
    assert first.details == [{"table": "t", "date": "2026-05-04", "rows": 3}]
    assert first.id != more.id


def test_what_could_not_be_sent_is_a_warning_without_the_address_and_is_sent_by_the_next(
    engine: EmbeddedEngine, receiver: Receiver
) -> None:
    receiver.status = 403
    refused = notify(context(engine, receiver.url, COMPLETE))
    receiver.status = 200
    later = notify(context(engine, receiver.url, COMPLETE))

    assert refused == "warning: 1 event not sent: webhook at 127.0.0.1: answers 403 Forbidden; check the address"
    assert later == "sent 1 event"
    assert len(set(receiver.keys)) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/secret-token", "secret-token", "http://[::1/secret-token"])
def test_no_address_is_told_by_its_error(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        post(url, "{}", id="1", tries=1)

    assert "secret-token" not in str(raised.value)


def test_publishing_tells_and_succeeds_where_nobody_listens(engine: EmbeddedEngine, receiver: Receiver) -> None:
    receiver.status = 403
    small.enroll(engine)
    small.keep(engine, [small.estimate("hours", "b1", 1.0), small.estimate("ads", "b2", 2.0)])
    small.record(engine, COMPLETE)
    last = build_dag(PLAN).last

    refused = run_node(last, context(engine, receiver.url))
    receiver.status = 200
    outcome = run_node(last, context(engine, receiver.url))

    assert (refused.exit_code, outcome.exit_code) == (0, 0)
    assert "warning: 1 event not sent" in refused.line
    assert outcome.line.endswith("sent 1 event")


def test_without_a_webhook_nothing_is_told_or_written_down(engine: EmbeddedEngine) -> None:
    assert notify(context(engine, "", COMPLETE)) == ""
    assert list(read_ledger(PLAN, engine).entries) == []
