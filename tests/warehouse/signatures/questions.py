"""The questions that prove a signature: an expression over a table of values, made from the list of signatures."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import islice, product

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.warehouse.duckdb.signatures.catalog import FILES, entries
from jetstream_argo.warehouse.duckdb.signatures.model import FunctionEntry, Option, Signature, Valued, bound
from jetstream_argo.warehouse.duckdb.typing.kinds import SqlType, kind_of
from tests.warehouse.signatures import values

# ZetaSQL's evaluator does not know these, or their answer is another every time; other tests are about them.
UNPROVEN = {
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "CURRENT_DATETIME",
    "APPROX_QUANTILES",
    "APPROX_COUNT_DISTINCT",
    "ERROR",
}
_MOST_ROWS = 81
_GROUPS = 7
_MOST_STRANGE = 9
_OTHERS = (
    ("FLOAT64", "INT64"), ("FLOAT64", "NUMERIC"), ("FLOAT64", "STRING"), ("NUMERIC", "INT64"), ("NUMERIC", "FLOAT64"),
    ("INT64", "NUMERIC"), ("INT64", "FLOAT64"), ("INT64", "STRING"), ("INT64", "BOOL"), ("DATETIME", "DATE"),
    ("DATETIME", "TIMESTAMP"), ("TIMESTAMP", "DATETIME"), ("TIMESTAMP", "DATE"), ("TIMESTAMP", "STRING"),
    ("DATE", "TIMESTAMP"), ("DATE", "DATETIME"), ("DATE", "STRING"), ("STRING", "INT64"), ("STRING", "BYTES"),
    ("BOOL", "INT64"), ("BYTES", "STRING"),
)  # fmt: skip
_OPERATORS = {
    "-x": "-({0})", "~": "~({0})", "IS-NULL": "({0}) IS NULL", "IS-TRUE": "({0}) IS TRUE", "IS-FALSE": "({0}) IS FALSE",
    "NOT": "NOT ({0})", "IN": "{0} IN ({1}, {1})", "BETWEEN": "{0} BETWEEN {1} AND {2}", "IF": "IF({0}, {1}, {2})",
    "CASE": "CASE WHEN {0} THEN {1} ELSE {2} END", "IS-DISTINCT-FROM": "{0} IS DISTINCT FROM {1}",
    "IS-NOT-DISTINCT-FROM": "{0} IS NOT DISTINCT FROM {1}",
}  # fmt: skip
_CLASSES: dict[str, type] = {"INT64": int, "STRING": str, "DATE": date, "ARRAY<INT64>": list}
_PAIRED = ("CORR", "COVAR_SAMP", "COVAR_POP")  # of all combinations nothing but rounding would be left
_FOR_ANY = ("INT64", "STRING", "FLOAT64")
_NESTED = ("STRUCT<a INT64, b STRING>", "ARRAY<STRUCT<a INT64, b STRING>>", "ARRAY<FLOAT64>", "ARRAY<STRING>")
_STATE = ("ARRAY_AGG", "STRING_AGG", "ARRAY_CONCAT_AGG")  # of which the order is seen


@dataclass(frozen=True, slots=True)
class Question:
    """An expression, and the table that it is asked of; `grouped` if it aggregates the rows of each group."""

    signature: str
    expression: str
    kinds: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    grouped: bool = False
    safe: str = ""  # the same, giving NULL where it fails
    strange: bool = False  # of other types than the signature's: it may be refused

    @property
    def key(self) -> str:
        """What the question is known by; another when its values are others."""
        digest = hashlib.sha256(repr((self.kinds, self.rows, self.grouped)).encode()).hexdigest()[:8]
        return f"{self.expression} OF {', '.join(self.kinds)} #{digest}"

    @property
    def table(self) -> str:
        """The name of the table, which questions with the same rows share."""
        return "q" + hashlib.sha256(repr((self.kinds, self.rows, self.grouped)).encode()).hexdigest()[:16]

    @property
    def columns(self) -> list[Column]:
        """The table's columns."""
        arguments = [Column(f"a{number}", kind) for number, kind in enumerate(self.kinds)]
        return [Column("id", "INT64"), Column("g", "INT64"), *arguments]

    def sql(self, expression: str, *, where: str = "TRUE") -> str:
        """Return the query that asks; a group's answer has its number for an id."""
        if self.grouped:
            return f"SELECT 0 AS id, {expression} AS v FROM d.{self.table} WHERE {where}"
        return f"SELECT id, {expression} AS v FROM d.{self.table} WHERE {where} ORDER BY id"

    def groups(self) -> range:
        """Return the numbers of the groups."""
        return range(_GROUPS)

    def records(self) -> list[dict[str, Value]]:
        """Return the table's rows. A group has all values, none, one, those before the middle, those from it on."""
        names = [f"a{number}" for number in range(len(self.kinds))]
        rows = [dict(zip(names, row, strict=True)) for row in self.rows]
        if not self.grouped:
            return [{"id": number, "g": 0, **row} for number, row in enumerate(rows)]
        middle = len(rows) // 2
        nothing = dict.fromkeys(names)
        groups = [
            rows,
            [nothing, nothing],
            rows[:1],
            rows[:3],
            rows[:middle],
            rows[middle:],
            [rows[0], rows[0], *rows[:2]],
        ]
        flat = [(number, row) for number, group in enumerate(groups) for row in group]
        return [{"id": number, "g": group, **row} for number, (group, row) in enumerate(flat)]


