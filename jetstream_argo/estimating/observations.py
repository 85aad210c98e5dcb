"""Prepares the rows that the statistics of a leaf are computed from, and keeps them for as long as they are needed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from jetstream_argo.config.statistics import Covariate
from jetstream_argo.errors import EstimateError, NotFound
from jetstream_argo.estimating.groups import Adjusted, Ratio, StatisticGroup
from jetstream_argo.estimating.model import Stored
from jetstream_argo.estimating.queries.leaf import (
    HashRange,
    Leaf,
    StoredValues,
    Typed,
    ValueType,
    leaf_query,
    units_query,
)
from jetstream_argo.estimating.reading import SEGMENTS_AT_ONCE, MetricQueries, Relations
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.text import Sql, in_brackets, table, union_all
from jetstream_argo.stats.needs import CountNeed, DetailNeed, PowerSumsNeed, ProportionNeed, SumNeed
from jetstream_argo.stats.pretreatments import Action
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Job, Layout, Write

_TYPES = {
    "INT64": ValueType.INTEGER,
    "BOOL": ValueType.BOOLEAN,
    "FLOAT64": ValueType.FLOAT,
    "NUMERIC": ValueType.NUMERIC,
    "BIGNUMERIC": ValueType.NUMERIC,
}


@contextmanager
def opened(
    plan: AnalysisPlan,
    stored: Stored,
    groups: Sequence[StatisticGroup],
    engine: Engine,
    *,
    windows: Sequence[AnalysisWindow],
    labels: Mapping[str, str],
    scratch: str,
) -> Iterator[MetricQueries]:
    """Hold the rows that the statistics of `groups` are computed from, each stored table being read once for them.

    They are kept in tables whose names begin with `scratch`, until this ends. Where one query reads them once, it reads
    the stored tables itself. Where one query reads them more than once, an engine that computes a relation of a query
    once need not write them (`Layout.read_once`). A share that is done finely reads them once for each range of units.

    Raises:
        EngineError: a query failed.
        EstimateError: the values are no numbers.
    """
    covariates = tuple(
        dict.fromkeys(group.subject.covariate for group in groups if isinstance(group.subject, Adjusted))
    )
    leaf = _leaf(plan, stored, groups, covariates, _Types(engine), windows)
    made: list[str] = []
    jobs: list[Job] = []

    def kept(query: Callable[[HashRange | None], Sql], kind: str) -> Sql:
        names = []
        for among in stored.share.ranges or (None,):
            name = f"{scratch}_{kind}" if among is None else f"{scratch}_{kind}_{among.index}"
            names.append(name)
            made.append(name)
            job = engine.query_to_table(
                query(among), name, write=Write.TRUNCATE, labels=labels,
                layout=Layout(temporary=True, read_once=kind == "rows" and among is None and _asks_once(groups, leaf)),
            )  # fmt: skip
            jobs.append(job)
        return table(names[0]) if len(names) == 1 else _together(names)

    try:
        units = None
        if leaf.covariates:
            units = kept(partial(units_query, leaf), "units")
        elif leaf.segments or not stored.everybody:
            units = in_brackets(units_query(leaf))
        once = len(groups) == 1 and _reads_once(groups[0]) and not stored.share.ranges
        rows = in_brackets(leaf_query(leaf, units)) if once else kept(partial(leaf_query, leaf, units), "rows")
        relations = Relations(rows, units or Sql(""))
        yield MetricQueries(engine, leaf, relations, covariates, labels, jobs=jobs)
    finally:
        for name in made:
            engine.delete(name)


def _together(names: Sequence[str]) -> Sql:
    return in_brackets(union_all(Sql(f"SELECT t.*\nFROM {table(name)} AS t") for name in names))


def _reads_once(group: StatisticGroup) -> bool:
    return not group.steps and all(
        isinstance(statistic.need, CountNeed | SumNeed | ProportionNeed) for statistic in group.asked
    )


def _asks_once(groups: Sequence[StatisticGroup], leaf: Leaf) -> bool:
    """Whether a single query will read the rows, which may name them more than once."""
    return (
        len(groups) == 1
        and len(leaf.asked) <= SEGMENTS_AT_ONCE
        and not any(step.action is Action.DROP_BY_QUANTILE for step in groups[0].steps)
        and not any(isinstance(statistic.need, DetailNeed | PowerSumsNeed) for statistic in groups[0].asked)
    )


def _leaf(
    plan: AnalysisPlan,
    stored: Stored,
    groups: Sequence[StatisticGroup],
    covariates: Sequence[Covariate],
    types: "_Types",
    windows: Sequence[AnalysisWindow],
) -> Leaf:
    counted = all(isinstance(statistic.need, CountNeed) for group in groups for statistic in group.asked)
    ratio = next((group.subject for group in groups if isinstance(group.subject, Ratio)), None)
    bases = stored.bases()
    names = list(stored.values) if ratio is None else [ratio.numerator, ratio.denominator]
    y, *d = (tuple(values for values in stored.of(name) if values.basis in bases) for name in names)
    before = (stored.covariates[covariate] for covariate in covariates)
    return Leaf(
        plan,
        Typed(y, types.of(y[0], counted=counted)),
        tuple(windows),
        plan.experiment.branches,
        stored.units,
        tuple(segment.name for segment in plan.enrollments.segments),
        Typed(d[0], types.of(d[0][0])) if d else None,
        tuple(Typed((covariate,), types.of(covariate)) for covariate in before if covariate is not None),
        stored.share.segments_of(1 + len(plan.enrollments.segments)),
        stored.share.cuts,
    )


@dataclass(slots=True)
class _Types:
    """What the columns of stored tables hold."""

    engine: Engine
    _known: dict[str, dict[str, str]] = field(default_factory=dict)

    def of(self, values: StoredValues, *, counted: bool = False) -> ValueType:
        """Return what the values are; if they are only `counted`, they may be anything.

        Raises:
            NotFound: their table is gone.
            EstimateError: they are no numbers.
        """
        if values.table not in self._known:
            info = self.engine.info(values.table)
            if info is None:
                raise NotFound(values.table)
            self._known[values.table] = {column.name: column.type for column in info.columns}
        type_ = self._known[values.table].get(values.column, "missing")
        unnamed = ValueType.OTHER if counted and type_ != "missing" else None
        found = _TYPES.get(type_.partition("(")[0].upper(), unnamed)
        if found is None:
            raise EstimateError(
                "not_numeric",
                f"{values.table}.{values.column}: is {type_}, and statistics need numbers; "
                "change the metric's select_expression to give one",
            )
        return found
