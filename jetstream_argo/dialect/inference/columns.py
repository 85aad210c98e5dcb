"""Infers the tables and columns that a SQL text reads, and the types that they must be of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from jetstream_argo.dialect.inference.expressions import ExpressionTypes
from jetstream_argo.dialect.inference.scopes import Base, Derived, Relation, Scope, Unnested
from jetstream_argo.dialect.inference.types import Shape, unify
from jetstream_argo.dialect.syntax import before_star, parse_query, star_of, table_name
from jetstream_argo.dialect.types import Column, Scalar


@dataclass(frozen=True, slots=True)
class Guess:
    """What the SQL says of one column, field or element.

    `values` are the constants it is compared with, in the order of the text; `keys` are those of a JSON document, be
    it of type JSON or STRING (the key `histogram` stands for a whole histogram); `fields` are a struct's, `element` an
    array's.
    """

    type: str
    values: tuple[Scalar, ...] = ()
    fields: Mapping[str, "Guess"] = field(default_factory=dict)
    element: "Guess | None" = None
    keys: Mapping[str, "Guess"] = field(default_factory=dict)


def infer_tables(*queries: str, known: Mapping[str, Iterable[Column]] | None = None) -> dict[str, dict[str, str]]:
    """Return the columns, with their BigQuery types, that the queries read of each table.

    Tables in `known` have those columns and no other, and are left out of the answer.
    """
    guesses = infer_columns(*queries, known=known)
    return {table: {name: guess.type for name, guess in columns.items()} for table, columns in guesses.items()}


def infer_columns(*queries: str, known: Mapping[str, Iterable[Column]] | None = None) -> dict[str, dict[str, Guess]]:
    """Return what the queries say of the columns they read of each table; `known` as in `infer_tables`.

    Raises:
        InvalidQuery: a text does not parse.
    """
    tables = {name: _known(columns) for name, columns in (known or {}).items()}
    reading = _QueryWalk(tables)
    for query in sorted(map(parse_query, queries), key=_is_ambiguous):
        reading.query(query, Scope())
    return {
        table: {name: _guess(shape, name) for name, shape in base.columns.items()}
        for table, base in tables.items()
        if not base.closed
    }


def _is_ambiguous(query: exp.Expr) -> bool:
    """Whether the query joins an array without a name to a table: names may be of either, unless others tell more."""
    return any(
        isinstance(unnest.parent, exp.Join) and not unnest.args.get("alias") for unnest in query.find_all(exp.Unnest)
    )


def _existing(name: str, relations: list[Relation]) -> None:
    """Note that one of the relations has a column of that name: the first that may, unless one surely has."""
    if any(relation.column(name) is not None for relation in relations):
        return
    for relation in relations:
        if relation.open_column(name) is not None:
            return


def _known(columns: Iterable[Column]) -> Base:
    return Base(
        {column.name: _typed(exp.DataType.build(column.type, dialect="bigquery")) for column in columns}, closed=True
    )


def _typed(type_: exp.DataType) -> Shape:
    shape = Shape()
    if type_.is_type(exp.DType.ARRAY):
        unify(shape.element(), _typed(type_.expressions[0]))
    elif type_.is_type(exp.DType.STRUCT):
        for item in type_.expressions:
            unify(shape.field(item.name), _typed(item.kind))
    else:
        shape.vote(type_.sql("bigquery"))
    return shape


def _guess(shape: Shape, name: str) -> Guess:
    return Guess(
        shape.type_named(name),
        shape.values,
        {field: _guess(inner, field) for field, inner in shape.fields.items()},
        _guess(shape.element(), "") if shape.is_array else None,
        {key: _guess(inner, key) for key, inner in shape.keys.items()},
    )


class _QueryWalk:
    """Walks queries from the inside of FROM outwards, so that a name's relation is known when the name is met."""

    def __init__(self, tables: dict[str, Base]) -> None:
        self._tables = tables
        self._reader = ExpressionTypes(self.query)

    def query(self, node: exp.Expr, outer: Scope) -> Derived:
        """Return the relation of a query's rows."""
        scope = Scope(outer)
        with_ = node.args.get("with_")
        for cte in with_.expressions if with_ is not None else ():
            scope.queries[cte.alias] = self.query(cte.this, scope)
        match node:
            case exp.Subquery():
                return self.query(node.this, scope)
            case exp.SetOperation():
                left, right = self.query(node.this, scope), self.query(node.expression, scope)
                for left_shape, right_shape in zip(left.columns.values(), right.columns.values(), strict=False):
                    unify(left_shape, right_shape)
                return Derived(dict(left.columns), [*left.stars, *((star, hidden) for star, hidden in right.stars)])
            case exp.Select():
                return self._select(node, scope)
            case _:
                return Derived()

    def _select(self, node: exp.Select, scope: Scope) -> Derived:
        source = node.args.get("from_")
        if source is not None:
            self._source(source.this, scope)
        for join in node.args.get("joins") or ():
            self._source(join.this, scope)
            if join.args.get("on") is not None:
                self._reader.read(join.args["on"], scope)
            for column in join.args.get("using") or ():
                found = [relation.open_column(column.name) for relation in scope.relations.values()]
                present = [shape for shape in found if shape is not None]
                for shape in present[1:]:
                    unify(present[0], shape)
        if node.args.get("where") is not None:
            self._reader.read(node.args["where"].this, scope).vote("BOOL")
        result = self._select_list(node, scope)
        scope.aliases.update(result.columns)
        for clause in ("group", "having", "qualify", "order"):
            part = node.args.get(clause)
            for child in part.iter_expressions() if part is not None else ():
                self._reader.read(child.this if isinstance(child, exp.Ordered) else child, scope)
        return result

    def _select_list(self, node: exp.Select, scope: Scope) -> Derived:
        result = Derived()
        for position, item in enumerate(node.expressions):
            star = star_of(item)
            if star is not None:
                self._star(item, star, scope, result)
            else:
                shape = self._reader.read(item.this if isinstance(item, exp.Alias) else item, scope)
                result.columns[item.alias_or_name or item.output_name or f"f{position}_"] = shape
        if node.args.get("kind") == "STRUCT":
            row = Shape()
            for name, shape in result.columns.items():
                unify(row.field(name), shape)
            return Derived({"struct": row})
        return result

    def _star(self, item: exp.Expr, star: exp.Star, scope: Scope, result: Derived) -> None:
        """Add the columns of `*`, of a relation's `r.*`, or of a struct's `s.*` to those of a select list."""
        hidden = frozenset(column.name.lower() for column in star.args.get("except_") or ())
        wanted = item.table if isinstance(item, exp.Column) and not item.db else ""
        spread = [
            relation for name, relation in scope.relations.items() if name.lower() == wanted.lower() or item is star
        ]
        # All fields of an element are asked for by `element.*`.
        spread = [Unnested(e.element, named=False) if wanted and isinstance(e, Unnested) else e for e in spread]
        stars: list[tuple[Relation, frozenset[str]]] = [(relation, hidden) for relation in spread]
        if not stars and item is not star:
            stars = [(Unnested(self._reader.read(before_star(item), scope), named=False), hidden)]
            spread = [stars[0][0]]
            result.stars = [*stars, *result.stars]  # a struct is asked first: a table may have any column
        else:
            result.stars += stars
        for column in star.args.get("except_") or ():
            _existing(column.name, spread)
        for replaced in star.args.get("replace") or ():
            _existing(replaced.alias, spread)
            result.columns[replaced.alias] = self._reader.read(replaced.this, scope)

    def _source(self, node: exp.Expr, scope: Scope) -> None:
        match node:
            case exp.Unnest():
                self._unnest(node, self._reader.read(node, scope), scope)
            case exp.Table() if len(node.parts) > 1 and node.parts[0].name in scope.relations:
                array = scope.resolve([part.name for part in node.parts])
                self._unnest(node, array.element(), scope)
            case exp.Table():
                name = table_name(node)
                found: Relation | None = scope.query(name)
                if found is None:
                    found = self._tables.setdefault(name, Base())
                scope.relations[node.alias or node.name] = found
                if not node.alias:
                    scope.unnamed.add(node.name)
            case exp.Subquery():
                # FROM does not see its neighbours, only what is around the whole SELECT.
                scope.relations[node.alias or f"_{len(scope.relations)}"] = self.query(
                    node.this, scope.without_relations()
                )
            case exp.Paren():
                self._source(node.this, scope)

    def _unnest(self, node: exp.Expr, element: Shape, scope: Scope) -> None:
        alias = node.args.get("alias")
        name = (alias.name or next((column.name for column in alias.columns), "")) if alias is not None else ""
        if name:
            scope.values[name] = element
        offset = node.args.get("offset")
        if isinstance(offset, exp.Identifier):
            scope.values[offset.name] = Shape("INT64")
        scope.relations[name or f"_{len(scope.relations)}"] = Unnested(element, named=bool(name))
