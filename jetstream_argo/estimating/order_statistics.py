"""The values around some quantiles, of branches with many distinct values: the query and its answer."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from jetstream_argo.estimating.columns import CountArray, NumberArray
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import Observed, treated, wide
from jetstream_argo.estimating.queries.ranks import PER_BRANCH, Values, near
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.needs import OrderStatisticsNeed
from jetstream_argo.stats.sufficient import OrderWindows, rank_window

VALUES = NumberArray("vals")
FIRST_RANKS, LAST_RANKS = CountArray("first_ranks"), CountArray("last_ranks")


@dataclass(frozen=True, slots=True)
class OrderStatisticsDetail:
    """What is asked for `need`, and what is answered."""

    need: OrderStatisticsNeed
    arrays: tuple[NumberArray | CountArray, ...] = (VALUES, FIRST_RANKS, LAST_RANKS)

    def query(self, observed: Observed) -> Sql:
        """Return `order_statistics_query`."""
        return order_statistics_query(observed, self.need)

    def size(self, n: int) -> int:
        """Return how many numbers a branch of `n` values has at most."""
        windows = (rank_window(n, probability, self.need.spread) for probability in self.need.probabilities)
        return len(self.arrays) * sum(high - low + 3 for low, high in windows)

    def unanswered(self, summary: QueryRow) -> str:
        """Return nothing: every branch has a row."""
        return ""

    def data(self, summary: QueryRow, detail: QueryRow) -> OrderWindows:
        """Return the order statistics of a branch."""
        return OrderWindows(summary.whole("n"), VALUES.of(detail), FIRST_RANKS.of(detail), LAST_RANKS.of(detail))


def order_statistics_query(observed: Observed, need: OrderStatisticsNeed) -> Sql:
    """Return the query for the distinct values that have a rank in some window of `stats.sufficient.rank_window`.

    `vals` is ascending, `first_ranks` and `last_ranks` are those of the units that have the value, counted from 0.
    Every column is there once for each segment, with `__` and the segment's place behind its name.
    """
    segments = observed.segments
    buckets = [
        _near(need, f"b.upto_{i}", f"b.{weight(i)}", f"(b.total_{i} - 1)", _root(f"b.total_{i}")) for i in segments
    ]
    return fill(
        "estimating/order_statistics",
        units=treated(observed),
        near=near(
            "of_branch",
            Values("treated", "y", finer=observed.finer),
            keys=PER_BRANCH,
            segments=segments,
            wanted=lines(
                [Sql(condition) for conditions in buckets for condition in conditions], separator=" OR", indent=0
            ),
        ),
        spreads=lines(
            [
                column
                for i in segments
                for column in (Sql(f"r.total_{i} - 1 AS last_{i}"), Sql(f"{_root(f'r.total_{i}')} AS root_{i}"))
            ],
            indent=0,
        ),
        near_each=lines([Sql(f"{_is_near(need, i)} AS near_{i}") for i in segments], indent=0),
        near_any=Sql(" OR ".join(f"r.near_{i}" for i in segments)),
        arrays=lines([column for i in segments for column in wide(list(_arrays(need, i)), i)], indent=0),
    )


def _arrays(need: OrderStatisticsNeed, segment: int) -> Iterator[tuple[str, str]]:
    n, upto = f"r.{weight(segment)}", f"r.upto_{segment}"
    for value, column in (("r.value", VALUES), (f"{upto} - {n}", FIRST_RANKS), (f"{upto} - 1", LAST_RANKS)):
        yield f"ARRAY_AGG(IF(r.near_{segment}, {value}, NULL) IGNORE NULLS ORDER BY r.value)", column.name


def _is_near(need: OrderStatisticsNeed, segment: int) -> str:
    n, upto = f"r.{weight(segment)}", f"r.upto_{segment}"
    return f"({n} > 0 AND ({' OR '.join(_near(need, upto, n, f'r.last_{segment}', f'r.root_{segment}'))}))"


def _root(n: str) -> str:
    return f"SQRT(GREATEST({n} - 1, 0))"


def _near(need: OrderStatisticsNeed, upto: str, units: str, last: str, root: str) -> list[str]:
    """The conditions of which one holds for units whose ranks, up to `upto`, are in a window.

    `last` is the rank of the last unit, and `root` its square root.
    """
    found = []
    for probability in need.probabilities:
        # One rank wider than the window, whose ends may be rounded differently here.
        mean = f"{last} * {literal(float(probability))}"
        reach = f"({literal(need.spread * sqrt(probability * (1 - probability)))} * {root} + 4)"
        found.append(f"({upto} > {mean} - {reach} AND {upto} - {units} < {mean} + {reach})")
    return found
