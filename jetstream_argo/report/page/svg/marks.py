"""Tells branches apart, also without colours: a shape for each, and a class that has its colour."""

from xml.etree.ElementTree import Element

from jetstream_argo.report.page.svg.elements import element, percent, pixels

_SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",  # circle
    "M-3.6,-3.6h7.2v7.2h-7.2z",  # square
    "M0,-5L5,0L0,5L-5,0z",  # diamond
    "M0,-4.8L4.6,3.4H-4.6z",  # triangle
    "M0,4.8L4.6,-3.4H-4.6z",  # triangle, upside down
    "M-1.5,-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",  # cross
)


def series_class(number: int) -> str:
    """Return the class with the colour of a branch; 0 is the reference branch.

    >>> series_class(0), series_class(1), series_class(7)
    ('b0', 'b1', 'b1')
    """
    return f"b{(number - 1) % len(_SHAPES) + 1}" if number else "b0"


def mark(number: int, *, x: float, y: float, tip: str = "") -> Element:
    """Return the mark of a branch at a share of the width and so many pixels from the top; `tip` shows on hovering."""
    shape = element("path", d=_SHAPES[(number - 1) % len(_SHAPES)] if number else _SHAPES[0])
    inside = (element("title", text=tip), shape) if tip else (shape,)
    where = {"x": percent(x), "y": pixels(y)}
    return element("svg", *inside, overflow="visible", class_=f"mark {series_class(number)}", **where)


def swatch(number: int) -> Element:
    """Return the mark of a branch as it stands in a legend."""
    shape = mark(number, x=0.5, y=7)
    return element("svg", shape, width=14, height=14, aria_hidden="true", class_="swatch")
