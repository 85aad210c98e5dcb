"""Finds the signature that a call has, and its options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.warehouse.duckdb.signatures.model import WEEKDAYS, Argument, Option, Signature, Valued, bound
from jetstream_argo.warehouse.duckdb.signatures.zones import duckdb_zone
from jetstream_argo.warehouse.duckdb.typing.kinds import DATE, DATETIME, FLOAT64, INT64, NULL, NUMERIC, SqlType
from jetstream_argo.warehouse.duckdb.typing.values import Value, cost, supertype

VARIABLES = ("T", "U")
_LED = {(INT64, NUMERIC), (FLOAT64, NUMERIC), (NUMERIC, FLOAT64), (DATE, DATETIME)}


@dataclass(frozen=True, slots=True)
class Match:
    """A signature with what its variables and options are; `options` are texts, by the argument's position."""

    signature: Signature
    variables: dict[str, SqlType]
    options: dict[int, str]

    def wanted(self, position: int) -> SqlType:
        """Return the type which the argument at this position must have."""
        argument = self.signature.argument(position)
        if not isinstance(argument, Valued):
            raise TypeError(f"argument {position} of {self.signature} is an option")
        return bound(argument.kind, self.variables)

    @property
    def result(self) -> SqlType:
        """The type of what the call gives."""
        return bound(self.signature.result, self.variables)


def best(signatures: Sequence[Signature], arguments: Sequence[exp.Expr], value: Callable[[int], Value]) -> Match | None:
    """Return the match that changes the arguments least, the first of several; None if no signature fits.

    `value` reads the argument at a position; it is asked only for those that some signature takes for values.
    """
    possible = _possible(signatures, len(arguments), any(isinstance(node, exp.Interval) for node in arguments))
    if not possible.by_types:
        return _nearest(possible.signatures, arguments, value)
    shapes = tuple([_shape(value(position)) for position in range(len(arguments))])
    if shapes not in possible.known:
        possible.known[shapes] = _nearest(possible.signatures, arguments, value)
    return possible.known[shapes]


@dataclass(frozen=True, slots=True)
class _Possible:
    """The signatures that may fit so many arguments, and which of them is the best for types that were met.

    `by_types` says that types decide, and all of them: no argument is an option, and each is asked for.
    """

    signatures: tuple[Signature, ...]
    by_types: bool
    known: dict[tuple["_Shape", ...], Match | None] = field(default_factory=dict)


class _Lists:
    """What is possible of lists that are the same object whenever they are asked for."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, bool], tuple[Sequence[Signature], _Possible]] = {}

    def possible(self, signatures: Sequence[Signature], count: int, intervals: bool) -> _Possible:
        key = (id(signatures), count, intervals)
        if key not in self._found:
            self._found[key] = (signatures, _taking(signatures, count, intervals))  # held, so that its id stays its own
        return self._found[key][1]


_LISTS = _Lists()


def _possible(signatures: Sequence[Signature], count: int, intervals: bool) -> _Possible:
    if isinstance(signatures, tuple):
        return _LISTS.possible(signatures, count, intervals)
    return _taking(signatures, count, intervals)


def _taking(signatures: Sequence[Signature], count: int, intervals: bool) -> _Possible:
    """Return the signatures with so many arguments; those with an interval only if there is one among them."""
    taking = [
        signature
        for signature in signatures
        if signature.takes(count)
        and (intervals or not any(_is_interval(signature.argument(position)) for position in range(count)))
    ]
    by_types = not intervals and all(
        isinstance(argument := signature.argument(position), Valued) and not _is_array_of_variable(argument.kind)
        for signature in taking
        for position in range(count)
    )
    return _Possible(tuple(taking), by_types and bool(taking))


def _is_interval(argument: Argument | None) -> bool:
    return isinstance(argument, Option) and argument.category == "interval"


def _is_array_of_variable(kind: SqlType) -> bool:
    return kind.element is not None and kind.element.name in VARIABLES


_Shape: TypeAlias = "tuple[SqlType, bool, tuple[_Shape, ...] | None]"


def _shape(value: Value) -> _Shape:
    """Return all that matching looks at: the type, whether it is a literal, and the same of an array's elements."""
    return value.kind, value.text is not None, None if value.items is None else tuple(map(_shape, value.items))


