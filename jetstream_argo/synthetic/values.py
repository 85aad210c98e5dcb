"""The values of made-up rows, column by column, as deep as they are nested."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jetstream_argo.dialect.inference.columns import Guess
from jetstream_argo.dialect.types import Scalar
from jetstream_argo.synthetic import draws
from jetstream_argo.synthetic.leaves import Leaves, SyntheticRows, is_mark
from jetstream_argo.synthetic.patterns import ANY, KEY, Path
from jetstream_argo.synthetic.population import Booleans, Integers, Population
from jetstream_argo.synthetic.reads import BRANCH, UNIT
from jetstream_argo.synthetic.tables import SyntheticTable, is_map

_KEYS = 0.8  # share of a map's or document's keys that a row has
_OTHER_EXPERIMENT = "another-experiment"


class ColumnMaker:
    """Makes columns of one table; `ids` has the name of each unit."""

    def __init__(
        self,
        table: SyntheticTable,
        population: Population,
        *,
        ids: pa.Array,
        slug: str,
        branches: tuple[str, ...],
        seed: int,
    ) -> None:
        self._table = table
        self._ids = ids
        self._slug = slug
        self._leaves = Leaves(table, population, slug=slug, branches=branches, seed=seed)

    def column(self, name: str, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        """Return the values of a column."""
        return self._array((name,), self._table.columns[name], rows, rng)

    def _array(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        if UNIT in guess.values and not (BRANCH in guess.values and "id" not in path[-1].lower()):
            return self._unit_ids(guess, rows)
        if is_map(guess):
            return self._map(path, guess, rows, rng)
        if guess.element is not None:
            return self._list(path, guess.element, rows, rng)
        if guess.fields and guess.type.startswith("STRUCT"):
            inner = [self._array((*path, name), field, rows, rng) for name, field in guess.fields.items()]
            return pa.StructArray.from_arrays(inner, names=list(guess.fields))
        if guess.keys:
            return self._document(path, guess.keys, rows, rng)
        return self._leaves.make(path, guess, rows, rng)

    def _unit_ids(self, guess: Guess, rows: SyntheticRows) -> pa.Array:
        return pa.array(rows.unit) if guess.type == "INT64" else self._ids.take(pa.array(rows.unit))

    def _list(self, path: Path, element: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        sizes = rng.integers(0, 4, size=rows.size)
        sizes[self._leaves.follows((*path, ANY), rows)] = 1
        inner = self._array((*path, ANY), element, rows.take(np.repeat(np.arange(rows.size), sizes)), rng)
        return pa.ListArray.from_arrays(_offsets(sizes), inner)

    def _map(self, path: Path, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> pa.Array:
        assert guess.element is not None  # the caller has made sure that it is a map
        key_guess, value_guess = guess.element.fields["key"], guess.element.fields["value"]
        keys = self._keys(path, key_guess)
        present = [self._has(path, key, value_guess, rows, rng) for key in keys]
        positions = np.concatenate([np.flatnonzero(mask) for mask in present])
        key_indices = np.repeat(np.arange(len(keys)), [int(mask.sum()) for mask in present])
        parts = [
            self._array((*path, KEY, str(key)), value_guess, rows.take(np.flatnonzero(mask)), rng)
            for key, mask in zip(keys, present, strict=True)
        ]
        order = pa.array(np.argsort(positions, kind="stable"))
        type_ = pa.int64() if key_guess.type == "INT64" else pa.string()
        entries = {
            "key": pa.array(keys, type=type_).take(pa.array(key_indices)).take(order),
            "value": pa.concat_arrays(parts).take(order),
        }
        fields = [
            entries[name.lower()] if name.lower() in entries else pa.nulls(len(order)) for name in guess.element.fields
        ]
        pairs = pa.StructArray.from_arrays(fields, names=list(guess.element.fields))
        return pa.ListArray.from_arrays(_offsets(np.bincount(positions, minlength=rows.size)), pairs)

    def _keys(self, path: Path, key_guess: Guess) -> list[Scalar]:
        asked = [value for value in key_guess.values if not is_mark(value)]
        asked += [
            leaf[len(path) + 1]
            for pattern in self._table.patterns
            for leaf in pattern
            if leaf[: len(path) + 1] == (*path, KEY)
        ]
        if self._slug in asked:
            asked.append(_OTHER_EXPERIMENT)
        if key_guess.type == "INT64":
            return list(dict.fromkeys(asked)) or [0, 1, 2, 5]
        return list(dict.fromkeys(str(key) for key in asked)) or ["key_0", "key_1", "key_2"]

    def _has(self, path: Path, key: Scalar, guess: Guess, rows: SyntheticRows, rng: np.random.Generator) -> Booleans:
        """Return which rows have a key; the experiment's own is there when the row carries the experiment."""
        chance = rng.random(rows.size) < _KEYS
        marks = _deep_values(guess)
        if key == self._slug or (BRANCH in marks and "branch" in str(key).lower()):
            return np.asarray(rows.branch >= 0)
        if UNIT in marks:
            return np.ones(rows.size, dtype=np.bool_)
        return chance | self._leaves.follows((*path, KEY, str(key)), rows)

    def _document(
        self, path: Path, keys: Mapping[str, Guess], rows: SyntheticRows, rng: np.random.Generator
    ) -> pa.Array:
        if "histogram" in keys:
            pool = pa.array([draws.histogram(total, rng) for total in rng.geometric(0.1, size=64).tolist()])
            return pool.take(pa.array(rng.integers(len(pool), size=rows.size)))
        parts = []
        for key, guess in keys.items():
            inner = (*path, KEY, key)
            text = (
                self._array(inner, guess, rows, rng)
                if guess.keys or guess.values or guess.type == "BOOL"
                else self._leaves.digits(inner, rows, rng)
            )
            text = text.cast(pa.string())
            if not guess.keys:
                text = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '\\"'), '"', "")
            entry = pc.binary_join_element_wise(f'"{key}":', text, ",", "")
            parts.append(pc.if_else(pa.array(self._has(path, key, guess, rows, rng)), entry, None))
        # Arrow's own way to leave out what is missing loses rows in which all is.
        body = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
        return pc.binary_join_element_wise("{", pc.utf8_rtrim(body, ","), "}", "")


def _offsets(sizes: Integers) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32))


def _deep_values(guess: Guess) -> tuple[Scalar, ...]:
    return (*guess.values, *(value for inner in guess.fields.values() for value in _deep_values(inner)))
