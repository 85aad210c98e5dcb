"""What has to be looked at before any estimate is believed."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from jetstream_argo.report.facts import facts_of
from jetstream_argo.report.health import HealthCheck
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.source_rows import Jump, jumps, jumps_of
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry, Kind
from tests.worlds import report as small

PLACE = names.Place("analysis", "new-tab")
MONDAY = date(2026, 5, 4).toordinal()


def enrolled(**facts: object) -> Entry:
    made = {
        "branches": {"a": {"units": 60, "exposed": 0}, "b": {"units": 40, "exposed": 0}},
        "left_out": {}, "in_several": 0, "distinct": 100, "distinct_in_several": 0, **facts,
    }  # fmt: skip
    return small.entry(Kind.ENROLLMENTS, table=names.enrollments(PLACE), facts=json.dumps(made))


def messages(*entries: Entry, check: HealthCheck) -> list[tuple[bool, str]]:
    return [(finding.alarm, finding.message) for finding in facts_of(entries).health if finding.check is check]


def test_a_broken_split_is_told_with_its_size_and_with_what_explains_it() -> None:
    split = {"p_value": 1e-9, "alarm": True, "deviation": 0.2, "branch": "a"}
    causes = [
        {"kind": "day", "name": "2026-05-05", "p_value": 1e-12, "p_value_of_others": 0.4, "explains": True},
        {"kind": "segment", "name": "new", "p_value": 1e-8, "p_value_of_others": 1e-6, "explains": False},
    ]

    [found] = messages(enrolled(split_after=split, split_causes=causes), check=HealthCheck.SPLIT)

    assert found == (
        True,
        (
            "units are not split as designed: a has 20.00% more units than designed (p = 1e-09); doubt all estimates; "
            "on 2026-05-05 p = 1e-12, the others are split as designed; "
            "in segment new p = 1e-08, the others are not split as designed either"
        ),
    )


def test_a_sound_experiment_has_no_sentence_and_says_what_was_checked() -> None:
    split = {"p_value": 0.0001, "alarm": False, "deviation": -0.002, "branch": "b"}

    facts = facts_of([enrolled(split_after=split)])

    assert list(sentences(facts)) == []
    assert [(finding.check, finding.alarm) for finding in facts.health] == [
        (HealthCheck.SPLIT, False), (HealthCheck.SEVERAL, False), (HealthCheck.ROWS, False),
    ]  # fmt: skip
    assert facts.health[0].message == (
        "units are split as designed: b has 0.20% fewer units than designed (p = 0.0001)"
    )


def test_nobody_is_told_once_and_not_branch_by_branch() -> None:
    none = {"a": {"units": 0, "exposed": 0}, "b": {"units": 0, "exposed": 0}}

    facts = facts_of([enrolled(branches=none, nobody="no unit enrolled", distinct=0)])

    assert list(sentences(facts)) == ["no unit enrolled"]


@pytest.mark.parametrize(
    ("counts", "jumping"),
    [
        pytest.param([1000, 1100, 900, 1000], [], id="as usual"),
        pytest.param([1000, 1100, 900, 2100], [3], id="twice"),
        pytest.param([1000, 1100, 450, 1000], [2], id="half"),
        pytest.param([1000, 1100, 0, 1000], [2], id="none"),
        pytest.param([1000, 1100, 500, 1000], [], id="half and not less"),
        pytest.param([4, 5, 0, 6], [], id="few rows vary by chance"),
        pytest.param([1000, 3000], [], id="one other Monday does not say what is usual"),
    ],
)
def test_a_date_jumps_if_its_rows_are_far_from_those_of_its_weekday(counts: list[int], jumping: list[int]) -> None:
    rows = {MONDAY + 7 * week: count for week, count in enumerate(counts)}
    weekends = {MONDAY + 5 + 7 * week: 10 for week in range(4)}

    found = list(jumps_of("t", {**rows, **weekends}))

    assert [(jump.day.toordinal() - MONDAY) // 7 for jump in found] == jumping


def read(day: date, rows: int | None, at: date) -> Entry:
    version = json.dumps({"telemetry.visits": None if rows is None else [rows, 1, "m"]})
    return small.entry(
        Kind.PARTIALS, recorded_at=datetime(at.year, at.month, at.day, tzinfo=UTC), table="p", source="visits",
        first_date=day, last_date=day, inputs=(version,),
    )  # fmt: skip


def test_rows_count_as_they_were_when_a_settled_date_was_read_last() -> None:
    first = date(2026, 5, 4)
    mondays = [first + timedelta(days=7 * week) for week in range(4)]
    later = first + timedelta(days=40)
    entries = [read(day, 1000, later) for day in mondays[:3]]

    assert list(jumps([*entries, read(mondays[3], 10, mondays[3])])) == []  # provisional
    assert list(jumps([*entries, read(mondays[3], None, later)])) == []  # not known
    assert list(jumps([*entries, read(mondays[3], 10, later), read(mondays[3], 990, later)])) == []  # came late
    assert list(jumps([*entries, read(mondays[3], 10, later)])) == [Jump("telemetry.visits", mondays[3], 10, 1000)]


def test_a_jump_is_told_with_what_is_usual() -> None:
    sentence = str(Jump("telemetry.visits", date(2026, 5, 25), 10, 1000.0))

    assert sentence == (
        "telemetry.visits of 2026-05-25 has 10 rows, where a Monday near it has 1,000: "
        "rows may be missing, or there twice"
    )


def compared(hour: int, *tests: tuple[str, str, float]) -> Entry:
    facts = json.dumps({"settles_on": [], "before_enrollment": tests})
    return small.statistics_entry("hours", f"b{hour}", hour, facts=facts)


def test_metrics_that_differ_before_enrollment_are_an_alarm_counted_by_all_tests() -> None:
    alike = [("hours", "b", 0.011), ("ads", "b", 0.5), ("clicks", "b", 0.9)]

    [sound] = messages(enrolled(), compared(1, *alike), check=HealthCheck.BEFORE)
    [alarm] = messages(enrolled(), compared(1, *alike), compared(2, ("hours", "b", 0.003)), check=HealthCheck.BEFORE)

    assert sound == (False, "the branches were alike before enrollment (3 tests)")
    assert alarm == (
        True,
        (
            "hours differed before enrollment already between b and the reference branch "
            "(p = 0.003, one of 3 tests): the branches were not alike, doubt all estimates"
        ),
    )
