"""Chooses the answers that are shown: overall first, and the rest on request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from rich.console import RenderableType
from rich.text import Text

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period, along_time
from jetstream_argo.report.decision.results import decision_sentences, decisions
from jetstream_argo.report.facts import NOTHING, Facts
from jetstream_argo.report.segment_tests import segment_tests
from jetstream_argo.report.sentences import sentences, units_line
from jetstream_argo.report.summary.build import Row, windows_of
from jetstream_argo.report.summary.model import About, Window
from jetstream_argo.report.summary.segment_table import segment_table, tests_of
from jetstream_argo.report.summary.terminal import decile_table, further_table, over_time, window_table


@dataclass(frozen=True, slots=True)
class Shown:
    """What was asked to be shown; by default overall, on all enrolled units, as far as that is there."""

    everything: bool = False
    over_time: bool = False
    metrics: tuple[str, ...] = ()
    has_period: bool = False
    has_segment: bool = False
    has_basis: bool = False
    says_more: bool = True


def answers(
    rows: Iterable[Row],
    about: About,
    shown: Shown,
    *,
    reference: str | None = None,
    facts: Facts = NOTHING,
    today: date | None = None,
    width: int = 100,
) -> Iterator[RenderableType]:
    """Yield what is to be known before, then the answers that were asked for, and what else there is."""
    all_rows = list(rows)
    everything = list(windows_of(all_rows, about, reference=reference))
    tests = tuple(segment_tests(all_rows, reference=next((window.reference for window in everything), "")))
    yield from _head(everything, about, facts)
    windows = [_only(window, shown.metrics) for window in everything]
    windows = [window for window in windows if window.answers or window.deciles]
    if not windows:
        yield Text("no estimates")
        return
    if shown.over_time:
        yield from _over_time(chosen_windows(windows, replace(shown, has_period=True)), width)
        return
    chosen = windows if shown.everything else chosen_windows(windows, shown)
    for window in chosen:
        yield window_table(window, width=width, today=today)
        if own := tests_of(tests, window):
            yield segment_table(own, window)
        if shown.everything:
            if window.further:
                yield further_table(window, width=width)
            for deciles in window.deciles:
                yield decile_table(deciles, window)
    if shown.says_more and not shown.everything:
        yield Text(_rest(windows, chosen), style="dim")


def _head(windows: list[Window], about: About, facts: Facts) -> Iterator[RenderableType]:
    """Yield who is in the experiment, what makes its numbers doubtful, and what is decided."""
    if facts.units is not None:
        yield Text(units_line(facts.units))
    for sentence in sentences(facts):
        yield Text(sentence, style="yellow")
    for sentence in decision_sentences(decisions(windows, about, facts)):
        yield Text(sentence, style="bold")


def chosen_windows(windows: list[Window], shown: Shown) -> list[Window]:
    """Return the windows that were asked for, or the first that people want to see."""
    plain = (
        (shown.has_segment, "segment", "all"),
        (shown.has_basis, "basis", Basis.ENROLLMENTS.value),
        (shown.has_period, "period", Period.OVERALL.value),
    )
    for is_asked, name, value in plain:
        if not is_asked:
            windows = [window for window in windows if getattr(window, name) == value] or windows
    return windows


def _over_time(windows: list[Window], width: int) -> Iterator[RenderableType]:
    """Yield a table a metric, in the finest of the usual periods that there is, or those that were asked for."""
    by_units: dict[tuple[str, str], list[Window]] = {}
    for window in of_usual_period(windows):
        by_units.setdefault((window.basis, window.segment), []).append(window)
    for ordered in by_units.values():
        for metric in dict.fromkeys(answer.metric for window in ordered for answer in window.answers):
            yield over_time(ordered, metric, width=width)


def of_usual_period(windows: list[Window]) -> list[Window]:
    """Return the windows of the period by which people look at time: weeks if there are any, in order."""
    there = {window.period for window in windows}
    usual = (*(period for period in along_time() if not period.grows), *(p for p in Period if p.before_enrollment))
    period = next((period.value for period in usual if period.value in there), windows[0].period)
    return sorted((window for window in windows if window.period == period), key=lambda window: window.index)


def _only(window: Window, metrics: tuple[str, ...]) -> Window:
    if not metrics:
        return window
    return replace(
        window,
        answers=tuple(answer for answer in window.answers if answer.metric in metrics),
        further=tuple(answer for answer in window.further if answer.metric in metrics),
        deciles=tuple(deciles for deciles in window.deciles if deciles.metric in metrics),
    )


def _rest(windows: list[Window], chosen: list[Window]) -> str:
    """Return a line on what there is beside what is shown."""
    parts = ["--all"]
    for option, name in (("--period", "period"), ("--segment", "segment"), ("--basis", "basis")):
        there = dict.fromkeys(getattr(window, name) for window in chosen)
        others = [value for value in dict.fromkeys(getattr(window, name) for window in windows) if value not in there]
        if others:
            parts.append(f"{option} {' or '.join(others)}")
    return "more: " + ", ".join([*parts, "--over-time", "--format json, csv or parquet"])
