"""How many units each window has."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.estimating.estimate import count_units
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.population import Signal, SignalWindow
from jetstream_argo.plan.sources import Merge, Partial
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import table
from jetstream_argo.sql.values import WindowGrid
from jetstream_argo.stats.rows import Reason
from jetstream_argo.warehouse.types import Write
from tests.worlds.estimating import Counting, plan_of

FIRST = date(2026, 5, 4)
WINDOWS = (AnalysisWindow(1, 0, 6), AnalysisWindow(2, 7, 13))


def enrolled(root: Path, plan: AnalysisPlan) -> Counting:
    """Three units of the control, one of them exposed and two new; one of the treatment, one of a stray branch."""
    units: list[tuple[str, str, Value, bool]] = [
        ("a", "control", FIRST, True),
        ("b", "control", None, True),
        ("c", "control", None, False),
        ("d", "treatment", None, False),
        ("e", "stray", FIRST, True),
    ]
    rows: list[dict[str, Value]] = [
        {
            "analysis_id": name,
            "branch": branch,
            "enrollment_date": FIRST,
            "exposure_date": exposed,
            "new": new,
            "assignment": 1,
            "num_exposure_events": 0,
        }
        for name, branch, exposed, new in units
    ]
    columns = [
        Column("analysis_id", "STRING"),
        Column("branch", "STRING"),
        Column("enrollment_date", "DATE"),
        Column("exposure_date", "DATE"),
        Column("new", "BOOL"),
        Column("assignment", "INT64"),
        Column("num_exposure_events", "INT64"),
    ]
    engine = Counting(root)
    engine.load(names.enrollments(plan), rows, columns, write=Write.TRUNCATE, labels={})
    return engine


def grid(
    basis: Basis, *windows: AnalysisWindow, signals: tuple[DateSlice, ...] = (), period: Period = Period.WEEK
) -> WindowGrid:
    return WindowGrid(basis, period, windows, table(names.enrollments(plan_of())), signals)


def test_every_window_basis_segment_and_branch_has_a_count(tmp_path: Path) -> None:
    plan = plan_of(("control", "treatment"), ("new",))
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(basis, *WINDOWS) for basis in Basis], labels={})[Period.WEEK]

    assert [
        (row.window_index, row.basis.value, row.segment, row.row.branch, row.row.point) for row in counted.rows
    ] == [
        (index, basis, segment, branch, n)
        for index in (1, 2)
        for basis, segment, branch, n in (
            ("enrollments", "all", "control", 3.0),
            ("enrollments", "all", "treatment", 1.0),
            ("enrollments", "new", "control", 2.0),
            ("enrollments", "new", "treatment", 0.0),
            ("exposures", "all", "control", 1.0),
            ("exposures", "all", "treatment", 0.0),
            ("exposures", "new", "control", 1.0),
            ("exposures", "new", "treatment", 0.0),
        )
    ]
    assert {(row.row.metric, row.row.statistic) for row in counted.rows} == {("identity", "count")}
    assert counted.units == 4


def test_windows_share_one_query_a_basis(tmp_path: Path) -> None:
    plan = plan_of()
    engine = enrolled(tmp_path, plan)
    apart = [grid(basis, window) for basis in Basis for window in WINDOWS]

    counted = count_units(plan, engine, apart, labels={})[Period.WEEK]

    assert len(engine.asked) == len(counted.jobs) == 2
    assert len(counted.rows) == 8


def test_a_signal_exposes_units_in_the_windows_in_which_it_is_seen(tmp_path: Path) -> None:
    dates = [SignalWindow(Period.WEEK, index, FIRST, date(2026, 5, 4 + 7 * index)) for index in (1, 2)]
    dates += [SignalWindow(Period.OVERALL, 1, FIRST, date(2026, 5, 18))]  # the same as those of the second week
    dates += [SignalWindow(Period.DAY, 1, date(2026, 5, 13), date(2026, 5, 13))]
    seen = Signal(
        "seen", "telemetry.seen", "client_id", "day", Partial("p_seen", "COUNT(*)", Merge.SUM), FIRST,
        date(2026, 5, 30), tuple(dates),
    )  # fmt: skip
    plan = plan_of(("control", "treatment"), ("new",), signal=seen)
    engine = enrolled(tmp_path, plan)
    rows: list[dict[str, Value]] = [
        {"batch": 1, "analysis_id": name, "branch": branch, "submission_date": day, "p_seen": n}
        for name, branch, day, n in (
            ("a", "control", date(2026, 5, 5), 1),
            ("b", "control", date(2026, 5, 13), 2),
            ("d", "treatment", date(2026, 5, 5), 0),
        )
    ]
    columns = [
        Column("batch", "INT64"),
        Column("analysis_id", "STRING"),
        Column("branch", "STRING"),
        Column("submission_date", "DATE"),
        Column("p_seen", "INT64"),
    ]
    engine.load(names.signals(plan), rows, columns, write=Write.TRUNCATE, labels={})
    slices = (DateSlice((1,), FIRST, date(2026, 5, 30), ("p_seen",)),)

    asked = [
        grid(Basis.EXPOSURES, *WINDOWS, signals=slices),
        grid(Basis.EXPOSURES, WINDOWS[0], signals=slices, period=Period.OVERALL),
        grid(Basis.EXPOSURES, WINDOWS[0], signals=slices, period=Period.DAY),
    ]
    counted = count_units(plan, engine, asked, labels={})

    points = {
        period: [row.row.point for row in found.rows if row.segment == "all"] for period, found in counted.items()
    }
    assert points == {Period.WEEK: [1.0, 0.0, 2.0, 0.0], Period.OVERALL: [2.0, 0.0], Period.DAY: [1.0, 0.0]}
    assert len(engine.asked) == 1
    assert [len(found.jobs) for found in counted.values()] == [1, 0, 0]


def test_nobody_is_exposed_on_dates_on_which_no_signal_was_looked_for(tmp_path: Path) -> None:
    dates = (SignalWindow(Period.WEEK, 1, FIRST, date(2026, 5, 10)),)
    partial = Partial("p_seen", "COUNT(*)", Merge.SUM)
    plan = plan_of(signal=Signal("seen", "telemetry.seen", "client_id", "day", partial, FIRST, FIRST, dates))
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(Basis.EXPOSURES, WINDOWS[0])], labels={})

    assert {row.row.n_units for row in counted[Period.WEEK].rows} == {0}
    assert engine.asked == []


def shared(plan: AnalysisPlan, shares: tuple[int, ...], alarm: float = 1e-3) -> AnalysisPlan:
    return replace(plan, experiment=replace(plan.experiment, branch_shares=shares, sample_ratio_alarm=alarm))


def test_the_split_of_every_window_basis_and_segment_is_checked_against_the_designed_one(tmp_path: Path) -> None:
    plan = shared(plan_of(("control", "treatment"), ("new",)), (1, 1))
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(basis, WINDOWS[0]) for basis in Basis], labels={})[Period.WEEK]

    checks = [row for row in counted.rows if row.row.metric == "sample_ratio"]
    assert [(check.basis.value, check.segment, check.row.n_units) for check in checks] == [
        ("enrollments", "all", 4), ("enrollments", "new", 2), ("exposures", "all", 1), ("exposures", "new", 1),
    ]  # fmt: skip
    # scipy 1.17: stats.binomtest(3, 4).pvalue
    assert checks[0].row.p_value == checks[0].row.point == pytest.approx(0.625, rel=1e-12)
    assert {(check.row.statistic, check.row.branch, check.row.reason) for check in checks} == {
        ("srm", "control", Reason.EXACT_TEST)
    }
    assert counted.units == 4
    assert counted.notes == ()


def test_a_split_that_is_not_the_designed_one_is_marked_and_told(tmp_path: Path) -> None:
    plan = shared(plan_of(), (1, 1), alarm=0.7)
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(Basis.ENROLLMENTS, *WINDOWS)], labels={})[Period.WEEK]

    marks = [row.row.reason for row in counted.rows if row.row.metric == "sample_ratio"]
    assert [str(mark) for mark in marks] == ["sample_ratio_mismatch"] * 2
    assert counted.notes == ("enrollments are not split as designed in windows 1, 2 (p = 0.6): doubt all estimates",)


def test_a_split_that_no_test_is_good_for_is_not_checked_and_that_is_told(tmp_path: Path) -> None:
    branches = ("control", "treatment", *(f"rare_{number}" for number in range(40)))
    plan = shared(plan_of(branches), (1,) * len(branches))
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(Basis.ENROLLMENTS, *WINDOWS)], labels={})[Period.WEEK]

    checks = [row.row for row in counted.rows if row.row.metric == "sample_ratio"]
    assert {(check.point, check.p_value, check.reason) for check in checks} == {(None, None, Reason.FEW_EXPECTED)}
    unchecked = "whether enrollments are split as designed is not checked in windows 1, 2"
    assert counted.notes == (f"{unchecked}: fewer than 5 units are expected in some branch",)


@pytest.mark.parametrize(("shares", "alarm"), [((), 1e-3), ((3, 1), 0.0)])
def test_without_a_design_or_an_alarm_nothing_is_checked(tmp_path: Path, shares: tuple[int, ...], alarm: float) -> None:
    plan = shared(plan_of(), shares, alarm)
    engine = enrolled(tmp_path, plan)

    counted = count_units(plan, engine, [grid(Basis.ENROLLMENTS, *WINDOWS)], labels={})[Period.WEEK]

    assert {row.row.metric for row in counted.rows} == {"identity"}
