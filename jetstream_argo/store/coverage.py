"""The batches of one table that hold its columns: at which dates or windows, and for which assigned units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.sql.slices import SparseUnits
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.sparse import sparse_units

# Stands for all units, in what is computed for all of them at once.
ANYBODY = 0


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that holds a column at some position, and the entry that says so."""

    batch: int | None
    inputs: str
    entry: Entry


# By a date's ordinal or a window's index, and by assignment.
BatchesByPlace = dict[int, dict[int, StoredBatch]]


@dataclass(slots=True)
class Coverage:
    """By column, the batches of dates, of windows, and of neither; and the positions at which each batch has rows.

    `sparse` has those of values in which not all units have rows.
    """

    dated: dict[str, BatchesByPlace] = field(default_factory=dict)
    windowed: dict[str, BatchesByPlace] = field(default_factory=dict)
    undated: dict[str, dict[int, StoredBatch]] = field(default_factory=dict)
    extent: dict[int, range] = field(default_factory=dict)
    sparse: dict[int, SparseUnits] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Coverage":
        """Return the coverage of one table by its entries, oldest first."""
        found = cls()
        for entry in entries:
            if entry.state is State.LOST:
                found._lose(entry)
            elif entry.state in (State.COMPUTED, State.NO_DATA):
                found._add(entry)
        return found

    def _add(self, entry: Entry) -> None:
        if entry.batch is not None:
            self.extent[entry.batch] = entry.extent
            units = sparse_units(entry)
            if units is not None:
                self.sparse[entry.batch] = units
        assignments = entry.assignments or (ANYBODY,)
        if entry.kind in (Kind.EXPOSURES, Kind.SEGMENTS):
            for column in entry.keys:
                batch = StoredBatch(entry.batch, "", entry)
                self.undated.setdefault(column, {}).update(dict.fromkeys(assignments, batch))
            return
        if entry.kind not in _DATED and entry.kind is not Kind.VALUES:
            return
        columns = self.windowed if entry.kind is Kind.VALUES else self.dated
        for position in entry.extent:
            batch = StoredBatch(entry.batch, entry.input_at(position), entry)
            for column in entry.keys:
                columns.setdefault(column, {}).setdefault(position, {}).update(dict.fromkeys(assignments, batch))

    def _lose(self, entry: Entry) -> None:
        """Take out again what is gone: at the entry's positions, or at all where it names none."""
        for columns in (self.dated, self.windowed):
            for positions in columns.values():
                for position in entry.extent if len(entry.extent) else list(positions):
                    _drop(positions.get(position, {}), entry.batch)
        for batches in self.undated.values():
            _drop(batches, entry.batch)


_DATED = (Kind.PARTIALS, Kind.SIGNALS, Kind.ROWS)


def _drop(batches: dict[int, StoredBatch], batch: int | None) -> None:
    for assignment in [key for key, found in batches.items() if found.batch == batch]:
        del batches[assignment]


@dataclass(frozen=True, slots=True)
class BatchRange:
    """Columns that are taken from the positions `first` to `last` of some batches.

    `assignments` are those for whose units they are taken; empty for all.
    """

    batches: tuple[int, ...]
    first: int
    last: int
    columns: tuple[str, ...]
    assignments: tuple[int, ...] = ()


def batch_ranges(
    current: Mapping[str, Mapping[int, Mapping[int, StoredBatch]]],
    positions: range,
    extent: Mapping[int, range],
    assignments: Sequence[int],
) -> list[BatchRange]:
    """Return the fewest selections that give every column at every position, and for every unit, from its own batch."""
    together: dict[tuple[tuple[str, ...], tuple[int, ...]], list[tuple[int, list[int]]]] = {}
    found: list[BatchRange] = []
    for (batch, columns, served), of_batch in _selections(current, positions, assignments).items():
        inside = [position for position in extent[batch] if position in positions]
        if of_batch == inside:  # all that the batch has here is wanted, so no condition on positions is needed
            together.setdefault((columns, served), []).append((batch, of_batch))
        else:
            found += [BatchRange((batch,), run[0], run[-1], columns, served) for run in consecutive(of_batch)]
    for (columns, served), whole in together.items():
        numbers = tuple(batch for batch, _ in whole)
        found.append(
            BatchRange(numbers, min(at[0] for _, at in whole), max(at[-1] for _, at in whole), columns, served)
        )
    return sorted(found, key=lambda run: (run.first, run.columns, run.assignments, run.batches))


def _selections(
    batches: Mapping[str, Mapping[int, Mapping[int, StoredBatch]]], positions: range, assignments: Sequence[int]
) -> dict[tuple[int, tuple[str, ...], tuple[int, ...]], list[int]]:
    """Return the positions at which a batch gives the same columns for the same assignments."""
    everybody = frozenset(assignments)
    selections: dict[tuple[int, tuple[str, ...], tuple[int, ...]], list[int]] = {}
    for position in positions:
        columns: dict[tuple[int, tuple[int, ...]], list[str]] = {}
        for column, at in batches.items():
            for batch, served in _served(at.get(position, {}), assignments).items():
                key = (batch, () if served == everybody else tuple(sorted(served)))
                columns.setdefault(key, []).append(column)
        for (batch, assigned), names in columns.items():
            selections.setdefault((batch, tuple(names), assigned), []).append(position)
    return selections


def _served(batches: Mapping[int, StoredBatch], assignments: Sequence[int]) -> dict[int, frozenset[int]]:
    """Return, by batch, the assignments whose units are taken from it."""
    served: dict[int, set[int]] = {}
    for assignment in assignments:
        found = batches.get(assignment, batches.get(ANYBODY))
        if found is not None and found.batch is not None:
            served.setdefault(found.batch, set()).add(assignment)
    return {batch: frozenset(of_batch) for batch, of_batch in served.items()}
