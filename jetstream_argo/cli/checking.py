"""Telling what is wrong in an experiment's files, before anything is run."""

import secrets
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.engines.protocol import Column, Engine
    from jetstream_argo.validating.mistakes import Mistake


def told(plan: AnalysisPlan, warehouse: str, *, files: Mapping[str, str]) -> "tuple[Mistake, ...]":
    """Return what is wrong by the tables of a warehouse, having said it on standard error."""
    return tell(found_by(plan, _connected(warehouse), files=files))


def stops(plan: AnalysisPlan, warehouse: str, *, files: Mapping[str, str], metrics: Collection[str]) -> bool:
    """Say what is wrong with what `metrics` need, and return whether none of them could be computed."""
    from jetstream_argo.sql import names

    engine = _connected(warehouse)
    found = [each for each in found_by(plan, engine, files=files) if not set(metrics).isdisjoint(each.metrics)]
    tell(tuple(found))
    # Units that were enrolled before are not looked for again.
    enrolled = bool(found) and engine.info(names.enrollments(plan)) is not None
    broken = {name for each in found if each.source or not enrolled for name in each.metrics}
    return bool(broken) and broken.issuperset(metrics)


def found_by(plan: AnalysisPlan, engine: "Engine", *, files: Mapping[str, str]) -> "tuple[Mistake, ...]":
    """Return what is wrong by the tables of a warehouse."""
    from jetstream_argo.errors import EngineError
    from jetstream_argo.validating.mistakes import mistakes

    def columns_of(table: str) -> "tuple[Column, ...] | None":
        try:
            info = engine.info(table)
        except EngineError:  # only hints depend on it
            return None
        return None if info is None else info.columns

    return mistakes(plan, engine.dry_run, columns_of, files=files)


def tell(found: "tuple[Mistake, ...]") -> "tuple[Mistake, ...]":
    """Say on standard error what is wrong, a mistake a line, and return it."""
    for mistake in found:
        say(f"error: {mistake}", err=True, color="red")
    return found


def _connected(warehouse: str) -> "Engine":
    from jetstream_argo.engines.connect import connect

    return connect(warehouse, attempt=secrets.token_hex(4))
