"""The list of signatures as a page for readers."""

from collections.abc import Iterator

from jetstream_argo.warehouse.duckdb.signatures.catalog import FILES, entries
from jetstream_argo.warehouse.duckdb.signatures.formats import DATE_ELEMENTS, PARSED, TIME_ELEMENTS, ZONE_ELEMENTS
from jetstream_argo.warehouse.duckdb.signatures.model import FunctionEntry

_TITLES = {
    "numbers": "Numbers, and comparisons",
    "text": "Texts and bytes",
    "time": "Dates and times",
    "json": "JSON",
    "nested": "Arrays",
    "logic": "Conditions and choices",
    "casts": "Casts",
    "aggregates": "Aggregates",
    "windows": "Functions that need OVER",
}
_HEAD = """# What the embedded engine understands

BigQuery's functions, operators and casts are allowed on the embedded engine by signature: name, types of the arguments,
their number, their options. What is not in this list is refused by name.

This page is made from the list itself (`jetstream_argo/warehouse/duckdb/signatures/*.txt`) by `make signatures`. Every
line of it is tested against ZetaSQL's evaluation: on NULL, NaN, infinities, the ends of each type, leap days, changes
of clocks and the like, and with values of other types in the places of its own (`tests/warehouse/signatures`).

- `T` is any type, the same wherever it stands in a line; `=1` is the type of the first argument; `...` means any number
  of arguments like the last one.
- `part:DAY,MONTH` is one of these date parts, `interval:DAY,MONTH` an INTERVAL of one of them, `week` is `WEEK`,
  `WEEK(MONDAY)` … `WEEK(SUNDAY)` or `ISOWEEK`. `zone`, `format`, `regex`, `path`, `text` and `whole` (a whole number)
  are constants.
- A text that is written out becomes a date or a time where one is wanted, INT64 becomes FLOAT64, and NUMERIC beside a
  NUMERIC.
- A zone is an IANA name such as `Europe/Berlin`, or UTC. A JSON path has names and places: `$.a[0]`.
- What fails in BigQuery is an error here: LN(0), an overflow, a text that is no number. `SAFE.` and `SAFE_CAST` give
  NULL instead, unless a line says "no SAFE.".
- Some values are an error that says "is not implemented by the embedded engine" where BigQuery has an answer, such as a
  date in a text with spaces inside, UPPER of `ŉ`, or division by a NUMERIC of 20 digits.

`CURRENT_DATE`, `CURRENT_TIMESTAMP` and `CURRENT_DATETIME` follow the clock; `APPROX_QUANTILES` and
`APPROX_COUNT_DISTINCT` are exact. Of `mozfun` and other functions that queries may call, see `functions.toml` and "Your
own functions" in `docs/warehouse.md`.
"""
_SHORT = 2  # letters that an operator has at most


def page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([_HEAD, *_sections(), *_formats()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    for file in FILES:
        yield f"## {_TITLES[file]}\n"
        for entry in entries(file):
            yield from _entry(entry)
        yield ""


def _entry(entry: FunctionEntry) -> Iterator[str]:
    qualifiers = [word for word in entry.words if word not in {"aggregate", "window", "operator", "cast", "clock"}]
    name = entry.name
    if len(name) > _SHORT:
        name = name.replace("CAST_AS_", "CAST AS ").replace("-", " ")
    yield f"- **`{name}`**{' with ' + ', '.join(qualifiers) if qualifiers else ''}"
    for line in entry.lines:
        arguments, _, rest = line.partition(") ")
        result, _, body = rest.partition(": ")
        no_safe = "; no SAFE." if body.startswith("! ") else ""
        yield f"  - `{arguments})` → `{result}`{no_safe}"


def _formats() -> Iterator[str]:
    yield "## Elements of formats\n"
    yield f"- FORMAT_DATE: {_elements(DATE_ELEMENTS)}"
    yield f"- FORMAT_DATETIME and FORMAT_TIMESTAMP: {_elements(TIME_ELEMENTS)}"
    yield f"- FORMAT_TIMESTAMP without a zone: {_elements(ZONE_ELEMENTS)}"
    yield f"- PARSE_DATE: {_elements(name for name in PARSED if name not in {'H', 'M', 'S', 'E*S'})}"
    yield f"- PARSE_DATETIME and PARSE_TIMESTAMP: {_elements(PARSED)}"


def _elements(names: "Iterator[str] | tuple[str, ...]") -> str:
    return " ".join(f"`%{name}`" for name in names)


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
