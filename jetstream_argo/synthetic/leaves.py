"""The values of made-up rows that have nothing nested in them: numbers, words, dates."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jetstream_argo.dialect.inference.columns import Guess
from jetstream_argo.dialect.types import Scalar
from jetstream_argo.synthetic import draws
from jetstream_argo.synthetic.patterns import KEY, Path
from jetstream_argo.synthetic.population import Booleans, Floats, Integers, Population
from jetstream_argo.synthetic.reads import BRANCH
from jetstream_argo.synthetic.tables import Rhythm, SyntheticTable, is_earlier

_NULLS = 0.01  # share of values that are missing
_SECONDS = 86400
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class SyntheticRows:
    """Rows of one date, one an element.

    `arm` is the branch whose effects the row shows, `branch` the one that it reports (each -1 for none), and
    `pattern` the index of the pattern that it follows, or -1.
    """

    day: int
    unit: Integers
    arm: Integers
    branch: Integers
    pattern: Integers

    def take(self, index: Integers) -> "SyntheticRows":
        """Return the rows at these positions."""
        return SyntheticRows(self.day, self.unit[index], self.arm[index], self.branch[index], self.pattern[index])

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.unit)


class Leaves:
    """Makes the plain values of one table. What stays with a unit on all of its days is drawn once and kept."""

    def __init__(
        self, table: SyntheticTable, population: Population, *, slug: str, branches: tuple[str, ...], seed: int
    ) -> None:
        self._table = table
        self._population = population
        self._slug = slug
        self._branches = branches
        self._seed = seed
        self._traits: dict[Path, tuple[Floats, Floats]] = {}

    def make(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        """Return the values at `path`."""
        if BRANCH in guess.values and self._tells_branch(path):
            return pa.array(self._branches).take(pa.array(rows.branch, mask=rows.branch < 0))
        makers: dict[str, Callable[[Path, Guess, SyntheticRows, np.random.Generator], pa.Array]] = {
            "INT64": self._integers,
            "FLOAT64": self._floats,
            "NUMERIC": self._floats,
            "BOOL": self._booleans,
            "DATE": self._dates,
            "DATETIME": self._dates,
            "TIMESTAMP": self._dates,
        }
        values = makers.get(guess.type, self._words)(path, guess, rows, rng)
        whole = guess.type in ("DATE", "DATETIME", "TIMESTAMP") or self._table.rhythm is Rhythm.LOOKUP
        missing = (rng.random(rows.size) < (0.0 if whole else _NULLS)) & ~self.follows(path, rows)
        return pc.if_else(pa.array(missing), None, values) if missing.any() else values

    def digits(self, path: Path, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        """Return numbers for a text that queries may take for a number, since they do not say what they take it for."""
        trait, _ = self._trait(path)
        return pa.array(draws.counts(3.0, trait[rows.unit], self._factor(path, rows), rng))

    def _tells_branch(self, path: Path) -> bool:
        keys = [path[index + 1] for index, step in enumerate(path[:-1]) if step == KEY]
        return not keys or keys[-1] == self._slug or "branch" in keys[-1].lower()

    def _integers(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        trait, uniform = self._trait(path)
        name = path[-1].lower()
        if "sample_id" in name:
            return pa.array((uniform[rows.unit] * 100).astype(np.int64))
        if "bits" in name:
            return pa.array(draws.bit_patterns(rows.size, rng))
        mean = draws.magnitude(self._number(path), guess.values)
        return pa.array(self._imposed(path, draws.counts(mean, trait[rows.unit], self._factor(path, rows), rng), rows))

    def _floats(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        trait, _ = self._trait(path)
        mean = draws.magnitude(self._number(path), guess.values)
        values = draws.durations(mean, trait[rows.unit], self._factor(path, rows), rng)
        if guess.type == "NUMERIC":
            return pa.array(np.round(values, 4)).cast(pa.decimal128(38, 9), safe=False)
        return pa.array(self._imposed(path, values, rows))

    def _booleans(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        trait, _ = self._trait(path)
        rate = (0.1, 0.25, 0.4)[self._number(path) % 3]
        return pa.array(self._imposed(path, draws.flags(rate, trait[rows.unit], self._factor(path, rows), rng), rows))

    def _dates(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        days = np.full(rows.size, rows.day - _EPOCH, dtype=np.int64)
        if is_earlier(path[-1]):
            _, uniform = self._trait(path)
            # A profile is as old on every day; its age is spread from days to years.
            born = np.minimum(self._population.enrolled[rows.unit] - _EPOCH, days)
            days = born - np.floor(np.exp(uniform[rows.unit] * 7.0)).astype(np.int64)
        if guess.type == "DATE":
            return pa.array(days.astype(np.int32), type=pa.int32()).cast(pa.date32())
        moment = (days * _SECONDS + rng.integers(_SECONDS, size=rows.size)) * 1_000_000
        zone = "UTC" if guess.type == "TIMESTAMP" else None
        return pa.array(moment).cast(pa.timestamp("us", tz=zone))

    def _words(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        # The value of a map's key for another experiment is a branch too, if not one that is looked at.
        values = self._branches if BRANCH in guess.values else guess.values
        literals = tuple(value for value in values if not is_mark(value))
        if literals and all(_is_date(value) for value in literals):
            return pa.array([date.fromordinal(rows.day).isoformat()]).take(
                pa.array(np.zeros(rows.size, dtype=np.int64))
            )
        avoided = {value for where, value in self._table.avoided if where == path}
        pool = [word for word in draws.words(path[-1], literals) if word not in avoided and self._slug not in word]
        asked = [str(pattern[path]) for pattern in self._table.patterns if path in pattern]
        # Words that only reports have come last, where no ordinary row finds them.
        everything = list(dict.fromkeys([*pool, *asked]))
        _, uniform = self._trait(path)
        steady = self._table.rhythm is Rhythm.DAILY
        codes = draws.choices(len(pool), uniform[rows.unit] if steady else rng.random(rows.size))
        if self._table.rhythm is Rhythm.LOOKUP:
            codes = np.arange(rows.size) % len(pool)
        for index, pattern in enumerate(self._table.patterns):
            if path in pattern:
                codes[rows.pattern == index] = everything.index(str(pattern[path]))
        if f"{self._slug}:" in everything:  # what comes before the branch where one text tells both
            is_value = (codes == everything.index(f"{self._slug}:")) & (rows.branch >= 0)
            codes[is_value] = len(everything) + rows.branch[is_value]
            everything += [f"{self._slug}:{branch}" for branch in self._branches]
        return pa.array(everything, type=pa.string()).take(pa.array(codes))

    def _imposed(self, path: Path, values: np.ndarray, rows: SyntheticRows) -> np.ndarray:
        for index, pattern in enumerate(self._table.patterns):
            if path in pattern:
                values[rows.pattern == index] = pattern[path]
        return values

    def follows(self, path: Path, rows: SyntheticRows) -> Booleans:
        """Return which rows follow a pattern that says something of `path` or of what is in it."""
        inside = [
            index
            for index, pattern in enumerate(self._table.patterns)
            if any(path_in_pattern[: len(path)] == path for path_in_pattern in pattern)
        ]
        return np.isin(rows.pattern, inside)

    def _factor(self, path: Path, rows: SyntheticRows) -> Floats:
        factors = self._table.factors.get(path)
        return np.ones(rows.size) if factors is None else factors[rows.arm]

    def _number(self, path: Path) -> int:
        return zlib.crc32("\x00".join((self._table.name, *path)).encode())

    def _trait(self, path: Path) -> tuple[Floats, Floats]:
        """Return a standard normal and a uniform number per unit that belong to this column."""
        if path not in self._traits:
            rng = np.random.default_rng([self._seed, 2, self._number(path)])
            own = rng.standard_normal(self._population.units)
            self._traits[path] = 0.75 * self._population.intensity + 0.66 * own, rng.random(self._population.units)
        return self._traits[path]


def is_mark(value: Scalar) -> bool:
    """Return whether a constant is one that the queries were marked with."""
    return isinstance(value, str) and value.startswith("\x00")


def _is_date(value: Scalar) -> bool:
    try:
        return bool(date.fromisoformat(str(value)))
    except ValueError:
        return False
