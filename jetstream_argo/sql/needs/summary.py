"""The query for everything about one metric that is a few numbers a branch, and for its values where they are few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.sql.needs.places import (
    PER_BRANCH,
    POOLED,
    Quantile,
    places,
    power,
    quantile,
    scale,
    standardised,
)
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipRule, ClipScope

# Up to so many distinct values a branch, the values and their counts themselves are handed over.
FEW_VALUES = 1000
HIGHEST_POWER = 8


@dataclass(frozen=True, slots=True)
class Clipped:
    """Moments wanted of the values as clipped by `rule` (None: as they are), up to the power `powers`."""

    rule: ClipRule | None
    powers: int


def summary_query(observed: Observed, wanted: Sequence[Clipped], *, with_values: bool) -> Sql:
    """Return the query for the counts of each branch and, for the i-th of `wanted`, its moments.

    Those are `scale_i` and `power_i_k`, the sums of `((y - center) / scale) ** k` for k = 1 …, over the `n` units with
    a finite value; `limit_i` is the threshold. `vals` and `counts` are arrays of the distinct values, ascending, and
    how many units have each; empty or NULL where these are more than `FEW_VALUES`, and left out unless `with_values`.
    """
    if not wanted and not with_values:
        return fill("needs/totals", units=treated(observed), columns=lines(_counts(), indent=0))
    indexed = list(enumerate(wanted))
    scales = [
        Sql(f"{scale('l.minimum', 'l.maximum', _limit('l', index, each), 'l.center')} AS scale_{index}")
        for index, each in indexed
    ]
    standard = [Sql("s.n_values"), Sql("s.center")]
    for index, each in indexed:
        limit = _limit("s", index, each)
        standard += [Sql(f"s.limit_{index}")] if limit else []
        standard.append(Sql(f"s.scale_{index}"))
        standard.append(Sql(f"{standardised('t.y', limit, 's.center', f's.scale_{index}')} AS z_{index}"))
    return fill(
        "needs/summary",
        units=treated(observed),
        places=_places(wanted, integer=observed.integer),
        scales=lines(scales or [Sql("1.0 AS scale")], indent=0),
        standard=lines(standard, indent=0),
        columns=lines([*_counts(), *_moments(wanted), *(_values() if with_values else ())], indent=0),
    )


def _limit(relation: str, index: int, each: Clipped) -> str | None:
    return f"{relation}.limit_{index}" if each.rule is not None else None


def _places(wanted: Sequence[Clipped], *, integer: bool) -> Sql:
    """The relations that end in `limits`: a row per branch, with its centre, its ends and all thresholds."""
    rules = [(str(index), each.rule) for index, each in enumerate(wanted) if each.rule is not None]
    pooled = [Quantile(name, rule.probability) for name, rule in rules if rule.scope is ClipScope.POOLED]
    own = [Quantile(name, rule.probability) for name, rule in rules if rule.scope is ClipScope.PER_BRANCH]
    relations = [places("of_branch", source="held", value="y", weight="n_held", keys=PER_BRANCH, asked=own)]
    limits = [Sql(f"b.{name}") for name in (*PER_BRANCH, "n_values", "minimum", "maximum", "center")]
    limits += [Sql(f"{quantile('b', one.name)} AS limit_{one.name}") for one in own]
    joined = "of_branch AS b"
    if pooled:
        relations.append(places("pooled", source="held", value="y", weight="n_held", keys=POOLED, asked=pooled))
        limits += [Sql(f"{quantile('p', one.name, rounded_up=integer)} AS limit_{one.name}") for one in pooled]
        same = " AND ".join(f"p.{key} = b.{key}" for key in POOLED)
        joined += f"\n  INNER JOIN pooled AS p\n    ON {same}"
    relations.append(Sql(f"limits AS (\n  SELECT\n    {lines(limits, indent=4)}\n  FROM {joined}\n)"))
    return Sql(",\n".join(relation.rstrip() for relation in relations))


def _counts() -> Iterator[Sql]:
    yield from (Sql(f"s.{key}") for key in KEYS)
    yield Sql("SUM(s.units) AS n_rows")
    yield Sql("SUM(s.n_null) AS n_null")
    yield Sql("SUM(s.n_nonfinite) AS n_nonfinite")
    yield Sql("SUM(s.n_held) AS n")
    yield Sql("SUM(s.y * s.n_held) AS total")
    yield Sql("SUM(IF(s.y = 1, s.n_held, 0)) AS successes")
    yield Sql("SUM(IF(s.y IN (0, 1), 0, s.n_held)) AS other")
    yield Sql("COUNT(s.y) AS n_values")
    yield Sql("MIN(s.y) AS minimum")
    yield Sql("MAX(s.y) AS maximum")
    yield Sql("MIN(IF(s.y > 0, s.y, NULL)) AS smallest_positive")
    yield Sql("SUM(IF(s.y <= 0, s.n_held, 0)) AS at_most_zero")


def _moments(wanted: Sequence[Clipped]) -> Iterator[Sql]:
    yield Sql("MAX(s.center) AS center")
    for index, each in enumerate(wanted):
        if each.rule is not None:
            yield Sql(f"MAX(s.limit_{index}) AS limit_{index}")
        yield Sql(f"MAX(s.scale_{index}) AS scale_{index}")
        for exponent in range(1, each.powers + 1):
            yield Sql(f"SUM(s.n_held * {power(f's.z_{index}', exponent)}) AS power_{index}_{exponent}")


def _values() -> Iterator[Sql]:
    few = f"s.n_values <= {FEW_VALUES} AND s.y IS NOT NULL"
    yield Sql(f"ARRAY_AGG(IF({few}, s.y, NULL) IGNORE NULLS ORDER BY s.y) AS vals")
    yield Sql(f"ARRAY_AGG(IF({few}, s.n_held, NULL) IGNORE NULLS ORDER BY s.y) AS counts")
