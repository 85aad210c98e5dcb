"""Reads sums of very large or small values, on a scale on which their powers fit a float."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from jetstream_argo.estimating.reading import Cell, Key, QueryRow
from jetstream_argo.stats.scale import unit_for

_SIZES = ("center", "scale", "limit", "minimum", "maximum", "vals")
_SECOND = ("x", "d")  # what the other column is called


@dataclass(frozen=True, slots=True)
class Scales:
    """The unit of the values, and that of the other column; 1 but for very large or small ones."""

    first: float = 1.0
    second: float = 1.0

    @classmethod
    def of(cls, rows: Iterable[QueryRow]) -> "Scales":
        """Return the units for the centres and scales of these rows."""
        largest = {False: 0.0, True: 0.0}
        for row in rows:
            for name, value in row.values.items():
                if name.startswith(("center", "scale")) and isinstance(value, float):
                    largest[_is_second(name)] = max(largest[_is_second(name)], abs(value))
        return cls(unit_for(largest[False]), unit_for(largest[True]))

    def applied(self, rows: Mapping[Key, QueryRow]) -> Mapping[Key, QueryRow]:
        """Return the rows with their sizes in these units; sums of standardised values have none."""
        if self == Scales():
            return rows
        return {
            key: QueryRow({name: self._in_unit(name, value) for name, value in row.values.items()})
            for key, row in rows.items()
        }

    def _in_unit(self, name: str, value: Cell) -> Cell:
        if not name.startswith(_SIZES):
            return value
        unit = self.second if _is_second(name) else self.first
        if isinstance(value, np.ndarray):
            return np.asarray(value, np.float64) / unit
        return value / unit if isinstance(value, int | float) else value


def _is_second(name: str) -> bool:
    return name.partition("_")[2].startswith(_SECOND)