@cache
def questions() -> dict[str, list[Question]]:
    """Return the questions of every entry of the list, by its name."""
    found: dict[str, list[Question]] = {}
    for entry in (entry for file in FILES for entry in entries(file)):
        if entry.name not in UNPROVEN:
            proper = [q for signature in entry.signatures() for q in _of(entry, signature)]
            known = {(question.expression, question.kinds) for question in proper}
            strange = {
                (q.expression, q.kinds): q for signature in entry.signatures() for q in _strange(entry, signature)
            }
            found[entry.name] = [*proper, *(q for key, q in strange.items() if key not in known)]
    return found


def _of(entry: FunctionEntry, signature: Signature) -> Iterator[Question]:
    arguments = list(signature.arguments)
    if signature.repeats:
        arguments += [arguments[-1]] * (3 - len(arguments))
    any_kinds = (*_FOR_ANY, *(_NESTED if entry.name == "TO_JSON_STRING" else ()))
    for any_kind in any_kinds if _has_variable(signature) else ("INT64",):
        kinds = [bound(a.kind, {"T": kind_of(any_kind)}) if isinstance(a, Valued) else None for a in arguments]
        choices = [_options(entry.name, a, arguments) if isinstance(a, Option) else [""] for a in arguments]
        for chosen in _together(choices):
            yield from _asked(entry, signature, arguments, kinds, chosen)


