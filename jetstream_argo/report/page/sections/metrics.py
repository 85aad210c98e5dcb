"""The metrics' own sections, folded where there are many."""

from collections.abc import Callable
from dataclasses import dataclass

from jetstream_argo.config.model import MetricRole
from jetstream_argo.report.page.material import Material, MetricMaterial
from jetstream_argo.report.page.measure import measure_of
from jetstream_argo.report.page.metric.bases import bases
from jetstream_argo.report.page.metric.before import before
from jetstream_argo.report.page.metric.deciles import deciles
from jetstream_argo.report.page.metric.definition import definition
from jetstream_argo.report.page.metric.distribution import distribution
from jetstream_argo.report.page.metric.over_time import over_time
from jetstream_argo.report.page.metric.own_values import own_values
from jetstream_argo.report.page.metric.segments import segments
from jetstream_argo.report.page.metric.statistics import statistics
from jetstream_argo.report.page.parts import Entrance, Part, rendered
from jetstream_argo.report.summary.model import Compared

PARTS: tuple[Callable[[MetricMaterial], Part | None], ...] = (
    over_time, own_values, segments, deciles, distribution, bases, before, statistics, definition,
)  # fmt: skip

_MOST_OPEN = 3  # sections that are open from the start


@dataclass(frozen=True, slots=True)
class Gist:
    """What a branch's line says in the head of a folded section."""

    branch: str
    number: int
    text: str
    compared: Compared


@dataclass(frozen=True, slots=True)
class MetricSection:
    """A metric's section."""

    metric: MetricMaterial
    gists: tuple[Gist, ...]
    parts: tuple[Part, ...]
    is_open: bool


def metrics(material: Material) -> Part | None:
    """Return a section for each metric; the first few of the important ones are open."""
    if not material.metrics:
        return None
    opened = _opened(material)
    found = tuple(
        MetricSection(
            metric, _gists(metric), tuple(part for make in PARTS if (part := make(metric))), metric.name in opened
        )
        for metric in material.metrics
    )
    entrances = tuple(
        Entrance(entry.metric.anchor, entry.metric.name, tuple(gist.compared.verdict for gist in entry.gists))
        for entry in found
    )
    body = rendered("metrics.html", found=found, several=material.has_several)
    return Part("metrics", "Metrics", body, entrances)


def _opened(material: Material) -> set[str]:
    important = [metric for metric in material.metrics if metric.about.role is not MetricRole.SECONDARY]
    chosen = important or (material.metrics if len(material.metrics) <= _MOST_OPEN else ())
    return {metric.name for metric in chosen[:_MOST_OPEN]}


def _gists(metric: MetricMaterial) -> tuple[Gist, ...]:
    if metric.headline is None:
        return ()
    answer = metric.headline[1]
    measure = measure_of([answer], metric.about)
    return tuple(
        Gist(
            comparison.branch, metric.whole.number(comparison.branch), measure.text(measure.of(comparison)), comparison
        )
        for comparison in answer.compared
    )
