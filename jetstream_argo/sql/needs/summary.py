"""The query for everything about one metric that is a few numbers a branch, and for its values where they are few."""

from collections.abc import Callable, Iterator, Sequence

from jetstream_argo.sql.needs import clips
from jetstream_argo.sql.needs.clips import Clipped, Ranks
from jetstream_argo.sql.needs.units import KEYS, Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipScope

# Up to so many distinct values a branch, the values and their counts themselves are handed over.
FEW_VALUES = 1000


def summary_query(observed: Observed, wanted: Sequence[Clipped], *, with_values: bool) -> Sql:
    """Return the query for the counts of each branch and, for the i-th of `wanted`, its moments.

    Those are `center_i`, `scale_i` and `power_i_k`, the sums of `((y - center) / scale) ** k` for k = 1 …, over
    the `n` units with a finite value; `limit_i` is the threshold. `vals` and `counts` are arrays of the distinct
    values, ascending, and how many units have each; empty or NULL where these are more than `FEW_VALUES`, and left out
    unless `with_values`.
    """
    return fill(
        "needs/summary",
        units=treated(observed),
        ranked=lines(_ranked(wanted), indent=0),
        around=lines(_around(wanted), indent=0),
        limited=lines(_limited(wanted, integer=observed.integer), indent=0),
        clipped=lines(_clipped(wanted), indent=0),
        centred=lines(_centred(wanted), indent=0),
        scaled=_each("c", wanted, clips.scale),
        standard=_each("z", wanted, clips.standardised),
        columns=lines([*_counts(), *_moments(wanted), *(_values() if with_values else ())], indent=0),
    )


_BRANCH, _POOLED = "of_branch", "pooled"
_RANKS = {ClipScope.PER_BRANCH: _BRANCH, ClipScope.POOLED: _POOLED}


def _ranked(wanted: Sequence[Clipped]) -> Iterator[Sql]:
    yield Sql("h.*")
    yield Sql(f"COUNT(h.y) OVER {_BRANCH} AS n_values")
    for window in dict.fromkeys(_RANKS[each.rule.scope] for each in wanted if each.rule):
        yield Sql(f"SUM(h.n_held) OVER ({window} ORDER BY h.y) AS {window}_upto")
        yield Sql(f"SUM(h.n_held) OVER {window} AS {window}_n")


def _around(wanted: Sequence[Clipped]) -> Iterator[Sql]:
    yield Sql("r.*")
    for index, each in enumerate(wanted):
        if each.rule is not None:
            window = _RANKS[each.rule.scope]
            ranks = Ranks(Sql("r.y"), Sql(f"r.{window}_upto"), Sql(f"r.{window}_n"))
            yield from clips.around(each.rule, ranks, window, str(index))


def _limited(wanted: Sequence[Clipped], *, integer: bool) -> Iterator[Sql]:
    yield Sql("a.*")
    for index, each in enumerate(wanted):
        if each.rule is not None:
            yield clips.threshold(each.rule, "a", str(index), integer=integer)


def _clipped(wanted: Sequence[Clipped]) -> Iterator[Sql]:
    yield Sql("l.*")
    for index, each in enumerate(wanted):
        yield clips.clipped("l", "y", str(index), each.rule)


def _centred(wanted: Sequence[Clipped]) -> Iterator[Sql]:
    yield Sql("c.*")
    for index, _ in enumerate(wanted):
        yield from clips.centred("c", "c.n_held", str(index), _BRANCH)


def _each(relation: str, wanted: Sequence[Clipped], make: Callable[[str, str], Sql]) -> Sql:
    columns = (make(relation, str(index)) for index, _ in enumerate(wanted))
    return lines([Sql(f"{relation}.*"), *columns], indent=0)


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
    for index, each in enumerate(wanted):
        if each.rule is not None:
            yield Sql(f"MAX(s.limit_{index}) AS limit_{index}")
        yield Sql(f"MAX(s.mean_{index}) AS center_{index}")
        yield Sql(f"MAX(s.scale_{index}) AS scale_{index}")
        for exponent in range(1, each.powers + 1):
            yield Sql(f"SUM(s.n_held * {clips.power(f's.z_{index}', exponent)}) AS power_{index}_{exponent}")


def _values() -> Iterator[Sql]:
    few = f"s.n_values <= {FEW_VALUES} AND s.y IS NOT NULL"
    yield Sql(f"ARRAY_AGG(IF({few}, s.y, NULL) IGNORE NULLS ORDER BY s.y) AS vals")
    yield Sql(f"ARRAY_AGG(IF({few}, s.n_held, NULL) IGNORE NULLS ORDER BY s.y) AS counts")
