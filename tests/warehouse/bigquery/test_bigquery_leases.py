"""How writers keep out of one another's way by tables that expire, and what time travel keeps of deleted rows."""

import queue
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Conflict, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.pace import Pace
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery

LEASE = "d.lease_try_it"
X = (Column("x", "INT64"),)


class Ticking(threading.Event):
    """An event for which no time passes but by `tick`, which returns when what was waiting waits again."""

    def __init__(self) -> None:
        super().__init__()
        self._ticks: queue.Queue[bool] = queue.Queue()
        self._waits = threading.Semaphore(0)
        self.waiter = threading.current_thread()

    def wait(self, timeout: float | None = None) -> bool:
        self.waiter = threading.current_thread()
        self._waits.release()
        return self._ticks.get() or self.is_set()

    def set(self) -> None:
        super().set()
        self._ticks.put(True)

    def tick(self) -> None:
        self.let_go()
        self._waits.acquire()
        self._waits.release()

    def let_go(self) -> None:
        """Have what is waiting go on, without waiting for it to wait again."""
        self._waits.acquire()
        self._ticks.put(False)


class World:
    """Engines of several processes whose time is the fake's: whoever waits lets it pass."""

    def __init__(self, fake: FakeBigQuery, settings: BigQuerySettings) -> None:
        self.fake = fake
        self._settings = settings
        self.events: list[Ticking] = []
        self.slept: list[float] = []

    def engine(self) -> BigQueryEngine:
        clock = self.fake.clock
        pace = Pace(now=clock.now, seconds=clock.seconds, sleep=self._sleep, event=self._event)
        return BigQueryEngine(self._settings, attempt=f"a{len(self.events)}", pace=pace)

    def renew(self) -> None:
        """Have every holder that lives renew its lease."""
        for event in self.events:
            if not event.is_set():
                event.tick()

    def lose(self) -> None:
        """Have the first holder find out that its lease is gone."""
        self.events[0].let_go()
        self.events[0].waiter.join()

    def markers(self) -> list[str]:
        return [listed.name for listed in self.engine().tables("d", prefix="lease_")]

    def pass_by(self, minutes: float) -> None:
        self.fake.clock.advance(timedelta(minutes=minutes))

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.fake.clock.advance(timedelta(seconds=seconds))

    def _event(self) -> threading.Event:
        self.events.append(Ticking())
        return self.events[-1]


@pytest.fixture
def world(fake: FakeBigQuery, settings: BigQuerySettings) -> World:
    return World(fake, settings)


@pytest.fixture
def dead(world: World) -> Iterator[ExitStack]:
    """Holders that never renew what they enter here, and are gone when the test is."""
    with ExitStack() as stack:
        yield stack


def test_many_share_a_lease_and_nothing_is_left_of_it(world: World) -> None:
    with world.engine().lease(LEASE, exclusive=False, holder="day-clicks"):
        with world.engine().lease(LEASE, exclusive=False, holder="week/clicks é"):
            names = world.markers()
        assert len(world.markers()) == 1

    assert [name.rpartition("_")[0] for name in names] == [
        f"{LEASE}_shared_day_clicks",
        f"{LEASE}_shared_week_clicks__",
    ]
    assert world.markers() == []


@pytest.mark.parametrize("held_alone", [True, False])
@pytest.mark.parametrize("wanted_alone", [True, False])
def test_a_lease_that_is_held_alone_excludes_all_and_a_shared_one_whoever_wants_it_alone(
    world: World, held_alone: bool, wanted_alone: bool
) -> None:
    holder, other = world.engine(), world.engine()
    with holder.lease(LEASE, exclusive=held_alone, holder="shred of ids.txt"):
        if held_alone or wanted_alone:
            with (
                pytest.raises(Conflict, match=rf"{LEASE}.*shred of ids.txt since \d{{4}}-"),
                other.lease(LEASE, exclusive=wanted_alone, holder="other"),
            ):
                pass
        with other.lease(LEASE + "_2", exclusive=True, holder="other"):
            pass
        assert len(world.markers()) == 1

    with other.lease(LEASE, exclusive=wanted_alone, holder="other"):
        pass
    assert world.markers() == []


def test_several_holders_are_named(world: World) -> None:
    with ExitStack() as stack:
        for number in range(5):
            stack.enter_context(world.engine().lease(LEASE, exclusive=False, holder=f"node-{number}"))

        with (
            pytest.raises(Conflict, match=r"node-\d since .*, node-\d since .* and 2 more"),
            world.engine().lease(LEASE, exclusive=True, holder="shred"),
        ):
            pass


def test_who_waits_gets_a_lease_that_is_given_back(world: World) -> None:
    stack = ExitStack()
    stack.enter_context(world.engine().lease(LEASE, exclusive=False, holder="day-clicks"))
    sleep = world._sleep

    def give_back(seconds: float) -> None:
        sleep(seconds)
        if len(world.slept) == 2:
            stack.close()

    world._sleep = give_back  # type: ignore[method-assign]  # what happens while others wait
    waiting = world.engine()
    with waiting.lease(LEASE, exclusive=True, holder="shred", wait_seconds=60.0):
        assert world.markers() == [f"{LEASE}_exclusive"]


