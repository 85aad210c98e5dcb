"""Writes and reads the formats of dates and times: element by element, those that are sure."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from jetstream_argo.errors import Unsupported
from jetstream_argo.warehouse.duckdb.types import text_literal

_ELEMENT = re.compile(r"%(E4Y|E\*S|E[0-6]S|Ez|.)", re.DOTALL)
_ABBREVIATIONS = {"F": "%E4Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y",
                  "c": "%a %b %e %H:%M:%S %E4Y"}  # fmt: skip
_AS_DUCKDB = {**{letter: f"%{letter}" for letter in "mdHMSyjbBaAIpuwUWVG"}, "h": "%b", "E4Y": "%Y", "%": "%%",
              "n": "\n", "t": "\t", "E0S": "%S", "E6S": "%S.%f"}  # fmt: skip
_COMPUTED = {
    "Y": "CAST(year($1) AS VARCHAR)",
    "e": "lpad(CAST(day($1) AS VARCHAR), 2, ' ')",
    "g": "right(strftime($1, '%G'), 2)",
    "C": "lpad(CAST(year($1) // 100 AS VARCHAR), 2, '0')",
    "Q": "CAST(quarter($1) AS VARCHAR)",
    "s": "CAST(bq__floor_div(epoch_us($1), 1000000) AS VARCHAR)",
    "E*S": "rtrim(rtrim(strftime($1, '%S.%f'), '0'), '.')",
    **{f"E{n}S": f"left(strftime($1, '%S.%f'), {n + 3})" for n in range(1, 6)},
}
_UTC = {"Z": "UTC", "z": "+0000", "Ez": "+00:00"}
# Of a moment in a zone: `$1` is what its clocks say, `$2` what those of UTC say.
_ZONED = {"Z": "bq__zone_text($1, $2)", "z": "bq__offset_text($1, $2, '')", "Ez": "bq__offset_text($1, $2, ':')",
          "s": "CAST(bq__floor_div(epoch_us($2), 1000000) AS VARCHAR)"}  # fmt: skip
_CLOCK = {"H", "M", "S", "I", "p", "s", "E*S", *(f"E{n}S" for n in range(7)), *_UTC}
DATE_ELEMENTS = tuple(sorted(({*_ABBREVIATIONS, *_AS_DUCKDB, *_COMPUTED} - _CLOCK) - {"T", "X", "R", "c"}))
TIME_ELEMENTS = tuple(sorted({*_ABBREVIATIONS, *_AS_DUCKDB, *_COMPUTED}))
ZONE_ELEMENTS = tuple(sorted(_UTC))

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_LONG_MONTHS = "January February March April May June July August September October November December".split()
_TWO = r"\d{1,2}"
_LONGER = {"T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y"}
_READ = {
    "Y": (r"\d{1,4}", r"\d{4}"), "E4Y": (r"\d{4}", r"\d{4}"), "y": (r"\d\d", r"\d\d"), "m": (_TWO, r"\d\d"),
    "d": (_TWO, r"\d\d"), "H": (_TWO, r"\d\d"), "M": (_TWO, r"\d\d"), "S": (r"[0-5]?\d", r"[0-5]\d"),
    "E*S": (r"[0-5]?\d(?:\.\d{1,6})?", r"[0-5]\d(?:\.\d{1,6})?"), "b": ("|".join(_MONTHS),) * 2,
    "B": ("|".join(_LONG_MONTHS),) * 2, "e": (_TWO, r"\d\d"), "I": (r"0?[1-9]|1[0-2]", r"0[1-9]|1[0-2]"),
    "p": ("[AaPp][Mm]",) * 2,
}  # fmt: skip
PARSED = tuple(_READ)
_POSSIBLE = {
    "b": "[A-Za-z]+",
    "B": "[A-Za-z]+",
    "I": r"\d{1,2}",
    "p": "[A-Za-z.]+",
    "e": r" ?\d{1,2}",
    "S": r"\d{1,2}",
    "E*S": r"\d{1,2}(\.\d*)?",
}
PARSED_DATES = (
    "%D",
    "%B %e %Y",
    "%Y-%m-%d",
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%b %d, %Y",
    "%Y",
    "%Y-%m",
    "day %d of %m.%Y",
)
PARSED_TIMES = (
    "%Y-%m-%d %T",
    "%D %R",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H:%M:%E*SZ",
    "%Y %m %d %H:%M",
    "%H:%M %d.%m.%y",
)


def _elements(format_: str) -> list[tuple[str, str]]:
    """Return what a format is made of: ("", text) or (element, "")."""
    if not format_.isascii():
        raise Unsupported(f"format {format_!r} with letters outside of ASCII is not implemented by the embedded engine")
    result, end = [], 0
    for found in _ELEMENT.finditer(format_):
        if found.start() > end:
            result.append(("", format_[end : found.start()]))
        name, end = found[1], found.end()
        result += _elements(_ABBREVIATIONS[name]) if name in _ABBREVIATIONS else [(name, "")]
    rest = format_[end:]
    if "%" in rest:
        raise Unsupported(f"format {format_!r} ends within an element")
    return [*result, ("", rest)] if rest else result


class FormatKind(Enum):
    """What a format is of: a DATE, a time of day with or without a date, a moment in UTC, a moment in another zone."""

    DATE = auto()
    CLOCK = auto()
    UTC = auto()
    ZONED = auto()


def format_parts(format_: str, form: FormatKind) -> list[str]:
    """Return what is put together for a format: expressions of DuckDB's for the moment `$1`.

    Raises:
        Unsupported: an element is not known, or not of the form.
    """
    parts: list[str] = []
    written = ""
    for name, text in _elements(format_):
        if name in _CLOCK and form is FormatKind.DATE:
            raise Unsupported(f"format element %{name} of a DATE is not implemented by the embedded engine")
        if not name or name in _AS_DUCKDB:
            written += text.replace("%", "%%") if not name else _AS_DUCKDB[name]
            continue
        if name in _UTC and form is FormatKind.UTC:
            written += _UTC[name]
            continue
        computed = {**_COMPUTED, **_ZONED} if form is FormatKind.ZONED else _COMPUTED
        if name not in computed:
            raise Unsupported(f"format element %{name} is not implemented by the embedded engine")
        parts += [f"strftime($1, {text_literal(written)})"] if written else []
        parts.append(computed[name])
        written = ""
    return [*parts, f"strftime($1, {text_literal(written)})"] if written or not parts else parts


@dataclass(frozen=True, slots=True)
class Parsing:
    """How a text is read by a format: by which it surely is, by which it may be, and where date and time are in it."""

    sure: str
    possible: str
    groups: dict[str, int]

    def day(self) -> str:
        """Return DuckDB's expression for the date in the text `$1`, as a text."""
        if "y" in self.groups:
            short = f"CAST({self._part('y')} AS INTEGER)"
            year = f"CAST({short} + CASE WHEN {short} < 69 THEN 2000 ELSE 1900 END AS VARCHAR)"
        else:
            year = f"lpad({self._part('Y')}, 4, '0')" if "Y" in self.groups else "'1970'"
        named = next((name for name in ("b", "B") if name in self.groups), "")
        if named:
            names = "[" + ", ".join(text_literal(name[: 3 if named == "b" else None]) for name in _LONG_MONTHS) + "]"
            month = f"lpad(CAST(list_position({names}, {self._part(named)}) AS VARCHAR), 2, '0')"
        else:
            month = self._two("m", "01")
        return f"{year} || '-' || {month} || '-' || {self._two('d', '01')}"

    def clock(self) -> str:
        """Return DuckDB's expression for the time in the text `$1`, as a text."""
        return f"{self._hour()} || ':' || {self._two('M', '00')} || ':' || {self._two('S', '00')}"

    def _hour(self) -> str:
        if "I" not in self.groups:
            return self._two("H", "00")
        hour = f"CAST({self._part('I')} AS INTEGER) % 12"
        late = f"CASE WHEN upper({self._part('p')}) = 'PM' THEN 12 ELSE 0 END" if "p" in self.groups else "0"
        return f"lpad(CAST({hour} + {late} AS VARCHAR), 2, '0')"

    def _part(self, name: str) -> str:
        return f"regexp_extract($1, {text_literal(self.sure)}, {self.groups[name]})"

    def _two(self, name: str, without: str) -> str:
        if name not in self.groups:
            return text_literal(without)
        part = self._part(name)
        return f"CASE WHEN {part} SIMILAR TO '[0-9](\\.[0-9]+)?' THEN '0' || {part} ELSE {part} END"


