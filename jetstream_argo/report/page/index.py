"""All experiments of a dataset on one page, with links to their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.page import style
from jetstream_argo.report.page.parts import rendered
from jetstream_argo.report.page.sections.head import Card, cards
from jetstream_argo.report.summary.model import Verdict


@dataclass(frozen=True, slots=True)
class ListedExperiment:
    """An experiment's line. `file` is its page; `verdicts` are those of its primary metrics, or of all without any."""

    slug: str
    file: str
    recorded_at: datetime | None
    units: int | None
    metrics: int
    cards: tuple[Card, ...]
    verdicts: tuple[tuple[str, tuple[Verdict, ...]], ...]


def listed(material: Material, file: str) -> ListedExperiment:
    """Return the line of an experiment, whose page is in `file` beside the index."""
    units = material.report.facts.units
    primary = [metric for metric in material.metrics if metric.about.role is MetricRole.PRIMARY]
    shown = [metric for metric in primary or material.metrics if metric.headline is not None]
    return ListedExperiment(
        slug=material.slug,
        file=file,
        recorded_at=material.recorded_at,
        units=None if units is None else sum(branch.units for branch in units.branches),
        metrics=len(material.metrics),
        cards=cards(material),
        verdicts=tuple(
            (metric.name, tuple(compared.verdict for compared in metric.headline[1].compared))
            for metric in shown
            if metric.headline is not None
        ),
    )


def index(dataset: str, entries: Iterable[ListedExperiment]) -> str:
    """Return the index as one HTML document, those that were worked at last first."""
    found = sorted(entries, key=lambda entry: entry.slug)
    found.sort(key=lambda entry: entry.recorded_at.timestamp() if entry.recorded_at else 0.0, reverse=True)
    return str(rendered("index.html", dataset=dataset, entries=found, style=style()))
