"""Which dates are awaited, looked at and read again, by the rules of `store.dates`."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jetstream_argo.store.dates import Freshness, Judgement, awaited, judge, needs_look, version_of
from jetstream_argo.warehouse.types import DateVersion, Knowledge, TableVersions

DAY = date(2026, 5, 12)


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def at(days: int) -> datetime:
    return datetime.combine(after(days), datetime.min.time(), UTC)


def fresh(days: int, **facts: object) -> Freshness:
    return Freshness(settle_days=2, today=after(days), **facts)  # type: ignore[arg-type]  # its fields


def table(rows: int, *, name: str = "d.t", newest: date | None = None, modified: str = "m") -> TableVersions:
    dates = {DAY: DateVersion(rows, 10 * rows, modified)} if rows else {}
    return TableVersions(name, Knowledge.BY_DATE, dates, newest or (DAY if rows else after(-1)))


@pytest.mark.parametrize(("days", "is_awaited"), [(0, True), (2, True), (3, False)])
def test_a_date_without_rows_is_awaited_for_as_long_as_rows_may_be_late(days: int, is_awaited: bool) -> None:
    assert (awaited(DAY, [table(0)], fresh(days)) is not None) is is_awaited


def test_a_date_is_not_awaited_that_has_later_ones_or_may_be_empty_or_of_which_nothing_is_known() -> None:
    assert awaited(DAY, [table(0, newest=after(1))], fresh(1)) is None
    assert awaited(DAY, [table(0)], fresh(1, may_be_empty=True)) is None
    assert awaited(DAY, [TableVersions("d.t", Knowledge.UNKNOWN)], fresh(1)) is None


def test_a_table_that_ended_long_before_another_is_not_awaited() -> None:
    ended = table(0, name="d.old", newest=after(-30))

    assert awaited(DAY, [table(5), ended], fresh(1)) is None
    found = awaited(DAY, [table(0), ended], fresh(1))
    assert found is not None and found.table == "d.t"  # noqa: PT018  # one thing


@pytest.mark.parametrize(
    ("seen", "today", "look"),
    [
        *((1, 1, True), (1, 30, True)),
        *((2, 2, False), (2, 3, True)),
        *((3, 4, False), (3, 5, True)),
        *((5, 8, False), (5, 9, True)),
        (9, 300, False),
    ],
)
def test_a_settled_date_is_looked_at_after_one_three_and_seven_days(seen: int, today: int, look: bool) -> None:
    assert needs_look(DAY, at(seen), fresh(today)) is look


def judged(before: TableVersions, now: TableVersions, *, read: int, today: int, **facts: object) -> Judgement:
    versions = version_of(DAY, [before]), version_of(DAY, [now])
    return judge(DAY, versions[0], at(read), versions[1], fresh(today, **facts))


def test_a_provisional_date_is_read_again_when_anything_of_it_changed() -> None:
    assert not judged(table(5), table(5), read=1, today=1).read_again
    assert judged(table(5), table(6), read=1, today=1).read_again
    assert judged(table(5), table(5, modified="later"), read=1, today=1).read_again


def test_a_settled_date_is_read_again_only_when_it_has_more_rows() -> None:
    assert judged(table(5), table(6), read=3, today=5).read_again
    assert not judged(table(5), table(5, modified="later"), read=3, today=5).read_again


@pytest.mark.parametrize("deletions", [(), (after(1),)])
def test_a_date_that_was_written_again_with_as_many_rows_is_told_and_not_read(deletions: tuple[date, ...]) -> None:
    found = judged(table(5), table(5, modified="later"), read=3, today=5, deletions=deletions)

    assert found == Judgement(changed={"d.t": 0})
    assert not found.stays  # another column of the date may still be read for more rows


@pytest.mark.parametrize("read", [1, 3])
def test_a_date_with_fewer_rows_is_never_read_again_by_itself(read: int) -> None:
    assert judged(table(5), table(3), read=read, today=read) == Judgement(changed={"d.t": -2})


def test_a_sealed_date_is_not_read_again_and_its_changes_are_told() -> None:
    deleted = {"deletions": (after(1),)}

    assert judged(table(5), table(7), read=1, today=1, **deleted) == Judgement(changed={"d.t": 2})
    assert judged(table(5), table(7), read=1, today=1, deletions=(after(2),)).read_again


def test_a_date_whose_versions_are_not_known_is_read_once_more_when_it_has_settled() -> None:
    unknown = TableVersions("d.t", Knowledge.UNKNOWN)

    assert not judged(unknown, unknown, read=1, today=1).read_again
    assert judged(unknown, unknown, read=1, today=2).read_again
    assert not judged(unknown, unknown, read=2, today=3).read_again
