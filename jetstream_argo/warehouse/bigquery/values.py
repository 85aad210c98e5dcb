"""Writes values for BigQuery as JSON lines, and reads them from its rows."""

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from jetstream_argo.dialect.types import Value


def json_lines(rows: Iterable[Mapping[str, Value]], names: Sequence[str]) -> bytes:
    """Return rows as newline-delimited JSON; a name that a row lacks, or that is NULL there, is left out."""
    lines = [
        json.dumps({name: _jsonable(row[name]) for name in names if row.get(name) is not None}, ensure_ascii=False)
        for row in rows
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _jsonable(value: "Value | bytes | time") -> object:
    match value:
        case bool() | int() | str() | None:
            return value
        case float():
            return value if math.isfinite(value) else str(value)  # nan, inf and -inf, as CAST reads them
        case datetime():
            # A TIMESTAMP must say its zone; a DATETIME must not.
            return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
        case date() | time():
            return value.isoformat()
        case Decimal():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode()
        case list():
            return [_jsonable(item) for item in value]
        case dict():
            return {name: _jsonable(item) for name, item in value.items()}
