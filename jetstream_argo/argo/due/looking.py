"""Tells, each time that the planner looks, how much of a plan can be computed by now and what it waits for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from jetstream_argo.errors import NotRunnable
from jetstream_argo.plan.due import limited, waited_for
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.readiness import Readiness

# Asks a warehouse until which date the sources of a plan are there; None if it cannot tell.
Ready: TypeAlias = Callable[[AnalysisPlan], Readiness | None]


class Waits(NotRunnable):
    """An experiment of which nothing can be computed yet; `sources` has a line for each source that is waited for."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.sources = sources
        super().__init__("; ".join(sources))


@dataclass(frozen=True, slots=True)
class Look:
    """The part of a plan that can be computed, and a line for each source that the rest waits for."""

    plan: AnalysisPlan
    waits: tuple[str, ...]


def nothing_known(plan: AnalysisPlan) -> Readiness | None:
    """Return that nothing is known of a plan's sources: its pods find out by themselves."""
    del plan
    return None


def look(plan: AnalysisPlan, ready: Ready) -> Look:
    """Return what can be computed of `plan` by what `ready` tells.

    Raises:
        Waits: something is due, and none of it can be computed.
    """
    readiness = ready(plan)
    part, waits = limited(plan, readiness), waited_for(plan, readiness)
    if waits and not any(due.windows for due in part.periods):
        raise Waits(waits)
    return Look(part, waits)


def is_last_look(at: datetime, as_of: date, *, hours: float) -> bool:
    """Return whether so many hours have passed since the end of the day `as_of`, in UTC."""
    end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
    return at >= end + timedelta(hours=hours)
