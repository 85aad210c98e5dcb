"""How the values of a metric are asked about, and how the answers are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar, assert_never

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.engines.protocol import PAGE_ROWS, Engine, Job, Result, Value
from jetstream_argo.errors import EstimateError, NotFound
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.estimating_asked import Adjusted, Group, Plain, Ratio, Subject
from jetstream_argo.run.estimating_model import Stored
from jetstream_argo.sql.needs.units import Observed, Second, ValueType
from jetstream_argo.sql.observations import StoredValues, observations
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.needs import CountNeed

if TYPE_CHECKING:
    import pyarrow

Key: TypeAlias = tuple[str, int, str, str]
Cell: TypeAlias = "Value | NDArray[np.generic]"

K = TypeVar("K")

_TYPES = {
    "INT64": ValueType.INTEGER,
    "BOOL": ValueType.BOOLEAN,
    "FLOAT64": ValueType.FLOAT,
    "NUMERIC": ValueType.NUMERIC,
    "BIGNUMERIC": ValueType.NUMERIC,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One branch of a basis, window and segment, as a query describes it: numbers, and arrays of numbers."""

    values: Mapping[str, Cell]

    @property
    def key(self) -> Key:
        """Basis, window, segment and branch."""
        return (
            str(self.values["basis"]),
            self.whole("window_index"),
            str(self.values["segment"]),
            str(self.values["branch"]),
        )

    def whole(self, name: str) -> int:
        """Return a count; 0 for NULL."""
        value = self.values[name]
        if value is None:
            return 0
        if isinstance(value, int):
            return value
        raise TypeError(f"{name} is {value!r}, not a count")

    def number(self, name: str) -> float:
        """Return a number; 0 for NULL."""
        value = self.values[name]
        if value is None:
            return 0.0
        if isinstance(value, int | float):
            return float(value)
        raise TypeError(f"{name} is {value!r}, not a number")

    def number_or_none(self, name: str) -> float | None:
        """Return a number, None for NULL and for a column that the query does not have."""
        return None if self.values.get(name) is None else self.number(name)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return an array of numbers; empty for NULL."""
        return np.asarray(self._array(name), np.float64)

    def wholes(self, name: str) -> NDArray[np.int64]:
        """Return an array of whole numbers; empty for NULL."""
        return np.asarray(self._array(name), np.int64)

    def _array(self, name: str) -> NDArray[np.generic]:
        value = self.values[name]
        if value is None:
            return np.array([])
        if isinstance(value, np.ndarray):
            return value
        raise TypeError(f"{name} is {value!r}, not an array")


@dataclass(slots=True)
class Queries:
    """The values of one metric in some windows, and what it cost to ask about them.

    Where branches have many distinct values, no answer has more than about `at_once` numbers, 32 MB, of which about
    `a_page` are on their way from the warehouse at a time: 60 MB. A row, which is a branch, is never split.
    """

    plan: AnalysisPlan
    engine: Engine
    stored: Stored
    windows: tuple[AnalysisWindow, ...]
    labels: Mapping[str, str]
    at_once: int = 4_000_000
    a_page: int = 200_000
    jobs: list[Job] = field(default_factory=list)
    _types: dict[str, dict[str, str]] = field(default_factory=dict)

    def rows(self, sql: Sql, *, largest: int = 1) -> dict[Key, Row]:
        """Run a query that gives a row per basis, window, segment and branch; the `largest` has so many numbers."""
        return {row.key: row for row in self.table(sql, largest=largest)}

    def table(self, sql: Sql, *, largest: int = 1) -> list[Row]:
        """Run any query."""
        page_rows = min(max(self.a_page // largest, 1), PAGE_ROWS)
        result = self.engine.query(sql, labels=self.labels, page_rows=page_rows)
        self.jobs.append(result.job)
        return list(rows_of(result))

    def observed(self, group: Group, windows: Sequence[AnalysisWindow]) -> Observed:
        """Return the values that the statistics of `group` are about, in some of the windows."""
        y, x, d = self._stored(group.subject)
        second = Second.COVARIATE if x is not None else Second.DENOMINATOR if d else None
        other = x if x is not None else d[0] if d else None
        return Observed(
            observations(self.plan, y, self.stored.units, covariate=x, denominator=d),
            tuple(windows),
            self.plan.experiment.branches,
            group.steps,
            self.type_of(y[0], counted=all(isinstance(one.need, CountNeed) for one in group.asked)),
            second,
            self.type_of(other) if other is not None else ValueType.FLOAT,
        )

    def type_of(self, values: StoredValues, *, counted: bool = False) -> ValueType:
        """Return what the values are; if they are only `counted`, they may be anything.

        Raises:
            NotFound: their table is gone.
            EstimateError: they are no numbers.
        """
        if values.table not in self._types:
            info = self.engine.info(values.table)
            if info is None:
                raise NotFound(values.table)
            self._types[values.table] = {column.name: column.type for column in info.columns}
        of = self._types[values.table].get(values.column, "missing")
        found = _TYPES.get(of.partition("(")[0].upper(), ValueType.OTHER if counted and of != "missing" else None)
        if found is None:
            raise EstimateError(
                "not_numeric",
                f"{values.table}.{values.column}: is {of}, and statistics need numbers; "
                "change the metric's select_expression to give one",
            )
        return found

    def _stored(
        self, subject: Subject
    ) -> tuple[tuple[StoredValues, ...], StoredValues | None, tuple[StoredValues, ...]]:
        bases = self.stored.bases()
        match subject:
            case Ratio():
                both = (self.stored.of(name) for name in (subject.numerator, subject.denominator))
                y, d = (tuple(each for each in of if each.basis in bases) for of in both)
                return y, None, d
            case Adjusted():
                return self._own(), self.stored.covariates[subject.covariate], ()
            case Plain():
                return self._own(), None, ()
            case _:
                assert_never(subject)

    def _own(self) -> tuple[StoredValues, ...]:
        (name,) = self.stored.values
        return self.stored.of(name)


def rows_of(result: Result) -> Iterator[Row]:
    """Yield the rows; an array stays where Arrow has it, as millions of numbers would be as many objects."""
    names = [column.name for column in result.columns]
    for cells in zip(*(_cells(column) for column in result.table.columns), strict=True):
        yield Row(dict(zip(names, cells, strict=True)))


def _cells(column: "pyarrow.ChunkedArray") -> list[Cell]:
    from pyarrow.types import is_list

    if is_list(column.type):
        return [cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None for cell in column]
    cells: list[Cell] = column.to_pylist()
    return cells


def portions(sizes: Mapping[K, int], most: int) -> Iterator[list[K]]:
    """Yield the keys in order, in as few parts as keep the sizes of each within `most`; one key is never split.

    >>> list(portions({"a": 3, "b": 3, "c": 9, "d": 1}, 6))
    [['a', 'b'], ['c'], ['d']]
    """
    part: list[K] = []
    total = 0
    for key, size in sizes.items():
        if part and total + size > most:
            yield part
            part, total = [], 0
        part.append(key)
        total += size
    if part:
        yield part
