"""Signatures whose computation a function makes up: those with formats, patterns, paths, or any number of arguments."""

import json
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.signatures.catalog import signatures_of
from jetstream_argo.warehouse.duckdb.signatures.formats import FormatKind, Parsing, format_parts, parsed
from jetstream_argo.warehouse.duckdb.signatures.model import Valued
from jetstream_argo.warehouse.duckdb.signatures.paths import duckdb_path
from jetstream_argo.warehouse.duckdb.types import text_literal
from jetstream_argo.warehouse.duckdb.typing.kinds import DATE, JSON, TIMESTAMP, SqlType
from jetstream_argo.warehouse.duckdb.typing.matching import Match

Arguments: TypeAlias = Sequence[tuple[int, exp.Expr]]
Builder: TypeAlias = Callable[[Match, Arguments, bool], tuple[str, list[exp.Expr]] | exp.Expr]
_MOST_PLACES = 9
_GROUP = re.compile(r"\\(\d)")
_REPLACEMENT = re.compile(r"(?:[^\\]|\\[\d\\])*", re.DOTALL)


def _nodes(arguments: Arguments) -> list[exp.Expr]:
    return [node for _, node in arguments]


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _extreme(name: str) -> Builder:
    """DuckDB's function passes over NULL, where BigQuery's gives NULL."""

    def build(match: Match, arguments: Arguments, safe: bool) -> exp.Expr:
        nodes = _nodes(arguments)
        return _null_if_any_null(nodes, _call(name, *nodes)) if len(nodes) > 1 else nodes[0]

    return build


def _least_float(match: Match, arguments: Arguments, safe: bool) -> exp.Expr:
    # NaN is the largest to DuckDB's GREATEST, and so it is of the negated numbers.
    nodes = _nodes(arguments)
    negated = [exp.Neg(this=exp.Paren(this=node.copy())) for node in nodes]
    return _null_if_any_null(nodes, exp.Neg(this=_call("greatest", *negated))) if len(nodes) > 1 else nodes[0]


def _null_if_any_null(nodes: Sequence[exp.Expr], result: exp.Expr) -> exp.Expr:
    missing: exp.Expr = exp.Is(this=nodes[0].copy(), expression=exp.Null())
    for node in nodes[1:]:
        missing = exp.Or(this=missing, expression=exp.Is(this=node.copy(), expression=exp.Null()))
    return exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=result)


