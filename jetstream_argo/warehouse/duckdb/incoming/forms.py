"""Recognises values: the forms in which numbers, dates and times are written, as conditions of DuckDB's.

In a condition or value `{x}` stands for the text without spaces around it, or for the value of a column with a type.
"""

from dataclasses import dataclass

from jetstream_argo.errors import InvalidQuery, Unsupported, nearest
from jetstream_argo.warehouse.duckdb.incoming.model import Content, Wish
from jetstream_argo.warehouse.duckdb.types import bigquery_type, duckdb_type, text_literal

# What stands for a missing value wherever all other values have a form.
NULLS = ("NA", "N/A", "n/a", "#N/A", "NULL", "Null", "null", "None", "none", "NaN", "nan", "NaT", "<NA>", "\\N", "-")
TYPES = ("STRING", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "DATETIME", "TIMESTAMP", "TIME", "JSON")
_ALIASES = {
    "INTEGER": "INT64", "INT": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "TEXT": "STRING", "DECIMAL": "NUMERIC",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ValueForm:
    """A form of values: those that match are of BigQuery's `type`. `note` is what people should know of it.

    With `doubt` values have two meanings, and nothing is loaded until somebody says which is meant.
    """

    type: str
    matches: str
    value: str
    note: str = ""
    doubt: str = ""

    def condition(self, x: str) -> str:
        """Return the condition for an expression."""
        return self.matches.replace("{x}", x)

    def expression(self, x: str) -> str:
        """Return the value for an expression that matches."""
        return self.value.replace("{x}", x)


def wanted_type(text: str) -> Wish:
    """Return the type that is written as `DATE` or `DATE:%d/%m/%Y`.

    Raises:
        InvalidQuery: there is no such type, or it is none that files can be read as.
    """
    name, _, format_ = text.strip().partition(":")
    name = _ALIASES.get(name.upper(), name.upper())
    if name not in TYPES:
        raise InvalidQuery(f"{text!r} is no type of a column{nearest(name, TYPES)}; types are {', '.join(TYPES)}")
    if format_ and name not in ("DATE", "DATETIME", "TIMESTAMP", "TIME"):
        raise InvalidQuery(f"{text!r} has a format, which only dates and times have")
    return Wish(name, format_)


def _like(pattern: str) -> str:
    return f"regexp_full_match({{x}}, '{pattern}')"


def _date(pattern: str, format_: str) -> tuple[str, str]:
    parsed = f"TRY_CAST(try_strptime({{x}}, '{format_}') AS DATE)"
    return f"({_like(pattern)} AND {parsed} IS NOT NULL)", parsed


_INT = r"[+-]?(0|[1-9]\d*)"
_FITS = "TRY_CAST({x} AS BIGINT) IS NOT NULL"
_KEEPS_DIGITS = f"(NOT {_like(_INT)} OR {_FITS})"
_DAY = r"\d{4}-\d{2}-\d{2}"
_CLOCK = r"\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?"
_ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"

_POINTED = r"[+-]?((0|[1-9]\d*)([.]\d*)?|[.]\d+)([eE][+-]?\d+)?"
_WITH_THOUSANDS = r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}(,\d{3})+)([.]\d+)?"
_WITH_COMMA = r"[+-]?(0|[1-9]\d*|[1-9]\d{0,2}([.]\d{3})+)(,\d+)?"
_AT_MIDNIGHT = _DAY + r"[T ]00:00(:00([.]0+)?)?"
_WHOLE_NUMBER = r"[+-]?\d+([.]0*)?"

