"""Reads a text that stands for a date, a time or a number as BigQuery does, or refuses it."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.signatures.zones import duckdb_zone
from jetstream_argo.warehouse.duckdb.typing.kinds import (
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    NUMERIC,
    TIME,
    TIMESTAMP,
    SqlType,
)

_DAY = r"(\d{4})-(\d{1,2})-(\d{1,2})"
_CLOCK = r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?"
_DATE = re.compile(_DAY)
_MOMENT = re.compile(rf"{_DAY}(?:[ Tt]{_CLOCK})?")
_TIME = re.compile(_CLOCK)
_OFFSET = re.compile(r"(Z|z)|([+-])(\d{1,2})(?::(\d\d))?|(?: )(\w[\w/+-]*)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_LARGEST_INT = 2**63 - 1
_LARGEST_NUMERIC = Decimal("99999999999999999999999999999.999999999")
_MOST_OFFSET = timedelta(hours=14)


def read(text: str, kind: SqlType) -> str:
    """Return the literal of DuckDB's for a text that is taken for a value of this type.

    Raises:
        InvalidQuery: the text is no value of the type.
        Unsupported: it may be one, in a form that is not read here.
    """
    readers = {DATE: _date, DATETIME: _datetime, TIMESTAMP: _timestamp, TIME: _time, NUMERIC: _numeric}
    reader = readers.get(kind)
    if reader is None:
        raise Unsupported(f"{kind} {text!r} is not implemented by the embedded engine")
    try:
        return reader(text)
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(f"{text!r} is no {kind}") from error


def zone_of(text: str) -> tuple[str, str]:
    """Split a text of a moment into its local part and a named zone, which is empty if there is none."""
    local = _MOMENT.match(text)
    offset = _OFFSET.fullmatch(text, local.end()) if local is not None else None
    if local is None or offset is None or offset[5] is None:
        return text, ""
    zone = duckdb_zone(offset[5])
    if zone is None:
        raise Unsupported(f"time zone {offset[5]!r} is not known to the embedded engine")
    return local[0], zone


def number_kind(text: str) -> SqlType:
    """Return the type of a number as it is written.

    Raises:
        InvalidQuery: a whole number does not fit into INT64.
    """
    if not text.isdigit():
        return FLOAT64
    if int(text) > _LARGEST_INT + 1:
        raise InvalidQuery(f"{text} is too large for an INT64")
    return INT64


def _date(text: str) -> str:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return f"DATE '{date(*map(int, found.groups())).isoformat()}'"


def _moment(found: "re.Match[str]") -> datetime:
    year, month, day, hour, minute, second, fraction = found.groups("0")
    return datetime(  # noqa: DTZ001  # a DATETIME has no zone
        int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
        int((fraction or "0").ljust(6, "0")),
    )  # fmt: skip


def _written(moment: datetime) -> str:
    return moment.isoformat(sep=" ")


def _datetime(text: str) -> str:
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return f"TIMESTAMP '{_written(_moment(found))}'"


def _timestamp(text: str) -> str:
    local = _MOMENT.match(text)
    if local is None:
        raise ValueError(text)
    moment = _moment(local)
    offset = _OFFSET.fullmatch(text, local.end())
    if offset is not None and offset[2]:
        shift = timedelta(hours=int(offset[3]), minutes=int(offset[4] or 0))
        if shift > _MOST_OFFSET:
            raise ValueError(text)
        moment += -shift if offset[2] == "+" else shift
    elif local.end() != len(text) and (offset is None or offset[1] is None):
        raise ValueError(text)
    return f"TIMESTAMPTZ '{_written(moment)}+00'"


def _time(text: str) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    hour, minute, second, fraction = found.groups()
    moment = datetime(1970, 1, 1, int(hour), int(minute), int(second), int((fraction or "0").ljust(6, "0")))  # noqa: DTZ001
    return f"TIME '{moment.time().isoformat()}'"


def _numeric(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    exponent = number.as_tuple().exponent
    if abs(number) > _LARGEST_NUMERIC or not isinstance(exponent, int) or exponent < -9:  # noqa: PLR2004  # its scale
        raise InvalidQuery(f"{text!r} is no NUMERIC, which has 29 digits before and 9 after the point")
    return f"CAST('{number:f}' AS DECIMAL(38, 9))"