def _round_float(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    places = int(match.options[1])
    if not -_MOST_PLACES <= places <= _MOST_PLACES:
        raise Unsupported(f"ROUND to {places} places is not implemented by the embedded engine")
    return f"round(CAST($1 AS DOUBLE), {places})", _nodes(arguments)[:1]


def _round_numeric(function: str) -> Builder:
    def build(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
        places = int(match.options[1])
        if safe:
            raise Unsupported(f"SAFE.{match.signature.name} of a NUMERIC is not implemented by the embedded engine")
        if not 0 <= places <= _MOST_PLACES:
            raise Unsupported(f"{match.signature.name} of a NUMERIC to {places} places is not implemented")
        return f"CAST({function}($1, {places}) AS DECIMAL(38, 9))", _nodes(arguments)[:1]

    return build


def _formatted(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    kind = match.wanted(1)
    zoned = 2 in match.options  # noqa: PLR2004  # the third argument
    form = FormatKind.ZONED if zoned else FormatKind.UTC if kind == TIMESTAMP else FormatKind.CLOCK
    form = FormatKind.DATE if match.signature.name == "FORMAT_DATE" and kind == DATE else form
    parts = format_parts(match.options[0], form)
    moment = dict(arguments)[1]
    if kind == DATE:
        return " || ".join(parts), [_call("bq__as_datetime", moment)]
    if kind != TIMESTAMP:
        return " || ".join(parts), [moment]
    utc = _call("timezone", exp.Literal.string("UTC"), moment)
    if not zoned:
        return " || ".join(parts), [utc]
    return " || ".join(parts), [_call("bq__wall", moment.copy(), exp.Var(this=text_literal(match.options[2]))), utc]


def _parsing(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    type_name = match.signature.name.removeprefix("PARSE_")
    parsing = parsed(match.options[0], clock=type_name != "DATE")
    made = {
        "DATE": f"bq__day_or_null({parsing.day()})",
        "DATETIME": f"bq__moment_or_null({parsing.day()} || ' ' || {parsing.clock()})",
        "TIMESTAMP": _in_zone(parsing, match.options.get(2, "UTC")),
    }[type_name]
    failure = "NULL" if safe else "error('a text is not in the form that PARSE was given')"
    body = (
        f"CASE WHEN $1 IS NULL THEN NULL WHEN NOT regexp_matches($1, {text_literal(parsing.possible)}) THEN {failure} "
        f"WHEN NOT regexp_matches($1, {text_literal(parsing.sure)}) "
        f"THEN error('PARSE of a text in an unusual form is not implemented by the embedded engine') "
        f"ELSE COALESCE({made}, {failure}) END"
    )
    return body, [dict(arguments)[1]]


def _in_zone(parsing: Parsing, zone: str) -> str:
    moment = f"bq__moment_or_null({parsing.day()} || ' ' || {parsing.clock()})"
    return f"bq__from_zone({moment}, {text_literal(zone)})" if zone != "UTC" else f"timezone('UTC', {moment})"


def _pattern(match: Match, position: int = 1, *, groups: int | None = 1) -> int:
    """Return how many groups a regular expression has, having looked at what RE2 and Python read alike."""
    pattern = match.options[position]
    plain = re.sub(r"\\[pPzCQE](\{\w+\})?|\[:\^?\w+:\]", "x", pattern)
    try:
        with warnings.catch_warnings(action="ignore"):
            found = re.compile(plain).groups
    except re.error as error:
        raise Unsupported(f"the regular expression {pattern!r} is not implemented: {error}") from error
    if groups is not None and found > groups:
        raise InvalidQuery(f"{pattern!r} has {found} groups; one may be extracted")
    return found


def _extracted(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    pattern = text_literal(match.options[1])
    if _pattern(match):  # a group that takes no part is NULL, as it is where all are extracted
        return f"list_extract(regexp_extract_all($1, {pattern}, 1), 1)", _nodes(arguments)[:1]
    return f"CASE WHEN regexp_matches($1, {pattern}) THEN regexp_extract($1, {pattern}) END", _nodes(arguments)[:1]


def _extracted_all(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    group = _pattern(match)
    _check_not_empty(match.options[1])
    found = f"regexp_extract_all($1, {text_literal(match.options[1])}, {group})"
    return f"list_transform({found}, lambda _part: COALESCE(_part, ''))" if group else found, _nodes(arguments)[:1]


def _nth_extracted(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    pattern, position = match.options[1], int(match.options[2])
    occurrence = int(match.options.get(3, "1"))
    group = _pattern(match)
    _check_not_empty(pattern)
    if position < 1 or occurrence < 1:
        raise InvalidQuery("position and occurrence of REGEXP_EXTRACT begin with 1")
    if position > 1 and re.search(r"\^|\\[bBA]", pattern):
        raise Unsupported(f"REGEXP_EXTRACT by {pattern!r} from a position on is not implemented by the embedded engine")
    found = f"regexp_extract_all(substring($1, {position}), {text_literal(pattern)}, {group})"
    return f"list_extract({found}, {occurrence})", _nodes(arguments)[:1]


def _check_not_empty(pattern: str) -> None:
    try:
        empty = re.compile(pattern).match("") is not None
    except re.error:
        empty = True
    if empty:
        raise Unsupported(f"extraction of all by {pattern!r}, which also fits nothing, is not implemented")


def _contained(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    _pattern(match, groups=None)
    return f"regexp_matches($1, {text_literal(match.options[1])})", _nodes(arguments)[:1]


def _replaced(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    pattern, new = match.options[1], match.options[2]
    groups = _pattern(match, groups=None)
    _check_not_empty(pattern)
    if any(int(number) > groups for number in _GROUP.findall(new)) or not _REPLACEMENT.fullmatch(new):
        raise InvalidQuery(f"{new!r} names a group that {pattern!r} does not have")
    return f"regexp_replace($1, {text_literal(pattern)}, {text_literal(new)}, 'g')", _nodes(arguments)[:1]


def _json(macro: str) -> Builder:
    def build(match: Match, arguments: Arguments, safe: bool) -> exp.Expr:
        path, key = duckdb_path(match.options.get(1, "$"), legacy="EXTRACT" in match.signature.name)
        if match.wanted(0) == JSON:
            return _call("bq__json_value", _nodes(arguments)[0], exp.Literal.string(path))
        return _call(macro, _nodes(arguments)[0], exp.Literal.string(path), exp.Literal.string(key))

    return build


def _json_of(match: Match, arguments: Arguments, safe: bool) -> tuple[str, list[exp.Expr]]:
    return _as_json(match.wanted(0), "$1", 0), _nodes(arguments)[:1]


def _as_json(kind: SqlType, value: str, depth: int) -> str:
    """Return DuckDB's expression for a value as JSON: of an array and a struct those of what is in them."""
    if kind.element is not None:
        item = _as_json(kind.element, f"_item{depth}", depth + 1)
        items = f"array_to_string(list_transform({value}, lambda _item{depth}: {item}), ',')"
        return f"CASE WHEN {value} IS NULL THEN 'null' ELSE '[' || {items} || ']' END"
    if kind.fields:
        fields = [
            f"{text_literal(json.dumps(name, ensure_ascii=False) + ':')} || "
            + _as_json(field_kind, f"{value}[{text_literal(name)}]", depth)
            for name, field_kind in kind.fields
        ]
        joined = " || ',' || ".join(fields)
        return f"CASE WHEN {value} IS NULL THEN 'null' ELSE '{{' || {joined} || '}}' END"
    for signature in signatures_of("TO_JSON_STRING"):
        argument = signature.arguments[0]
        if isinstance(argument, Valued) and argument.kind == kind:
            body = signature.body
            return body.replace("$1", value) if "$1" in body else f"{body}({value})"
    raise Unsupported(f"TO_JSON_STRING of {kind} is not implemented by the embedded engine")


def _quantiles(match: Match, given: list[exp.Expr]) -> exp.Expr:
    number = int(match.options[1])
    if not 0 < number <= 1000:  # noqa: PLR2004  # more are not asked for
        raise Unsupported(f"APPROX_QUANTILES with {number} quantiles is not implemented by the embedded engine")
    fractions = exp.Array(expressions=[exp.Literal.number(f"{i / number!r}") for i in range(number + 1)])
    return _call("quantile_disc", given[0], fractions)


BUILDERS: dict[str, Builder] = {
    "greatest": _extreme("greatest"),
    "least": _extreme("least"),
    "least_float": _least_float,
    "round_float": _round_float,
    "round_numeric": _round_numeric("round"),
    "trunc_numeric": _round_numeric("trunc"),
    "formatted": _formatted,
    "parsed": _parsing,
    "extracted": _extracted,
    "extracted_all": _extracted_all,
    "nth_extracted": _nth_extracted,
    "contained": _contained,
    "replaced": _replaced,
    "json_value": _json("bq__json_scalar"),
    "json_text": _json("bq__json_part"),
    "json_array": _json("bq__json_parts"),
    "json_value_array": _json("bq__json_scalars"),
    "json_of": _json_of,
}
AGGREGATES: dict[str, Callable[[Match, list[exp.Expr]], exp.Expr]] = {"quantiles": _quantiles}
