"""Finds the value that a name in a query means, and its type."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jetstream_argo.errors import InvalidQuery, Unsupported, nearest
from jetstream_argo.warehouse.duckdb.typing.kinds import JSON, UNKNOWN, SqlType, struct


@dataclass(frozen=True, slots=True)
class RowType:
    """The columns of a relation, in their order."""

    columns: tuple[tuple[str, SqlType], ...]
    _by_name: dict[str, SqlType] = field(init=False, repr=False, compare=False)  # in lower case; the first of several

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {name.lower(): kind for name, kind in reversed(self.columns)})

    def named(self, name: str) -> SqlType | None:
        """Return the type of the column of that name; names are compared without case."""
        return self._by_name.get(name.lower())

    def only(self) -> SqlType:
        """Return the type of the rows' one column."""
        if len(self.columns) != 1:
            raise InvalidQuery(f"a subquery gives {len(self.columns)} columns where one value is wanted")
        return self.columns[0][1]


@dataclass(frozen=True, slots=True)
class TypedRelation:
    """Something in FROM under its name.

    `element` is what the name itself means, of an unnested array; `merged` are columns that USING has made one with
    those of a relation before.
    """

    name: str
    rows: RowType
    element: SqlType | None = None
    merged: frozenset[str] = frozenset()


@dataclass(slots=True)
class TypedScope:
    """What the names of one SELECT can mean: its own relations first, then those around it."""

    outer: "TypedScope | None" = None
    relations: list[TypedRelation] = field(default_factory=list)
    queries: dict[str, RowType] = field(default_factory=dict)  # of WITH, in lower case
    aliases: dict[str, SqlType] = field(default_factory=dict)  # of the select list, in lower case, once they are seen

    def query(self, name: str) -> RowType | None:
        """Return the rows of a query of WITH, here or around."""
        found = self.queries.get(name.lower())
        return found if found is not None or self.outer is None else self.outer.query(name)

    def without_relations(self) -> "TypedScope":
        """Return what a subquery in FROM sees: the queries of WITH and what is around, not its neighbours."""
        return TypedScope(self.outer, queries=self.queries)

    def relation(self, name: str) -> TypedRelation | None:
        """Return the relation of that name, of this SELECT."""
        lowered = name.lower()
        for relation in self.relations:
            if relation.name.lower() == lowered:
                return relation
        return None

    def resolve(self, names: Sequence[str]) -> SqlType:
        """Return the type of the path `names`.

        Raises:
            InvalidQuery: nothing has that name.
            Unsupported: the name means one thing to BigQuery and another to DuckDB.
        """
        found = self._lookup(names)
        if found is None:
            raise InvalidQuery(_missing(names, self))
        return found

    def _lookup(self, names: Sequence[str]) -> SqlType | None:
        relation = self.relation(names[0])
        own = column_of(names[0], self.relations)
        if relation is not None and relation.element is not None and own not in (None, relation.element):
            raise Unsupported(f"{names[0]!r} is an element and a field of it; give it another alias")
        # A table's name that is also a column's can only mean the column, unless a column of the table follows.
        if relation is not None and not (own is not None and len(names) == 1 and relation.element is None):
            kind = _of_relation(relation, names[1:])
            if kind is not None:
                return kind
        column = own
        if column is None:
            column = self.aliases.get(names[0].lower())
        if column is not None:
            return descend(column, names[1:])
        return self.outer._lookup(names) if self.outer is not None else None

    def known(self) -> list[str]:
        """Return every name, for hints."""
        own = [name for relation in self.relations for name, _ in relation.rows.columns]
        own += [relation.name for relation in self.relations if relation.name]
        return own + (self.outer.known() if self.outer is not None else [])


def descend(kind: SqlType, names: Sequence[str]) -> SqlType:
    """Return the type of a field within a field.

    Raises:
        InvalidQuery: there is none of that name.
    """
    for name in names:
        if kind in (JSON, UNKNOWN):
            return kind
        inner = kind.field(name)
        if inner is None:
            hint = nearest(name, [known for known, _ in kind.fields])
            raise InvalidQuery(f"{kind} has no field {name!r}{hint}")
        kind = inner
    return kind


def _of_relation(relation: TypedRelation, names: Sequence[str]) -> SqlType | None:
    if relation.element is not None:
        if names and relation.element.fields and relation.element.field(names[0]) is None:
            return None
        return descend(relation.element, names)
    if not names:
        return struct(*relation.rows.columns)
    column = relation.rows.named(names[0])
    return None if column is None else descend(column, names[1:])


def column_of(name: str, relations: Sequence[TypedRelation]) -> SqlType | None:
    """Return the type of the column of that name in the first of the relations that has one."""
    for relation in relations:
        kind = relation.rows.named(name)
        if kind is not None:
            return kind
    return None


def _missing(names: Sequence[str], scope: TypedScope) -> str:
    around: TypedScope | None = scope
    relation = None
    while around is not None and relation is None and len(names) > 1:
        relation, around = around.relation(names[0]), around.outer
    known = [name for name, _ in relation.rows.columns] if relation is not None else scope.known()
    name = names[1] if relation is not None else names[0]
    hint = nearest(name, known).replace("'", '"')
    return f'column "{name}" not found{hint}'
