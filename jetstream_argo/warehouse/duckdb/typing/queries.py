"""Types the rows of a query; on the way its expressions are written for DuckDB."""

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing.aggregates import define
from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader
from jetstream_argo.warehouse.duckdb.typing.kinds import INT64, NULL, SqlType, struct
from jetstream_argo.warehouse.duckdb.typing.ordering import ordered
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType, TypedRelation, TypedScope
from jetstream_argo.warehouse.duckdb.typing.setting import Setting
from jetstream_argo.warehouse.duckdb.typing.sources import FromClauses
from jetstream_argo.warehouse.duckdb.typing.stars import spread
from jetstream_argo.warehouse.duckdb.typing.values import Value, supertype

_SELECT = {"with_", "kind", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify",
           "windows", "order", "limit", "offset"}  # fmt: skip
_SET = {"with_", "this", "expression", "distinct", "order", "limit", "offset"}


class QueryReader:
    """Reads queries from the inside of FROM outwards, so that a name's relation is known when the name is met."""

    def __init__(self, setting: Setting) -> None:
        self._reader = ExpressionReader(setting, self.rows)
        self._sources = FromClauses(setting, self._reader, self.rows)

    def rows(self, node: exp.Expr, outer: TypedScope | None) -> RowType:
        """Return the columns of a query, having rewritten it in place.

        Raises:
            InvalidQuery: BigQuery would not run it.
            Unsupported: this engine would not do it as BigQuery does.
        """
        scope = TypedScope(outer)
        match node:
            case exp.Subquery():
                self._only(node, {"this", "alias", "with_", "order", "limit", "offset"})
                self._with(node, scope)
                return self._end(node, self.rows(node.this, scope), scope)
            case exp.SetOperation():
                self._only(node, _SET)
                self._with(node, scope)
                return self._end(node, self._set(node, scope), scope)
            case exp.Select():
                self._only(node, _SELECT)
                self._with(node, scope)
                return self._select(node, scope)
            case _:
                raise Unsupported(f"{node.key.upper()} is not implemented by the embedded engine{self._place(node)}")

    def _select(self, node: exp.Select, scope: TypedScope) -> RowType:
        self._sources.read(node, scope)
        self._condition(node, "where", scope)
        rows = self._select_list(node, scope)
        scope.aliases.update({name.lower(): kind for name, kind in rows.columns if name})
        self._group(node, scope)
        self._condition(node, "having", scope)
        for window in node.args.get("windows") or ():
            define(self._reader, window, scope)
        self._condition(node, "qualify", scope)
        self._end(node, rows, scope)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            raise InvalidQuery("DISTINCT ON is no clause of BigQuery")
        match node.args.get("kind"):
            case None:
                return rows
            case "STRUCT":
                return self._one_struct(node, rows)
            case kind:
                raise Unsupported(f"SELECT AS {kind} is not implemented by the embedded engine{self._place(node)}")

    def _one_struct(self, node: exp.Select, rows: RowType) -> RowType:
        if not all(name for name, _ in rows.columns) or any(item.is_star for item in node.expressions):
            raise Unsupported(f"SELECT AS STRUCT needs a name for every column, and no *{self._place(node)}")
        return RowType((("", struct(*rows.columns)),))

    def _select_list(self, node: exp.Select, scope: TypedScope) -> RowType:
        columns: list[tuple[str, SqlType]] = []
        for item in list(node.expressions):
            if item.is_star:
                columns += spread(self._reader, item, scope)
                continue
            inner = item.this if isinstance(item, exp.Alias) else item
            name = item.alias if isinstance(item, exp.Alias) else column_name(item)
            value = self._reader.read(inner, scope)
            columns.append((name, value.kind))
            new = value.node
            if isinstance(item, exp.Alias):
                item.set("this", new)
            elif new is not inner or isinstance(inner, exp.Dot):
                item.replace(exp.alias_(new, name, quoted=True, copy=False) if name else new)
        return RowType(tuple(columns))

    def _group(self, node: exp.Select, scope: TypedScope) -> None:
        group = node.args.get("group")
        if group is None:
            return
        self._only(group, {"expressions", "all", "rollup", "cube", "grouping_sets"})
        for name in ("rollup", "cube", "grouping_sets"):
            if group.args.get(name):
                raise Unsupported(f"GROUP BY {name.upper()} is not implemented by the embedded engine")
        for key in list(group.expressions):
            if isinstance(key, exp.Literal) and not key.is_string:
                continue
            value = self._reader.read(key, scope)
            if value.kind.fields or value.kind.element is not None or value.kind.name == "JSON":
                raise Unsupported(f"GROUP BY {value.kind} is not implemented{self._place(key)}")
            if value.node is not key:
                key.replace(value.node)

    def _condition(self, node: exp.Select, clause: str, scope: TypedScope) -> None:
        part = node.args.get(clause)
        if part is not None:
            part.set("this", self._reader.condition(part.this, scope))

    def _end(self, node: exp.Expr, rows: RowType, scope: TypedScope) -> RowType:
        """Read ORDER BY and LIMIT, which see the names of the select list."""
        if not isinstance(node, exp.Select):
            scope.aliases.update({name.lower(): kind for name, kind in rows.columns if name})
        order = node.args.get("order")
        if order is not None:
            named = TypedScope(
                scope, [TypedRelation("", RowType(tuple((name, kind) for name, kind in rows.columns if name)))]
            )
            several = node.args.get("distinct") is None and isinstance(node, exp.Select)
            order.set("expressions", ordered(self._reader, order.expressions, named, several=several))
        for clause in ("limit", "offset"):
            part = node.args.get(clause)
            if part is not None and not (isinstance(part.expression, exp.Literal) and not part.expression.is_string):
                raise InvalidQuery(f"{clause.upper()} needs a whole number")
        return rows

    def _set(self, node: exp.SetOperation, scope: TypedScope) -> RowType:
        left, right = self.rows(node.this, scope), self.rows(node.expression, scope)
        if len(left.columns) != len(right.columns):
            raise InvalidQuery(
                f"{node.key.upper()} of {len(left.columns)} columns and {len(right.columns)}{self._place(node)}"
            )
        columns = []
        for (name, left_kind), (_, right_kind) in zip(left.columns, right.columns, strict=True):
            kind = supertype([Value(exp.Null(), left_kind), Value(exp.Null(), right_kind)])
            if (
                NULL not in (left_kind, right_kind)
                and left_kind != right_kind
                and (left_kind.fields or left_kind.element is not None)
            ):
                raise Unsupported(
                    f"{node.key.upper()} of {left_kind} and {right_kind} is not implemented{self._place(node)}"
                )
            columns.append((name, kind))
        return RowType(tuple(columns))

    def _with(self, node: exp.Expr, scope: TypedScope) -> None:
        with_ = node.args.get("with_")
        if with_ is None:
            return
        for cte in with_.expressions:
            if cte.args["alias"].columns:
                raise Unsupported(f"WITH {cte.alias}(…) is not implemented; name the columns in its query")
            query = cte.this
            if with_.args.get("recursive") and isinstance(query, exp.SetOperation):
                # What the first part gives is known before the second, which may ask the whole.
                scope.queries[cte.alias.lower()] = _settled(self.rows(query.this.copy(), scope))
            scope.queries[cte.alias.lower()] = _settled(self.rows(query, scope))

    def _only(self, node: exp.Expr, known: set[str]) -> None:
        for name, part in node.args.items():
            if part and name not in known:
                words = name.strip("_").upper().replace("_", " ")
                raise Unsupported(f"{words} is not implemented by the embedded engine{self._place(node)}")

    def _place(self, node: exp.Expr) -> str:
        return self._reader.place(node)


def _settled(rows: RowType) -> RowType:
    """Return rows in which NULL, as it is written, is an INT64, as it is once the query has ended."""
    return RowType(tuple((name, INT64 if kind == NULL else kind) for name, kind in rows.columns))


def column_name(item: exp.Expr) -> str:
    """Return the name that a column has for want of an alias; only a path of names has one."""
    match item:
        case exp.Column():
            return str(item.name)
        case exp.Dot() if isinstance(item.expression, exp.Identifier):
            return str(item.expression.name)
        case _:
            return ""
