"""Writes rows for programs: as JSON, CSV and Parquet."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from jetstream_argo.dialect.types import Value
from jetstream_argo.warehouse.types import Result

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def as_json(value: Value) -> Json:
    """Return `value` as JSON has it: decimals as strings without trailing zeros, no infinities, dates in ISO 8601."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return format(value.normalize() + 0, "f")  # + 0: no negative zero
        case datetime() | date():
            return value.isoformat()
        case list():
            return [as_json(item) for item in value]
        case dict():
            return {name: as_json(item) for name, item in value.items()}
        case _:
            return value


def json_rows(rows: Iterable[Mapping[str, Json]]) -> str:
    """Return rows as a JSON array, one row a line, so that two versions can be compared."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def json_of(result: Result) -> bytes:
    """Return a result as a JSON array of objects."""
    text = json_rows({name: as_json(value) for name, value in row.items()} for row in result.dicts())
    return text.encode()


def csv_of(result: Result) -> bytes:
    """Return a result as CSV with a line of names first; what is NULL is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in result.columns])
    for row in result.dicts():
        writer.writerow(["" if value is None else as_json(value) for value in row.values()])
    return text.getvalue().encode()


def parquet_of(result: Result) -> bytes:
    """Return a result as a Parquet file."""
    import pyarrow
    import pyarrow.parquet

    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(result.table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


# By the names under which they are asked for.
FORMATS: Mapping[str, Callable[[Result], bytes]] = MappingProxyType(
    {"json": json_of, "csv": csv_of, "parquet": parquet_of}
)
