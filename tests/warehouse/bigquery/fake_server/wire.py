"""How values, columns and errors are written in the REST API's JSON."""

import base64
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from google.cloud.bigquery import SchemaField

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import (
    AccessDenied,
    Conflict,
    CostExceeded,
    EngineError,
    InvalidQuery,
    NotFound,
    TooBig,
    Unsupported,
)
from jetstream_argo.warehouse.bigquery.schema import fields_of, type_of

Resource = dict[str, object]

_LEGACY = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"at line (\d+), column (\d+)")


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status = status
        self.reason = reason
        self.message = message
        super().__init__(message)

    def body(self) -> Resource:
        """Return the answer's body."""
        detail = {"reason": self.reason, "message": self.message, "domain": "global"}
        return {"error": {"code": self.status, "message": self.message, "errors": [detail]}}


def api_error(error: EngineError, project: str) -> ApiError:
    """Return how BigQuery would say what the embedded engine says."""
    match error:
        case NotFound():
            *own, dataset, table = error.table.rsplit(".", 2)
            name = f"{own[0] if own else project}:{dataset}.{table}"
            return ApiError(404, "notFound", f"Not found: Table {name} was not found in location US")
        case TooBig():
            return ApiError(400, "resourcesExceeded", f"Resources exceeded during query execution: {error}")
        case CostExceeded():
            return ApiError(400, "bytesBilledLimitExceeded", str(error))
        case Conflict():
            return ApiError(409, "duplicate", f"Already Exists: {error}")
        case AccessDenied():
            return ApiError(403, "accessDenied", f"Access Denied: {error}")
        case InvalidQuery() | Unsupported():
            return ApiError(400, "invalidQuery", _PLACE.sub(r"at [\1:\2]", str(error)))
        case _:
            return ApiError(500, "internalError", str(error))


def schema_of(columns: Sequence[Column]) -> Resource:
    """Return columns as a table's schema, in the type names that the service answers with."""
    return {"fields": [_field(field) for field in fields_of(columns)]}


def _field(field: SchemaField) -> Resource:
    resource: Resource = {
        "name": field.name,
        "type": _LEGACY.get(field.field_type, field.field_type),
        "mode": field.mode,
    }
    if field.fields:
        resource["fields"] = [_field(part) for part in field.fields]
    return resource


def columns_from(schema: Mapping[str, object]) -> tuple[Column, ...]:
    """Return a schema as columns."""
    fields = [SchemaField.from_api_repr(dict(field)) for field in _items(schema.get("fields", []))]
    return tuple(Column(field.name, type_of(field)) for field in fields)


def _items(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        raise ApiError(400, "invalid", "fields is not a list")
    return value


def rows_of(columns: Sequence[Column], rows: Iterable[Sequence[Value]]) -> list[Resource]:
    """Return rows as `getQueryResults` and `tabledata.list` write them."""
    fields = fields_of(columns)
    return [{"f": [{"v": _cell(value, field)} for value, field in zip(row, fields, strict=True)]} for row in rows]


def _cell(value: object, field: SchemaField) -> object:
    if field.mode == "REPEATED":
        items = value if isinstance(value, list) else []
        single = SchemaField(field.name, field.field_type, fields=field.fields)
        return [{"v": _cell(item, single)} for item in items]
    if value is None:
        return None
    if field.fields:
        members = value if isinstance(value, dict) else {}
        return {"f": [{"v": _cell(members.get(part.name), part)} for part in field.fields]}
    if field.field_type == "JSON":
        return value if isinstance(value, str) else json.dumps(value)
    return _scalar(value)


def _scalar(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case datetime() if value.tzinfo is not None:
            elapsed = value - _EPOCH
            return str(elapsed.days * 86_400_000_000 + elapsed.seconds * 1_000_000 + elapsed.microseconds)
        case date() | time():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case _:
            return str(value)


def loaded(text: str, columns: Sequence[Column]) -> list[dict[str, Value]]:
    """Return the rows of newline-delimited JSON, as a load job reads them."""
    fields = {field.name: field for field in fields_of(columns)}
    rows = []
    for number, line in enumerate(text.splitlines()):
        row = json.loads(line)
        for name in row:
            if name not in fields:
                raise ApiError(400, "invalid", f"Error while reading data: row {number}: No such field: {name}.")
        rows.append({name: _value(row.get(name), field) for name, field in fields.items()})
    return rows


def _value(value: Value, field: SchemaField) -> Value:
    if field.mode == "REPEATED":
        single = SchemaField(field.name, field.field_type, fields=field.fields)
        return [_value(item, single) for item in value] if isinstance(value, list) else []
    if value is None:
        return None
    if isinstance(value, dict) and field.fields:
        return {part.name: _value(value.get(part.name), part) for part in field.fields}
    try:
        return _parsed(str(value), field.field_type) if not isinstance(value, (bool, dict, list)) else value
    except (ValueError, ArithmeticError) as error:
        raise ApiError(400, "invalid", f"Could not parse {value!r} as {field.field_type} for {field.name}") from error


def _parsed(text: str, type_: str) -> Value:
    match type_:
        case "INT64" | "INTEGER":
            return int(text)
        case "FLOAT64" | "FLOAT":
            return float(text)
        case "NUMERIC" | "BIGNUMERIC":
            return Decimal(text)
        case "DATE":
            return date.fromisoformat(text)
        case "TIMESTAMP":
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        case "DATETIME":
            return datetime.fromisoformat(text)
        case "BOOL" | "BOOLEAN":
            raise ValueError(text)
        case _:
            return text
