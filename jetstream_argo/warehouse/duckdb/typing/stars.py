"""Finds the columns that `*` stands for."""

from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing.kinds import SqlType
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedRelation, TypedScope

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader


def spread(reader: "ExpressionReader", item: exp.Expr, scope: TypedScope) -> list[tuple[str, SqlType]]:
    """Return the columns of `*`, `relation.*` or `struct.*`, without those of EXCEPT and with those of REPLACE."""
    star, columns = _spread(reader, item, scope)
    hidden = {column.name.lower() for column in star.args.get("except_") or ()}
    known = {name.lower() for name, _ in columns}
    for name in sorted(hidden - known):
        raise InvalidQuery(f"* EXCEPT: there is no column {name!r}{reader.place(item)}")
    replaced = {}
    for alias in star.args.get("replace") or ():
        value = reader.read(alias.this, scope)
        alias.set("this", value.node)
        replaced[alias.alias.lower()] = value.kind
    if star.args.get("rename"):
        raise Unsupported("* RENAME is not implemented by the embedded engine")
    return [(name, replaced.get(name.lower(), kind)) for name, kind in columns if name.lower() not in hidden]


def _spread(
    reader: "ExpressionReader", item: exp.Expr, scope: TypedScope
) -> tuple[exp.Expr, list[tuple[str, SqlType]]]:
    if isinstance(item, exp.Star):
        if not scope.relations:
            raise InvalidQuery("SELECT * needs a FROM")
        return item, _all(scope.relations)
    if isinstance(item, exp.Column):
        names = [part.name for part in item.parts[:-1]]
        relation = scope.relation(names[0]) if len(names) == 1 else None
        if relation is not None:
            return item.this, list(relation.rows.columns)
        return item.this, _fields(reader, item, scope.resolve(names))
    if isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
        value = reader.read(item.this, scope)
        item.set("this", value.node)
        return item.expression, _fields(reader, item, value.kind)
    raise Unsupported(f"{item.sql('bigquery')} is not implemented by the embedded engine{reader.place(item)}")


def _all(relations: list[TypedRelation]) -> list[tuple[str, SqlType]]:
    """Return the columns of all relations; those of a USING are given once, as DuckDB and BigQuery do."""
    return [
        column for relation in relations for column in relation.rows.columns if column[0].lower() not in relation.merged
    ]


def _fields(reader: "ExpressionReader", item: exp.Expr, kind: SqlType) -> list[tuple[str, SqlType]]:
    if not kind.fields:
        raise InvalidQuery(f"{kind} has no fields for .*{reader.place(item)}")
    return list(kind.fields)