def _nearest(
    signatures: Sequence[Signature], arguments: Sequence[exp.Expr], value: Callable[[int], Value]
) -> Match | None:
    found: tuple[int, Match] | None = None
    for signature in signatures:
        match = _match(signature, arguments, value)
        if match is not None and (found is None or match[0] < found[0]):
            found = match
    return None if found is None else found[1]


def _match(
    signature: Signature, arguments: Sequence[exp.Expr], value: Callable[[int], Value]
) -> tuple[int, Match] | None:
    options: dict[int, str] = {}
    for position, node in enumerate(arguments):
        argument = signature.argument(position)
        if isinstance(argument, Option):
            text = _option(argument, node)
            if text is None:
                return None
            options[position] = text
        elif isinstance(node, exp.Interval):
            return None
    variables = _variables(signature, len(arguments), value)
    if variables is None:
        return None
    total = 0
    given = [value(n) for n in range(len(arguments)) if isinstance(signature.argument(n), Valued)]
    for position in range(len(arguments)):
        argument = signature.argument(position)
        if isinstance(argument, Valued):
            wanted = bound(argument.kind, variables)
            distance = cost(value(position), wanted)
            if distance is None or (wanted == argument.kind and not _is_led(value(position), wanted, given)):
                return None
            total += distance
    return total, Match(signature, variables, options)


def _is_led(value: Value, wanted: SqlType, given: Sequence[Value]) -> bool:
    """Return whether a value becomes another type because an argument beside it is of that type, or may by itself.

    Without that a function has, in BigQuery, a signature for the value's own type, which is not in the list.
    """
    if value.kind in (wanted, NULL) or (value.kind, wanted) not in _LED:
        return True
    return wanted != DATETIME and any(other.kind == wanted and other.text is None for other in given)


def _variables(signature: Signature, count: int, value: Callable[[int], Value]) -> dict[str, SqlType] | None:
    """Return what the signature's variables stand for; None if no type does."""
    met: dict[str, list[Value]] = {}
    for position in range(count):
        argument = signature.argument(position)
        if not isinstance(argument, Valued):
            continue
        kind = argument.kind
        given = value(position)
        if kind.element is not None and kind.element.name in VARIABLES:
            inner = given.kind.element
            if inner is None and given.kind != NULL:
                return None
            met.setdefault(kind.element.name, []).append(Value(given.node, inner or NULL))
        elif kind.name in VARIABLES:
            met.setdefault(kind.name, []).append(given)
    try:
        return {name: supertype(values) for name, values in met.items()}
    except InvalidQuery:
        return None


def _option(option: Option, node: exp.Expr) -> str | None:
    """Return the text for which an argument stands, or None if it is none that the option allows."""
    match option.category:
        case "part":
            text = _part(node)
            return text if text in option.words else None
        case "interval":
            unit = node.args.get("unit") if isinstance(node, exp.Interval) else None
            text = unit.name.upper() if isinstance(unit, exp.Var) else ""
            return text if text in option.words else None
        case "week":
            return _week(node)
        case "zone":
            zone = constant(node)
            return duckdb_zone(zone) if isinstance(zone, str) else None
        case "whole":
            number = constant(node)
            return str(number) if isinstance(number, int) and not isinstance(number, bool) else None
        case "word":
            return str(constant(node)) if constant(node) in option.words else None
        case _:
            literal = constant(node)
            return literal if isinstance(literal, str) else None


def _part(node: exp.Expr) -> str:
    return node.name.upper() if isinstance(node, exp.Column | exp.Var) else ""


def _week(node: exp.Expr) -> str | None:
    """Return the number of the weekday with which the weeks begin, Sunday's being 0."""
    if isinstance(node, exp.Anonymous) and node.name.upper().endswith("WEEK") and len(node.expressions) == 1:
        day = _part(node.expressions[0])
        return str(WEEKDAYS.index(day)) if day in WEEKDAYS else None
    return {"WEEK": "0", "ISOWEEK": "1"}.get(_part(node))
