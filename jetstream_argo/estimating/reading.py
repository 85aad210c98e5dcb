"""Asks about the values of a metric, and reads the answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.config.statistics import Covariate
from jetstream_argo.dialect.types import Value
from jetstream_argo.estimating.groups import Adjusted, Ratio, StatisticGroup
from jetstream_argo.estimating.queries.leaf import DENOMINATOR, Leaf, Typed, covariate_column
from jetstream_argo.estimating.queries.observations import Observed, Second
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.text import NO_OVERFLOW, Sql
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Result

if TYPE_CHECKING:
    import pyarrow

Key: TypeAlias = tuple[str, int, str, str]
Cell: TypeAlias = "Value | NDArray[np.generic]"

K = TypeVar("K")

SEGMENTS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class QueryRow:
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


@dataclass(frozen=True, slots=True)
class Relations:
    """What the statistics of a leaf are computed from: the leaf's rows, and the units with their covariates."""

    leaf: Sql
    units: Sql


@dataclass(slots=True)
class MetricQueries:
    """The values of one metric in some windows, and what it cost to ask about them.

    Where branches have many distinct values, no answer has more than about `at_once` numbers, 32 MB, of which about
    `a_page` are on their way from the warehouse at a time: 60 MB. A row, which is a branch, is never split. A query
    is about at most `segments_at_once` segments, each of which takes some dozens of its columns.
    """

    engine: Engine
    leaf: Leaf
    relations: Relations
    covariates: tuple[Covariate, ...]
    labels: Mapping[str, str]
    at_once: int = 4_000_000
    a_page: int = 200_000
    segments_at_once: int = SEGMENTS_AT_ONCE
    jobs: list[Job] = field(default_factory=list)

    @property
    def windows(self) -> tuple[AnalysisWindow, ...]:
        """All windows that are asked about."""
        return self.leaf.windows

    def rows(self, sql: Sql, *, largest: int = 1) -> dict[Key, QueryRow]:
        """Run a query about basis, window, segment and branch; the `largest` of these has so many numbers."""
        found: dict[Key, QueryRow] = {}
        for row in self.table(sql, largest=largest):
            found |= {segment_row.key: segment_row for segment_row in self._by_segment(row)}
        return found

    def table(self, sql: Sql, *, largest: int = 1) -> list[QueryRow]:
        """Run any query of the leaf's rows; values are scaled before they are multiplied."""
        page_rows = min(max(self.a_page // largest, 1), PAGE_ROWS)
        result = self.engine.query(Sql(f"{NO_OVERFLOW}\n{sql}"), labels=self.labels, page_rows=page_rows)
        self.jobs.append(result.job)
        return list(rows_of(result))

    def observed(
        self, group: StatisticGroup, windows: Sequence[AnalysisWindow], *, with_whole: bool = False
    ) -> Iterator[Observed]:
        """Yield the values that the statistics of `group` are about in some windows, some segments at a time.

        `with_whole` has the segment of all units among them each time, so that segments can be held against it.
        """
        second, column = self._second(group)
        names, asked = self.leaf.all_segments, self.leaf.asked
        for first in range(0, len(asked), self.segments_at_once):
            places = asked[first : first + self.segments_at_once]
            places = tuple(dict.fromkeys((0, *places))) if with_whole else places
            yield Observed(
                self.relations.leaf,
                tuple(windows),
                places,
                tuple(names[place] for place in places),
                group.steps,
                self.leaf.values.type,
                second,
                column,
                whole=tuple(windows) == self.leaf.windows,
                finer=self.leaf.finer,
            )

    def covariate(self, covariate: Covariate) -> Typed:
        """Return the values of a covariate that has any."""
        return self.leaf.covariates[self.covariates.index(covariate)]

    def _second(self, group: StatisticGroup) -> tuple[Second | None, str]:
        if isinstance(group.subject, Adjusted):
            return Second.COVARIATE, covariate_column(self.covariates.index(group.subject.covariate))
        if isinstance(group.subject, Ratio):
            return Second.DENOMINATOR, DENOMINATOR
        return None, ""

    def _by_segment(self, row: QueryRow) -> Iterator[QueryRow]:
        """Yield a row for each segment of which this one has columns; none for one without units."""
        if "segment" in row.values:
            yield row
            return
        of_segment: dict[int, dict[str, Cell]] = {}
        shared: dict[str, Cell] = {}
        for name, value in row.values.items():
            own, mark, number = name.rpartition("__")
            if mark:
                of_segment.setdefault(int(number), {})[own] = value
            else:
                shared[name] = value
        for place, values in of_segment.items():
            if values.get("n_rows", 1):
                yield QueryRow({**shared, "segment": self.leaf.all_segments[place], **values})


def rows_of(result: Result) -> Iterator[QueryRow]:
    """Yield the rows; an array stays where Arrow has it, as millions of numbers would be as many objects."""
    names = [column.name for column in result.columns]
    for cells in zip(*(_cells(column) for column in result.table.columns), strict=True):
        yield QueryRow(dict(zip(names, cells, strict=True)))


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
