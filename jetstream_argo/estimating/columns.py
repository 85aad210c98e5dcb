"""The columns of an answer, typed: the query names them, and the same module reads them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.estimating.reading import QueryRow


@dataclass(frozen=True, slots=True)
class CountColumn:
    """A count; 0 for NULL."""

    name: str

    def of(self, row: QueryRow) -> int:
        """Return it from a row of the answer."""
        return row.whole(self.name)


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A number; 0 for NULL."""

    name: str

    def of(self, row: QueryRow) -> float:
        """Return it from a row of the answer."""
        return row.number(self.name)

    def or_none(self, row: QueryRow) -> float | None:
        """Return it, None for NULL and for a column that the query does not have."""
        return row.number_or_none(self.name)


@dataclass(frozen=True, slots=True)
class CountArray:
    """An array of whole numbers; empty for NULL."""

    name: str

    def of(self, row: QueryRow) -> NDArray[np.int64]:
        """Return it from a row of the answer."""
        return row.wholes(self.name)


@dataclass(frozen=True, slots=True)
class NumberArray:
    """An array of numbers; empty for NULL."""

    name: str

    def of(self, row: QueryRow) -> NDArray[np.float64]:
        """Return it from a row of the answer."""
        return row.numbers(self.name)
