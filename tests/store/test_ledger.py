"""Which batches readers are sent to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.plan.ranges import contiguous
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.slices import DateSlice, SparseUnits, WindowSlice
from jetstream_argo.store.coverage import ANYBODY
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.store.sparse import sparse_facts

FIRST = date(2026, 5, 1)


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def read(batch: int, first: int, last: int, *keys: str, state: State = State.COMPUTED) -> Entry:
    return Entry(
        datetime(2026, 6, 1, tzinfo=UTC), "day-s", Kind.PARTIALS, state, "plan", "a", "t", batch, keys,
        first_date=day(first), last_date=day(last),
    )  # fmt: skip


def test_dates_that_no_complete_batch_holds_are_missing():
    ledger = Ledger([read(1, 0, 1, "a", "b"), read(2, 2, 2, "a"), read(3, 3, 3, "a", state=State.FAILED)])

    assert ledger.missing_dates("t", "a", day(0), day(3)) == {day(3): (ANYBODY,)}
    assert ledger.missing_dates("t", "b", day(0), day(3)) == {day(2): (ANYBODY,), day(3): (ANYBODY,)}
    assert ledger.missing_dates("another", "a", day(0), day(0)) == {day(0): (ANYBODY,)}


def test_batches_with_the_same_columns_are_read_together():
    ledger = Ledger([read(1, 0, 1, "a", "b"), read(2, 2, 2, "a", "b")])

    assert ledger.date_slices("t", ("a", "b"), day(0), day(2)) == (DateSlice((1, 2), day(0), day(2), ("a", "b")),)


def test_a_column_that_was_computed_again_is_read_from_the_later_batch_and_the_others_stay():
    ledger = Ledger([read(1, 0, 2, "a", "b"), read(2, 1, 1, "b")])

    assert set(ledger.date_slices("t", ("a", "b"), day(0), day(2))) == {
        DateSlice((1,), day(0), day(0), ("a", "b")),
        DateSlice((1,), day(1), day(1), ("a",)),
        DateSlice((1,), day(2), day(2), ("a", "b")),
        DateSlice((2,), day(1), day(1), ("b",)),
    }


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sets(st.sampled_from("abc"), min_size=1)), max_size=8),
    st.sets(st.sampled_from("abc"), min_size=1),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_every_column_of_every_date_is_read_from_its_latest_batch_and_only_once(batches, columns, asked):
    entries = [read(n, min(f, t), max(f, t), *sorted(keys)) for n, (f, t, keys) in enumerate(batches)]
    first, last = min(asked), max(asked)

    slices = Ledger(entries).date_slices("t", sorted(columns), day(first), day(last))

    for n in range(first, last + 1):
        for column in columns:
            holders = [e.batch for e in entries if e.first_date <= day(n) <= e.last_date and column in e.keys]
            rows_of = {e.batch for e in entries if e.first_date <= day(n) <= e.last_date}
            found = [
                batch
                for slice_ in slices
                if slice_.first_date <= day(n) <= slice_.last_date and column in slice_.columns
                for batch in slice_.batches
                if batch in rows_of
            ]
            assert found == holders[-1:]


def test_windows_are_looked_up_like_dates():
    entry = Entry(
        datetime(2026, 6, 1, tzinfo=UTC), "week-s", Kind.VALUES, State.COMPUTED, "plan", "a", "v", 1, ("m",),
        first_window=1, last_window=3,
    )  # fmt: skip
    windows = [AnalysisWindow(k, 7 * k - 7, 7 * k - 1) for k in range(1, 5)]
    ledger = Ledger([entry])

    assert sorted(ledger.batches_in("v", "m")) == [1, 2, 3]
    assert ledger.window_slices("v", "m", windows[:2]) == (WindowSlice((1,), 1, 2, ("m",)),)


def values(batch: int, first: int, last: int, units: SparseUnits | None) -> Entry:
    return Entry(
        datetime(2026, 6, 1, tzinfo=UTC), "day-s", Kind.VALUES, State.COMPUTED, "plan", "a", "v", batch, ("m",),
        first_window=first, last_window=last, facts="" if units is None else sparse_facts(units),
    )  # fmt: skip


def test_values_without_rows_for_some_units_are_read_by_whom_they_are_of_and_not_without_these():
    windows = [AnalysisWindow(k, k, k) for k in range(1, 6)]
    few, more = SparseUnits((7,)), SparseUnits((7, 8), ((7, 9), (8, 10)))
    stored = [values(1, 1, 2, None), values(2, 3, 3, few), values(3, 4, 4, more), values(4, 5, 5, few)]
    ledger = Ledger(stored)

    assert ledger.window_slices("v", "m", windows) == (
        WindowSlice((1,), 1, 5, ("m",)),
        WindowSlice((2, 4), 1, 5, ("m",), few),
        WindowSlice((3,), 1, 5, ("m",), more),
    )
    lost = Entry(
        datetime(2026, 6, 2, tzinfo=UTC), "check", Kind.EXPOSURES, State.LOST, "plan", "b", "exposures", 10
    )  # fmt: skip
    assert [part.batches for part in Ledger([*stored, lost]).window_slices("v", "m", windows)] == [(1,), (2, 4)]


def test_windows_with_a_gap_are_two_runs():
    first, second, fourth = (AnalysisWindow(k, k, k) for k in (1, 2, 4))

    assert contiguous([first, second, fourth]) == [(first, second), (fourth,)]


def joined(batch: int, first: int, last: int, *keys: str, to: tuple[int, ...]) -> Entry:
    return replace(read(batch, first, last, *keys), assignments=to)


def test_units_that_came_late_are_missing_until_a_batch_was_read_for_them():
    ledger = Ledger([joined(1, 0, 1, "a", to=(10,)), joined(2, 1, 1, "a", to=(20,))])

    assert ledger.missing_dates("t", "a", day(0), day(1), (10, 20)) == {day(0): (20,)}


def test_each_unit_is_read_from_the_batch_that_was_read_for_it_last():
    first, late, again = (
        joined(1, 0, 1, "a", to=(10,)),
        joined(2, 0, 1, "a", to=(20,)),
        joined(3, 1, 1, "a", to=(10, 20)),
    )
    slices = set(Ledger([first, late, again]).date_slices("t", ("a",), day(0), day(1), (10, 20)))

    assert slices == {
        DateSlice((1,), day(0), day(0), ("a",), (10,)),
        DateSlice((2,), day(0), day(0), ("a",), (20,)),
        DateSlice((3,), day(1), day(1), ("a",)),
    }


def test_what_is_lost_is_missing_and_nothing_older_takes_its_place():
    lost = replace(read(2, 1, 1, state=State.LOST), keys=())
    ledger = Ledger([read(1, 0, 1, "a"), read(2, 1, 1, "a"), lost])

    assert ledger.missing_dates("t", "a", day(0), day(1)) == {day(1): (ANYBODY,)}
