"""Which time zones are known."""

from functools import cache
from importlib import resources


@cache
def _zones() -> frozenset[str]:
    text = resources.files("jetstream_argo.engines.embedded.signatures").joinpath("zones.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def is_zone(name: str) -> bool:
    """Return whether a time zone of that name means the same to BigQuery and to DuckDB."""
    return name in _zones()