def _together(choices: Sequence[Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield options that are given together, so that every option is; not all with all others, which would be many."""
    for number in range(max((len(choice) for choice in choices), default=1)):
        yield tuple(choice[number % len(choice)] for choice in choices)


def _strange(entry: FunctionEntry, signature: Signature) -> Iterator[Question]:
    """Yield the signature's calls with values of other types in the places of its own."""
    if _has_variable(signature) or "window" in entry.words:
        return
    arguments = list(signature.arguments)
    if signature.repeats:
        arguments += [arguments[-1]] * (3 - len(arguments))
    chosen = [_options(entry.name, a, arguments)[0] if isinstance(a, Option) else "" for a in arguments]
    kinds = [a.kind if isinstance(a, Valued) else None for a in arguments]
    for known, other in _OTHERS:
        exchanged = [[kind_of(other) if str(kind) == known else kind for kind in kinds]]
        places = [place for place, kind in enumerate(kinds) if str(kind) == known]
        if len(places) > 1:
            first = list(kinds)
            first[places[0]] = kind_of(other)
            exchanged.append(first)
        for changed in exchanged if places else ():
            for question in _asked(entry, signature, arguments, changed, chosen):
                yield replace(question, rows=question.rows[:_MOST_STRANGE], strange=True, safe="")


def _has_variable(signature: Signature) -> bool:
    kinds = [argument.kind for argument in signature.arguments if isinstance(argument, Valued)]
    return any(kind.holds("T") for kind in kinds)


def _options(name: str, option: Option, arguments: Sequence[object]) -> Sequence[str]:
    match option.category:
        case "part" | "interval":
            return option.words
        case "word":
            return [repr(word) for word in option.words]
        case "week":
            return values.WEEKS
        case "zone":
            return [repr(zone) for zone in values.ZONES]
        case "format":
            zoned = any(isinstance(other, Option) and other.category == "zone" for other in arguments)
            return [repr(text) for text in values.formats(name, zoned=zoned)]
        case "regex" if name == "REGEXP_EXTRACT" and len(arguments) > 2:
            return [f"r{text!r}".replace("\\\\", "\\") for text in values.REGEXES if "^" not in text]
        case "regex":
            return [f"r{text!r}".replace("\\\\", "\\") for text in values.REGEXES]
        case "path":
            return [repr(path) for path in values.PATHS]
        case "text":
            return ["'|'", "'AB'"] if name != "REGEXP_REPLACE" else ["'-'", r"r'<\0>'"]
        case _:
            return ["1", "2"] if "REGEXP" in name else ["0", "2", "5", "9"]


def _asked(
    entry: FunctionEntry,
    signature: Signature,
    arguments: Sequence[object],
    kinds: Sequence[SqlType | None],
    chosen: Sequence[str],
) -> Iterator[Question]:
    texts, columns, lists = [], list[str](), list[Sequence[Value]]()
    for position, (argument, kind, option) in enumerate(zip(arguments, kinds, chosen, strict=True)):
        if isinstance(argument, Option) and argument.category != "interval":
            texts.append(option)
            continue
        name = f"a{len(columns)}"
        texts.append(f"INTERVAL {name} {option}" if option else name)
        columns.append(str(kind) if kind is not None else "INT64")
        lists.append(_values(signature.name, position, columns[-1], is_interval=bool(option)))
    if entry.name == "GENERATE_DATE_ARRAY" and len(texts) > 2:
        texts[2] = f"INTERVAL 2 {chosen[2]}"
        columns, lists = columns[:2], lists[:2]
    rows = _rows(lists) if entry.name not in _PAIRED else tuple(zip(*lists, strict=False))
    label = str(signature)
    if "aggregate" in entry.words:
        yield from _aggregates(entry, label, texts, columns, rows)
    elif "window" in entry.words:
        yield Question(label, _windowed(entry.name, texts, columns), tuple(columns), rows or ((),))
    else:
        yield Question(label, _written(entry, texts), tuple(columns), rows or ((),), safe=_safe(entry, texts))


def _windowed(name: str, texts: Sequence[str], kinds: Sequence[str]) -> str:
    default = {"INT64": "7", "STRING": "'none'", "FLOAT64": "0.5"}.get(kinds[0] if kinds else "", "")
    shift = {1: "2", 2: default}
    constants = {"NTILE": {0: "3"}, "LAG": shift, "LEAD": shift, "NTH_VALUE": {1: "2"}}.get(name, {})
    written = [constants.get(position, text) for position, text in enumerate(texts)]
    return f"{name}({', '.join(written)}) OVER (ORDER BY id)"


def _values(name: str, position: int, kind: str, *, is_interval: bool) -> Sequence[Value]:
    if is_interval:
        return values.OWN.get((name, position), (1, 0, None, -1, 13, 100_000, 2**63 - 1))
    if name in _PAIRED and kind in values.SANE:
        return values.SANE[kind][position:] + values.SANE[kind][:position]
    if kind == "JSON":
        return values.JSON
    if kind == "STRING" and name in values.CAST_TEXTS:
        return values.CAST_TEXTS[name]
    own = values.OWN.get((name, position))
    if name == "PARSE_TIMESTAMP" and position == 1:
        own = values.OWN["PARSE_DATETIME", 1]
    if own is None or not any(isinstance(value, _CLASSES.get(kind, ())) for value in own):
        return values.VALUES[kind]
    return own


def _rows(lists: Sequence[Sequence[Value]]) -> tuple[tuple[Value, ...], ...]:
    """Return the combinations of values; of many arguments those of the first values of each."""
    size = max((len(choices) for choices in lists), default=0)
    while size > 1 and _combinations(lists, size) > _MOST_ROWS:
        size -= 1
    product_ = list(product(*(choices[:size] for choices in lists)))
    rest = [
        tuple(choices[number % len(choices)] for choices in lists)
        for number in range(max((len(e) for e in lists), default=0))
    ]
    return tuple(dict.fromkeys(_Row(row) for row in islice([*product_, *rest], 2 * _MOST_ROWS)))


class _Row(tuple[Value, ...]):
    """A row that is equal to one with the same text, so that lists and NaN may be in it."""

    def __hash__(self) -> int:
        return hash(repr(tuple(self)))

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)


def _combinations(lists: Sequence[Sequence[Value]], size: int) -> int:
    total = 1
    for choices in lists:
        total *= min(size, len(choices))
    return total


def _written(entry: FunctionEntry, texts: Sequence[str]) -> str:
    name = entry.name
    if name in _OPERATORS:
        return _OPERATORS[name].format(*texts)
    if name.startswith("CAST_AS_"):
        return f"CAST({texts[0]} AS {name.removeprefix('CAST_AS_')})"
    if "operator" in entry.words:
        return f"{texts[0]} {name} {texts[1]}"
    if name == "EXTRACT":
        zone = f" AT TIME ZONE {texts[2]}" if len(texts) > 2 else ""
        return f"EXTRACT({texts[0]} FROM {texts[1]}{zone})"
    return f"{name}({', '.join(texts)})"


def _safe(entry: FunctionEntry, texts: Sequence[str]) -> str:
    if entry.name.startswith("CAST_AS_"):
        return f"SAFE_{_written(entry, texts)}"
    no_form = "operator" in entry.words or entry.name in {"EXTRACT", "COALESCE", "IFNULL", "NULLIF"}
    return "" if no_form else f"SAFE.{_written(entry, texts)}"


def _aggregates(
    entry: FunctionEntry, label: str, texts: Sequence[str], columns: Sequence[str], rows: tuple[tuple[Value, ...], ...]
) -> Iterator[Question]:
    if entry.name == "ANY_VALUE":
        rows = rows[:1]
    inner = ", ".join(texts)
    variants = [] if entry.name in _STATE else [inner]
    if "ORDER" in entry.words:
        variants.append(f"{inner} ORDER BY id")
    if "NULLS" in entry.words:
        variants.append(f"{inner} IGNORE NULLS ORDER BY id")
    if "LIMIT" in entry.words:
        variants.append(f"{inner} IGNORE NULLS ORDER BY id DESC LIMIT 2")
    if "DISTINCT" in entry.words and entry.name not in _STATE:
        variants.append(f"DISTINCT {inner}")
    for variant in variants:
        yield Question(label, f"{entry.name}({variant})", tuple(columns), rows, grouped=True)
    if "OVER" in entry.words and "DISTINCT" in entry.words:
        yield Question(label, f"{entry.name}(DISTINCT {inner}) OVER ()", tuple(columns), rows[:5])
    if "OVER" in entry.words:
        # Where a frame grows, ZetaSQL adds and takes away, and loses digits of large numbers.
        yield Question(label, f"{entry.name}({inner}) OVER (ORDER BY id)", tuple(columns), rows[:5])
