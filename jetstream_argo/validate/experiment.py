"""Checks an experiment, metric by metric, and says what computing all of it would read."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from jetstream_argo.errors import CostExceeded
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed
from jetstream_argo.validate.analysts import Analyst
from jetstream_argo.validate.statements import Statement, Wrong, rehearse
from jetstream_argo.validate.uncertain import UncertainMistakes


@dataclass(frozen=True, slots=True)
class MetricCheck:
    """What is known of one metric. `problems` are the messages, each once; `types` are those of its values.

    `uncertain` are problems that there are only if the tables' columns have the types that were guessed.
    """

    metric: str
    source: str
    how: str
    types: tuple[str, ...]
    statements: int
    problems: tuple[str, ...]
    uncertain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of an experiment. `others` are problems that are not those of one metric, with their nodes.

    `uncertain` are such problems too, if columns have the types that were guessed; `unknown` are the tables of which
    that has to be known.
    """

    slug: str
    verdicts: tuple[MetricCheck, ...]
    others: tuple[tuple[str, str], ...]
    statements: tuple[Statement, ...]
    uncertain: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """What all statements read of telemetry."""
        return sum(statement.bytes for statement in self.statements)

    @property
    def wrong(self) -> tuple[str, ...]:
        """The metrics with problems."""
        return tuple(verdict.metric for verdict in self.verdicts if verdict.problems)

    @property
    def unchecked(self) -> tuple[str, ...]:
        """The metrics of which it is not known whether they have problems."""
        return tuple(verdict.metric for verdict in self.verdicts if verdict.uncertain and not verdict.problems)

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong and not self.others


def validate(plan: AnalysisPlan, analyst: Analyst, *, assumed: Collection[str] = ()) -> Findings:
    """Have `analyst` look at every query that the nodes of `plan` would run, as if nothing was computed yet.

    The columns of the `assumed` tables were taken from the SQL: what is wrong only with their types is uncertain.
    """
    rehearsed = rehearse(plan, analyst)
    types = {
        (table, column.name): column.type for table, columns in rehearsed.tables.items() for column in columns
    }  # fmt: skip
    about = UncertainMistakes(plan, assumed).about
    tables = {mistake: about(mistake) for mistake in rehearsed.wrong}
    wrong = tuple(mistake for mistake in rehearsed.wrong if not tables[mistake])
    doubtful = tuple(mistake for mistake in rehearsed.wrong if tables[mistake])
    return Findings(
        slug=plan.experiment.slug,
        verdicts=tuple(_verdict(plan, metric, rehearsed.statements, wrong, doubtful, types) for metric in plan.metrics),
        others=_beside_metrics(wrong),
        statements=rehearsed.statements,
        uncertain=_beside_metrics(doubtful),
        unknown=tuple(dict.fromkeys(name for mistake in doubtful for name in tables[mistake])),
    )


def findings_of(findings: Findings, metrics: Collection[str]) -> Findings:
    """Return what is known of these metrics, and of what none of them can do without; empty means all."""
    if not metrics:
        return findings
    return replace(
        findings,
        verdicts=tuple(verdict for verdict in findings.verdicts if verdict.metric in metrics),
        statements=tuple(
            statement
            for statement in findings.statements
            if not statement.metrics or not set(metrics).isdisjoint(statement.metrics)
        ),
    )


def check_budget(findings: Findings, most: int) -> None:
    """Refuse what reads more than `most` bytes.

    Raises:
        CostExceeded: it does.
    """
    if findings.bytes > most:
        raise CostExceeded(
            f"{findings.slug}: would read {findings.bytes:,} bytes of telemetry, and {most:,} are allowed; "
            "leave out metrics or periods, or raise --max-bytes"
        )


def _beside_metrics(wrong: tuple[Wrong, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((mistake.node, str(mistake.error)) for mistake in wrong if not mistake.metric))


def _verdict(
    plan: AnalysisPlan,
    metric: Metric,
    statements: tuple[Statement, ...],
    wrong: tuple[Wrong, ...],
    doubtful: tuple[Wrong, ...],
    types: dict[tuple[str, str], str],
) -> MetricCheck:
    of_values = (type_ for (_, column), type_ in types.items() if column == metric.column and metric.column)
    return MetricCheck(
        metric=metric.name,
        source=metric.source,
        how=_how(metric),
        types=tuple(dict.fromkeys(of_values)),
        statements=sum(metric.name in statement.metrics for statement in statements),
        problems=_problems_of(metric, wrong),
        uncertain=_problems_of(metric, doubtful),
    )


def _problems_of(metric: Metric, wrong: tuple[Wrong, ...]) -> tuple[str, ...]:
    return _unrepeated(tuple(dict.fromkeys(str(mistake.error) for mistake in wrong if mistake.metric == metric.name)))


def _how(metric: Metric) -> str:
    if metric.computation is None:
        return f"of {', '.join(metric.depends_on)}"
    return "composed" if isinstance(metric.computation, Composed) else "direct"


def _unrepeated(problems: tuple[str, ...]) -> tuple[str, ...]:
    """Return the problems without those that say the same of another query: their first lines are alike."""
    first: dict[str, str] = {}
    for problem in problems:
        first.setdefault(problem.partition("\n")[0].partition(" [at ")[0], problem)
    return tuple(first.values())
