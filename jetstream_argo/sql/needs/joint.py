"""The query for the moments of a metric together with its covariate."""

from collections.abc import Iterator, Sequence

from jetstream_argo.sql.needs.places import POOLED, Quantile, places, quantile, scale, standardised
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipRule

# The quantiles whose mean is the covariate's reference value: 0, 1 / QUANTILES, …
QUANTILES = 10_000


def joint_query(observed: Observed, wanted: Sequence[ClipRule | None], *, integer_covariate: bool) -> Sql:
    """Return the query for the moments of `y`, and of `y` and `x` together, for the i-th rule of `wanted`.

    `n` units have a finite `y`, `n_both` also a finite `x`. Sums are about `center_y` and `center_x`, in units of
    `scale_yi` and `scale_xi`: `y_i_1` and `y_i_2` are those of the first and second power over the `n` units; `both_…`
    those over the `n_both`. The reference value of the covariate (see `stats.needs.JointMomentsNeed`) is
    `center_x + scale_xi * qbar_i`. The thresholds are `limit_yi` and `limit_xi`.
    """
    asked = [Quantile(str(index), rule.probability) for index, rule in enumerate(wanted) if rule is not None]
    relations = [
        places("of_y", source="held", value="y", weight="n_y", keys=POOLED, asked=asked),
        places("of_x", source="held", value="x", weight="n_x", keys=POOLED, asked=asked),
        places("of_both", source="held", value="x", weight="n_both", keys=POOLED, asked=[]),
    ]
    columns = [(index, name, rule is not None) for index, rule in enumerate(wanted) for name in ("y", "x")]
    weight = _weight()
    qbars = (
        Sql(f"SUM(({weight}) / 1e8 * {_z('m.value', index, 'x', clipped=clipped)}) AS qbar_{index}")
        for index, name, clipped in columns
        if name == "x"
    )
    return fill(
        "needs/joint",
        units=treated(observed),
        places=Sql(",\n".join(relation.rstrip() for relation in relations)),
        limits=lines(_limits(asked, {"y": observed.integer, "x": integer_covariate}), indent=0),
        scales=lines([_scale(index, name, clipped=clipped) for index, name, clipped in columns], indent=0),
        reached=lines([_first_quantile(rank, f"from_{i}") for i, rank in enumerate(_RANKS)], indent=0),
        qbars=lines(qbars, indent=0),
        standard=lines(_standard(columns), indent=0),
        columns=lines([*_counts(), *(c for index, rule in enumerate(wanted) for c in _sums(index, rule))], indent=0),
    )


def _limits(asked: Sequence[Quantile], integers: dict[str, bool]) -> Iterator[Sql]:
    for name, integer in integers.items():
        yield from (Sql(f"{name}.{column} AS {column}_{name}") for column in ("minimum", "maximum", "center"))
        for one in asked:
            yield Sql(f"{quantile(name, one.name, rounded_up=integer)} AS limit_{name}{one.name}")


def _scale(index: int, name: str, *, clipped: bool) -> Sql:
    limit = f"l.limit_{name}{index}" if clipped else None
    return Sql(f"{scale(f'l.minimum_{name}', f'l.maximum_{name}', limit, f'l.center_{name}')} AS scale_{name}{index}")


def _z(value: str, index: int, name: str, *, clipped: bool) -> Sql:
    limit = f"s.limit_{name}{index}" if clipped else None
    return standardised(value, limit, f"s.center_{name}", f"s.scale_{name}{index}")


def _standard(columns: Sequence[tuple[int, str, bool]]) -> Iterator[Sql]:
    yield Sql("s.center_y")
    yield Sql("s.center_x")
    for index, name, clipped in columns:
        if clipped:
            yield Sql(f"s.limit_{name}{index}")
        yield Sql(f"s.scale_{name}{index}")
        yield Sql(f"{_z(f't.{name}', index, name, clipped=clipped)} AS z_{name}{index}")
        if name == "x":
            yield Sql(f"q.qbar_{index}")


# The ranks just before and at the first unit of a block of equal covariates, and before and at the first one behind it.
_RANKS = ("(d.upto - d.units - 1)", "(d.upto - d.units)", "(d.upto - 1)", "d.upto")


def _first_quantile(rank: str, name: str) -> Sql:
    """The first of the quantiles, counted from 0, that lies above the rank."""
    above = f"DIV({QUANTILES} * {rank}, GREATEST(d.n - 1, 1)) + 1"
    return Sql(f"IF({rank} < 0, 0, LEAST({above}, {QUANTILES})) AS {name}")


def _weight() -> Sql:
    """How much of the quantiles rests on a block of equal covariates, in ten-thousandths of one quantile.

    Quantile k lies at the position `k * (n - 1) / QUANTILES` among the ranks 0 … n - 1, and rests on the two ranks
    next to it. Let P(m) be the sum over the quantiles of what their position exceeds m by: an arithmetic series. Then
    the ranks from m on carry P(m - 1) - P(m). Whole numbers, so that nothing cancels.
    """
    excess = []
    for index, rank in enumerate(_RANKS):
        of, first = rank.replace("d.", "m."), f"m.from_{index}"
        excess.append(
            f"((m.n - 1) * DIV(({first} + {QUANTILES - 1}) * ({QUANTILES} - {first}), 2)"
            f" - {QUANTILES} * {of} * ({QUANTILES} - {first}))"
        )
    return Sql(f"{excess[0]} - {excess[1]} - {excess[2]} + {excess[3]}")


def _counts() -> Iterator[Sql]:
    yield from (Sql(f"s.{key}") for key in KEYS)
    yield Sql("SUM(s.units) AS n_rows")
    yield Sql("SUM(s.n_null) AS n_null")
    yield Sql("SUM(s.n_nonfinite) AS n_nonfinite")
    yield Sql("SUM(s.n_y) AS n")
    yield Sql("SUM(s.n_both) AS n_both")
    yield Sql("MAX(s.center_y) AS center_y")
    yield Sql("MAX(s.center_x) AS center_x")


def _sums(index: int, rule: ClipRule | None) -> Iterator[Sql]:
    y, x = f"s.z_y{index}", f"s.z_x{index}"
    for name in (f"y{index}", f"x{index}"):
        if rule is not None:
            yield Sql(f"MAX(s.limit_{name}) AS limit_{name}")
        yield Sql(f"MAX(s.scale_{name}) AS scale_{name}")
    yield Sql(f"SUM(s.n_y * {y}) AS y_{index}_1")
    yield Sql(f"SUM(s.n_y * {y} * {y}) AS y_{index}_2")
    for name, term in (("y_1", y), ("y_2", f"{y} * {y}"), ("x_1", x), ("x_2", f"{x} * {x}"), ("xy", f"{x} * {y}")):
        yield Sql(f"SUM(s.n_both * {term}) AS both_{index}_{name}")
    yield Sql(f"MAX(s.qbar_{index}) AS qbar_{index}")
