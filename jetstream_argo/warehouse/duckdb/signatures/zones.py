"""Knows time zones by their names."""

import re
from functools import cache
from importlib import resources

_OFFSET = re.compile(r"([+-])(\d{1,2})(?::(\d\d))?")
_MOST_MINUTES = 14 * 60


@cache
def _zones() -> frozenset[str]:
    text = resources.files("jetstream_argo.warehouse.duckdb.signatures").joinpath("zones.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def duckdb_zone(name: str) -> str | None:
    """Return DuckDB's name for a time zone, or None if it is not sure that both mean the same.

    >>> duckdb_zone("Europe/Berlin"), duckdb_zone("+5:30"), duckdb_zone("-08"), duckdb_zone("+15")
    ('Europe/Berlin', 'GMT+05:30', 'GMT-08:00', None)
    """
    if name in _zones():
        return name
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        return None
    sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
    if minutes >= 60 or hours * 60 + minutes > _MOST_MINUTES:  # noqa: PLR2004  # of an hour
        return None
    return f"GMT{sign}{hours:02}:{minutes:02}" if hours or minutes else "UTC"
