"""Decides which daily values are written for those units alone that have rows, and records for whom they are.

A row for every unit and day is what daily values need the most of; in most sources, most units have no rows on most
days. Where many units have rows, a row for all of them is read faster, and hardly takes more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.sql.sparse import has_defaults
from jetstream_argo.store.entries import Kind
from jetstream_argo.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Sparsity:
    """Values are sparse where less than the share `below` of units has rows on a day, and it saves rows enough.

    `unless_known` says whether they are where it is not known how many units have rows.
    """

    below: float
    least_saved: int = 100_000
    unless_known: bool = False

    def pays(self, units: int, with_rows: float | None, *, days: int) -> bool:
        """Return whether to leave out the rows of units without rows, where so many of `units` have rows on a day."""
        if with_rows is None:
            return self.unless_known
        return with_rows < self.below * units and (units - with_rows) * days >= self.least_saved


# Where reading is billed by bytes, what is not there costs nothing. On one machine a leaf takes longer to put the rows
# of half of the units back than to read them: `benchmarks/pipeline.py`.
BILLED, UNBILLED = Sparsity(below=0.6), Sparsity(below=0.4)


def may_be_sparse(plan: AnalysisPlan, metric: Metric, basis: Basis, period: Period) -> bool:
    """Return whether what the value of a unit without rows is follows from its branch and enrollment date."""
    return period is Period.DAY and has_defaults(plan, metric, basis)


def units_with_rows(ledger: Ledger, table: str, column: str, first: date, last: date) -> float | None:
    """Return how many units had rows on a day, on average; None where that was not recorded for some day."""
    batches = ledger.batches_on(table, column)
    rows = 0
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        for stored in {found.batch: found for found in batches.get(ordinal, {}).values()}.values():
            counts = stored.entry.counts
            if not counts:
                return None
            rows += counts[ordinal - stored.entry.extent.start]
    return rows / ((last - first).days + 1)


def units_assigned(ledger: Ledger, table: str, batches: Sequence[int]) -> int:
    """Return how many units were assigned in these batches."""
    entries = {entry.batch: entry.rows for entry in ledger.complete(Kind.ENROLLMENTS, table)}
    return sum(entries.get(batch, 0) for batch in batches)
