"""The values of the branches of which a bootstrap needs them, as power sums do not say enough: query and answer."""

from collections.abc import Iterable, Sequence

from jetstream_argo.estimating.columns import CountArray, NumberArray
from jetstream_argo.estimating.groups import StatisticGroup
from jetstream_argo.estimating.queries.observations import Observed, long_rows
from jetstream_argo.estimating.reading import Key, MetricQueries, QueryRow, portions
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.sufficient import BranchFacts, Sample, ValueCounts

VALUES, COUNTS = NumberArray("vals"), CountArray("counts")

# Up to so many distinct values a branch are fetched; with more, the rows say that they are approximate.
MOST_VALUES = 200_000


def values_of_the_inexact(
    group: StatisticGroup, method: BootstrapMean, queries: MetricQueries, facts: Iterable[tuple[Key, BranchFacts, int]]
) -> dict[Key, QueryRow]:
    """Return the distinct values and counts of the branches whose bounds their power sums do not give exactly.

    `facts` are what is known of each branch, and how many distinct values it has. Mostly there are no such branches:
    unclipped values with a heavy tail make them.
    """
    sizes: dict[Key, int] = {}
    for key, known, n_values in facts:
        if n_values <= MOST_VALUES and method.branches_without_exact_bounds(Sample("", (known,))):
            sizes[key] = 2 * n_values
    found: dict[Key, QueryRow] = {}
    for cells in portions(dict(sorted(sizes.items())), queries.at_once):
        windows = [window for window in queries.windows if window.index in {key[1] for key in cells}]
        largest = max(sizes[cell] for cell in cells)
        for observed in queries.observed(group, windows):
            own = [cell for cell in cells if cell[2] in observed.names]
            if own:
                found |= queries.rows(values_query(observed, own), largest=largest)
    return found


def value_counts(row: QueryRow) -> ValueCounts:
    """Return the distinct values of a branch with their counts."""
    return ValueCounts(VALUES.of(row), COUNTS.of(row))


def values_query(observed: Observed, cells: Sequence[tuple[str, int, str, str]]) -> Sql:
    """Return the query for the distinct values, ascending, and their counts, of each (basis, window, segment, branch).

    `vals` and `counts` are arrays.
    """
    wanted = [
        Sql(
            f"STRUCT({literal(basis)} AS basis, {index} AS window_index, {literal(segment)} AS segment, "
            f"{literal(branch)} AS branch)"
        )
        for basis, index, segment, branch in cells
    ]
    return fill("estimating/values", units=long_rows(observed), cells=lines(wanted, indent=0))
