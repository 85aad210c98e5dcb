"""Finds the value that a column name of a query means, through tables, subqueries, unnested arrays and their scopes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from jetstream_argo.dialect.inference.types import Shape

T = TypeVar("T")


class Relation(Protocol):
    """Something in FROM. Names are compared without case, as BigQuery does."""

    def column(self, name: str) -> Shape | None:
        """Return the column if the relation surely has it."""
        ...

    def open_column(self, name: str) -> Shape | None:
        """Return the column if the relation may have it, which makes it so."""
        ...


@dataclass(slots=True)
class Base:
    """A table of the warehouse. Unless `closed`, whatever column is asked of it comes to be."""

    columns: dict[str, Shape] = field(default_factory=dict)
    closed: bool = False

    def column(self, name: str) -> Shape | None:
        return _get(self.columns, name)

    def open_column(self, name: str) -> Shape | None:
        found = self.column(name)
        if found is None and not self.closed:
            found = self.columns[name] = Shape()
        return found


@dataclass(slots=True)
class Derived:
    """The rows of a query: its named columns, and those of the relations of which it selects `*`."""

    columns: dict[str, Shape] = field(default_factory=dict)
    stars: list[tuple[Relation, frozenset[str]]] = field(default_factory=list)  # with the names after EXCEPT

    def column(self, name: str) -> Shape | None:
        found = _get(self.columns, name)
        for relation, hidden in self.stars:
            if found is None and name.lower() not in hidden:
                found = relation.column(name)
        return found

    def open_column(self, name: str) -> Shape | None:
        found = self.column(name)
        for relation, hidden in self.stars:
            if found is None and name.lower() not in hidden:
                found = relation.open_column(name)
        return found

    def only(self) -> Shape:
        """Return the first column, which is the value of a scalar subquery."""
        return next(iter(self.columns.values()), Shape())


@dataclass(slots=True)
class Unnested:
    """The elements of an array; a struct's fields are seen as columns."""

    element: Shape
    named: bool  # without a name only its fields can be meant

    def column(self, name: str) -> Shape | None:
        return _get(self.element.fields, name)

    def open_column(self, name: str) -> Shape | None:
        found = self.column(name)
        if found is None and (not self.named or name.lower() in {"key", "value"}):
            found = self.element.field(name)
        return found


@dataclass(slots=True)
class Scope:
    """What the names of one SELECT can mean: its own relations first, then those around it."""

    outer: "Scope | None" = None
    relations: dict[str, Relation] = field(default_factory=dict)
    unnamed: set[str] = field(
        default_factory=set
    )  # relations that are called by their table's name for want of another
    values: dict[str, Shape] = field(default_factory=dict)  # unnested elements and offsets, by alias
    aliases: dict[str, Shape] = field(default_factory=dict)  # of the select list
    queries: dict[str, Derived] = field(default_factory=dict)  # WITH

    def query(self, name: str) -> Derived | None:
        """Return the query of that name in WITH, here or around."""
        found = _get(self.queries, name)
        return found if found is not None or self.outer is None else self.outer.query(name)

    def resolve(self, names: list[str]) -> Shape:
        """Return what the path `names` means: a relation's column or an element, and then fields of structs."""
        for scope in self.chain():
            value = _get(scope.values, names[0])
            if value is not None:
                return _descend(value, names[1:])
            relation = _get(scope.relations, names[0])
            # `metrics.uuid.x FROM d.metrics` means the column metrics, as tables of pings have one of their own name.
            own = len(names) > 2 and names[0] in scope.unnamed  # noqa: PLR2004  # longer than table.column
            if relation is not None and len(names) > 1 and not own:
                return _descend(relation.open_column(names[1]) or Shape(), names[2:])
            alias = _get(scope.aliases, names[0])
            if alias is not None:
                return _descend(alias, names[1:])
            for candidate in scope.relations.values():
                sure = candidate.column(names[0])
                if sure is not None:
                    return _descend(sure, names[1:])
        return _descend(self._open(names[0]), names[1:])

    def chain(self) -> list["Scope"]:
        """Return this scope and those around it, innermost first."""
        return [self, *(self.outer.chain() if self.outer else [])]

    def without_relations(self) -> "Scope":
        """Return what a subquery in FROM sees: the queries of WITH and what is around, not its neighbours."""
        return Scope(self.outer, queries=self.queries)

    def _open(self, name: str) -> Shape:
        for scope in self.chain():
            for relation in scope.relations.values():
                found = relation.open_column(name)
                if found is not None:
                    return found
        return Shape()


def _descend(shape: Shape, names: list[str]) -> Shape:
    for name in names:
        shape = shape.field(name)
    return shape


def _get(named: Mapping[str, T], name: str) -> T | None:
    if name in named:
        return named[name]
    lowered = name.lower()
    return next((value for key, value in named.items() if key.lower() == lowered), None)
