"""Turns sections into HTML, by templates that escape what they are given."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.marks import series_class, swatch
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Verdict
from jetstream_argo.terminal.text import printable

if TYPE_CHECKING:
    import jinja2

_SIGNS = {
    Verdict.BETTER: "▲",
    Verdict.PERHAPS_BETTER: "△",
    Verdict.WORSE: "▼",
    Verdict.PERHAPS_WORSE: "▽",
    Verdict.UNCLEAR: "○",
    Verdict.UNKNOWN: "–",
}


@dataclass(frozen=True, slots=True)
class Entrance:
    """A line of the contents list: where it leads, and the verdicts that stand beside it."""

    anchor: str
    title: str
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A section, or a part of one. `entrances` are what the contents list has below it."""

    anchor: str
    title: str
    body: Markup
    entrances: tuple[Entrance, ...] = ()


def rendered(template: str, **values: object) -> Markup:
    """Return a template filled with values; whatever is not `Markup` is escaped.

    Control characters, and marks that turn the direction of writing, are written as escapes, as on a terminal.
    """
    return Markup(_environment().get_template(template).render(**values))  # autoescape is on


def tabbed(panels: Sequence[tuple[str, Markup]], *, label: str) -> Markup:
    """Return panels of which one is seen at a time, chosen without a script; a single one as it is, none as nothing."""
    if len(panels) <= 1:
        return panels[0][1] if panels else Markup()
    return rendered("tabs.html", panels=panels, label=label)


@cache
def _environment() -> "jinja2.Environment":
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("jetstream_argo.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.globals.update(
        formatting=formatting,
        series_class=series_class,
        swatch=lambda number: markup(swatch(number)),
        sign=lambda verdict: _SIGNS[verdict],
    )
    return made


def _shown(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value)
    return "" if value is None else value
