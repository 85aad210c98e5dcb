"""Infers types of values from the expressions of a query that read them."""

from collections.abc import Callable

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant, literal_shape, matching, note
from jetstream_argo.dialect.inference.scopes import Derived, Scope
from jetstream_argo.dialect.inference.types import MOMENT, NUMBER, STRONG, WEAK, Shape, unify
from jetstream_argo.dialect.syntax import path_of, udf_call

_RESULTS: dict[type[exp.Expr], str] = {
    exp.Count: "INT64", exp.CountIf: "INT64", exp.ArraySize: "INT64", exp.Length: "INT64", exp.RowNumber: "INT64",
    exp.Extract: "INT64", exp.Div: "FLOAT64", exp.SafeDivide: "FLOAT64", exp.Avg: "FLOAT64", exp.Ln: "FLOAT64",
    exp.Exp: "FLOAT64", exp.Sqrt: "FLOAT64", exp.Pow: "FLOAT64", exp.Stddev: "FLOAT64", exp.Variance: "FLOAT64",
    exp.Concat: "STRING", exp.Replace: "STRING", exp.RegexpReplace: "STRING", exp.Boolean: "BOOL",
    exp.CurrentDate: "DATE", exp.CurrentTimestamp: "TIMESTAMP", exp.ParseDatetime: "DATETIME",
}  # fmt: skip
_TEXT = (exp.Lower, exp.Upper, exp.Trim, exp.Substring, exp.Split, exp.Length, exp.RegexpExtract, exp.RegexpReplace,
         exp.Replace, exp.ParseDatetime, exp.Concat)  # fmt: skip
_NUMERIC = (exp.Sum, exp.Avg, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.SafeDivide, exp.Neg, exp.Abs, exp.Ln, exp.Exp,
            exp.Sqrt, exp.Pow, exp.Stddev, exp.StddevPop, exp.Variance, exp.VariancePop, exp.Round, exp.Floor,
            exp.Ceil, exp.ApproxQuantiles, exp.PercentileCont, exp.PercentileDisc)  # fmt: skip
_INTEGER = (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseAndAgg, exp.BitwiseOrAgg, exp.BitwiseXorAgg,
            exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.BitwiseCount, exp.Mod, exp.IntDiv)  # fmt: skip
_SAME = (exp.Coalesce, exp.Least, exp.Greatest, exp.Max, exp.Min, exp.AnyValue, exp.Nullif, exp.Paren, exp.FirstValue,
         exp.LastValue, exp.Lag, exp.Lead, exp.Distinct, exp.IgnoreNulls, exp.RespectNulls)  # fmt: skip
_LIKE_FIRST = (exp.Sum, exp.Round, exp.Abs, exp.Add, exp.Sub, exp.Mul, exp.Lower, exp.Upper, exp.Trim, exp.Neg)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)
_DATES = (exp.DateAdd, exp.DateSub, exp.DateTrunc, exp.LastDay)
_TIMESTAMPS = (exp.TimestampAdd, exp.TimestampSub, exp.TimestampTrunc, exp.UnixSeconds)

Subquery = Callable[[exp.Expr, Scope], Derived]


