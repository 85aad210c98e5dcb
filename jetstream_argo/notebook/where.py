"""The defaults of the Python interface for where it works: those of the command line."""

import os
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from jetstream_argo.config.dates import sane
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.plan.planner import ConfigSources
from jetstream_argo.warehouse.address import DEFAULT_WAREHOUSE

PathLike: TypeAlias = str | Path


def warehouse_or_default(warehouse: str | None) -> str:
    """Return the warehouse's address: the given one, `JETSTREAM_WAREHOUSE`, or the folder `.jetstream`."""
    return warehouse or os.environ.get("JETSTREAM_WAREHOUSE") or DEFAULT_WAREHOUSE


def dataset_or_default(dataset: str | None) -> str | None:
    """Return the dataset of the results: the given one, or `JETSTREAM_DATASET`; None where the plan says."""
    return dataset or os.environ.get("JETSTREAM_DATASET")


def day_or_yesterday(as_of: date | str | None) -> date:
    """Return the last complete day of telemetry: the given one, or yesterday in UTC.

    Raises:
        ConfigError: the text is no date.
    """
    if as_of is None:
        return datetime.now(UTC).date() - timedelta(days=1)
    try:
        day = as_of if not isinstance(as_of, str) else date.fromisoformat(as_of[:10])
        return sane(day.date() if isinstance(day, datetime) else day)
    except ValueError as error:
        raise ConfigError("as_of", [Problem("", f"{as_of!r} is no date ({error}); write '2026-05-31'")]) from error


def sources(definitions: PathLike | Iterable[PathLike] | None, experiments: str | None) -> ConfigSources:
    """Return where to look experiments and definitions up."""
    if definitions is None:
        text = os.environ.get("JETSTREAM_DEFINITIONS")
        found: tuple[PathLike, ...] = tuple(text.split()) if text else ()
    else:
        found = (definitions,) if isinstance(definitions, str | Path) else tuple(definitions)
    return ConfigSources(tuple(map(Path, found)), experiments or os.environ.get("JETSTREAM_EXPERIMENTS"))
