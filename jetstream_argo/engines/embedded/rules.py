"""Where BigQuery's functions and DuckDB's of the same name differ, and what is written instead."""

from collections.abc import Callable
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.engines.embedded.allowed import replacement
from jetstream_argo.engines.embedded.functions import Registry
from jetstream_argo.engines.syntax import udf_call
from jetstream_argo.errors import Unsupported

Rule: TypeAlias = Callable[[exp.Expr], "exp.Expr | None"]

_DATE_UNITS = {"DAY", "WEEK", "ISOWEEK", "MONTH", "QUARTER", "YEAR", "ISOYEAR"}


def apply_rules(tree: exp.Expr, registry: Registry) -> None:
    """Rewrite the tree's functions in place."""
    for node in list(tree.walk()):
        call = udf_call(node)
        if call is not None:
            function = registry.find(call[0]) if "." in call[0] else None
            own = replacement(call[0]) if function is None else function.macro
            if own is not None:
                swap(node, macro(own, *call[1]))
            continue
        rule = RULES.get(type(node))
        place = (node.parent, node.arg_key, node.index)
        new = rule(node) if rule is not None else None
        if new is not None:
            swap(node, new, place)


def macro(name: str, *arguments: exp.Expr | None) -> exp.Anonymous:
    """Return a call of a macro."""
    return exp.Anonymous(this=name, expressions=[argument for argument in arguments if argument is not None])


def swap(node: exp.Expr, new: exp.Expr, place: tuple[exp.Expr | None, str | None, int | None] | None = None) -> None:
    """Put `new`, which may contain `node`, in the node's place; `place` is where it was before `new` was built."""
    parent, key, index = place if place is not None else (node.parent, node.arg_key, node.index)
    if parent is None or key is None:
        raise ValueError("the root of a tree cannot be replaced")
    parent.set(key, new, index=index)


def _as_date(node: exp.Expr) -> exp.Expr:
    # DuckDB makes a timestamp of a date and an interval.
    return exp.Cast(this=node, to=exp.DataType.build("DATE"))


def _count_if(node: exp.Expr) -> exp.Expr:
    return exp.Count(this=exp.Case(ifs=[exp.If(this=node.this, true=exp.Literal.number(1))]))


def _max_by(node: exp.Expr) -> exp.Expr:
    return macro("arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null", node.this, node.expression)


def _literal(node: exp.Expr) -> exp.Expr | None:
    text = str(node.this)
    if node.args.get("is_string") or "." not in text or "e" in text.lower():
        return None
    return exp.Literal.number(f"{text}e0")  # DuckDB reads 1.5 as a DECIMAL


def _cast(node: exp.Expr) -> exp.Expr | None:
    safe = isinstance(node, exp.TryCast)
    to = node.args["to"]
    whole = isinstance(node.this, exp.Literal) and not node.this.is_string and node.this.this.isdigit()
    if to.is_type(exp.DType.BIGINT, exp.DType.INT) and not whole and not isinstance(node.this, exp.Null):
        return macro("bq__try_int" if safe else "bq__to_int", node.this)
    if to.is_type(exp.DType.TEXT, exp.DType.VARCHAR) and not isinstance(node.this, exp.Literal | exp.Null):
        return macro("bq__to_string", node.this)
    if to.is_type(exp.DType.BIGDECIMAL):
        raise Unsupported("BIGNUMERIC is not implemented by the embedded engine; use NUMERIC")
    for type_ in to.find_all(exp.DataType):
        if type_.is_type(exp.DType.DECIMAL) and not type_.expressions:
            type_.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(size)) for size in (38, 9)])
    return None


def _json(name: str) -> Rule:
    def rule(node: exp.Expr) -> exp.Expr:
        path = node.args.get("expression")
        return macro(name, node.this, path if path is not None else exp.Literal.string("$"))

    return rule


def _bracket(node: exp.Expr) -> exp.Expr | None:
    index = node.expressions[0]
    if isinstance(index, exp.Literal) and index.is_string:
        return macro("json_extract", node.this, exp.Literal.string(f'$."{index.this}"'))
    if isinstance(index, exp.Slice) or len(node.expressions) != 1:
        return None
    offset = node.args.get("offset")
    position = index if offset == 1 else exp.Add(this=exp.Paren(this=index), expression=exp.Literal.number(1))
    return macro("bq__safe_at" if node.args.get("safe") else "bq__at", node.this, position)


def _array_agg(node: exp.Expr) -> exp.Expr | None:
    """Take LIMIT out of an aggregate that makes an array: its first elements are what is left."""
    if not isinstance(node.this, exp.Limit):
        return None
    limit = node.this
    node.set("this", limit.this)
    if not isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls):
        return macro("list_slice", node, exp.Literal.number(1), limit.expression)
    outer, place = node.parent, (node.parent.parent, node.parent.arg_key, node.parent.index)
    swap(outer, macro("list_slice", outer, exp.Literal.number(1), limit.expression), place)
    return None


def _extract(node: exp.Expr) -> exp.Expr | None:
    part = node.this.name.upper()
    match part:
        case "DAYOFWEEK":
            return exp.Add(this=exp.Paren(this=macro("dayofweek", node.expression)), expression=exp.Literal.number(1))
        case "WEEK":
            return macro("bq__week", node.expression)
        case "ISOWEEK":
            return macro("week", node.expression)
        case "DAYOFYEAR":
            return macro("dayofyear", node.expression)
        case "DATE":
            return exp.cast(node.expression, exp.DType.DATE)
        case "YEAR" | "ISOYEAR" | "MONTH" | "DAY" | "QUARTER" | "HOUR" | "MINUTE" | "SECOND":
            return None
        case _:
            raise Unsupported(f"EXTRACT({part}) is not implemented by the embedded engine")


