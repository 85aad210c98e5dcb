"""Tells mistakes that may be none, because the types of columns that they are about were only guessed."""

import re
from collections.abc import Collection

from jetstream_argo.errors import InvalidQuery, JetstreamArgoError
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.validate.statements import Wrong
from jetstream_argo.validate.telemetry import tables_of_sources

# What ZetaSQL, or the parser, says of a text whatever its columns are.
_SURE = re.compile(
    r"Syntax error|Function not found|neither grouped nor aggregated|(?:Aggregate|Analytic) function \S+ not allowed"
    r"|Multi-level aggregation|Table not found|at line \d+, column \d+: ",
    re.IGNORECASE,
)
_COUNT = re.compile(r"Signature (?:accepts at most|requires at least) ")
_TYPE = re.compile(r"^ +Argument \d+: ", re.MULTILINE)


class UncertainMistakes:
    """What is not known of the tables that a plan reads; `assumed` are those whose columns were taken from its SQL."""

    def __init__(self, plan: AnalysisPlan, assumed: Collection[str]) -> None:
        self._metrics = {metric.name: metric for metric in plan.metrics}
        tables = tables_of_sources(plan) if assumed else {}
        self._unknown = {
            source: tuple(name for name in names if name in assumed) for source, names in tables.items()
        }  # fmt: skip

    def about(self, wrong: Wrong) -> tuple[str, ...]:
        """Return the tables of which more must be known to say whether this is wrong; none if it is so in any case."""
        if _is_sure(wrong.error):
            return ()
        if wrong.metric in self._metrics:
            sources = list(self._sources(self._metrics[wrong.metric]))
        elif wrong.node in ("enrollments", "exposures"):
            sources = [""]
        else:
            sources = list(self._unknown)
        return tuple(dict.fromkeys(name for source in sources for name in self._unknown.get(source, ())))

    def _sources(self, metric: Metric) -> tuple[str, ...]:
        depended = (self._metrics[name] for name in metric.depends_on if name in self._metrics)
        return (metric.source, *(source for dependency in depended for source in self._sources(dependency)))


def _is_sure(error: JetstreamArgoError) -> bool:
    if not isinstance(error, InvalidQuery):
        return False
    text = str(error)
    too_many_or_few = _COUNT.search(text) is not None and _TYPE.search(text) is None
    return too_many_or_few or _SURE.search(text.partition("\n")[0]) is not None
