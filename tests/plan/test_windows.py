"""Which windows are due when."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.windows import AnalysisWindow, Timeline, due_windows

OPEN = Timeline(date(2026, 5, 4), 7, None)
ORACLE = Path(__file__).parents[3] / "shared/oracles/windows.json"


def due(period: Period, as_of: date, timeline: Timeline = OPEN) -> list[tuple[int, int, int]]:
    return [(w.index, w.first_day, w.last_day) for w in due_windows(period, timeline, as_of=as_of)]


def test_the_first_day_is_due_when_the_last_unit_has_enrolled():
    assert due(Period.DAY, date(2026, 5, 10)) == []
    assert due(Period.DAY, date(2026, 5, 11)) == [(1, 0, 0)]


def test_a_week_is_due_when_the_last_unit_has_had_it():
    assert due(Period.WEEK, date(2026, 5, 16)) == []
    assert due(Period.WEEK, date(2026, 5, 17)) == [(1, 0, 6)]
    assert due(Period.WEEK, date(2026, 5, 24)) == [(1, 0, 6), (2, 7, 13)]


def test_windows_that_were_missed_are_caught_up():
    assert len(due(Period.DAY, date(2026, 6, 10))) == 31


def test_windows_before_enrollment_are_due_with_the_first_day_not_after_it():
    assert due(Period.PREENROLLMENT_WEEK, date(2026, 5, 10)) == []
    assert due(Period.PREENROLLMENT_WEEK, date(2026, 5, 11)) == [(1, -7, -1)]
    assert due(Period.PREENROLLMENT_DAYS28, date(2026, 5, 11)) == [(1, -28, -1)]


def test_overall_is_due_on_the_end_date_and_never_while_the_experiment_is_open():
    ending = Timeline(date(2026, 5, 4), 7, date(2026, 6, 8))

    assert due(Period.OVERALL, date(2026, 6, 7), ending) == []
    assert due(Period.OVERALL, date(2026, 6, 8), ending) == [(1, 0, 27)]
    assert due(Period.OVERALL, date(2027, 6, 8)) == []


def test_an_experiment_that_enrolls_until_its_end_is_refused_with_both_dates():
    ending = Timeline(date(2026, 5, 4), 14, date(2026, 5, 18))

    with pytest.raises(PlanError, match=r"2026-05-18.*no day is left"):
        due_windows(Period.OVERALL, ending, as_of=date(2026, 5, 18))


def test_dates_cover_the_first_unit_to_the_last():
    assert OPEN.dates(7, 13) == (date(2026, 5, 11), date(2026, 5, 24))


def test_a_window_counts_both_of_its_ends():
    assert AnalysisWindow(2, 7, 13).days == 7


@pytest.mark.skipif(not ORACLE.exists(), reason="the oracles are not here")
def test_windows_equal_those_of_the_existing_system_but_for_catching_up_and_the_day_of_pre_enrollment():
    cases = json.loads(ORACLE.read_text())["cases"]
    compared = 0
    for case in cases:
        end = date.fromisoformat(case["end_date"]) if case["end_date"] else None
        timeline = Timeline(date.fromisoformat(case["start_date"]), case["enrollment_period_days"], end)
        before: dict[Period, tuple[AnalysisWindow, ...]] = dict.fromkeys(Period, ())
        for run in case["runs"]:
            day = date.fromisoformat(run["date"])
            for period in Period:
                if period.grows:
                    continue  # which the existing system does not have
                if period is Period.OVERALL and end is not None and (end - timeline.last_enrollment).days <= 0:
                    continue  # refused, see above; the existing system fails
                now = due_windows(period, timeline, as_of=day)
                new = [window for window in now if window not in before[period]]
                before[period] = now
                theirs = run["due"].get(period.value)
                if period.before_enrollment:  # ours was due the day before
                    assert (theirs is not None) == (day == timeline.last_enrollment + timedelta(days=1))
                    new = list(now) if theirs else []
                assert len(new) == (theirs is not None), (case, run)
                if theirs:
                    (window,) = new
                    first, last = timeline.dates(window.first_day, window.last_day)
                    compared += 1
                    assert (window.index, window.first_day, window.last_day) == (
                        theirs["window_index"],
                        theirs["start"],
                        theirs["end"],
                    )
                    assert (first.isoformat(), last.isoformat()) == (
                        theirs["first_data_date"],
                        theirs["last_data_date"],
                    )
                    assert timeline.last_enrollment.isoformat() == theirs["last_enrollment_date"]
    assert compared > 600