class ExpressionTypes:
    """Reads expressions; `subquery` reads a query that stands among them."""

    def __init__(self, subquery: Subquery) -> None:
        self._subquery = subquery

    def read(self, node: exp.Expr | None, scope: Scope) -> Shape:
        """Return the shape of the expression's value, having noted what it says of those it reads."""
        if node is None:
            return Shape()
        call = udf_call(node)
        if call is not None:
            return self._udf(*call, scope)
        match node:
            case exp.Column() | exp.Identifier() | exp.Dot():
                return self._path(node, scope)
            case exp.Literal():
                return literal_shape(node)
            case exp.Subquery() | exp.Query():
                return self._subquery(node, scope).only()
            case exp.JSONExtractScalar() | exp.JSONExtract() | exp.JSONExtractArray() | exp.JSONValueArray():
                return self._json(node, scope)
            case exp.In() | exp.Between() | exp.Like() | exp.RegexpLike() | exp.StartsWith() | exp.EndsWith():
                return self._predicate(node, scope)
            case exp.Struct():
                return self._struct(node, scope)
            case exp.Bracket() | exp.Array() | exp.ArrayAgg() | exp.ArrayConcatAgg() | exp.Unnest() | exp.ArraySize():
                return self._array(node, scope)
        return self._operator(node, scope)

    def _operator(self, node: exp.Expr, scope: Scope) -> Shape:
        match node:
            case exp.If() | exp.Case():
                return self._choice(node, scope)
            case exp.Cast():
                return self._cast(node, scope)
            case exp.And() | exp.Or() | exp.Not() | exp.LogicalOr() | exp.LogicalAnd() | exp.CountIf():
                for child in self._children(node, scope):
                    child.vote("BOOL")
                return Shape("INT64" if isinstance(node, exp.CountIf) else "BOOL")
            case exp.ArgMax() | exp.ArgMin():
                self.read(node.expression, scope)
                return self.read(node.this, scope)
            case exp.Window() | exp.Filter() | exp.Alias():
                first, *_ = self._children(node, scope) or [Shape()]
                return first
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean):
            self.read(node.this, scope).vote("BOOL")
            return Shape("BOOL")
        if isinstance(node, _COMPARISONS):
            return self._compared(node.this, node.expression, scope)
        return self._plain(node, scope)

    def _cast(self, node: exp.Cast, scope: Scope) -> Shape:
        target = node.to.sql("bigquery").upper().replace("BIGINT", "INT64").split("(")[0]
        cast = self.read(node.this, scope)
        if target in ("INT64", "FLOAT64", "BOOL"):  # not just any text can be one
            cast.vote(target, WEAK)
        if target == "BOOL" and isinstance(node.this, exp.JSONExtractScalar):
            cast.vote("BOOL", 2 * STRONG)  # the document has a truth value there
        return Shape(target)

    def _plain(self, node: exp.Expr, scope: Scope) -> Shape:
        children = self._children(node, scope)
        if isinstance(node, exp.DateDiff | exp.TimestampDiff):
            _vote(children[:2], "DATE" if isinstance(node, exp.DateDiff) else "TIMESTAMP")
        if isinstance(node, (*_NUMERIC, *_INTEGER, *_TEXT)):
            numeric = NUMBER if isinstance(node, _NUMERIC) else "INT64"
            _vote(children, "STRING" if isinstance(node, _TEXT) else numeric)
        if isinstance(node, (*_DATES, *_TIMESTAMPS)):
            _vote(children[:1], "DATE" if isinstance(node, _DATES) else "TIMESTAMP")
        if isinstance(node, exp.Date) and len(children) == 1:
            children[0].vote(MOMENT, WEAK * 2)
        if isinstance(node, exp.Date | exp.DateAdd | exp.DateSub | exp.DateTrunc):
            return Shape("DATE")
        if isinstance(node, _SAME):
            result = Shape()
            for child in children:
                result = unify(result, child)
            return result
        if isinstance(node, _LIKE_FIRST) and children:
            return children[0]
        return Shape(_RESULTS.get(type(node), "INT64" if isinstance(node, (*_INTEGER, exp.DateDiff)) else None))

    def _children(self, node: exp.Expr, scope: Scope) -> list[Shape]:
        return [
            self.read(child, scope)
            for child in node.iter_expressions()
            if not isinstance(child, exp.DataType | exp.Var)
        ]

    def _path(self, node: exp.Expr, scope: Scope) -> Shape:
        start, names = path_of(node)
        if start is None:
            return scope.resolve(names)
        if start is node:
            self._children(node, scope)
            return Shape()
        shape = self.read(start, scope)
        for name in names:
            shape = shape.field(name)
        return shape

    def _compared(self, left: exp.Expr, right: exp.Expr, scope: Scope) -> Shape:
        left_shape, right_shape = self.read(left, scope), self.read(right, scope)
        for shape, met in ((left_shape, right), (right_shape, left)):
            value = constant(met)
            if value is not None:
                note(shape, value)
        if constant(left) is None and constant(right) is None:
            unify(left_shape, right_shape)
        return Shape("BOOL")

    def _predicate(self, node: exp.Expr, scope: Scope) -> Shape:
        value = self.read(node.this, scope)
        match node:
            case exp.In():
                for item in node.expressions:
                    self._compared(node.this, item, scope)
                array = node.args.get("unnest")
                if array is not None:
                    unify(value, self.read(array, scope))
                if node.args.get("query") is not None:
                    unify(value, self.read(node.args["query"], scope))
            case exp.Between():
                self._compared(node.this, node.args["low"], scope)
                self._compared(node.this, node.args["high"], scope)
            case _:
                value.vote("STRING")
                pattern = constant(node.expression)
                if isinstance(pattern, str):
                    value.seen_with(matching(node, pattern))
        return Shape("BOOL")

    def _choice(self, node: exp.If | exp.Case, scope: Scope) -> Shape:
        result = Shape()
        subject = node.this if isinstance(node, exp.Case) else None
        for branch in [node] if isinstance(node, exp.If) else node.args["ifs"]:
            if subject is not None:
                self._compared(subject, branch.this, scope)
            else:
                self.read(branch.this, scope).vote("BOOL")
            result = unify(result, self.read(branch.args["true"], scope))
        last = node.args.get("false") if isinstance(node, exp.If) else node.args.get("default")
        return unify(result, self.read(last, scope)) if last is not None and not isinstance(last, exp.Null) else result

    def _json(self, node: exp.Expr, scope: Scope) -> Shape:
        document = node.this
        keys = (
            [part.this for part in node.expression.expressions if isinstance(part, exp.JSONPathKey)]
            if isinstance(node.expression, exp.JSONPath)
            else []
        )
        within: list[str] = []
        while isinstance(document, exp.Bracket) and isinstance(constant(document.expressions[0]), str):
            within.insert(0, document.expressions[0].name)
            document = document.this
        start, names = path_of(document)
        if start is None and not keys and not within and len(names) > 1 and names[0].lower() not in scope_names(scope):
            shape = scope.resolve(names[:-1]).vote("JSON")
            within = names[-1:]
        else:
            shape = self.read(document, scope).vote(*(("JSON", STRONG) if within else ("STRING", WEAK)))
        for key in [*within, *keys]:
            shape = shape.key(str(key))
        if isinstance(node, exp.JSONExtractArray | exp.JSONValueArray):
            result = Shape()
            result.element().vote("STRING")
            return result
        return shape if within or keys else Shape("STRING")

    def _struct(self, node: exp.Struct, scope: Scope) -> Shape:
        result = Shape()
        for item in node.expressions:
            match item:
                case exp.PropertyEQ():
                    unify(result.field(item.this.name), self.read(item.expression, scope))
                case exp.Alias():
                    unify(result.field(item.alias), self.read(item.this, scope))
                case _:
                    unify(result.field(item.output_name or "_"), self.read(item, scope))
        return result

    def _array(self, node: exp.Expr, scope: Scope) -> Shape:
        match node:
            case exp.Bracket():
                for index in node.expressions:
                    self.read(index, scope)
                if isinstance(constant(node.expressions[0]), str):
                    return self.read(node.this, scope).vote("JSON").key(node.expressions[0].name)
                return self.read(node.this, scope).element()
            case exp.Unnest():
                return self.read(node.expressions[0], scope).element()
            case exp.ArraySize():
                self.read(node.this, scope).element()
                return Shape("INT64")
            case exp.ArrayConcatAgg():
                array = self.read(node.this, scope)
                array.element()
                return array
        return self._elements(node, scope)

    def _elements(self, node: exp.Expr, scope: Scope) -> Shape:
        result = Shape()
        for child in node.iter_expressions():
            if isinstance(child, exp.Tuple):  # a struct whose fields are named by the array's first one
                for shape, item in zip(list(result.element().fields.values()), child.expressions, strict=False):
                    unify(shape, self.read(item, scope))
            elif not isinstance(child, exp.DataType | exp.Var):
                unify(result.element(), self.read(child, scope))
        return result

    def _udf(self, name: str, arguments: list[exp.Expr], scope: Scope) -> Shape:
        shapes = [self.read(argument, scope) for argument in arguments]
        last = name.split(".")[-1].lower()
        if last == "get_key":
            element = shapes[0].element()
            key = constant(arguments[1])
            if key is not None:
                note(element.field("key"), key)
            element.field("key").vote("STRING", WEAK)
            return element.field("value")
        if last in {"extract", "threshold_count", "percentiles", "histogram_max_key_with_nonzero_value"} and shapes:
            if ".norm." not in name and last != "percentiles":
                shapes[0].vote("STRING").key("histogram")
            return _histogram() if name.endswith("hist.extract") else Shape("INT64")
        if last in {"extract_keyed_scalar_sum", "keyed_histogram_get_sum"}:
            entry = shapes[0].element()
            entry.field("key").vote("STRING")
            entry.field("value").vote("INT64" if last.startswith("extract") else "STRING")
            return Shape("INT64")
        if ".bits28." in name and shapes:
            shapes[0].vote("INT64")
            return Shape("INT64")
        if ".norm." in name and shapes:
            shapes[0].vote("STRING")
        return Shape()


def _vote(shapes: list[Shape], type_: str) -> None:
    for shape in shapes:
        shape.vote(type_)


def scope_names(scope: Scope) -> set[str]:
    """Return the names of everything in FROM, here and around, in lower case."""
    return {name.lower() for visible in scope.chain() for name in (*visible.relations, *visible.values)}


def _histogram() -> Shape:
    result = Shape()
    for name in ("bucket_count", "sum", "histogram_type"):
        result.field(name).vote("INT64")
    result.field("range").element().vote("INT64")
    entry = result.field("values").element()
    entry.field("key").vote("INT64")
    entry.field("value").vote("INT64")
    return result
