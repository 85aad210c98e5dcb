"""What has been computed already, and in which batches readers find it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from jetstream_argo.errors import TooBig
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.slices import DateSlice, WindowSlice
from jetstream_argo.store.entries import Entry, Kind, State

_Held = dict[int, str]  # a date's ordinal or a window's index, and the latest batch that holds it


@dataclass(slots=True)
class Ledger:
    """The entries of one experiment, oldest first.

    A batch counts when an entry says that it is complete; where two hold the same column for the same date or
    window, the later one counts. Rows of other batches were left by tasks that did not finish, and are not read.
    """

    entries: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take in entries that were just recorded."""
        self.entries.extend(entries)

    def latest(self, kind: Kind, table: str) -> Entry | None:
        """Return the last complete entry about `table`."""
        found = list(self.complete(kind, table))
        return found[-1] if found else None

    def too_big(self, kind: Kind, table: str, *, key: str = "") -> int | None:
        """Return the size, in columns times dates or windows, of the smallest query that was too big for `table`.

        With `key`, of those that were about it.

        One column at one place cannot be cut: its size says nothing of the others'.
        """
        failed = (e for e in self.entries if e.error == TooBig.__name__ and e.kind is kind and e.table == table)
        about = (each for each in failed if not key or key in each.keys)
        return min((size for each in about if (size := len(each.keys) * _places(each)) > 1), default=None)

    def missing_dates(self, table: str, column: str, first: date, last: date) -> tuple[date, ...]:
        """Return the dates of which no complete batch holds `column`."""
        held = self._dates_held(table)[0].get(column, {})
        return tuple(day for day in _days(first, last) if day.toordinal() not in held)

    def date_slices(self, table: str, columns: Sequence[str], first: date, last: date) -> tuple[DateSlice, ...]:
        """Return where `columns` are, from `first` to `last`; what no batch holds is left out."""
        held, extent = self._dates_held(table)
        runs = _runs({column: held.get(column, {}) for column in columns}, first.toordinal(), last.toordinal(), extent)
        return tuple(
            DateSlice(run.batches, date.fromordinal(run.first), date.fromordinal(run.last), run.columns) for run in runs
        )

    def missing_windows(self, table: str, column: str, windows: Sequence[AnalysisWindow]) -> tuple[AnalysisWindow, ...]:
        """Return the windows of which no complete batch holds `column`."""
        held = self._windows_held(table)[0].get(column, {})
        return tuple(window for window in windows if window.index not in held)

    def window_slices(self, table: str, column: str, windows: Sequence[AnalysisWindow]) -> tuple[WindowSlice, ...]:
        """Return where the values of `column` are; what no batch holds is left out."""
        if not windows:
            return ()
        held, extent = self._windows_held(table)
        runs = _runs({column: held.get(column, {})}, windows[0].index, windows[-1].index, extent)
        return tuple(WindowSlice(run.batches, run.first, run.last, run.columns) for run in runs)

    def complete(self, kind: Kind, table: str) -> Iterable[Entry]:
        """Return the entries about `table` whose batches readers may use."""
        return (e for e in self.entries if e.kind is kind and e.table == table and e.state is not State.FAILED)

    def _dates_held(self, table: str) -> tuple[dict[str, _Held], dict[str, range]]:
        spans = [
            (entry, range(entry.first_date.toordinal(), entry.last_date.toordinal() + 1))
            for kind in (Kind.PARTIALS, Kind.SIGNALS)
            for entry in self.complete(kind, table)
            if entry.first_date and entry.last_date
        ]
        return _held(spans)

    def _windows_held(self, table: str) -> tuple[dict[str, _Held], dict[str, range]]:
        spans = [
            (entry, range(entry.first_window, entry.last_window + 1))
            for entry in self.complete(Kind.VALUES, table)
            if entry.first_window is not None and entry.last_window is not None
        ]
        return _held(spans)


def contiguous(windows: Sequence[AnalysisWindow]) -> list[tuple[AnalysisWindow, ...]]:
    """Cut `windows`, in order, into runs that follow one another without a gap."""
    runs: list[list[AnalysisWindow]] = []
    for window in windows:
        if runs and window.index == runs[-1][-1].index + 1:
            runs[-1].append(window)
        else:
            runs.append([window])
    return [tuple(run) for run in runs]


@dataclass(frozen=True, slots=True)
class _Run:
    batches: tuple[str, ...]
    first: int
    last: int
    columns: tuple[str, ...]


def _places(entry: Entry) -> int:
    """How many dates or windows an entry is about."""
    if entry.first_date is not None and entry.last_date is not None:
        return (entry.last_date - entry.first_date).days + 1
    return (entry.last_window or 0) - (entry.first_window or 0) + 1


def _held(spans: Iterable[tuple[Entry, range]]) -> tuple[dict[str, _Held], dict[str, range]]:
    """Return which batch holds each column at each place, and at which places each batch has rows at all."""
    held: dict[str, _Held] = {}
    extent: dict[str, range] = {}
    for entry, places in spans:
        extent[entry.batch] = places
        for column in entry.keys:
            held.setdefault(column, {}).update(dict.fromkeys(places, entry.batch))
    return held, extent


def _runs(held: dict[str, _Held], first: int, last: int, extent: dict[str, range]) -> list[_Run]:
    """Return the fewest selections that give every column at every place from its own batch."""
    places: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place in range(first, last + 1):
        columns: dict[str, list[str]] = {}
        for column, batch_at in held.items():
            if place in batch_at:
                columns.setdefault(batch_at[place], []).append(column)
        for batch, of_batch in columns.items():
            places.setdefault((batch, tuple(of_batch)), []).append(place)
    runs: list[_Run] = []
    together: dict[tuple[str, ...], list[tuple[str, list[int]]]] = {}
    for (batch, names), found in places.items():
        inside = [place for place in extent[batch] if first <= place <= last]
        if found == inside:  # all that the batch has here is wanted, so no condition on places is needed
            together.setdefault(names, []).append((batch, found))
        else:
            runs += [_Run((batch,), run[0], run[-1], names) for run in _consecutive(found)]
    for names, whole in together.items():
        batches = tuple(batch for batch, _ in whole)
        runs.append(_Run(batches, min(f[0] for _, f in whole), max(f[-1] for _, f in whole), names))
    return sorted(runs, key=lambda run: (run.first, run.columns, run.batches))


def _consecutive(places: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
