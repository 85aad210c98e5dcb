"""The query for the joint moments of a numerator and a denominator."""

from collections.abc import Iterator

from jetstream_argo.sql.needs import clips
from jetstream_argo.sql.needs.clips import HIGHEST_POWER, Ranks
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipRule, ClipScope

_NAMES = ("y", "d")


def ratio_query(observed: Observed, rule: ClipRule | None) -> Sql:
    """Return the query for the sums of products of powers of `y` and `d`, over the `n` units where both are finite.

    `sum_i_j`, for i + j up to 8, is that of `((y - center_y) / scale_y) ** i * ((d - center_d) / scale_d) ** j`;
    `minimum_d` is the smallest denominator.
    """
    scope = "pooled" if rule is not None and rule.scope is ClipScope.POOLED else "of_branch"
    around = [column for name in _NAMES if rule for column in clips.around(rule, _ranks(name), scope, name)]
    # Ratios are never rounded: whether a column is whole matters to regressions only.
    limited = [clips.threshold(rule, "a", name, integer=False) for name in _NAMES if rule]
    return fill(
        "needs/ratio",
        units=treated(observed),
        scope=Sql(scope),
        around=lines([Sql("r.*"), *around], indent=0),
        limited=lines([Sql("a.*"), *limited], indent=0),
        clipped=lines([Sql("l.*"), *(_clipped(name, rule) for name in _NAMES)], indent=0),
        centred=lines(
            [Sql("c.*"), *(each for name in _NAMES for each in clips.centred("c", "c.n_both", name, "of_branch"))],
            indent=0,
        ),
        scaled=lines([Sql("c.*"), *(clips.scale("c", name) for name in _NAMES)], indent=0),
        standard=lines([Sql("z.*"), *(clips.standardised("z", name) for name in _NAMES)], indent=0),
        columns=lines(_columns(rule), indent=0),
    )


def _ranks(name: str) -> Ranks:
    # NULL sorts first and weighs nothing; a unit without the other value weighs nothing either.
    return Ranks(Sql(f"IF(r.n_both > 0, r.{name}, NULL)"), Sql(f"r.{name}_upto"), Sql("r.n"))


def _clipped(name: str, rule: ClipRule | None) -> Sql:
    return clips.clipped("l", name, name, rule)


def _columns(rule: ClipRule | None) -> Iterator[Sql]:
    yield from (Sql(f"s.{key}") for key in KEYS)
    yield Sql("SUM(s.units) AS n_rows")
    yield Sql("SUM(s.n_null) AS n_null")
    yield Sql("SUM(s.n_nonfinite) AS n_nonfinite")
    yield Sql("SUM(s.n_both) AS n")
    for name in _NAMES:
        if rule is not None:
            yield Sql(f"MAX(s.limit_{name}) AS limit_{name}")
        yield Sql(f"MAX(s.mean_{name}) AS center_{name}")
        yield Sql(f"MAX(s.scale_{name}) AS scale_{name}")
    yield Sql("MIN(IF(s.n_both > 0, s.value_d, NULL)) AS minimum_d")
    for i in range(HIGHEST_POWER + 1):
        for j in range(HIGHEST_POWER + 1 - i):
            factors = ["s.n_both", *["s.z_y"] * i, *["s.z_d"] * j]
            yield Sql(f"SUM({' * '.join(factors)}) AS sum_{i}_{j}")
