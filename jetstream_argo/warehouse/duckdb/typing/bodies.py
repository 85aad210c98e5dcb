"""Turns a signature's body into an expression of DuckDB's: a function, or a macro that is made when it is needed."""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

from sqlglot import exp

from jetstream_argo.dialect.functions.registry import Function, Registry
from jetstream_argo.errors import Unsupported
from jetstream_argo.warehouse.duckdb.signatures.builders import BUILDERS, Arguments
from jetstream_argo.warehouse.duckdb.types import text_literal
from jetstream_argo.warehouse.duckdb.typing.matching import Match

_NAME = re.compile(r"\w+\Z")
_ERROR = re.compile(r"error\('(?:(?!not implemented)[^']|'')*'(?: \|\| \$?\w+)?\)")
_TEXT_OR_VALUE = re.compile(r"('(?:[^']|'')*')|\$(\d)")
_HELPER = re.compile(r"\b(bq__\w+)\(")
_OPTION = re.compile(r"%(\d)")
_LITERALS = ("zone", "regex", "path", "text", "format", "word")
_WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "over", "=": "eq", "!=": "ne", "<": "lt", "<=": "le",
          ">": "gt", ">=": "ge", "||": "cat", "&": "and", "|": "or", "^": "xor", "<<": "shl", ">>": "shr",
          "~": "not"}  # fmt: skip
UNSAFE = "! "  # before a body in which DuckDB itself may fail


def computed(registry: Registry, match: Match, arguments: Arguments, *, safe: bool = False) -> exp.Expr:
    """Return the call of what the signature's body is; arguments come with their positions.

    Raises:
        Unsupported: it is to give NULL where it fails, and cannot.
    """
    body = match.signature.body
    if safe and body.startswith(UNSAFE):
        raise Unsupported(f"SAFE.{match.signature.name} is not implemented by the embedded engine for these types")
    body = body.removeprefix(UNSAFE)
    if body.startswith("@"):
        made = BUILDERS[body[1:]](match, arguments, safe)
        return made if isinstance(made, exp.Expr) else _made_up(registry, match, *made)
    if _NAME.match(body):
        if safe and body.startswith("bq__"):
            body = _without_errors(registry, f"{body}(").removesuffix("(")
        return exp.Anonymous(this=body, expressions=[node for _, node in arguments])
    if body.startswith("fold "):
        return _folded(registry, match, body.removeprefix("fold "), arguments)
    name = _macro(registry, match, body, [position for position, _ in arguments], safe=safe)
    return exp.Anonymous(this=name, expressions=[node for _, node in arguments])


def _made_up(registry: Registry, match: Match, body: str, arguments: list[exp.Expr]) -> exp.Expr:
    digest = hashlib.sha256(f"{len(arguments)} {body}".encode()).hexdigest()[:12]
    name = f"{_slug(match.signature.name)}_{digest}"
    if not registry.has(f"bq__{name}"):
        parameters = tuple(f"p{number + 1}" for number in range(len(arguments)))
        registry.add(Function(f"bq.{name}", parameters, with_parameters(body), ""))
    return exp.Anonymous(this=f"bq__{name}", expressions=arguments)


def _folded(registry: Registry, match: Match, body: str, arguments: Arguments) -> exp.Expr:
    (_, result), *rest = arguments
    for _, argument in rest:
        name = _macro(registry, match, body, [0, 1], safe=False)
        result = exp.Anonymous(this=name, expressions=[result, argument])
    return result


def _macro(registry: Registry, match: Match, body: str, positions: Sequence[int], *, safe: bool) -> str:
    parts = [_slug(match.signature.name), str(match.signature.number)]
    parts += [_slug(text) for position, text in match.options.items() if f"%{position + 1}" in body]
    name = "_".join([*parts, "safe"] if safe else parts)
    if not registry.has(f"bq__{name}"):
        written = _OPTION.sub(lambda option: match.options[int(option[1]) - 1].lower(), body)
        written = with_parameters(_without_errors(registry, written) if safe else written)
        registry.add(Function(f"bq.{name}", tuple(f"p{position + 1}" for position in positions), written, ""))
    return f"bq__{name}"


def with_parameters(body: str) -> str:
    """Return a body in which `$1` is the macro's first parameter, but not where it stands in a text."""
    return _TEXT_OR_VALUE.sub(lambda found: found[1] or f"p{found[2]}", body)


def _without_errors(registry: Registry, body: str) -> str:
    """Return a body that gives NULL where it would fail; the macros that it calls, too."""

    def quiet(found: "re.Match[str]") -> str:
        helper = registry.macro(found[1])
        if helper is None:
            return found[0]
        name = f"{found[1]}_quiet"
        if not registry.has(name):
            body = _without_errors(registry, helper.duckdb)
            registry.add(Function(name.replace("__", ".", 1), helper.parameters, body, ""))
        return f"{name}("

    return _HELPER.sub(quiet, _ERROR.sub("NULL", body))


@lru_cache(maxsize=1024)
def _slug(text: str) -> str:
    return _WORDS.get(text, re.sub(r"\W+", "_", text.lower()))


def option_literal(category: str, text: str) -> exp.Expr | None:
    """Return the argument for DuckDB that a constant option is, or None for one that is part of the body."""
    return exp.Var(this=text_literal(text)) if category in _LITERALS else None