def _date_diff(node: exp.Expr) -> exp.Expr | None:
    unit = _unit(node)
    if unit.partition("(")[0] not in _DATE_UNITS:
        raise Unsupported(f"DATE_DIFF by {unit} is not implemented by the embedded engine")
    return None


def _datetime_unit(node: exp.Expr) -> None:
    if "WEEK" in _unit(node):  # DuckDB's weeks begin on Monday, BigQuery's on Sunday
        raise Unsupported(f"{_unit(node)} of a DATETIME is not implemented by the embedded engine; use a DATE")


def _timestamp_diff(node: exp.Expr) -> exp.Expr:
    # BigQuery counts whole units that have passed; DuckDB's date_diff counts their boundaries.
    return macro("date_sub", exp.Literal.string(_unit(node).lower()), node.expression, node.this)


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.sql("bigquery").upper() if unit is not None else "DAY"


def _quantiles(node: exp.Expr) -> exp.Expr:
    count = node.expression
    if not isinstance(count, exp.Literal) or count.is_string:
        raise Unsupported("APPROX_QUANTILES is implemented for a constant number of quantiles")
    number = int(count.this)
    fractions = exp.Array(expressions=[exp.Literal.number(f"{i / number!r}") for i in range(number + 1)])
    return macro("quantile_disc", node.this, fractions)


def _array(node: exp.Expr) -> None:
    """Give the nameless structs of an array literal the names of its first one."""
    first = node.expressions[0] if node.expressions else None
    if not isinstance(first, exp.Struct):
        return
    names = [item.this.name if isinstance(item, exp.PropertyEQ) else item.alias_or_name for item in first.expressions]
    for other in node.expressions[1:]:
        items = other.expressions if isinstance(other, exp.Tuple | exp.Struct) else []
        if len(items) == len(names):
            values = [item.expression if isinstance(item, exp.PropertyEQ) else item.unalias() for item in items]
            named = zip(names, values, strict=True)
            pairs = [
                exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=value) for name, value in named
            ]
            swap(other, exp.Struct(expressions=pairs))


def _array_concat(node: exp.Expr) -> exp.Expr:
    result: exp.Expr = node.this
    for other in node.expressions:
        result = macro("bq__array_concat", result, other)
    return result


def _string_agg(node: exp.Expr) -> None:
    if isinstance(node.this, exp.Limit):
        raise Unsupported(
            "STRING_AGG with LIMIT is not implemented by the embedded engine; use ARRAY_AGG and ARRAY_TO_STRING"
        )


def _as_timestamp(node: exp.Expr) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build("TIMESTAMPTZ"))


def _substring(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length")
    if length is None:
        return macro("bq__substr_from", node.this, node.args.get("start"))
    return macro("bq__substr", node.this, node.args.get("start"), length)


def _like(node: exp.Expr) -> exp.Expr | None:
    # BigQuery's patterns are escaped by a backslash, DuckDB's by nothing unless told.
    pattern = node.expression
    if isinstance(pattern, exp.Literal | exp.RawString) and "\\" not in str(pattern.this):
        return None
    return exp.Escape(this=node, expression=exp.Literal.string("\\"))


def _in_unnest(node: exp.Expr) -> exp.Expr | None:
    array = node.args.get("unnest")
    return macro("bq__in_array", node.this, array.expressions[0]) if isinstance(array, exp.Unnest) else None


RULES: dict[type[exp.Expr], Rule] = {
    exp.ApproxDistinct: lambda node: exp.Count(this=exp.Distinct(expressions=[node.this])),
    exp.ApproxQuantiles: _quantiles,
    exp.ArgMax: _max_by,
    exp.ArgMin: _max_by,
    exp.Array: _array,
    exp.ArrayAgg: _array_agg,
    exp.ArrayConcat: _array_concat,
    exp.BitwiseCount: lambda node: macro("bq__bit_count", node.this),
    exp.Bracket: _bracket,
    exp.Cast: _cast,
    exp.Corr: lambda node: macro("bq__corr", node.this, node.expression),
    exp.CountIf: _count_if,
    exp.DateAdd: _as_date,
    exp.DateDiff: _date_diff,
    exp.DateFromUnixDate: _as_date,
    exp.DateSub: _as_date,
    exp.DateTrunc: _as_date,
    exp.DatetimeDiff: _datetime_unit,
    exp.DatetimeTrunc: _datetime_unit,
    exp.Div: lambda node: macro("bq__div", node.this, node.expression),
    exp.Extract: _extract,
    exp.GroupConcat: _string_agg,
    exp.In: _in_unnest,
    exp.IntDiv: lambda node: macro("bq__int_div", node.this, node.expression),
    exp.JSONExtract: _json("bq__json_text"),
    exp.JSONExtractArray: _json("bq__json_array"),
    exp.JSONExtractScalar: _json("bq__json_value"),
    exp.JSONFormat: lambda node: macro("bq__to_json_string", node.this),
    exp.JSONValueArray: _json("bq__json_value_array"),
    exp.Like: _like,
    exp.Literal: _literal,
    exp.Mod: lambda node: macro("bq__mod", node.this, node.expression),
    exp.SafeFunc: lambda node: macro("TRY", node.this),
    exp.Sign: lambda node: macro("bq__sign", node.this),
    exp.Split: lambda node: macro("bq__split", node.this, node.expression),
    exp.StrToTime: _as_timestamp,
    exp.Substring: _substring,
    exp.TimestampDiff: _timestamp_diff,
    exp.TryCast: _cast,
    exp.UnixSeconds: lambda node: macro("bq__unix_seconds", node.this),
    exp.UnixToTime: _as_timestamp,
}
