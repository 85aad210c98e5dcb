"""The page as a whole, and its sections alone for a notebook."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import resources

from markupsafe import Markup

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.page.sections.agreement import agreement
from jetstream_argo.report.page.sections.answers import answers
from jetstream_argo.report.page.sections.changed import changed
from jetstream_argo.report.page.sections.cost import cost
from jetstream_argo.report.page.sections.deciding import deciding
from jetstream_argo.report.page.sections.enrollment import enrollment
from jetstream_argo.report.page.sections.head import head
from jetstream_argo.report.page.sections.how import how
from jetstream_argo.report.page.sections.lacking import lacking
from jetstream_argo.report.page.sections.metrics import metrics
from jetstream_argo.report.page.sections.soundness import soundness
from jetstream_argo.report.summary.formatting import bytes_text

Section = Callable[[Material], Part | None]

# A section is a module and a line here.
SECTIONS: tuple[Section, ...] = (
    deciding,
    answers,
    lacking,
    soundness,
    metrics,
    enrollment,
    changed,
    agreement,
    how,
    cost,
)

_SIZE = "{size of this page}"  # known when the rest of it is


def page(material: Material) -> str:
    """Return the page: one HTML document that needs no script, no other file and no network."""
    text = rendered(
        "page.html",
        slug=material.slug,
        style=style(),
        head=head(material),
        parts=_parts(material),
        size=_SIZE,
        count=len(material.metrics),
    )
    before, _, after = str(text).rpartition(_SIZE)
    length = len(before.encode()) + len(after.encode())
    return f"{before}{bytes_text(length + len(bytes_text(length)))}{after}"


def sections(material: Material) -> str:
    """Return the same sections for a notebook, in an element of their own; other outputs may have the same names."""
    alone = replace(material, links=False)
    return str(rendered("notebook.html", style=style(), head=head(alone), parts=_parts(alone)))


@cache
def style() -> Markup:
    """Return the style sheet of page, notebook and index, drawings included."""
    return Markup("\n").join((sheet("drawing.css"), sheet("page.css")))


def sheet(name: str) -> Markup:
    """Return one of the style sheets."""
    file = resources.files("jetstream_argo.report.page") / "templates" / name
    return Markup(file.read_text(encoding="utf-8"))  # ours


def _parts(material: Material) -> tuple[Part, ...]:
    return tuple(part for section in SECTIONS if (part := section(material)) is not None)
