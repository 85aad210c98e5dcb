"""The query for the joint moments of a numerator and a denominator."""

from collections.abc import Iterator

from jetstream_argo.sql.needs.places import PER_BRANCH, Quantile, places, quantile, scale, standardised
from jetstream_argo.sql.needs.summary import HIGHEST_POWER
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines

_NAMES = ("y", "d")


def ratio_query(observed: Observed, probability: float | None) -> Sql:
    """Return the query for the sums of products of powers of `y` and `d`, over the `n` units where both are finite.

    `sum_i_j`, for i + j up to 8, is that of `((y - center_y) / scale_y) ** i * ((d - center_d) / scale_d) ** j`;
    `minimum_d` is the smallest denominator. Each column is clipped at its quantile of this probability in its branch.
    """
    asked = [Quantile("limit", probability)] if probability is not None else []
    relations = [
        places(f"of_{name}", source="held", value=name, weight="n_both", keys=PER_BRANCH, asked=asked)
        for name in _NAMES
    ]
    limits, scales, standard = [], [], []
    for name in _NAMES:
        limit = f"limit_{name}" if asked else None
        limits += [Sql(f"{name}.{column} AS {column}_{name}") for column in ("minimum", "maximum", "center")]
        limits += [Sql(f"{quantile(name, 'limit')} AS {limit}")] if limit else []
        ends = (f"l.minimum_{name}", f"l.maximum_{name}", f"l.{limit}" if limit else None, f"l.center_{name}")
        scales.append(Sql(f"{scale(*ends)} AS scale_{name}"))
        z = standardised(f"t.{name}", f"s.{limit}" if limit else None, f"s.center_{name}", f"s.scale_{name}")
        standard += [Sql(f"s.center_{name}"), Sql(f"s.scale_{name}"), Sql(f"{z} AS z_{name}")]
        standard += [Sql(f"s.{limit}")] if limit else []
    return fill(
        "needs/ratio",
        units=treated(observed),
        places=Sql(",\n".join(relation.rstrip() for relation in relations)),
        limits=lines(limits, indent=0),
        scales=lines(scales, indent=0),
        standard=lines([*standard, Sql("s.minimum_d")], indent=0),
        columns=lines(_columns(), indent=0),
    )


def _columns() -> Iterator[Sql]:
    yield from (Sql(f"s.{key}") for key in KEYS)
    yield Sql("SUM(s.units) AS n_rows")
    yield Sql("SUM(s.n_null) AS n_null")
    yield Sql("SUM(s.n_nonfinite) AS n_nonfinite")
    yield Sql("SUM(s.n_both) AS n")
    for name in _NAMES:
        yield Sql(f"MAX(s.center_{name}) AS center_{name}")
        yield Sql(f"MAX(s.scale_{name}) AS scale_{name}")
    yield Sql("MAX(s.minimum_d) AS minimum_d")
    for i in range(HIGHEST_POWER + 1):
        for j in range(HIGHEST_POWER + 1 - i):
            factors = ["s.n_both", *["s.z_y"] * i, *["s.z_d"] * j]
            yield Sql(f"SUM({' * '.join(factors)}) AS sum_{i}_{j}")
