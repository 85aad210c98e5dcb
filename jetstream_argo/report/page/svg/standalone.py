"""A chart as a document of its own, with title, legend and colours."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from markupsafe import Markup

from jetstream_argo.report.page.svg.elements import NAMESPACE, element, markup, pixels
from jetstream_argo.report.page.svg.lines import HEIGHT, LEFT, RIGHT, Chart, drawn
from jetstream_argo.report.page.svg.marks import mark

_WIDTH, _TITLE, _ROW = 720, 30, 20


def standalone(chart: Chart, title: str, *, style: Markup) -> str:
    """Return the chart as an SVG document; `style` has its colours, light or dark as the reader prefers."""
    legend = list(_legend(chart))
    top = _TITLE + _ROW * len(chart.series)
    place = element("svg", drawn(chart), x=LEFT, y=top, width=_WIDTH - LEFT - RIGHT, height=HEIGHT, overflow="visible")
    height = top + HEIGHT
    whole = element(
        "svg",
        element("style", text=str(style)),
        element("rect", class_="sheet", width="100%", height="100%"),
        element("text", text=title, class_="title", x=12, y=20),
        *legend,
        place,
        xmlns=NAMESPACE,
        class_="ja",
        width=_WIDTH,
        height=height,
        viewBox=f"0 0 {_WIDTH} {height}",
    )
    return str(markup(whole))


def _legend(chart: Chart) -> Iterator[Element]:
    for place, series in enumerate(chart.series):
        y = _TITLE + _ROW * place + _ROW / 2
        yield mark(series.number, x=20 / _WIDTH, y=y)
        yield element("text", text=series.name, class_="name", x=32, y=pixels(y), dy=4)
