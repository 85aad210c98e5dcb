"""Writes Python values and BigQuery types into ZetaSQL's messages, and reads them back."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal

from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import InvalidQuery, Unsupported

_KINDS = {
    "STRING": type_pb2.TYPE_STRING, "BYTES": type_pb2.TYPE_BYTES, "BOOL": type_pb2.TYPE_BOOL,
    "INT64": type_pb2.TYPE_INT64, "FLOAT64": type_pb2.TYPE_DOUBLE, "NUMERIC": type_pb2.TYPE_NUMERIC,
    "BIGNUMERIC": type_pb2.TYPE_BIGNUMERIC, "DATE": type_pb2.TYPE_DATE, "DATETIME": type_pb2.TYPE_DATETIME,
    "TIMESTAMP": type_pb2.TYPE_TIMESTAMP, "TIME": type_pb2.TYPE_TIME, "JSON": type_pb2.TYPE_JSON,
}  # fmt: skip
ALIASES = {"INT": "INT64", "INTEGER": "INT64", "BIGINT": "INT64", "SMALLINT": "INT64", "TINYINT": "INT64",
           "BYTEINT": "INT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC"}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}
_EPOCH = date(1970, 1, 1)
_NUMERIC_PLACES = 9
_EXACT = Context(prec=60)  # NUMERIC has 38 digits, Python's decimals 28 unless told


def type_message(bigquery: str) -> type_pb2.TypeProto:
    """Return ZetaSQL's message for a BigQuery type."""
    inner = element(bigquery)
    if inner is not None:
        return type_pb2.TypeProto(
            type_kind=type_pb2.TYPE_ARRAY, array_type=type_pb2.ArrayTypeProto(element_type=type_message(inner))
        )
    fields = [
        type_pb2.StructFieldProto(field_name=name, field_type=type_message(type_)) for name, type_ in members(bigquery)
    ]
    if fields:
        return type_pb2.TypeProto(type_kind=type_pb2.TYPE_STRUCT, struct_type=type_pb2.StructTypeProto(field=fields))
    base = bigquery.strip().upper().partition("(")[0]
    kind = _KINDS.get(ALIASES.get(base, base))
    if kind is None:
        raise InvalidQuery(f"{bigquery!r} is not a type of BigQuery")
    return type_pb2.TypeProto(type_kind=kind)


