"""The reference value of a covariate in SQL: the mean of ten thousand of its quantiles, of all branches together.

Whose covariates these are is told by places behind those of the segments: units of a segment that have a value too.
"""

from collections.abc import Iterator, Sequence

from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.ranks import POOLED, Quantile, Values, quantile_relations, ranked, together
from jetstream_argo.sql.text import Sql, lines

# The quantiles whose mean is the covariate's reference value: 0, 1 / QUANTILES, …
QUANTILES = 10_000

# The ranks just before and at the first unit of a block of equal covariates, and before and at the first one behind it.
_RANKS = ("(d.upto_{i} - d.{n} - 1)", "(d.upto_{i} - d.{n})", "(d.upto_{i} - 1)", "d.upto_{i}")


def with_value(segment: int, segments: Sequence[int]) -> int:
    """Return the place of those units of a segment that have a value too, one of so many segments."""
    return max(segments) + 1 + segment


def counted_covariates(segments: Sequence[int]) -> Sql:
    """Return the columns that count units `c` of a covariate by segment: all of them, and those with a value."""
    places = (*segments, *(with_value(i, segments) for i in segments))
    return lines([Sql(f"SUM(c.{weight(place)}) AS {weight(place)}") for place in places], indent=0)


def weights_of_all(relation: str, segments: Sequence[int]) -> Sql:
    """Return the same columns of rows that are units with a value."""
    columns = [Sql(f"{relation}.{weight(i)}") for i in segments]
    columns += [Sql(f"{relation}.{weight(i)} AS {weight(with_value(i, segments))}") for i in segments]
    return lines(columns, indent=0)


def weights_of_treated(relation: str, segments: Sequence[int]) -> Sql:
    """Return the same columns of rows that have a value `y`, or none."""
    columns = [Sql(f"{relation}.{weight(i)}") for i in segments]
    columns += [
        Sql(f"IF({relation}.y IS NULL, 0, {relation}.{weight(i)}) AS {weight(with_value(i, segments))}")
        for i in segments
    ]
    return lines(columns, indent=0)


def covariate_relations(source: str, asked: Sequence[Quantile], segments: Sequence[int], finer: int) -> Sql:
    """Return the relations `of_x`, with the quantiles and ends of all covariates, and `of_both_ranks`.

    The latter has the ranks of the covariates of units that have a value too. The rows of `source` are distinct.
    """
    values = Values(source, "x", finer=finer, distinct=True)
    both = [with_value(i, segments) for i in segments]
    return together(
        quantile_relations("of_x", values, keys=POOLED, asked=asked, segments=segments, counted=both),
        ranked("of_both", values, keys=POOLED, segments=both, buckets="of_x"),
    )


def reached_quantiles(segments: Sequence[int]) -> Sql:
    """Return the columns of `of_both_ranks` that say which quantiles rest on a block of equal covariates."""
    return lines([Sql(column) for i in segments for column in _reached(i, segments)], indent=0)


def _reached(segment: int, segments: Sequence[int]) -> Iterator[str]:
    place = with_value(segment, segments)
    for index, rank in enumerate(_RANKS):
        yield _first_quantile(_rank(rank, place), f"d.total_{place} - 1", f"from_{index}_{segment}")


def _rank(rank: str, place: int) -> str:
    return rank.format(i=place, n=weight(place))


def _first_quantile(position: str, last: str, name: str) -> str:
    """The first of the quantiles, counted from 0, that lies above the rank."""
    above = f"DIV({QUANTILES} * {position}, {last}) + 1"
    return f"CASE WHEN {position} < 0 THEN 0 WHEN {position} >= {last} THEN {QUANTILES} ELSE {above} END AS {name}"


def quantiles_on_block(segment: int, segments: Sequence[int]) -> str:
    """Return how much of the quantiles rests on a block of equal covariates, in ten-thousandths of one quantile.

    Quantile k lies at the position `k * (n - 1) / QUANTILES` among the ranks 0 … n - 1, and rests on the two ranks
    next to it. Let P(m) be the sum over the quantiles of what their position exceeds m by: an arithmetic series. Then
    the ranks from m on carry P(m - 1) - P(m). Whole numbers, so that nothing cancels.
    """
    place = with_value(segment, segments)
    excess = []
    for index, rank in enumerate(_RANKS):
        position, first = _rank(rank, place).replace("d.", "m."), f"m.from_{index}_{segment}"
        excess.append(
            f"((m.total_{place} - 1) * DIV(({first} + {QUANTILES - 1}) * ({QUANTILES} - {first}), 2)"
            f" - {QUANTILES} * {position} * ({QUANTILES} - {first}))"
        )
    return f"{excess[0]} - {excess[1]} - {excess[2]} + {excess[3]}"
