"""Writes UNNEST in DuckDB so that names mean what they mean in BigQuery.

In BigQuery an unnested array's alias is the element, and the fields of an element that is a struct are columns too.
`(SELECT UNNEST(list, max_depth := 2) AS name) AS name` is both: DuckDB spreads structs into columns and gives a scalar
the name. The plain `UNNEST(list) AS t(name)` is faster and does where only the alias is used.

An array of structs that are written out, such as a period's windows, becomes VALUES: of an UNNEST DuckDB expects a
single row, and makes its hash table of the larger side of a join with what it was multiplied by. Where a join has a
condition it stays: one of dates, for some more rows, DuckDB does by sorting.
"""

from collections.abc import Iterator

from sqlglot import exp

_CONSTANT = (exp.Literal, exp.Null, exp.Boolean, exp.Neg, exp.Cast, exp.DataType, exp.Var)


def rewrite_unnests(select: exp.Select) -> None:
    """Rewrite every UNNEST in one SELECT's FROM."""
    source = select.args.get("from_")
    joins: list[exp.Join] = select.args.get("joins") or []
    for holder in [*([source] if source is not None else []), *joins]:
        if isinstance(holder.this, exp.Unnest):
            _rewrite(holder.this, holder, select)


def as_unnest(table: exp.Table) -> exp.Unnest:
    """Return the UNNEST that an array means which is joined by its path: `FROM t, t.array`."""
    names = [part.name for part in table.parts]
    path = exp.column(names[1], table=names[0])
    array = exp.Dot.build([path, *(exp.to_identifier(name) for name in names[2:])]) if names[2:] else path
    alias = exp.TableAlias(columns=[exp.to_identifier(table.alias or names[-1])])
    return exp.Unnest(expressions=[array], alias=alias, offset=False)


def _rewrite(unnest: exp.Unnest, holder: exp.Expr, select: exp.Select) -> None:
    name = _alias(unnest)
    offset = unnest.args.get("offset")
    array = unnest.expressions[0]
    fields = () if offset or holder.args.get("on") or _side(holder) else _constant_fields(array)
    if fields and name.lower() not in fields:
        holder.set("this", _values(array, name or "_elements"))
        return
    if name and not offset and _only_alias_is_used(name, select):
        holder.set("this", exp.Unnest(expressions=[array], alias=_column_alias(name)))
        return
    element = exp.Anonymous(this="UNNEST", expressions=[array, exp.Var(this="max_depth := 2")])
    inner = exp.Select(expressions=[exp.alias_(element, name, quoted=True) if name else element])
    if offset:
        position = offset.name if isinstance(offset, exp.Identifier) else "offset"
        index = exp.Anonymous(this="generate_subscripts", expressions=[array.copy(), exp.Literal.number(1)])
        zero_based = exp.Sub(this=index, expression=exp.Literal.number(1))
        inner.append("expressions", exp.alias_(zero_based, position, quoted=True))
    subquery = exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(name or "_elements", quoted=True)))
    if _side(holder):
        holder.set("this", exp.Lateral(this=exp.Subquery(this=inner), alias=subquery.args["alias"]))
        if not holder.args.get("on"):
            holder.set("on", exp.true())
    else:
        holder.set("this", subquery)


def _side(holder: exp.Expr) -> str:
    return holder.side if isinstance(holder, exp.Join) else ""


def _constant_fields(array: exp.Expr) -> tuple[str, ...]:
    """Return the names of the fields of an array's structs, all written out with constants alike; else nothing."""
    structs = array.expressions if isinstance(array, exp.Array) else []
    if not structs or not all(isinstance(struct, exp.Struct) for struct in structs):
        return ()
    names, *others = (tuple(_names(struct)) for struct in structs)
    if any(other != names for other in others) or len(set(names)) < len(names) or "" in names:
        return ()
    fields = [node for struct in structs for field in struct.expressions for node in field.expression.walk()]
    return names if all(isinstance(node, _CONSTANT) for node in fields) else ()


def _names(struct: exp.Expr) -> Iterator[str]:
    for field in struct.expressions:
        yield field.name.lower() if isinstance(field, exp.PropertyEQ) else ""


def _values(array: exp.Expr, name: str) -> exp.Values:
    rows = [exp.Tuple(expressions=[field.expression for field in struct.expressions]) for struct in array.expressions]
    columns = [field.this for field in array.expressions[0].expressions]
    return exp.Values(
        expressions=rows, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True), columns=columns)
    )


def _alias(unnest: exp.Unnest) -> str:
    alias = unnest.args.get("alias")
    if alias is None:
        return ""
    return next((column.name for column in alias.columns), "") or alias.name


def _column_alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(
        this=exp.to_identifier(f"_{name}", quoted=True), columns=[exp.to_identifier(name, quoted=True)]
    )


def _only_alias_is_used(name: str, select: exp.Select) -> bool:
    """Return whether no name in the SELECT can be a field of the element, or the rows' own `*`."""
    for node in select.find_all(exp.Star, exp.Column):
        if isinstance(node, exp.Star):
            if not isinstance(node.parent, exp.Count):
                return False
        elif isinstance(node, exp.Column) and len(node.parts) == 1 and node.name.lower() != name.lower():
            return False
    return True
