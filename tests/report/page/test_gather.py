"""What a page reads: one window's rows at a time, and of single days no segments."""

from jetstream_argo.report.page.gather import shown_windows
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.summary.model import About
from tests.report.page.rows import Row, deciles, pair, row, weeks


def test_window_after_window_gives_what_all_rows_give_at_once() -> None:
    rows = [*weeks("hours", 3), *pair(), *pair(segment="loyal"), *deciles("hours"), *pair(analysis_basis="exposures")]

    assert shown_windows(iter(rows), About()) == windows_of(rows, About())


def test_segments_of_single_days_are_left_out() -> None:
    rows = [*_days(), *_days(segment="loyal")]

    rows.sort(key=lambda row: int(str(row["window_index"])))

    found = shown_windows(rows, About())

    assert [(window.index, window.segment) for window in found] == [(1, "all"), (2, "all")]
    assert len(shown_windows(rows, About(), segments_by_day=True)) == 4


def test_all_windows_are_compared_with_the_branch_that_the_first_is_compared_with() -> None:
    swapped = [
        week | {"branch": "control", "comparison_to_branch": "treatment"} if week["comparison"] else week
        for week in weeks("hours", 2)[4:]
    ]
    first = [row("hours", 1.0, period="week", branch="a", window_index=0), *weeks("hours", 1)]

    found = shown_windows([*first, *swapped], About())

    assert {window.reference for window in found if window.reference} == {"control"}


def _days(**facts: str) -> list[Row]:
    return weeks("hours", 2, "day", **facts)