def parsed(format_: str, *, clock: bool) -> Parsing:
    """Return how texts are read by a format.

    Raises:
        Unsupported: an element is not known, stands twice, or needs a `clock`.
    """
    sure, possible, groups = "^ *", r"^(?is)\s*", dict[str, int]()
    longer = re.sub(r"%([TRD])", lambda found: _LONGER[found[1]], format_)
    if any(f"%{letter}" in longer for letter in _ABBREVIATIONS):
        raise Unsupported(f"PARSE with {format_!r} is not implemented by the embedded engine; write its elements out")
    elements = _elements(longer)
    for position, (name, text) in enumerate(elements):
        if not name:
            sure += re.sub(r"(?:\\ | )+", " +", re.escape(text))
            possible += re.sub(r"(?:\\ | )+", r"\\s*", re.escape(text))
            continue
        key = {"E4Y": "Y", "E*S": "S", "e": "d"}.get(name, name)
        if name not in _READ or key in groups or (key in {"H", "M", "S", "I", "p"} and not clock):
            raise Unsupported(f"element %{name} in PARSE with {format_!r} is not implemented by the embedded engine")
        follows = position + 1 < len(elements) and elements[position + 1][0] != ""
        groups[key] = len(groups) + 1
        sure += f"({_READ[name][1 if follows else 0]})"
        possible += f"({_POSSIBLE.get(name) or _READ[name][1 if follows else 0]})"
    twice = ({"y", "Y"}, {"b", "m"}, {"B", "m"}, {"b", "B"}, {"H", "I"}, {"H", "p"})
    if any(pair <= groups.keys() for pair in twice) or ("p" in groups and "I" not in groups):
        raise Unsupported(f"PARSE with {format_!r}, which has a part twice, is not implemented by the embedded engine")
    return Parsing(sure + " *$", possible + r"\s*$", groups)
