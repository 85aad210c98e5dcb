"""A type while it is inferred: the union of what is possible, which narrows down to one type."""

from collections import Counter

from jetstream_argo.dialect.types import Scalar

NUMBER = "NUMBER"  # INT64 or FLOAT64, the text does not say which
MOMENT = "MOMENT"  # DATE, DATETIME or TIMESTAMP
STRONG = 4
WEAK = 1

_FLOAT_WORDS = (
    "hours",
    "seconds",
    "ratio",
    "rate",
    "revenue",
    "ltv",
    "duration",
    "price",
    "cost",
    "pct",
    "fraction",
    "cdou",
)
_DATE_WORDS = ("date",)
_TIMESTAMP_WORDS = ("timestamp",)
_BOOL_STARTS = ("is_", "has_", "was_")
_INTEGER_ENDS = ("_count", "_counts", "_sum", "_days", "_total", "_number", "count")


def field_name(name: str) -> str:
    """Return a struct field's name as types are written: in backticks unless it is plain."""
    return name if name.isidentifier() else f"`{name}`"


class Shape:
    """One value of a query. Shapes of values that must have one type are unified and from then on are one."""

    __slots__ = ("_element", "_fields", "_forward", "_keys", "_values", "_votes")

    def __init__(self, type_: str | None = None, weight: int = STRONG) -> None:
        self._forward: Shape | None = None
        self._votes: Counter[str] = Counter({type_: weight} if type_ else {})
        self._values: dict[Scalar, None] = {}
        self._fields: dict[str, Shape] = {}
        self._keys: dict[str, Shape] = {}
        self._element: Shape | None = None

    def root(self) -> "Shape":
        """Return the shape that this one has become part of."""
        shape = self
        while shape._forward is not None:
            shape = shape._forward
        return shape

    def vote(self, type_: str, weight: int = STRONG) -> "Shape":
        """Record that the value may be of this type."""
        self.root()._votes[type_] += weight
        return self

    def seen_with(self, value: Scalar) -> None:
        """Record that the SQL compares the value with this constant."""
        self.root()._values[value] = None

    def field(self, name: str) -> "Shape":
        """Return the shape of a struct's field; the value is a struct from now on."""
        return self.root()._fields.setdefault(name.lower() if name.lower() in self.root()._fields else name, Shape())

    def key(self, name: str) -> "Shape":
        """Return the shape of the text behind a JSON document's key."""
        return self.root()._keys.setdefault(name, Shape("STRING"))

    def element(self) -> "Shape":
        """Return the shape of an array's elements; the value is an array from now on."""
        root = self.root()
        if root._element is None:
            root._element = Shape()
        return root._element

    @property
    def fields(self) -> dict[str, "Shape"]:
        return self.root()._fields

    @property
    def keys(self) -> dict[str, "Shape"]:
        return self.root()._keys

    @property
    def values(self) -> tuple[Scalar, ...]:
        return tuple(self.root()._values)

    @property
    def is_array(self) -> bool:
        return self.root()._element is not None

    def type_named(self, name: str) -> str:
        """Return the BigQuery type that the evidence says, or, where it says none, what a column of that name has."""
        root = self.root()
        if root._element is not None:
            return f"ARRAY<{root._element.type_named('')}>"
        if root._votes["JSON"] and root._votes["JSON"] >= STRONG:
            return "JSON"
        if root._fields:
            inner = ", ".join(f"{field_name(field)} {shape.type_named(field)}" for field, shape in root._fields.items())
            return f"STRUCT<{inner}>"
        votes = {type_: weight for type_, weight in root._votes.items() if weight > 0}
        if not votes:
            return _usual_type(name)
        best = max(votes, key=lambda type_: votes[type_])
        if best == NUMBER:
            return _best(votes, ("INT64", "FLOAT64")) or _number_named(name)
        if best == MOMENT:
            return _best(votes, ("DATE", "DATETIME", "TIMESTAMP")) or _moment_named(name)
        return best


def unify(left: Shape, right: Shape) -> Shape:
    """Make two shapes one, with the evidence of both, and return it."""
    left, right = left.root(), right.root()
    if left is right:
        return left
    right._forward = left
    left._votes.update(right._votes)
    left._values.update(right._values)
    for name, shape in right._fields.items():
        left._fields[name] = unify(left._fields[name], shape) if name in left._fields else shape
    for name, shape in right._keys.items():
        left._keys[name] = unify(left._keys[name], shape) if name in left._keys else shape
    if left._element is None:
        left._element = right._element
    elif right._element is not None:
        unify(left._element, right._element)
    return left


def _best(votes: dict[str, int], types: tuple[str, ...]) -> str:
    """Return the type with the strongest evidence; an empty text where there is none for any."""
    return max((type_ for type_ in types if type_ in votes), key=lambda type_: votes[type_], default="")


def _moment_named(name: str) -> str:
    lowered = name.lower()
    return "DATE" if any(lowered.endswith(word) for word in _DATE_WORDS) else "TIMESTAMP"


def _number_named(name: str) -> str:
    lowered = name.lower()
    return "FLOAT64" if any(word in lowered for word in _FLOAT_WORDS) else "INT64"


def _usual_type(name: str) -> str:
    lowered = name.lower()
    if any(word in lowered for word in _TIMESTAMP_WORDS):
        return "TIMESTAMP"
    if any(lowered.endswith(word) for word in _DATE_WORDS):
        return "DATE"
    if lowered.startswith(_BOOL_STARTS):
        return "BOOL"
    if lowered.endswith(_INTEGER_ENDS):
        return "INT64"
    return "STRING"
