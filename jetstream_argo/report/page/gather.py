"""Reads what a page needs from the warehouse: results, the record, and who enrolled when."""

from collections.abc import Sequence
from datetime import date

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.method import AnalysisMethod, method_of, recorded_methods
from jetstream_argo.report.page.changes import changes_of
from jetstream_argo.report.page.enrolled import read_enrolled
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.status import status_report
from jetstream_argo.report.summary.about import about_plan, recorded_about
from jetstream_argo.report.summary.build import windows_of
from jetstream_argo.report.summary.model import About
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Entry
from jetstream_argo.warehouse.protocol import Engine, Result


def material(  # all that a page rests on, by name
    engine: Engine,
    owner: names.Owner,
    result: Result,
    entries: Sequence[Entry],
    *,
    about: About | None = None,
    reference: str | None = None,
    today: date | None = None,
) -> Material:
    """Return what a page of `result`, the experiment's latest estimates, is made of.

    A plan as `owner` says what is missing; without one it is what the record says.
    """
    plan = owner if isinstance(owner, AnalysisPlan) else None
    known = about or (about_plan(plan) if plan is not None else recorded_about(entries))
    last = max(entries, key=lambda entry: entry.recorded_at, default=None)
    return Material(
        slug=names.place_of(owner).slug,
        windows=windows_of(result.dicts(), known, reference=reference),
        about=known,
        report=status_report(plan, entries, today=today),
        method=method_of(plan) if plan is not None else _recorded(entries),
        enrolled=read_enrolled(engine, owner),
        changes=changes_of(entries),
        plan=last.plan if last is not None else "",
        recorded_at=last.recorded_at if last is not None else None,
        today=today,
    )


def _recorded(entries: Sequence[Entry]) -> AnalysisMethod:
    return (recorded_methods(entries) or (AnalysisMethod(),))[-1]
