"""The query for the moments of a metric together with its covariate."""

from collections.abc import Iterator, Sequence

from jetstream_argo.sql.needs import clips
from jetstream_argo.sql.needs.clips import Ranks
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipRule

# The quantiles whose mean is the covariate's reference value: 0, 1 / QUANTILES, …
QUANTILES = 10_000

_Pairs = Sequence[tuple[ClipRule | None, str]]


def joint_query(observed: Observed, wanted: Sequence[ClipRule | None], *, integer_covariate: bool) -> Sql:
    """Return the query for the moments of `y`, and of `y` and `x` together, for the i-th rule of `wanted`.

    `n` units have a finite `y`, `n_both` also a finite `x`. Sums are about `center_yi` and `center_xi`, in units of
    `scale_yi` and `scale_xi`: `y_i_1` and `y_i_2` are those of the first and second power over the `n` units; `both_…`
    those over the `n_both`. The reference value of the covariate (see `stats.needs.JointMomentsNeed`) is
    `center_xi + scale_xi` times the sum of `qbar_i` over the branches. The thresholds are `limit_yi` and `limit_xi`.
    """
    columns = [(f"{name}{index}", name, rule) for index, rule in enumerate(wanted) for name in ("y", "x")]
    integers = {"y": observed.integer, "x": integer_covariate}
    around = (
        column for name, value, rule in columns if rule for column in clips.around(rule, _ranks(value), "pooled", name)
    )
    limited = (
        clips.threshold(rule, "a", name, integer=integers[value]) for name, value, rule in columns if rule is not None
    )
    return fill(
        "needs/joint",
        units=treated(observed),
        around=lines([Sql("r.*"), *around], indent=0),
        limited=lines([Sql("a.*"), *limited], indent=0),
        clipped=lines([Sql("l.*"), *(clips.clipped("l", v, name, rule) for name, v, rule in columns)], indent=0),
        centred=lines([Sql("c.*"), *(each for name, v, _ in columns for each in _centred(name, v))], indent=0),
        scaled=lines([Sql("c.*"), *(clips.scale("c", name) for name, _, _ in columns)], indent=0),
        standard=lines([Sql("z.*"), *(clips.standardised("z", name) for name, _, _ in columns)], indent=0),
        reached=lines([_first_quantile(rank, f"from_{i}") for i, rank in enumerate(_RANKS)], indent=0),
        weight=_weight(),
        columns=lines([*_counts(), *(c for index, rule in enumerate(wanted) for c in _sums(index, rule))], indent=0),
    )


def _ranks(value: str) -> Ranks:
    return Ranks(Sql(f"r.{value}"), Sql(f"r.{value}_upto"), Sql(f"r.{value}_n"))


def _centred(name: str, value: str) -> Iterator[Sql]:
    # The covariate's centre is that of all branches, for which its reference value is computed.
    weight, window = ("c.n_y", "of_branch") if value == "y" else ("c.n_both", "pooled")
    return clips.centred("c", weight, name, window)


# The ranks just before and at the first unit of a block of equal covariates, and before and at the first one behind it.
_RANKS = ("(d.both_upto - d.both_here - 1)", "(d.both_upto - d.both_here)", "(d.both_upto - 1)", "d.both_upto")


def _first_quantile(rank: str, name: str) -> Sql:
    """The first of the quantiles, counted from 0, that lies above the rank."""
    above = f"DIV({QUANTILES} * {rank}, GREATEST(d.both_n - 1, 1)) + 1"
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
            f"((m.both_n - 1) * DIV(({first} + {QUANTILES - 1}) * ({QUANTILES} - {first}), 2)"
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


def _sums(index: int, rule: ClipRule | None) -> Iterator[Sql]:
    y, x = f"s.z_y{index}", f"s.z_x{index}"
    for name in (f"y{index}", f"x{index}"):
        if rule is not None:
            yield Sql(f"MAX(s.limit_{name}) AS limit_{name}")
        yield Sql(f"MAX(s.mean_{name}) AS center_{name}")
        yield Sql(f"MAX(s.scale_{name}) AS scale_{name}")
    yield Sql(f"SUM(s.n_y * {y}) AS y_{index}_1")
    yield Sql(f"SUM(s.n_y * {y} * {y}) AS y_{index}_2")
    for name, term in (("y_1", y), ("y_2", f"{y} * {y}"), ("x_1", x), ("x_2", f"{x} * {x}"), ("xy", f"{x} * {y}")):
        yield Sql(f"SUM(s.n_both * {term}) AS both_{index}_{name}")
    yield Sql(f"SUM(s.weight * {x}) AS qbar_{index}")
