"""A table with an interval bar in each row: the numbers and their picture at once, also for a screen reader."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.measure import Measure, measure_of
from jetstream_argo.report.page.parts import rendered
from jetstream_argo.report.page.svg.interval import Scale, interval_bar, scale_head, scale_of
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Answer, Compared, Window


@dataclass(frozen=True, slots=True)
class Line:
    """What a row is called, and the answer that it shows."""

    name: str
    window: Window
    answer: Answer


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A branch's row; the first of a line has the line's name, and `size`, how many rows it has; others have 0."""

    name: str
    size: int
    goes_on: bool
    branch: str
    number: int
    units: int | None
    reference: str
    value: str
    text: str
    bar: Markup
    compared: Compared
    is_provisional: bool


def forest(metric: MetricMaterial, lines: Iterable[Line], *, head: str, bars: bool = True) -> Markup:
    """Return the table; `head` says what the rows are. Beside a chart it needs no `bars`, which take much room."""
    found = list(lines)
    measure = measure_of((line.answer for line in found), metric.about)
    scale = scale_of(measure.of(compared) for line in found for compared in line.answer.compared)
    rows = tuple(row for line in found for row in _rows(metric, line, measure, scale if bars else None))
    return rendered(
        "forest.html",
        rows=rows,
        head=head,
        measure=measure,
        reference=metric.whole.reference,
        bars=bars,
        scale=scale_head(scale, measure.tick),
        several=len({row.branch for row in rows}) > 1,
        tested=any(row.compared.p_value is not None for row in rows),
    )


def _rows(metric: MetricMaterial, line: Line, measure: Measure, scale: Scale | None) -> Iterator[ForestRow]:
    answer = line.answer
    count = len(answer.compared)
    for place, compared in enumerate(answer.compared):
        number = metric.whole.number(compared.branch)
        yield ForestRow(
            name=line.name,
            size=0 if place else count,
            goes_on=place < count - 1,
            branch=compared.branch,
            number=number,
            units=compared.units,
            reference=formatting.valued(answer.reference, answer.about, is_share=answer.is_share),
            value=formatting.valued(compared.value, answer.about, is_share=answer.is_share),
            text=measure.text(measure.of(compared)),
            bar=interval_bar(measure.of(compared), scale, number=number) if scale is not None else Markup(),
            compared=compared,
            is_provisional=metric.whole.is_provisional(line.window),
        )
