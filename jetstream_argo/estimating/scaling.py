"""Reads sums of very large or small values, on a scale on which their powers fit a float."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from jetstream_argo.estimating.reading import Cell, Key, QueryRow
from jetstream_argo.stats.scale import scale_for

_SIZES = ("center", "scale", "limit", "minimum", "maximum", "vals")
_SECOND = ("x", "d")  # what the other column is called


@dataclass(frozen=True, slots=True)
class Scales:
    """The scale of the values, and that of the other column; 1 but for very large or small ones."""

    first: float = 1.0
    second: float = 1.0

    @classmethod
    def of(cls, rows: Iterable[QueryRow]) -> "Scales":
        """Return the scales for the centres and scales of these rows."""
        largest = {False: 0.0, True: 0.0}
        for row in rows:
            for name, value in row.values.items():
                if name.startswith(("center", "scale")) and isinstance(value, float):
                    largest[_is_second(name)] = max(largest[_is_second(name)], abs(value))
        return cls(scale_for(largest[False]), scale_for(largest[True]))

    def applied(self, rows: Mapping[Key, QueryRow]) -> Mapping[Key, QueryRow]:
        """Return the rows with their sizes on these scales; sums of standardised values have none."""
        if self == Scales():
            return rows
        return {
            key: QueryRow({name: self._on_scale(name, value) for name, value in row.values.items()})
            for key, row in rows.items()
        }

    def _on_scale(self, name: str, value: Cell) -> Cell:
        if not name.startswith(_SIZES):
            return value
        scale = self.second if _is_second(name) else self.first
        if isinstance(value, np.ndarray):
            return np.asarray(value, np.float64) / scale
        return value / scale if isinstance(value, int | float) else value


def _is_second(name: str) -> bool:
    return name.partition("_")[2].startswith(_SECOND)
