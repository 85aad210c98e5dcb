"""Telling what is wrong in an experiment's files, before anything is run."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.validate.mistakes import Mistake
    from jetstream_argo.warehouse.protocol import Engine


def warn_of_mistakes(plan: AnalysisPlan, warehouse: str, *, files: Mapping[str, str]) -> "tuple[Mistake, ...]":
    """Return what is wrong by the tables of a warehouse, after printing it on standard error."""
    from jetstream_argo.validate.found import found_by

    return tell(found_by(plan, _connected(warehouse), files=files))


def stops(plan: AnalysisPlan, warehouse: str, *, files: Mapping[str, str], metrics: Collection[str]) -> bool:
    """Say what is wrong with what `metrics` need, and return whether none of them could be computed."""
    from jetstream_argo.validate.found import concerning, found_by, leaves_nothing

    engine = _connected(warehouse)
    found = tell(concerning(found_by(plan, engine, files=files), metrics))
    return leaves_nothing(plan, engine, found, metrics)


def tell(found: "tuple[Mistake, ...]") -> "tuple[Mistake, ...]":
    """Say on standard error what is wrong, a mistake a line, and return it."""
    for mistake in found:
        say(f"error: {mistake}", err=True, color="red")
    return found


def _connected(warehouse: str) -> "Engine":
    from jetstream_argo.warehouse.connect import connect, new_attempt

    return connect(warehouse, attempt=new_attempt())
