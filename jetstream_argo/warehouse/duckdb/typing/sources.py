"""Types the relations in a query's FROM: tables, queries, arrays, and how they are joined."""

from collections.abc import Callable

from sqlglot import exp

from jetstream_argo.dialect.syntax import table_name
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader
from jetstream_argo.warehouse.duckdb.typing.kinds import FLOAT64, INT64, NULL, UNKNOWN
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType, TypedRelation, TypedScope, column_of
from jetstream_argo.warehouse.duckdb.typing.setting import Setting
from jetstream_argo.warehouse.duckdb.unnest import as_unnest

_TABLE = {"this", "db", "catalog", "alias", "joins"}
_JOIN = {"this", "on", "using", "side", "kind"}
_KINDS = {"", "INNER", "CROSS", "OUTER"}
_SIDES = {"", "LEFT", "RIGHT", "FULL"}


class FromClauses:
    """Reads FROM clauses; `rows` reads a query that stands in one."""

    def __init__(
        self, setting: Setting, reader: ExpressionReader, rows: Callable[[exp.Expr, TypedScope | None], RowType]
    ) -> None:
        self._setting = setting
        self._reader = reader
        self._rows = rows

    def read(self, node: exp.Expr, scope: TypedScope) -> None:
        """Put the relations of a SELECT into its scope."""
        source = node.args.get("from_")
        if source is not None:
            self._holder(source, scope)
        for join in node.args.get("joins") or ():
            self._join(join, scope)

    def _join(self, join: exp.Join, scope: TypedScope) -> None:
        unknown = [name for name, part in join.args.items() if part and name not in _JOIN]
        kind, side = str(join.args.get("kind") or "").upper(), str(join.args.get("side") or "").upper()
        if unknown or kind not in _KINDS or side not in _SIDES:
            raise Unsupported(f"{join.sql('bigquery')[:60]!r} is a join that the embedded engine does not implement")
        before = list(scope.relations)
        self._holder(join, scope)
        if join.args.get("on") is not None:
            join.set("on", self._reader.condition(join.args["on"], scope))
        added = [relation for relation in scope.relations if relation not in before]
        for column in join.args.get("using") or ():
            self._merge(column.name, before, added, scope)

    def _merge(self, name: str, before: list[TypedRelation], added: list[TypedRelation], scope: TypedScope) -> None:
        left_kind, right_kind = column_of(name, before), column_of(name, added)
        if left_kind is None or right_kind is None:
            raise InvalidQuery(f"USING: both sides need a column {name!r}")
        if (
            left_kind != right_kind
            or FLOAT64 in (left_kind, right_kind)
            or left_kind.fields
            or left_kind.element is not None
        ):
            raise Unsupported(
                f"USING ({name}) of {left_kind} and {right_kind} is not implemented by the embedded engine"
            )
        for position, relation in enumerate(scope.relations):
            if relation in added:
                merged = relation.merged | {name.lower()}
                scope.relations[position] = TypedRelation(relation.name, relation.rows, relation.element, merged)

    def _holder(self, holder: exp.Expr, scope: TypedScope) -> None:
        item = holder.this
        if isinstance(item, exp.Table) and len(item.parts) > 1 and self._is_relation(item.parts[0].name, scope):
            item = as_unnest(item)
            holder.set("this", item)
        self._item(item, scope)

    def _is_relation(self, name: str, scope: TypedScope | None) -> bool:
        while scope is not None:
            if scope.relation(name) is not None:
                return True
            scope = scope.outer
        return False

    def _item(self, item: exp.Expr, scope: TypedScope) -> None:
        match item:
            case exp.Unnest():
                self._unnest(item, scope)
            case exp.Table():
                self._table(item, scope)
            case exp.Subquery() if isinstance(item.this, exp.Table | exp.Subquery) and not item.alias:
                self._item(item.this, scope)
            case exp.Subquery():
                joins = item.args.pop("joins", None) or []
                rows = self._rows(item, scope.without_relations())
                if item.args.get("alias") is not None and item.args["alias"].columns:
                    raise Unsupported("names of columns after a subquery's alias are not implemented")
                settled = RowType(tuple((name, INT64 if kind == NULL else kind) for name, kind in rows.columns))
                scope.relations.append(TypedRelation(item.alias, settled))
                for join in joins:
                    self._join(join, scope)
                if joins:
                    item.set("joins", joins)
            case exp.Paren():
                self._item(item.this, scope)
            case _:
                raise Unsupported(f"{item.key.upper()} in FROM is not implemented by the embedded engine")

    def _table(self, table: exp.Table, scope: TypedScope) -> None:
        unknown = [name for name, part in table.args.items() if part and name not in _TABLE]
        if unknown:
            words = {"pivots": "PIVOT", "sample": "TABLESAMPLE", "version": "FOR SYSTEM_TIME"}
            raise Unsupported(f"{words.get(unknown[0], unknown[0].upper())} is not implemented by the embedded engine")
        if not isinstance(table.this, exp.Identifier | exp.Dot):
            raise Unsupported(f"{table.sql('bigquery')} in FROM is not implemented by the embedded engine")
        name = table_name(table)
        rows = scope.query(name) if "." not in name else None
        scope.relations.append(TypedRelation(table.alias or table.name, rows or self._setting.columns(name)))
        for join in table.args.get("joins") or ():
            self._join(join, scope)

    def _unnest(self, unnest: exp.Unnest, scope: TypedScope) -> None:
        if len(unnest.expressions) != 1:
            raise Unsupported("UNNEST of several arrays is not implemented by the embedded engine")
        value = self._reader.read(unnest.expressions[0], scope)
        unnest.set("expressions", [value.node])
        kind = INT64 if value.kind == NULL else value.kind.element
        if kind is None and value.kind != UNKNOWN:
            raise InvalidQuery(f"UNNEST needs an array, not {value.kind}{self._reader.place(unnest)}")
        kind = kind if kind is not None else UNKNOWN
        alias = unnest.args.get("alias")
        name = (next((column.name for column in alias.columns), "") or alias.name) if alias is not None else ""
        columns = kind.fields if kind.fields else ((name, kind),) if name else ()
        scope.relations.append(TypedRelation(name, RowType(columns), kind if name else None))
        offset = unnest.args.get("offset")
        if offset:
            named = offset.name if isinstance(offset, exp.Identifier) else "offset"
            scope.relations.append(TypedRelation("", RowType(((named, INT64),))))
