"""A Jinja environment in which no template takes long, grows large, or calls itself without end."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from types import CodeType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

LONGEST_TEMPLATE = 256 * 1024  # characters
LONGEST_VALUE = 1024 * 1024  # characters of a text, or entries of a list
_BUDGET = 4_000_000  # a step costs 20, a character or entry that is made or put out 1
_STEP = 20
_LARGEST_NUMBER = 4096  # bits
_LONGEST_FORMAT = 100
_WIDTH = re.compile(r"%[-_^#]*\d")
_DEEPEST = 2  # lists in a list

_FILTERS = frozenset(
    "abs capitalize count d default first float ident int items join last length list literal lower map max min "
    "reject rejectattr replace reverse round select selectattr sort string sum title trim unique upper".split()
)
# Of Python's own types a template may call these; the others can make a large value of a small one.
_METHODS = {
    str: frozenset(
        "capitalize count endswith find index isalnum isalpha isdigit islower isnumeric isupper lower lstrip "
        "removeprefix removesuffix rstrip split splitlines startswith strip title upper".split()
    ),
    date: frozenset("isocalendar isoformat isoweekday replace strftime toordinal weekday".split()),
    dict: frozenset("get items keys values".split()),
    list: frozenset("count index".split()),
    tuple: frozenset("count index".split()),
}
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
}
_COUNTED, _FLAT = "_counted", "_flat"  # filters of ours, which no template can name


class LimitError(jinja2.TemplateError):
    """A template that asks for more than it may have."""


@lru_cache(maxsize=1024)  # compiling takes longer than filling, and experiments have most templates in common
def _code(text: str, filters: tuple[tuple[str, Callable[..., object]], ...]) -> CodeType:
    """Return the code of a template, which any environment with these filters can run."""
    return LimitedEnvironment(dict(filters)).compile(text)


class LimitedEnvironment(ImmutableSandboxedEnvironment):
    """A sandbox with a budget: loops, calls and all that is made are paid for, and refused when it is used up.

    Templates know `filters` besides some of Jinja's own.
    """

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def __init__(self, filters: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(autoescape=False, optimized=False, undefined=jinja2.StrictUndefined, finalize=self._put_out)
        self._own_filters = tuple(filters.items())
        self.filters = {name: function for name, function in self.filters.items() if name in _FILTERS} | dict(filters)
        self.filters |= {_COUNTED: self._counted, _FLAT: self._flat}
        self.filters |= {"replace": self._replaced, "join": self._joined}
        for name in ("lipsum", "cycler", "joiner"):
            del self.globals[name]
        self._left = _BUDGET
        self._text = 0

    def filled(self, text: str, names: dict[str, object]) -> str:
        """Return the template `text` filled with `names`.

        Raises:
            LimitError: it is too long, or takes too much.
            jinja2.TemplateError: it has a mistake.
        """
        if len(text) > LONGEST_TEMPLATE:
            raise LimitError(f"it has {len(text)} characters, {LONGEST_TEMPLATE} are allowed")
        self._left, self._text = _BUDGET, len(text)
        try:
            template = self.template_class.from_code(self, _code(text, self._own_filters), self.make_globals(None))
            return "".join(self._within(template.generate(**names)))
        except RecursionError as error:
            raise LimitError("it calls itself without end, or has too many brackets in brackets") from error
        except (SyntaxError, MemoryError) as error:
            raise LimitError(f"it is too deep or too large: {type(error).__name__}") from error

    def pay_for(self, value: Any) -> Any:
        """Return `value`, having paid for its size."""
        self.pay(_size(value))
        return value

    def pay(self, amount: int) -> None:
        """Pay for `amount` characters that are about to be made."""
        self._left -= amount
        if self._left < 0 or amount > LONGEST_VALUE:
            raise LimitError("it takes too many steps, or makes too large a text; a template is to name a few values")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute as usual, unless the result would be too large."""
        if operator == "%" and isinstance(left, str):
            raise LimitError("it formats text with %, which is not done here; use the filter 'literal', or ~")
        if operator == "*":
            self.pay(_repeated(left, right))
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(right, 0) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > _LARGEST_NUMBER:
                raise LimitError(f"a number would have some {bits} binary digits, {_LARGEST_NUMBER} are allowed")
        if operator == "+":
            self.pay(_size(left) + _size(right))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  # as Jinja has it
        """Call as usual what a template may call, and pay for it."""
        __self.pay(_STEP + (__self._text if isinstance(__obj, Macro) else 0))
        __self._check_method(__obj, args)
        return __self.pay_for(super().call(__context, __obj, *args, **kwargs))

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        """Make the code of a template whose loops, filters and lists are paid for."""
        for kind, word in _REFUSED.items():
            if source.find(kind):
                raise LimitError(f"it has {{% {word} %}}, which is not done here")
        return str(super()._generate(_Paying().visit(source), *arguments, **options))

    def _within(self, pieces: Iterable[str]) -> Iterator[str]:
        total = 0
        for piece in pieces:
            total += len(piece)
            if total > LONGEST_VALUE:
                raise LimitError(f"it puts out more than {LONGEST_VALUE} characters")
            yield piece

    def _put_out(self, value: Any) -> Any:
        if isinstance(value, Undefined):
            return value  # fails where it is written
        self.pay(_STEP)
        return self._flat(value)

    def _counted(self, values: Any, weight: int) -> Iterator[Any]:
        for value in values:
            self.pay(_STEP + weight)
            yield value

    def _flat(self, value: Any) -> Any:
        """Return `value` unless it is lists in lists in lists, which can be larger than all memory."""
        if _depth(value, most=_DEEPEST) > _DEEPEST:
            raise LimitError("it puts lists into lists into lists")
        return self.pay_for(value)

    def _replaced(self, text: object, old: str, new: str, count: int | None = None) -> str:
        text, old, new = str(text), str(old), str(new)
        times = text.count(old) if count is None else min(count, text.count(old))
        self.pay(len(text) + times * max(len(new) - len(old), 0))
        return text.replace(old, new, -1 if count is None else count)

    def _joined(self, values: Iterable[object], d: object = "", attribute: str | None = None) -> str:
        texts = [str(self.pay_for(self.getattr(value, attribute) if attribute else value)) for value in values]
        self.pay(sum(map(len, texts)) + len(str(d)) * len(texts))
        return str(d).join(texts)

    def _check_method(self, called: Any, arguments: tuple[Any, ...]) -> None:
        owner, name = getattr(called, "__self__", None), getattr(called, "__name__", "")
        for kind, allowed in _METHODS.items():
            if isinstance(owner, kind) and name not in allowed:
                raise LimitError(f"it calls {kind.__name__}.{name}, which is not done here")
        if name == "strftime" and any(
            len(str(argument)) > _LONGEST_FORMAT or _WIDTH.search(str(argument)) for argument in arguments
        ):
            raise LimitError("it formats a date with a width, or at length; write codes such as %Y-%m-%d")


