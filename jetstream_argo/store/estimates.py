"""Finds the estimates that readers are shown: of each metric and window, those that were recorded last."""

from collections.abc import Iterable

from jetstream_argo.store.entries import Entry, Kind, State

# By metric and period, then by window.
LatestEstimates = dict[tuple[str, str], dict[int, Entry]]


def latest_estimates(entries: Iterable[Entry]) -> LatestEstimates:
    """Return the entry about the latest estimates of each metric, period and window, whatever their definition.

    Estimates whose rows are gone are not there, nor are those that they had replaced.
    """
    latest: LatestEstimates = {}
    for entry in entries:
        for metric in entry.metrics if entry.kind is Kind.STATISTICS else ():
            windows = latest.setdefault((metric, entry.period), {})
            if entry.state is State.LOST:
                gone = [index for index, found in windows.items() if found.batch == entry.batch]
                for index in gone:
                    if index in entry.extent or not len(entry.extent):
                        del windows[index]
            elif entry.state in (State.COMPUTED, State.NO_DATA):
                windows.update(dict.fromkeys(entry.extent, entry))
    return latest
