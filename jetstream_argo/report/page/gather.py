"""Reads what a page needs from the warehouse: results, the record, and who enrolled when."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.agreement import Agreement
from jetstream_argo.report.method import AnalysisMethod, method_of, recorded_methods
from jetstream_argo.report.page.changes import changes_of
from jetstream_argo.report.page.enrolled import read_enrolled
from jetstream_argo.report.page.material import ALL, Material
from jetstream_argo.report.segment_tests import segment_tests
from jetstream_argo.report.status import status_report
from jetstream_argo.report.summary.about import about_plan, recorded_about
from jetstream_argo.report.summary.build import Row, windows_of
from jetstream_argo.report.summary.model import About, Window
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Result


def material(  # noqa: PLR0913  # all that a page rests on, by name
    engine: Engine,
    owner: names.Owner,
    result: Result,
    entries: Sequence[Entry],
    *,
    about: About | None = None,
    reference: str | None = None,
    today: date | None = None,
    segments_by_day: bool = False,
    agreements: Sequence[Agreement] = (),
) -> Material:
    """Return what a page of `result`, the experiment's latest estimates, is made of.

    A plan as `owner` says what is missing; without one it is what the record says. `agreements` are those with the
    estimates of another system.
    """
    plan = owner if isinstance(owner, AnalysisPlan) else None
    known = about or (about_plan(plan) if plan is not None else recorded_about(entries))
    last = max(entries, key=lambda entry: entry.recorded_at, default=None)
    windows = shown_windows(result.dicts(), known, reference=reference, segments_by_day=segments_by_day)
    compared_with = next((window.reference for window in windows if window.reference), "")
    shown = (row for row in result.dicts() if row["period"] != Period.DAY.value)
    return Material(
        slug=names.place_of(owner).slug,
        windows=windows,
        about=known,
        report=status_report(plan, entries, today=today),
        method=method_of(plan) if plan is not None else _recorded(entries),
        enrolled=read_enrolled(engine, owner),
        changes=changes_of(entries),
        plan=last.plan if last is not None else "",
        recorded_at=last.recorded_at if last is not None else None,
        today=today,
        agreements=tuple(agreements),
        segment_tests=tuple(segment_tests(shown, reference=compared_with)),
    )


def _recorded(entries: Sequence[Entry]) -> AnalysisMethod:
    return (recorded_methods(entries) or (AnalysisMethod(),))[-1]


def shown_windows(
    rows: Iterable[Row], about: About, *, reference: str | None = None, segments_by_day: bool = False
) -> tuple[Window, ...]:
    """Return the windows that a page shows of rows that are in the order of `read_estimates`.

    Of single days no page shows segments, and they would be most of its rows: they are left out unless they are asked
    for. One window's rows are at hand at a time, for those of a whole experiment may be more than a pod holds.
    """
    found: list[Window] = []
    for _, of_window in groupby(rows, key=lambda row: (row["period"], row["window_index"])):
        chosen = reference or next((window.reference for window in found if window.reference), None)
        shown = (row for row in of_window if segments_by_day or _is_shown(row))
        found += windows_of(shown, about, reference=chosen)
    return tuple(sorted(found, key=lambda window: window.period != Period.OVERALL.value))


def _is_shown(row: Row) -> bool:
    return row["period"] != Period.DAY.value or row["segment"] == ALL