def test_who_comes_while_another_waits_to_be_alone_waits_behind_it(world: World) -> None:
    refused: list[str] = []
    sleep = world._sleep

    def come(seconds: float) -> None:
        sleep(seconds)
        try:
            with world.engine().lease(LEASE, exclusive=False, holder="late"):
                pass
        except Conflict as error:
            refused.append(str(error))

    with world.engine().lease(LEASE, exclusive=False, holder="day-clicks"):
        world._sleep = come  # type: ignore[method-assign]  # what happens while others wait
        with (
            pytest.raises(Conflict, match="day-clicks"),
            world.engine().lease(LEASE, exclusive=True, holder="shred", wait_seconds=7.0),
        ):
            pass

    assert len(refused) == 2
    assert all("shred" in text for text in refused)


@pytest.mark.parametrize("alone", [True, False])
def test_a_holder_that_died_holds_nothing_after_some_minutes(world: World, dead: ExitStack, alone: bool) -> None:
    dead.enter_context(world.engine().lease(LEASE, exclusive=alone, holder="killed"))
    world.pass_by(minutes=4)
    with pytest.raises(Conflict, match="killed"), world.engine().lease(LEASE, exclusive=True, holder="a"):
        pass

    with world.engine().lease(LEASE, exclusive=True, holder="b", wait_seconds=120.0):
        pass


@pytest.mark.parametrize("alone", [True, False])
def test_a_holder_that_lives_keeps_its_lease_for_as_long_as_it_takes(world: World, alone: bool) -> None:
    with world.engine().lease(LEASE, exclusive=alone, holder="long work"):
        for _ in range(5):
            world.pass_by(minutes=4)
            world.renew()

        with pytest.raises(Conflict, match="long work"), world.engine().lease(LEASE, exclusive=True, holder="a"):
            pass


def test_a_renewal_that_fails_for_a_while_is_made_up_for(world: World) -> None:
    with world.engine().lease(LEASE, exclusive=False, holder="a"):
        world.fake.faults.order(Fault(Call.TABLE_PATCH, times=1000, status=503, reason="backendError"))
        world.renew()
        world.fake.faults.clear()
        world.pass_by(minutes=4)
        world.renew()
        world.pass_by(minutes=4)

        assert len(world.markers()) == 1


def test_a_holder_whose_lease_was_lost_writes_nothing_more_and_leaves_the_others_alone(world: World) -> None:
    slow, stack = world.engine(), ExitStack()
    stack.enter_context(slow.lease(LEASE, exclusive=True, holder="slow"))
    slow.load("d.t", [{"x": 1}], X, write=Write.APPEND, labels={})
    world.pass_by(minutes=6)

    with world.engine().lease(LEASE, exclusive=True, holder="next"):
        world.lose()
        for write in (
            lambda: slow.load("d.t", [{"x": 2}], X, write=Write.APPEND, labels={}),
            lambda: slow.query_to_table(Sql("SELECT 2 AS x"), "d.t", write=Write.APPEND, labels={}),
            lambda: slow.delete("d.t"),
            stack.close,
        ):
            with pytest.raises(Conflict, match="was lost"):
                write()
        assert world.markers() == [f"{LEASE}_exclusive"]

    assert slow.query(Sql("SELECT x FROM d.t"), labels={}).rows == ((1,),)
    slow.load("d.t", [{"x": 3}], X, write=Write.APPEND, labels={})


def test_a_query_that_runs_when_the_lease_is_lost_is_cancelled(world: World) -> None:
    world.fake.faults.order(Fault(Call.SUBMIT, never_ends=True))

    def lose() -> None:
        while Call.POLL not in world.fake.calls:
            threading.Event().wait(0.01)
        world.lose()

    def work() -> None:
        slow = world.engine()
        with slow.lease(LEASE, exclusive=False, holder="slow"):
            world.pass_by(minutes=6)
            threading.Thread(target=lose).start()
            slow.query(Sql("SELECT 1"), labels={})

    with pytest.raises(Transient, match="cancelled"):
        work()


def test_an_answer_that_was_lost_does_not_make_a_holder_wait_for_itself(world: World) -> None:
    for exclusive in (True, False):
        world.fake.faults.order(Fault(Call.TABLE_INSERT, reset=True, executed=True))
        with world.engine().lease(LEASE, exclusive=exclusive, holder="a"):
            assert len(world.markers()) == 1


def test_a_lease_that_cannot_be_given_back_ends_by_itself(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with world.engine().lease(LEASE, exclusive=True, holder="a"):
        world.fake.faults.order(Fault(Call.TABLE_DELETE, status=403, reason="accessDenied"))

    assert [record.message for record in caplog.records] == ["lease not given back"]
    world.pass_by(minutes=6)
    assert world.markers() == []


def test_a_purge_says_until_when_deleted_rows_can_be_brought_back(world: World) -> None:
    engine, now = world.engine(), world.fake.clock.now()
    world.fake.catalog.datasets.make("other-project.d")
    world.fake.catalog.datasets.make(f"{PROJECT}.short").max_time_travel_hours = 48

    def days(*tables: str) -> float:
        purged = engine.purge(tables)
        assert purged.files == 0
        assert purged.recoverable_until is not None
        return round((purged.recoverable_until - now) / timedelta(days=1), 2)

    assert days("d.t") == 14
    assert days("short.t") == 9
    assert days("short.t", "d.t", "other-project.d.t") == 14
    assert engine.purge([]).recoverable_until is None

    world.fake.faults.order(Fault(Call.DATASET, times=100, status=403, reason="accessDenied"))
    assert round((world.engine().purge(["short.t"]).recoverable_until - now) / timedelta(days=1), 2) == 14  # type: ignore[operator]  # it is known
