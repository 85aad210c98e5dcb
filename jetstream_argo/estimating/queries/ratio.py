"""The query for the joint moments of a numerator and a denominator."""

from collections.abc import Iterator

from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import KEYS, Observed, counted, treated, wide
from jetstream_argo.estimating.queries.ranks import (
    PER_BRANCH,
    Quantile,
    Values,
    places,
    quantile,
    scale,
    standardised,
    together,
)
from jetstream_argo.estimating.queries.summary import HIGHEST_POWER
from jetstream_argo.sql.text import Sql, fill, lines

_NAMES = ("y", "d")


def ratio_query(observed: Observed, probability: float | None) -> Sql:
    """Return the query for the sums of products of powers of `y` and `d`, over the `n` units where both are finite.

    `sum_i_j`, for i + j up to 8, is that of `((y - center_y) / scale_y) ** i * ((d - center_d) / scale_d) ** j`;
    `minimum_d` is the smallest denominator. Each column is clipped at its quantile of this probability in its branch.
    Every column is there once for each segment, with `__` and the segment's place behind its name.
    """
    asked = [Quantile("limit", probability)] if probability is not None else []
    relations = [
        places(f"of_{name}", values, keys=PER_BRANCH, asked=asked, segments=observed.segments)
        for name in _NAMES
        for values in [Values("treated", name, _NAMES, observed.finer)]
    ]
    limits, scales, standard = [], [], []
    for i in observed.segments:
        for name in _NAMES:
            limit = f"limit_{name}_{i}" if asked else None
            limits += [Sql(f"{name}.{end}_{i} AS {end}_{name}_{i}") for end in ("minimum", "maximum", "center")]
            limits += [Sql(f"{quantile(name, 'limit', i)} AS {limit}")] if limit else []
            ends = (f"l.minimum_{name}_{i}", f"l.maximum_{name}_{i}", limit and f"l.{limit}", f"l.center_{name}_{i}")
            scales.append(Sql(f"{scale(*ends)} AS scale_{name}_{i}"))
            z = standardised(f"t.{name}", limit and f"s.{limit}", f"s.center_{name}_{i}", f"s.scale_{name}_{i}")
            standard += [Sql(f"s.center_{name}_{i}"), Sql(f"s.scale_{name}_{i}"), Sql(f"{z} AS z_{name}_{i}")]
        standard.append(Sql(f"s.minimum_d_{i}"))
        standard.append(Sql(f"IF(t.y IS NULL OR t.d IS NULL, 0, t.{weight(i)}) AS both_{i}"))
    return fill(
        "estimating/ratio",
        units=treated(observed),
        places=together(*relations),
        limits=lines(limits, indent=0),
        scales=lines(scales, indent=0),
        standard=lines(standard, indent=0),
        columns=lines(
            [*(Sql(f"s.{key}") for key in KEYS), *(c for i in observed.segments for c in wide(list(_columns(i)), i))],
            indent=0,
        ),
    )


def _columns(segment: int) -> Iterator[tuple[str, str]]:
    both = f"s.both_{segment}"
    yield from counted(segment)
    yield f"SUM({both})", "n"
    for name in _NAMES:
        yield f"MAX(s.center_{name}_{segment})", f"center_{name}"
        yield f"MAX(s.scale_{name}_{segment})", f"scale_{name}"
    yield f"MAX(s.minimum_d_{segment})", "minimum_d"
    for i in range(HIGHEST_POWER + 1):
        for j in range(HIGHEST_POWER + 1 - i):
            powers = [*[f"s.z_y_{segment}"] * i, *[f"s.z_d_{segment}"] * j]
            yield f"SUM({' * '.join([both, *powers])})", f"sum_{i}_{j}"
