"""The answers: a row for each metric and branch, with intervals on one scale, primary and guardrail metrics first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.page.material import Material, MetricMaterial
from jetstream_argo.report.page.measure import UPLIFT, Measure, measure_of
from jetstream_argo.report.page.naming import span_of, units_of
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.page.svg.interval import Scale, interval_bar, scale_head, scale_of
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Answer, Compared, PointInterval, Window

_MOST_OPEN = 5  # secondary metrics that are not folded
_GROUPS = {MetricRole.PRIMARY: "Primary", MetricRole.GUARDRAIL: "Guardrails", MetricRole.SECONDARY: "Secondary"}


@dataclass(frozen=True, slots=True)
class Row:
    """A branch's line. `compared` is None for a metric that compares nothing: then `value` is all there is.

    `first` opens the lines of a metric. `elsewhere` says which window it is about if that is not the table's.
    """

    metric: MetricMaterial
    answer: Answer
    window: Window
    branch: str
    number: int
    value: str
    first: bool
    size: int
    compared: Compared | None = None
    uplift: str = ""
    bar: Markup | None = None
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of the metrics of a role; the title is empty where all metrics have the same."""

    title: str
    rows: tuple[Row, ...]
    is_folded: bool


def answers(material: Material) -> Part:
    """Return the answers."""
    shown = [(metric, *metric.headline) for metric in material.metrics if metric.headline is not None]
    if not shown:
        return Part("answers", "Answers", Markup("<p>no estimates</p>"))
    main = _main([window for _, window, _ in shown])
    uplifts = [comparison.uplift for _, _, answer in shown for comparison in answer.compared]
    scale = scale_of(uplifts)
    with_uplift = any(uplift is not None and uplift.point is not None for uplift in uplifts)
    compared = [comparison for _, _, answer in shown for comparison in answer.compared]
    body = rendered(
        "answers.html",
        material=material,
        groups=_groups(material, shown, scale, main),
        window=main,
        span=span_of(main),
        units=units_of(main),
        scale=scale_head(scale, UPLIFT.tick) if with_uplift else Markup(),
        reach=[UPLIFT.tick(tick) for tick in scale.ticks] if with_uplift else [],
        family=main.family,
        adjusts=any(comparison.adjusted is not None for comparison in compared),
        wins=any(comparison.chance_to_win is not None for comparison in compared),
    )
    return Part("answers", "Answers", body)


def _main(windows: Sequence[Window]) -> Window:
    """Return the window that most of the metrics are about."""
    keys = [_key(window) for window in windows]
    most = max(dict.fromkeys(keys), key=keys.count)
    return windows[keys.index(most)]


def _elsewhere(window: Window, main: Window) -> str:
    parts = [span_of(window)] if (window.period, window.index) != (main.period, main.index) else []
    return ", ".join([*parts, *([units_of(window)] if units_of(window) != units_of(main) else [])])


def _key(window: Window) -> tuple[str, int, str, str]:
    return window.period, window.index, window.basis, window.segment


def _groups(
    material: Material, shown: Sequence[tuple[MetricMaterial, Window, Answer]], scale: Scale, main: Window
) -> tuple[Group, ...]:
    grouped = [(role, list(group)) for role, group in groupby(shown, key=lambda item: item[0].about.role)]
    if len(grouped) == 1 and grouped[0][0] is MetricRole.SECONDARY:
        rows = tuple(row for item in shown for row in _rows(material, *item, scale, main))
        return (Group("", rows, is_folded=False),)
    return tuple(
        Group(
            _GROUPS[role],
            tuple(row for item in group for row in _rows(material, *item, scale, main)),
            is_folded=role is MetricRole.SECONDARY and len(group) > _MOST_OPEN,
        )
        for role, group in grouped
    )


def _rows(
    material: Material, metric: MetricMaterial, window: Window, answer: Answer, scale: Scale, main: Window
) -> Iterator[Row]:
    elsewhere = "" if _key(window) == _key(main) else _elsewhere(window, main)
    measure = measure_of([answer], metric.about)
    for place, (branch, value) in enumerate(() if answer.compared else answer.alone):
        yield Row(
            metric=metric,
            answer=answer,
            window=window,
            branch=branch,
            number=material.number(branch),
            value=_value(value, answer),
            first=not place,
            size=len(answer.alone),
            elsewhere=elsewhere,
        )
    for place, compared in enumerate(answer.compared):
        number = material.number(compared.branch)
        yield Row(
            metric=metric,
            answer=answer,
            window=window,
            branch=compared.branch,
            number=number,
            value=_value(compared.value, answer),
            first=not place,
            size=len(answer.compared),
            compared=compared,
            uplift=measure.text(measure.of(compared)),
            bar=_bar(compared, measure, scale, number),
            elsewhere=elsewhere,
        )


def _bar(compared: Compared, measure: Measure, scale: Scale, number: int) -> Markup:
    return interval_bar(compared.uplift if measure.is_uplift else None, scale, number=number)


def _value(interval: PointInterval | None, answer: Answer) -> str:
    return formatting.valued(interval, answer.about, is_share=answer.is_share)
