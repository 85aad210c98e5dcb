"""Pre-treatments in SQL: relations of values and how many units have them, each made from the one before."""

from collections.abc import Iterator, Sequence
from math import log
from typing import assert_never

from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.ranks import POOLED, Quantile, Values, quantile, quantile_relations
from jetstream_argo.sql.text import Sql, equal, lines, literal
from jetstream_argo.stats import pretreatments as p


def step_relations(
    steps: Sequence[p.PreTreatment],
    *,
    treats: Sequence[str],
    carried: Sequence[str],
    segments: Sequence[int],
    first: str,
    finer: int = 0,
) -> tuple[Sql, str]:
    """Return the relations of all steps, each after a comma, and the name of the last.

    Every step is applied to each column of `treats`, in this order. `carried` are the columns of the relation `first`,
    beside those that count units by segment. Quantiles are found with `finer` buckets (`queries.ranks`).
    """
    relations: list[Sql] = []
    last = first
    for step in steps:
        for value in treats:
            name = f"step_{len(relations) + 1}"
            values = Values(last, value, finer=finer)
            relations.append(_relation(step, values, name=name, carried=carried, segments=segments))
            last = name
    return Sql("".join(f",\n{relation.rstrip()}" for relation in relations)), last


def relation_of(step: int, done: int, *, treats: Sequence[str], first: str) -> str:
    """Return the name of the relation in which a step, counted from 0, was applied to so many of the columns."""
    number = step * len(treats) + done
    return f"step_{number}" if number else first


def needs_days(steps: Sequence[p.PreTreatment]) -> bool:
    """Return whether a step asks how many days the window has."""
    return any(isinstance(step, p.NormalizeOverAnalysisPeriod) for step in steps)


def keeps_integers(steps: Sequence[p.PreTreatment]) -> bool:
    """Return whether whole numbers are whole after `steps`."""
    return not any(isinstance(step, p.NormalizeOverAnalysisPeriod | p.Log) for step in steps)


def _relation(
    step: p.PreTreatment, values: Values, *, name: str, carried: Sequence[str], segments: Sequence[int]
) -> Sql:
    before, value = values.source, values.value
    columns = [Sql(f"s.{column}") for column in carried]
    weights = [Sql(f"s.{weight(i)}") for i in segments]
    match step:
        case p.CensorHighestValues():
            return _drop_by_quantile(step.fraction, values, "<", name, columns, segments)
        case p.CensorLowestValues():
            return _drop_by_quantile(step.fraction, values, ">", name, columns, segments)
        case p.ZeroFill() | p.NormalizeOverAnalysisPeriod() | p.Log():
            new = Sql(f"{_replacement(step, value)} AS {value}")
            columns = [new if column == value else Sql(f"s.{column}") for column in carried]
            return _select(name, [*columns, *weights], before, "")
        case p.RemoveNulls() | p.RemoveIndefinites():
            return _select(name, [*columns, *weights], before, f"\n  WHERE {_kept(step, value)}")
        case p.CensorValuesBelowThreshold() | p.CensorValuesAboveThreshold():
            return _select(name, [*columns, *weights], before, f"\n  WHERE {_kept(step, value)}")
        case _:
            assert_never(step)


def _select(name: str, columns: Sequence[Sql], before: str, where: str) -> Sql:
    return Sql(f"{name} AS (\n  SELECT\n    {lines(columns, indent=4)}\n  FROM {before} AS s{where}\n)")


def _replacement(step: p.ZeroFill | p.NormalizeOverAnalysisPeriod | p.Log, value: str) -> str:
    y = f"s.{value}"
    match step:
        case p.ZeroFill():
            return f"IF({y} IS NULL OR IS_NAN({y}), 0.0, {y})"
        case p.NormalizeOverAnalysisPeriod():
            return f"{y} / GREATEST(s.days, 1)"
        case p.Log():
            base = "" if step.base is None else f" / {literal(log(step.base))}"
            minus = "-" if step.base is None or step.base > 1 else ""
            # LN of 0 or less is an error in BigQuery.
            return (
                f"CASE WHEN {y} IS NULL THEN NULL WHEN {y} > 0 THEN LN({y}){base} "
                f"WHEN {y} = 0 THEN CAST('{minus}inf' AS FLOAT64) ELSE CAST('nan' AS FLOAT64) END"
            )
        case _:
            assert_never(step)


def _kept(
    step: p.RemoveNulls | p.RemoveIndefinites | p.CensorValuesBelowThreshold | p.CensorValuesAboveThreshold, value: str
) -> str:
    y = f"s.{value}"
    conditions = "".join(_conditions(step, y))
    # DuckDB sorts NaN above every number, where BigQuery's comparisons with it are false.
    return f"{y} IS NOT NULL AND NOT IS_NAN({y}){conditions}"


def _conditions(
    step: p.RemoveNulls | p.RemoveIndefinites | p.CensorValuesBelowThreshold | p.CensorValuesAboveThreshold, y: str
) -> Iterator[str]:
    match step:
        case p.RemoveNulls():
            return
        case p.RemoveIndefinites():
            yield f" AND NOT IS_INF({y})"
        case p.CensorValuesBelowThreshold():
            yield f" AND {y} > {literal(step.threshold)}"
        case p.CensorValuesAboveThreshold():
            yield f" AND {y} < {literal(step.threshold)}"
        case _:
            assert_never(step)


def _drop_by_quantile(
    probability: float,
    values: Values,
    keep: str,
    name: str,
    columns: Sequence[Sql],
    segments: Sequence[int],
) -> Sql:
    """Count no unit of a segment whose value is beyond the quantile of that segment's."""
    before, value = values.source, values.value
    found = quantile_relations(
        f"{name}_places", values, keys=POOLED, asked=[Quantile("edge", probability)], segments=segments
    )
    keys = ", ".join(f"p.{key}" for key in POOLED)
    edges = lines([Sql(f"{quantile('p', 'edge', i)} AS edge_{i}") for i in segments], indent=4)
    kept = [
        Sql(f"IF(NOT IS_NAN(q.edge_{i}) AND s.{value} {keep} q.edge_{i}, s.{weight(i)}, 0) AS {weight(i)}")
        for i in segments
    ]
    return Sql(
        f"{found.rstrip()},\n"
        f"{name}_edges AS (\n  SELECT\n    {keys},\n    {edges}\n  FROM {name}_places AS p\n),\n"
        f"{name} AS (\n  SELECT\n    {lines([*columns, *kept], indent=4)}\n  FROM {before} AS s\n"
        f"  INNER JOIN {name}_edges AS q\n    ON {equal('q', 's', POOLED)}\n"
        f"  WHERE NOT IS_NAN(s.{value})\n)"
    )
