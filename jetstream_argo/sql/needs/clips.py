"""How values are clipped at a quantile and put on a scale on which their powers neither cancel nor overflow."""

from collections.abc import Iterator
from dataclasses import dataclass

from jetstream_argo.sql.needs import quantiles
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.needs import ClipRule, ClipScope

HIGHEST_POWER = 8


@dataclass(frozen=True, slots=True)
class Clipped:
    """Moments wanted of the values as clipped by `rule` (None: as they are), up to the power `powers`."""

    rule: ClipRule | None
    powers: int


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which columns rank a value: `upto` counts the units with it or a smaller one, out of `n`."""

    value: Sql
    upto: Sql
    n: Sql


def around(rule: ClipRule, ranks: Ranks, window: str, name: str) -> Iterator[Sql]:
    """Yield `low_<name>` and `high_<name>`, between which the threshold lies, and `share_<name>`, how far between."""
    for side, end in (("low", quantiles.low), ("high", quantiles.high)):
        yield Sql(f"{end(ranks.value, ranks.upto, ranks.n, rule.probability)} OVER {window} AS {side}_{name}")
    yield Sql(f"{quantiles.share(ranks.n, rule.probability)} AS share_{name}")


def threshold(rule: ClipRule, relation: str, name: str, *, integer: bool) -> Sql:
    """Return the column `limit_<name>`, the threshold; a pooled one of a column of whole numbers is rounded up."""
    low, high, share = (Sql(f"{relation}.{part}_{name}") for part in ("low", "high", "share"))
    value = quantiles.between(low, high, share)
    rounded = integer and rule.scope is ClipScope.POOLED
    return Sql(f"{f'CEIL({value})' if rounded else value} AS limit_{name}")


def clipped(relation: str, value: str, name: str, rule: ClipRule | None) -> Sql:
    """Return the column `value_<name>`."""
    if rule is None:
        return Sql(f"{relation}.{value} AS value_{name}")
    # LEAST would do, but for NULL.
    limit = f"{relation}.limit_{name}"
    return Sql(f"IF({relation}.{value} > {limit}, {limit}, {relation}.{value}) AS value_{name}")


def centred(relation: str, weight: str, name: str, window: str) -> Iterator[Sql]:
    """Yield the columns `mean_<name>`, about the mean, and `least_<name>` and `most_<name>`, of units that weigh."""
    value = f"IF({weight} > 0, {relation}.value_{name}, NULL)"
    yield Sql(f"SUM({value} * {weight}) OVER {window} / NULLIF(SUM({weight}) OVER {window}, 0) AS mean_{name}")
    yield Sql(f"MIN({value}) OVER {window} AS least_{name}")
    yield Sql(f"MAX({value}) OVER {window} AS most_{name}")


def scale(relation: str, name: str) -> Sql:
    """Return the column `scale_<name>`: the largest distance from the mean, or 1 where that is 0."""
    mean = f"{relation}.mean_{name}"
    reach = f"GREATEST({relation}.most_{name} - {mean}, {mean} - {relation}.least_{name})"
    return Sql(f"IF({reach} > 0, {reach}, 1.0) AS scale_{name}")


def standardised(relation: str, name: str) -> Sql:
    """Return the column `z_<name>`: the distance from the mean, from -1 to 1."""
    return Sql(f"({relation}.value_{name} - {relation}.mean_{name}) / {relation}.scale_{name} AS z_{name}")


def power(z: str, exponent: int) -> str:
    """Return `z` to a whole power, as a product.

    >>> power("z", 3)
    'z * z * z'
    """
    return " * ".join([z] * exponent)
