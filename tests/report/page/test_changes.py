"""What is new on a page: told from the record, without looking at any page before."""

from dataclasses import replace

from jetstream_argo.report.method import method_of, method_to_record, recorded_methods
from jetstream_argo.report.page.changes import AGAIN, NEW, OTHER_DEFINITION, OTHER_INPUTS, ComputedWindows, changes_of
from jetstream_argo.store.entries import Entry, Kind
from tests.worlds import report as small

_FIRST, _SECOND = "a" * 64, "b" * 64


def _estimated(name: str, hour: int, plan: str, windows: tuple[int, int] = (1, 1), **facts: object) -> Entry:
    return small.statistics_entry(name, f"b{hour}", hour, windows, plan=plan, **facts)


def test_before_anything_is_estimated_there_is_nothing_to_compare() -> None:
    assert changes_of([small.enrollments_entry()]) is None


def test_the_first_work_is_all_new_however_often_its_nodes_are_retried() -> None:
    changes = changes_of([_estimated("hours", 1, _FIRST), _estimated("hours", 2, _FIRST)])

    assert changes is not None
    assert changes.before is None
    assert changes.computed == ()


def test_new_windows_are_told_from_those_that_were_computed_again_and_why() -> None:
    entries = [
        _estimated("hours", 1, _FIRST, (1, 3), inputs=("x", "y", "z")),
        _estimated("ads", 1, _FIRST, keys=("old",)),
        _estimated("rate", 1, _FIRST),
        _estimated("hours", 2, _SECOND, (2, 4), inputs=("y", "other", "w")),
        _estimated("ads", 2, _SECOND, keys=("new",)),
    ]

    changes = changes_of(entries)

    assert changes is not None
    assert changes.before == small.at(1)
    assert set(changes.computed) == {
        ComputedWindows(NEW, "week", 4, 4, ("hours",)),
        ComputedWindows(AGAIN, "week", 2, 2, ("hours",)),
        ComputedWindows(OTHER_INPUTS, "week", 3, 3, ("hours",)),
        ComputedWindows(OTHER_DEFINITION, "week", 1, 1, ("ads",)),
    }


def test_windows_that_several_metrics_have_new_are_one_line() -> None:
    entries = [_estimated("hours", 1, _FIRST), *(_estimated(name, 2, _SECOND, (2, 3)) for name in ("hours", "ads"))]

    changes = changes_of(entries)

    assert changes is not None
    assert changes.computed == (ComputedWindows(NEW, "week", 2, 3, ("hours", "ads")),)


def test_definitions_are_compared_only_where_the_last_plan_brought_others() -> None:
    plan = small.plan([small.HOURS])
    first = small.entry(Kind.EXPORT, hour=1, plan=_FIRST, facts=method_to_record(plan, []))
    other = small.plan([replace(small.HOURS, select_expression="SUM(ds.other)"), small.ADS])
    second = small.entry(Kind.EXPORT, hour=3, plan=_SECOND, facts=method_to_record(other, [first]))
    entries = [_estimated("hours", 1, _FIRST), first, _estimated("hours", 2, _SECOND), second]

    changed = changes_of(entries)
    later = changes_of([*entries, _estimated("hours", 4, "c" * 64)])

    assert changed is not None
    assert changed.definitions == (
        "metric ads was added",
        "metric hours has another definition",
        "data source events was added",
    )
    assert later is not None
    assert later.definitions == ()


def test_a_method_is_recorded_once_and_read_as_it_was() -> None:
    plan = small.plan()

    entry = small.entry(Kind.EXPORT, facts=method_to_record(plan, []))

    assert recorded_methods([entry]) == (method_of(plan),)
    assert method_to_record(plan, [entry]) == ""
    assert method_to_record(small.plan([small.HOURS]), [entry]) != ""
