"""Where the quantiles, the middle and the ends of counted values are, in relations of a row per branch or for all."""

from collections.abc import Sequence
from dataclasses import dataclass

from jetstream_argo.sql.needs import quantiles
from jetstream_argo.sql.text import Sql, fill, lines

POOLED = ("basis", "window_index", "segment")
PER_BRANCH = (*POOLED, "branch")


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile asked for; its columns are `low_<name>`, `high_<name>` and `share_<name>`."""

    name: str
    probability: float


def places(
    name: str,
    *,
    source: str,
    value: str,
    weight: str,
    keys: Sequence[str],
    asked: Sequence[Quantile],
) -> Sql:
    """Return the relation `name`: (*keys, n_values, minimum, maximum, center, …), and those that it is made from.

    It is about the rows of `source` with a `value`, each as many units as `weight` says. `center` is the lower
    median, which is no farther from the mean than a standard deviation. `<name>_ranks` has a row per value: (*keys,
    value, units, upto, n), where `upto` counts the units with this value or a smaller one.
    """
    of, upto, n = Sql("t.value"), Sql("t.upto"), Sql("t.n")
    columns = [
        Sql("COUNT(*) AS n_values"),
        Sql("MIN(t.value) AS minimum"),
        Sql("MAX(t.value) AS maximum"),
        Sql(f"{quantiles.low(of, upto, n, 0.5)} AS center"),
    ]
    for one in asked:
        columns += [
            Sql(f"{quantiles.low(of, upto, n, one.probability)} AS low_{one.name}"),
            Sql(f"{quantiles.high(of, upto, n, one.probability)} AS high_{one.name}"),
            Sql(f"{quantiles.share(Sql('MAX(t.n)'), one.probability)} AS share_{one.name}"),
        ]
    return fill(
        "needs/places",
        name=Sql(name),
        source=Sql(source),
        value=Sql(value),
        weight=Sql(weight),
        keys=lines([Sql(f"t.{key}") for key in keys], indent=0),
        columns=lines(columns, indent=0),
    )


def quantile(relation: str, name: str, *, rounded_up: bool = False) -> Sql:
    """Return the quantile of this name, an expression over a row of the relation that has it."""
    value = quantiles.between(*(Sql(f"{relation}.{part}_{name}") for part in ("low", "high", "share")))
    return Sql(f"CEIL({value})") if rounded_up else value


def scale(least: str, most: str, limit: str | None, center: str) -> Sql:
    """Return the largest distance from the centre after clipping; 1 where that is 0.

    In this unit powers of what is left of the values neither overflow nor vanish.
    """
    top = most if limit is None else f"IF({most} > {limit}, {limit}, {most})"
    reach = f"GREATEST({top} - {center}, {center} - {least})"
    return Sql(f"IF({reach} > 0, {reach}, 1.0)")


def standardised(value: str, limit: str | None, center: str, scale: str) -> Sql:
    """Return the clipped value's distance from the centre, from -1 to 1."""
    # LEAST would do, but for NULL.
    clipped = value if limit is None else f"IF({value} > {limit}, {limit}, {value})"
    return Sql(f"({clipped} - {center}) / {scale}")


def power(z: str, exponent: int) -> str:
    """Return `z` to a whole power, as a product.

    >>> power("z", 3)
    'z * z * z'
    """
    return " * ".join([z] * exponent)
