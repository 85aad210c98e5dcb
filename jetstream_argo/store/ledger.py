"""The ledger of what has been computed already, from what, and of the batches in which readers find it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from jetstream_argo.errors import TooBig
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.slices import DateSlice, SparseUnits, WindowSlice
from jetstream_argo.store.coverage import ANYBODY, BatchRange, Coverage, StoredBatch, batch_ranges
from jetstream_argo.store.entries import Entry, Kind, State


@dataclass(frozen=True, slots=True)
class Assigned:
    """Who is assigned to branches: all rows of `batches`, of which the last about a unit and branch counts.

    `assignments` are the batches that brought new units, or units with another enrollment date; what is computed for
    units is computed for whole assignments.
    """

    batches: tuple[int, ...] = ()
    assignments: tuple[int, ...] = ()


@dataclass(slots=True)
class Ledger:
    """The entries of one experiment, oldest first.

    A batch counts when an entry says that it is complete; where two hold the same column for the same date or window,
    and for the same units, the later one counts. Rows of other batches were left by tasks that did not finish, and
    are not read.
    """

    entries: list[Entry] = field(default_factory=list)
    _coverage: dict[str, Coverage] = field(default_factory=dict)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in entries that were just recorded."""
        self.entries.extend(entries)
        self._coverage.clear()

    def complete(self, kind: Kind, table: str) -> Iterator[Entry]:
        """Yield the entries about `table` whose rows readers may use."""
        for entry in self.entries:
            if entry.kind is kind and entry.table == table and entry.state in _COMPLETE:
                yield entry

    def latest(self, kind: Kind, table: str) -> Entry | None:
        """Return the last complete entry about `table`."""
        found = list(self.complete(kind, table))
        return found[-1] if found else None

    def too_big(self, kind: Kind, table: str) -> int | None:
        """Return the size, in columns times dates or windows, of the smallest query that was too big for `table`.

        One column at one place cannot be cut: its size says nothing of the others'.
        """
        sizes = (len(entry.keys) * (len(entry.extent) or 1) for entry in self.were_too_big(kind, table))
        return min((size for size in sizes if size > 1), default=None)

    def were_too_big(self, kind: Kind, table: str) -> Iterator[Entry]:
        """Yield the entries about `table` that say that something was too big for the warehouse."""
        for entry in self.entries:
            if entry.error == TooBig.__name__ and entry.kind is kind and entry.table == table:
                yield entry

    def assigned(self, table: str, key: str) -> Assigned:
        """Return who is assigned by the enrollment query of that key."""
        lost = {entry.batch for entry in self.entries if entry.state is State.LOST and entry.table == table}
        found = [
            entry
            for entry in self.complete(Kind.ENROLLMENTS, table)
            if entry.keys == (key,) and entry.batch not in lost
        ]
        return Assigned(
            tuple(entry.batch for entry in found if entry.batch is not None),
            tuple(assignment for entry in found for assignment in entry.assignments),
        )

    def batches_for(self, table: str, column: str) -> Mapping[int, StoredBatch]:
        """Return, by assignment, which batch holds a column that no date or window cuts: exposures, segments."""
        return self._of(table).undated.get(column, {})

    def batches_on(self, table: str, column: str) -> Mapping[int, Mapping[int, StoredBatch]]:
        """Return, by the ordinals of dates and by assignment, which batch holds a column."""
        return self._of(table).dated.get(column, {})

    def batches_in(self, table: str, column: str) -> Mapping[int, StoredBatch]:
        """Return, by the indexes of windows, which batch holds a column."""
        batches = self._of(table).windowed.get(column, {})
        return {index: found[ANYBODY] for index, found in batches.items() if ANYBODY in found}

    def missing_dates(
        self, table: str, column: str, first: date, last: date, assignments: Sequence[int] = (ANYBODY,)
    ) -> dict[date, tuple[int, ...]]:
        """Return the dates of which no complete batch holds `column`, each with the assignments that it lacks."""
        batches = self.batches_on(table, column)
        missing: dict[date, tuple[int, ...]] = {}
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            found = batches.get(ordinal, {})
            lacking = () if ANYBODY in found else tuple(a for a in assignments if a not in found)
            if lacking:
                missing[date.fromordinal(ordinal)] = lacking
        return missing

    def date_slices(
        self, table: str, columns: Sequence[str], first: date, last: date, assignments: Sequence[int] = (ANYBODY,)
    ) -> tuple[DateSlice, ...]:
        """Return where `columns` are, from `first` to `last`; what no batch holds is left out."""
        coverage = self._of(table)
        positions = range(first.toordinal(), last.toordinal() + 1)
        batches = {column: coverage.dated.get(column, {}) for column in columns}
        return tuple(
            DateSlice(
                run.batches, date.fromordinal(run.first), date.fromordinal(run.last), run.columns, run.assignments
            )
            for run in batch_ranges(batches, positions, coverage.extent, assignments)
        )

    def newest_batch(self, table: str, column: str) -> int | None:
        """Return the batch that was recorded last among those that hold a column: it knows all units of its time."""
        lost = self._lost
        found = [
            entry.batch
            for kind in (Kind.PARTIALS, Kind.SIGNALS)
            for entry in self.complete(kind, table)
            if column in entry.keys and entry.batch is not None and entry.batch not in lost
        ]
        return found[-1] if found else None

    def window_slices(self, table: str, column: str, windows: Sequence[AnalysisWindow]) -> tuple[WindowSlice, ...]:
        """Return where the values of `column` are; what no batch holds is left out.

        So is what was computed for units of which some batch is lost, where not all of them have rows.
        """
        if not windows:
            return ()
        coverage = self._of(table)
        positions = range(windows[0].index, windows[-1].index + 1)
        batches = {column: coverage.windowed.get(column, {})}
        found = batch_ranges(batches, positions, coverage.extent, (ANYBODY,))
        return tuple(part for run in found for part in self._value_slices(run, coverage.sparse))

    def _value_slices(self, run: BatchRange, sparse: Mapping[int, SparseUnits]) -> Iterator[WindowSlice]:
        """Yield what is in a range of batches, by the units that they were computed for."""
        by_units: dict[SparseUnits | None, list[int]] = {}
        for batch in run.batches:
            by_units.setdefault(sparse.get(batch), []).append(batch)
        for units, batches in by_units.items():
            if units is None or not self._lost.intersection(units.batches):
                yield WindowSlice(tuple(batches), run.first, run.last, run.columns, units)

    @property
    def _lost(self) -> set[int | None]:
        """The batches that are lost as a whole."""
        return {entry.batch for entry in self.entries if entry.state is State.LOST and not len(entry.extent)}

    def _of(self, table: str) -> Coverage:
        if table not in self._coverage:
            self._coverage[table] = Coverage.of(entry for entry in self.entries if entry.table == table)
        return self._coverage[table]


_COMPLETE = (State.COMPUTED, State.NO_DATA)