class _Paying(NodeTransformer):
    """Puts filters of ours into a template's tree, around whatever can take long or grow large."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802  # as Jinja calls it
        """Have each round of a loop paid for, with the text that stands in it."""
        if node.recursive:
            raise LimitError("it has a recursive loop, which is not done here")
        weight = sum(len(text.data) for part in node.body for text in part.find_all(nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED, nodes.Const(weight))  # type: ignore[arg-type]  # an expression
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Expr:  # noqa: N802  # as Jinja calls it
        """Have what a filter makes paid for."""
        if node.name.startswith("_"):
            raise LimitError(f"it uses a filter {node.name!r}, which does not exist")
        return self._paid(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802  # as Jinja calls it
        """Have a list paid for, and not the names to which a loop assigns."""
        if node.ctx == "load":
            return self._paid(node)
        self.generic_visit(node)
        return node

    def _paid(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return _filtered(node, _FLAT)

    visit_Concat = visit_List = visit_Dict = _paid  # noqa: N815  # as Jinja calls them


def _filtered(node: nodes.Expr, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict | set | range) else 1


def _repeated(left: Any, right: Any) -> int:
    for value, times in ((left, right), (right, left)):
        if isinstance(value, str | list | tuple) and isinstance(times, int):
            return len(value) * max(times, 0)
    return 1


def _depth(value: Any, *, most: int) -> int:
    """Return how deep containers are in one another in `value`; one more than `most` means deeper."""
    if not isinstance(value, list | tuple | dict | set) or most < 0:
        return 0
    entries = value.values() if isinstance(value, dict) else value
    return 1 + max((_depth(entry, most=most - 1) for entry in entries), default=0)