def type_name(message: type_pb2.TypeProto) -> str:
    """Return the BigQuery name of a type."""
    if message.type_kind == type_pb2.TYPE_ARRAY:
        return f"ARRAY<{type_name(message.array_type.element_type)}>"
    if message.type_kind == type_pb2.TYPE_STRUCT:
        fields = (f"{field.field_name} {type_name(field.field_type)}".strip() for field in message.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    if message.type_kind not in _NAMES:
        raise Unsupported(f"type {type_pb2.TypeKind.Name(message.type_kind)} is none of those that are exchanged")
    return _NAMES[message.type_kind]


def value_message(value: object, type_: type_pb2.TypeProto) -> value_pb2.ValueProto:
    """Return ZetaSQL's message for a value of the type; None is NULL."""
    if value is None:
        return value_pb2.ValueProto()
    match type_.type_kind, value:
        case type_pb2.TYPE_ARRAY, list() | tuple():
            inner = type_.array_type.element_type
            return value_pb2.ValueProto(
                array_value=value_pb2.ValueProto.Array(element=[value_message(item, inner) for item in value])
            )
        case type_pb2.TYPE_STRUCT, Mapping():
            fields = [value_message(value.get(f.field_name), f.field_type) for f in type_.struct_type.field]
            return value_pb2.ValueProto(struct_value=value_pb2.ValueProto.Struct(field=fields))
        case _:
            return _scalar_message(value, type_.type_kind)


def _scalar_message(value: object, kind: int) -> value_pb2.ValueProto:
    match kind, value:
        case type_pb2.TYPE_STRING, str():
            return value_pb2.ValueProto(string_value=value)
        case type_pb2.TYPE_BOOL, bool():
            return value_pb2.ValueProto(bool_value=value)
        case type_pb2.TYPE_INT64, int():
            return value_pb2.ValueProto(int64_value=value)
        case type_pb2.TYPE_DOUBLE, int() | float():
            return value_pb2.ValueProto(double_value=float(value))
        case type_pb2.TYPE_JSON, str():
            return value_pb2.ValueProto(json_value=value)
        case type_pb2.TYPE_BYTES, bytes():
            return value_pb2.ValueProto(bytes_value=value)
        case type_pb2.TYPE_TIME, time():
            return value_pb2.ValueProto(time_value=_clock_bits(value) << 30 | value.microsecond * 1000)
        case _, date():
            return _time_message(value, kind)
        case type_pb2.TYPE_NUMERIC, Decimal() | int():
            return value_pb2.ValueProto(numeric_value=_numeric_bytes(Decimal(value)))
        case _:
            raise InvalidQuery(f"{value!r} is not of type {type_pb2.TypeKind.Name(kind)}")


def _time_message(value: date, kind: int) -> value_pb2.ValueProto:
    match kind, value:
        case type_pb2.TYPE_TIMESTAMP, datetime():
            return value_pb2.ValueProto(timestamp_value=value.astimezone(UTC))
        case type_pb2.TYPE_DATETIME, datetime():
            moment = value_pb2.ValueProto.Datetime(
                bit_field_datetime_seconds=_bits(value), nanos=value.microsecond * 1000
            )
            return value_pb2.ValueProto(datetime_value=moment)
        case type_pb2.TYPE_DATE, date():
            return value_pb2.ValueProto(date_value=(value - _EPOCH).days)
        case _:
            raise InvalidQuery(f"{value!r} is not of type {type_pb2.TypeKind.Name(kind)}")


def value_of(message: value_pb2.ValueProto, type_: type_pb2.TypeProto) -> Value:
    """Return the Python value of a message, as the engines return it."""
    filled = message.WhichOneof("value")
    if filled is None:
        return None
    match type_.type_kind:
        case type_pb2.TYPE_ARRAY:
            return [value_of(item, type_.array_type.element_type) for item in message.array_value.element]
        case type_pb2.TYPE_STRUCT:
            fields = zip(type_.struct_type.field, message.struct_value.field, strict=True)
            return {field.field_name: value_of(item, field.field_type) for field, item in fields}
        case type_pb2.TYPE_DATE:
            return _EPOCH + timedelta(days=message.date_value)
        case type_pb2.TYPE_TIMESTAMP:
            seconds = timedelta(
                seconds=message.timestamp_value.seconds, microseconds=message.timestamp_value.nanos // 1000
            )
            return datetime(1970, 1, 1, tzinfo=UTC) + seconds
        case type_pb2.TYPE_DATETIME:
            return _datetime(message.datetime_value.bit_field_datetime_seconds, message.datetime_value.nanos)
        case type_pb2.TYPE_TIME:
            bits, nanos = message.time_value >> 30, message.time_value & (1 << 30) - 1
            return time(bits >> 12, bits >> 6 & 63, bits & 63, nanos // 1000)  # type: ignore[return-value]  # a TIME
        case type_pb2.TYPE_NUMERIC:
            digits = Decimal(int.from_bytes(message.numeric_value, "little", signed=True))
            return digits.scaleb(-_NUMERIC_PLACES, _EXACT).normalize(_EXACT)
    value: Value = getattr(message, filled)
    return value


def _numeric_bytes(value: Decimal) -> bytes:
    scaled = int(value.scaleb(_NUMERIC_PLACES, _EXACT))
    size = (scaled.bit_length() + 8) // 8
    return scaled.to_bytes(size, "little", signed=True)


def _datetime(bits: int, nanos: int) -> datetime:
    # Six bits each for second and minute, five for hour and day, four for month, the rest is the year.
    second, minute, hour = bits & 63, bits >> 6 & 63, bits >> 12 & 31
    day, month, year = bits >> 17 & 31, bits >> 22 & 15, bits >> 26
    return datetime(year, month, day, hour, minute, second, nanos // 1000)  # noqa: DTZ001  # DATETIME has no zone


def _bits(value: datetime) -> int:
    return value.year << 26 | value.month << 22 | value.day << 17 | _clock_bits(value)


def _clock_bits(value: datetime | time) -> int:
    return value.hour << 12 | value.minute << 6 | value.second