_BOOL = ValueForm("BOOL", "lower({x}) IN ('true', 'false')", "lower({x}) = 'true'")
_NUMBERED_DAY = ValueForm(
    "INT64",
    r"(regexp_full_match({x}, '(19|20)\d{6}') AND try_strptime({x}, '%Y%m%d') IS NOT NULL)",
    "CAST({x} AS BIGINT)",
    "numbers; if they are dates: --type {name}=DATE:%Y%m%d",
)
_INT64 = ValueForm("INT64", f"({_like(_INT)} AND {_FITS})", "CAST({x} AS BIGINT)")
_FLOAT64 = ValueForm(
    "FLOAT64",
    f"({_like(_POINTED)} AND isfinite(TRY_CAST({{x}} AS DOUBLE)) AND {_KEEPS_DIGITS})",
    "CAST({x} AS DOUBLE)",
)
_EITHER_COMMA = ValueForm(
    "FLOAT64",
    _like(r"[+-]?(0|[1-9]\d{0,2}|[1-9]\d{0,2},\d{3})"),
    "NULL",
    doubt="may have a comma for decimals or for thousands: --decimal-comma, or --type {name}=FLOAT64 for thousands",
)
_THOUSANDS = ValueForm(
    "FLOAT64",
    f"({_like(_WITH_THOUSANDS)} AND {_KEEPS_DIGITS})",
    "CAST(replace({x}, ',', '') AS DOUBLE)",
    "with commas for thousands",
)
_DECIMAL_COMMA = ValueForm(
    "FLOAT64",
    f"({_like(_WITH_COMMA)} AND {_KEEPS_DIGITS})",
    "CAST(replace(replace({x}, '.', ''), ',', '.') AS DOUBLE)",
    "with a decimal comma",
)
_DATE = ValueForm("DATE", f"({_like(_DAY)} AND TRY_CAST({{x}} AS DATE) IS NOT NULL)", "CAST({x} AS DATE)", "dates")
_MIDNIGHT = ValueForm(
    "DATE",
    f"({_like(_AT_MIDNIGHT)} AND TRY_CAST({{x}} AS TIMESTAMP) IS NOT NULL)",
    "CAST(CAST({x} AS TIMESTAMP) AS DATE)",
    "times that all are midnight, taken for dates; --type {name}=DATETIME keeps them",
)
_SLASHED_YEAR = ValueForm("DATE", *_date(r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"), "dates written year/month/day")
_DOTTED = ValueForm("DATE", *_date(r"\d{1,2}[.]\d{1,2}[.]\d{4}", "%d.%m.%Y"), "dates written day.month.year")
_TIMESTAMP = ValueForm(
    "TIMESTAMP",
    f"({_like(_DAY + '[T ]' + _CLOCK + _ZONE)} AND TRY_CAST({{x}} AS TIMESTAMPTZ) IS NOT NULL)",
    "CAST({x} AS TIMESTAMPTZ)",
    "times with a zone, kept in UTC",
)
_DATETIME = ValueForm(
    "DATETIME",
    f"({_like(_DAY + '([T ]' + _CLOCK + ')?')} AND TRY_CAST({{x}} AS TIMESTAMP) IS NOT NULL)",
    "CAST({x} AS TIMESTAMP)",
    "times without a zone; if they are in UTC: --type {name}=TIMESTAMP",
)
_TIME = ValueForm(
    "TIME", f"({_like(_CLOCK)} AND TRY_CAST({{x}} AS TIME) IS NOT NULL)", "CAST({x} AS TIME)", "times of day"
)
_DIGITS = ValueForm(
    "STRING",
    _like(r"[+-]?\d+"),
    "{x}",
    "numbers that begin with 0 or are beyond INT64, kept as text; to compute with them: --type {name}=NUMERIC",
)


def _either_way(mark: str) -> tuple[ValueForm, ...]:
    pattern = rf"\d{{1,2}}[{mark}]\d{{1,2}}[{mark}]\d{{4}}"
    day_first = _date(pattern, f"%d{mark}%m{mark}%Y")
    month_first = _date(pattern, f"%m{mark}%d{mark}%Y")
    says = f"--type {{name}}=DATE:%d{mark}%m{mark}%Y or --type {{name}}=DATE:%m{mark}%d{mark}%Y"
    return (
        ValueForm(
            "DATE", f"({day_first[0]} AND {month_first[0]})", "NULL", doubt=f"may begin with day or month: {says}"
        ),
        ValueForm("DATE", *day_first, f"dates written day{mark}month{mark}year"),
        ValueForm("DATE", *month_first, f"dates written month{mark}day{mark}year"),
    )


_TIMES = (
    _DATE, _MIDNIGHT, _SLASHED_YEAR, _DOTTED, *_either_way("/"), *_either_way("-"), _TIMESTAMP, _DATETIME, _TIME,
)  # fmt: skip
_POINT = (_BOOL, _NUMBERED_DAY, _INT64, _FLOAT64, _EITHER_COMMA, _THOUSANDS, _DECIMAL_COMMA, *_TIMES, _DIGITS)
_COMMA = (_BOOL, _NUMBERED_DAY, _INT64, _DECIMAL_COMMA, *_TIMES, _DIGITS)
_ISO = (_DATE, _MIDNIGHT, _TIMESTAMP, _DATETIME)


def forms_of(content: Content, type_: str, *, decimal_comma: bool) -> tuple[ValueForm, ...]:
    """Return the forms that values may have, the first that all have is theirs; `type_` is DuckDB's.

    Raises:
        Unsupported: BigQuery has no such type.
    """
    match content:
        case Content.TEXT:
            return _COMMA if decimal_comma else _POINT
        case Content.NUMBERS:
            return (_INT64, _FLOAT64, _DIGITS)
        case Content.WORDS:
            return _ISO
        case Content.TYPED:
            return _typed(type_)


def wished_form(wish: Wish, content: Content, *, decimal_comma: bool) -> ValueForm:
    """Return the form of values that are to have a type; those that do not match cannot be read as it."""
    if wish.type == "STRING":
        return ValueForm("STRING", "TRUE", "CAST({x} AS VARCHAR)")
    if wish.format:
        value = f"TRY_CAST(try_strptime({{x}}, {text_literal(wish.format)}) AS {duckdb_type(wish.type)})"
        return ValueForm(wish.type, f"{value} IS NOT NULL", value, f"written {wish.format}")
    value = f"TRY_CAST({{x}} AS {duckdb_type(wish.type)})"
    if content is not Content.TYPED:
        match wish.type:
            case "INT64":
                whole = "TRY_CAST(regexp_replace({x}, '[.]0*$', '') AS BIGINT)"
                return ValueForm("INT64", f"({_like(_WHOLE_NUMBER)} AND {whole} IS NOT NULL)", whole)
            case "FLOAT64" if decimal_comma:
                return _DECIMAL_COMMA
            case "FLOAT64":
                value = "TRY_CAST(replace({x}, ',', '') AS DOUBLE)"
                matches = _like(r"[+-]?(\d+(,\d{3})*([.]\d*)?|[.]\d+)([eE][+-]?\d+)?")
                return ValueForm("FLOAT64", f"({matches} AND isfinite({value}))", value)
            case "BOOL":
                value = (
                    "CASE WHEN lower({x}) IN ('true', 't', 'yes', 'y', '1') THEN TRUE "
                    "WHEN lower({x}) IN ('false', 'f', 'no', 'n', '0') THEN FALSE END"
                )
            case "DATE":
                return ValueForm("DATE", f"({_like(_DAY + '.*')} AND {value} IS NOT NULL)", value)
    return ValueForm(wish.type, f"({value}) IS NOT NULL", value)


_WHOLE = ("HUGEINT", "UBIGINT", "UHUGEINT")
_MOMENTS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")


def _typed(type_: str) -> tuple[ValueForm, ...]:
    if type_ in _WHOLE:
        return (ValueForm("INT64", _FITS, "CAST({x} AS BIGINT)"),)
    if type_ in _MOMENTS:
        time = "CAST({x} AS TIMESTAMP)"
        return (
            ValueForm("DATE", f"{time} = date_trunc('day', {time})", f"CAST({time} AS DATE)", _MIDNIGHT.note),
            ValueForm("DATETIME", "TRUE", time, _DATETIME.note),
        )
    if type_ == "TIMESTAMP_TZ" or type_.startswith("TIMESTAMP WITH TIME ZONE"):
        return (ValueForm("TIMESTAMP", "TRUE", "CAST({x} AS TIMESTAMPTZ)"),)
    if type_.startswith("ENUM("):
        return (ValueForm("STRING", "TRUE", "CAST({x} AS VARCHAR)"),)
    if type_.startswith("MAP("):
        return _typed_map(type_)
    if type_.startswith("DECIMAL("):
        fits = "TRY_CAST({x} AS DECIMAL(38, 9)) IS NOT NULL"
        return (ValueForm("NUMERIC", fits, "CAST({x} AS DECIMAL(38, 9))"),)
    try:
        known = bigquery_type(type_)
    except (Unsupported, InvalidQuery) as error:
        raise Unsupported(
            f"has DuckDB's type {type_}, for which BigQuery has none; leave it out, or cast it"
        ) from error
    return (ValueForm(known, "TRUE", f"CAST({{x}} AS {duckdb_type(known)})"),)


def _typed_map(type_: str) -> tuple[ValueForm, ...]:
    inside = "STRUCT(" + type_.removeprefix("MAP(")
    key, value = _two(inside.removeprefix("STRUCT(").removesuffix(")"))
    pairs = f"ARRAY<STRUCT<key {bigquery_type(key)}, value {bigquery_type(value)}>>"
    return (ValueForm(pairs, "TRUE", "map_entries({x})", "a map, as an array of keys and values"),)


def _two(text: str) -> tuple[str, str]:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter in "(<") - (letter in ")>")
        if letter == "," and not depth:
            return text[:place].strip(), text[place + 1 :].strip()
    raise Unsupported(f"MAP({text}) has no key and value")
