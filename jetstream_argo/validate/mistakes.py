"""Finds mistakes in an experiment's files, by file, key and column, as the warehouse's tables are now."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Direct, Source
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate import probes
from jetstream_argo.validate.asking import Asker
from jetstream_argo.validate.enrolling import enrolling_mistakes
from jetstream_argo.validate.rows import TelemetryRows
from jetstream_argo.validate.telemetry import tables_of_sources
from jetstream_argo.warehouse.types import DryRun

_NUMBERS = frozenset({"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL"})


@dataclass(frozen=True, slots=True)
class Mistake:
    """What stands at the key `where` of `file` cannot be computed; `metrics` are all that fail by it.

    `source` is the data source that is read, empty if units are looked for.
    """

    file: str
    where: str
    what: str
    metrics: tuple[str, ...]
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.where}: {self.what}" if self.file else f"{self.where}: {self.what}"


def mistakes(
    plan: AnalysisPlan,
    dry_run: Callable[[Sql], DryRun],
    columns_of: Callable[[str], Sequence[Column] | None],
    *,
    files: Mapping[str, str],
) -> tuple[Mistake, ...]:
    """Return what `dry_run` refuses of everything that `plan` would read, a mistake once.

    `dry_run` says what a query would give without running it, `columns_of` what a table has. `files` says which file
    holds a table such as `metrics.revenue`; the file of what is in none is not named.
    """
    asker = Asker(dry_run, columns_of, plan.as_of)
    everything = tuple(metric.name for metric in plan.metrics)
    found = [
        Mistake(_file_of(where, files), where, what, everything) for where, what in enrolling_mistakes(plan, asker)
    ]
    for source in plan.sources:
        found += [
            Mistake(_file_of(where, files), where, what, metrics, source.name)
            for where, what, metrics in _source_mistakes(plan, source, asker)
        ]
    return tuple(dict.fromkeys(found))


def sure_mistakes(
    plan: AnalysisPlan,
    dry_run: Callable[[Sql], DryRun],
    telemetry: Mapping[str, Sequence[Column]],
    *,
    files: Mapping[str, str],
    assumed: Collection[str],
) -> tuple[Mistake, ...]:
    """Return the `mistakes` that do not depend on the columns of the `assumed` tables, which were only guessed."""
    unsure = {source for source, tables in tables_of_sources(plan).items() if not set(tables).isdisjoint(assumed)}
    found = mistakes(plan, dry_run, telemetry.get, files=files)
    return tuple(mistake for mistake in found if mistake.source not in unsure)


Found = tuple[str, str, tuple[str, ...]]


def _source_mistakes(plan: AnalysisPlan, source: Source, asker: Asker) -> Iterator[Found]:
    rows = TelemetryRows(
        asker, f"data_sources.{source.name}", source.from_expression, source.id_column, source.date_column
    )
    own = tuple(metric for metric in plan.metrics if metric.source == source.name)
    branch = {} if source.branch_expression is None else {"b": source.branch_expression}
    if rows.are_plain(branch):
        yield from _metric_mistakes(plan, own, rows, joined=True)
        return
    wrong = [(f"{rows.key}.{key}", what) for key, what in rows.mistakes(plan.experiment.analysis_unit)]
    if not wrong and source.branch_expression is not None:
        what = rows.refusal(source.branch_expression)
        advice = "; where rows do not say which experiments a unit is in, experiments_column_type is 'none'"
        wrong = [(f"{rows.key}.experiments_column_type", f"{what}{advice}")] if what else []
        own = tuple(metric for metric in own if source.branch_expression not in metric.select_expression)
    names = tuple(metric.name for metric in plan.metrics if metric.source == source.name)
    yield from ((where, what, _with_dependents(plan, names)) for where, what in wrong)
    if not any(where.endswith(".from_expression") for where, _ in wrong):
        yield from _metric_mistakes(plan, own, rows, joined=False)


def _metric_mistakes(
    plan: AnalysisPlan, own: Sequence[Metric], rows: TelemetryRows, *, joined: bool
) -> Iterator[Found]:
    """Yield what is wrong with metrics over the same rows; all of one kind are asked about at once."""
    for kind in (True, False):
        metrics = [metric for metric in own if isinstance(metric.computation, Direct) is kind]
        if metrics and not _of_metrics(plan, metrics, rows, joined=joined):
            continue
        for metric in metrics:
            for what in _of_metrics(plan, [metric], rows, joined=joined):
                yield f"metrics.{metric.name}.select_expression", what, _with_dependents(plan, (metric.name,))


def _of_metrics(plan: AnalysisPlan, metrics: Sequence[Metric], rows: TelemetryRows, *, joined: bool) -> list[str]:
    sql = probes.metrics_of(
        rows.from_expression,
        metrics,
        id_column=rows.id_column if joined else None,
        date_column=rows.date_column if joined else None,
        day=rows.asker.day,
    )
    found = rows.asker.ask(sql)
    if isinstance(found, EngineError):
        return [rows.explained(found, metrics[0].select_expression)]
    estimated = {statistics.metric for statistics in plan.statistics}
    pairs = zip(metrics, found, strict=True)
    return [what for metric, column in pairs for what in _type_mistakes(column, estimated=metric.name in estimated)]


def _type_mistakes(column: Column, *, estimated: bool) -> Iterator[str]:
    if element(column.type) is not None or members(column.type):
        yield f"gives {column.type}; a metric has one number for each unit and window"
    elif estimated and column.type.partition("(")[0] not in _NUMBERS:
        yield f"gives {column.type}, and statistics need numbers"


def _with_dependents(plan: AnalysisPlan, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the metrics and those that are made of them."""
    return tuple(m.name for m in plan.metrics if m.name in names or not set(names).isdisjoint(m.depends_on))


def _file_of(where: str, files: Mapping[str, str]) -> str:
    parts = where.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((files[candidate] for candidate in candidates if candidate in files), "")
