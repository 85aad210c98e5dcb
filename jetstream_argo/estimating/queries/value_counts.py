"""The query for all values of some branches, where nothing less will do."""

from collections.abc import Sequence

from jetstream_argo.estimating.queries.observations import Observed, long_rows
from jetstream_argo.sql.text import Sql, fill, lines, literal


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
