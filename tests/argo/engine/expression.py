"""What an expression in a manifest means: the part of Argo's expression language that the emitted manifests use.

Argo evaluates with expr (github.com/expr-lang/expr); precedences are those of its parser/operator package.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jetstream_argo.errors import PlanError
from tests.argo.engine.functions import FUNCTIONS, OPERATORS, Value, as_list, is_truth

Scope: TypeAlias = Mapping[str, Value]
Evaluate: TypeAlias = Callable[[Scope], Value]

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<sign>\*\*|\|\||&&|==|!=|<=|>=|\?\?|[-+*/%<>!?:.,#(){}\[\]]))"""
)
_PRECEDENCE = {
    "||": 10, "or": 10, "&&": 15, "and": 15,
    "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20, ">=": 20, "in": 20, "matches": 20,
    "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "??": 500,
}  # fmt: skip
_UNARY = {"!": 90, "-": 90, "not": 50}
_CONSTANTS: Mapping[str, Value] = {"true": True, "false": False, "nil": None}
_ELEMENT = "#"


def evaluate(text: str, scope: Scope) -> Value:
    """Return the value of an expression, whose names stand for what `scope` holds.

    Raises:
        PlanError: it is no expression, uses what is not implemented here, or fails.
    """
    try:
        return compiled(text)(scope)
    except (TypeError, ValueError, KeyError, IndexError, re.error) as error:
        raise PlanError(
            f"expression {text!r}: {type(error).__name__} {error}; see Argo's docs on expressions"
        ) from error


def compiled(text: str) -> Evaluate:
    """Return a function from a scope to the expression's value.

    Raises:
        PlanError: it is no expression, or uses what is not implemented here.
    """
    parser = _Parser(text, [*_tokens(text), _Token("end", "")])
    found = parser.ternary()
    parser.expect("")
    return found


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise PlanError(f"expression {text!r}: cannot be read from {text[place : place + 20]!r} on")
        yield _Token(found.lastgroup, found[found.lastgroup])
        place = found.end()


class _Parser:
    """Precedence climbing; each method returns the function that evaluates what it has read."""

    def __init__(self, text: str, tokens: Sequence[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.place = 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def take(self) -> _Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def has(self, text: str) -> bool:
        """Take the next token if it is `text`, and return whether it was."""
        found = self.next.text == text and self.next.kind != "text"
        self.place += found
        return found

    def expect(self, text: str) -> None:
        if not self.has(text):
            raise PlanError(f"expression {self.text!r}: expected {text or 'its end'!r} before {self.next.text!r}")

    def ternary(self) -> Evaluate:
        condition = self.binary(0)
        if not self.has("?"):
            return condition
        then = self.ternary()
        self.expect(":")
        otherwise = self.ternary()
        return lambda scope: then(scope) if is_truth(condition(scope)) else otherwise(scope)

    def binary(self, least: int) -> Evaluate:
        left = self.unary()
        while self.next.kind in ("sign", "name") and (precedence := _PRECEDENCE.get(self.next.text, -1)) >= least:
            sign = self.take().text
            right = self.binary(precedence if sign == "**" else precedence + 1)
            left = _joined(sign, left, right)
        return left

    def unary(self) -> Evaluate:
        sign = self.next.text
        if self.next.kind != "text" and sign in _UNARY:
            self.take()
            operand = self.binary(_UNARY[sign])
            if sign == "-":
                return lambda scope: OPERATORS["-"](0, operand(scope))
            return lambda scope: not is_truth(operand(scope))
        return self.postfix(self.primary())

    def primary(self) -> Evaluate:
        token = self.take()
        match token.kind, token.text:
            case "number", text:
                number = float(text) if "." in text else int(text)
                return lambda _: number
            case "text", text:
                literal = re.sub(r"\\(.)", r"\1", text[1:-1])
                return lambda _: literal
            case "name", name if name in _CONSTANTS:
                return lambda _: _CONSTANTS[name]
            case "name", name if self.next.text == "(":
                return self.call(name)
            case "name", name:
                return lambda scope: scope[name]
            case "sign", "#":
                return lambda scope: scope[_ELEMENT]
            case "sign", "(":
                inner = self.ternary()
                self.expect(")")
                return inner
            case "sign", "[":
                items = self.items("]")
                return lambda scope: [item(scope) for item in items]
            case _:
                raise PlanError(f"expression {self.text!r}: {token.text!r} is not implemented here")

    def postfix(self, value: Evaluate) -> Evaluate:
        while True:
            if self.has("."):
                value = _member(value, self.take().text)
            elif self.has("["):
                value = _item(value, self.ternary())
                self.expect("]")
            else:
                return value

    def call(self, name: str) -> Evaluate:
        self.expect("(")
        if name in ("map", "any", "filter"):
            return self.over_elements(name)
        function = FUNCTIONS.get(name)
        if function is None:
            raise PlanError(f"expression {self.text!r}: function {name!r} is not implemented here")
        arguments = self.items(")")
        return lambda scope: function(*(argument(scope) for argument in arguments))

    def over_elements(self, name: str) -> Evaluate:
        values = self.ternary()
        self.expect(",")
        self.expect("{")
        body = self.ternary()
        self.expect("}")
        self.expect(")")

        def elements(scope: Scope) -> list[Value]:
            return [body({**scope, _ELEMENT: element}) for element in as_list(values(scope))]

        if name == "filter":
            return lambda scope: [
                element for element in as_list(values(scope)) if is_truth(body({**scope, _ELEMENT: element}))
            ]
        return elements if name == "map" else lambda scope: any(is_truth(value) for value in elements(scope))

    def items(self, end: str) -> list[Evaluate]:
        items: list[Evaluate] = []
        while not self.has(end):
            if items:
                self.expect(",")
            items.append(self.ternary())
        return items


def _joined(sign: str, left: Evaluate, right: Evaluate) -> Evaluate:
    match sign:
        case "||" | "or":
            return lambda scope: is_truth(left(scope)) or is_truth(right(scope))
        case "&&" | "and":
            return lambda scope: is_truth(left(scope)) and is_truth(right(scope))
        case "??":
            return lambda scope: right(scope) if (value := left(scope)) is None else value
        case _:
            return lambda scope: OPERATORS[sign](left(scope), right(scope))


def _member(value: Evaluate, name: str) -> Evaluate:
    return _item(value, lambda _: name)


def _item(value: Evaluate, key: Evaluate) -> Evaluate:
    def found(scope: Scope) -> Value:
        match value(scope), key(scope):
            case dict(table), str(name):
                return table.get(name)  # nil where there is none, as in expr
            case list(values), int(number):
                return values[number]
            case other, _:
                raise TypeError(f"{other!r} has no items")

    return found
