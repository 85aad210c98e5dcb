"""Writes SVG: elements that escape what they hold, and lengths as the browser has to see them.

Libraries that draw (matplotlib, plotly, altair, pygal) give pictures of a fixed size with fixed colours and letters as
paths, or need scripts. These drawings are as wide as their place, take their colours from the page's style sheet, in
light and dark, keep letters as text, and run where scripts are forbidden.
"""

from typing import TypeAlias
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

from jetstream_argo.terminal.text import printable

Attribute: TypeAlias = str | int | float | None

NAMESPACE = "http://www.w3.org/2000/svg"


def element(tag: str, *children: Element, text: str = "", **attributes: Attribute) -> Element:
    """Return an element; an attribute that is None is left out, `class_` is `class`, and `_` is `-`.

    >>> str(markup(element("text", text="a < b", text_anchor="end", class_="note", x=1.0)))
    '<text text-anchor="end" class="note" x="1">a &lt; b</text>'
    """
    made = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            made.set(name.rstrip("_").replace("_", "-"), _plain(value))
    made.text = printable(text) or None
    made.extend(children)
    return made


def percent(share: float) -> str:
    """Return a share of the width as a length.

    >>> percent(0.5), percent(1 / 3)
    ('50%', '33.33%')
    """
    return f"{_plain(round(share * 100, 2))}%"


def pixels(value: float) -> str:
    """Return a length in pixels, which no eye tells from the exact one."""
    return _plain(round(value, 1))


def markup(drawing: Element) -> Markup:
    """Return the text of an element; everything in it is escaped."""
    return Markup(tostring(drawing, encoding="unicode"))  # ElementTree escapes what it writes


def _plain(value: str | int | float) -> str:
    if isinstance(value, str):
        return printable(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
