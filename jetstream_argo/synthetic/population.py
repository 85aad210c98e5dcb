"""The made-up units: their branches, when they enroll and are exposed, and how active they are."""

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.plan.model import Experiment

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Booleans: TypeAlias = NDArray[np.bool_]

NEVER = np.int64(10**9)

_OUTSIDERS = 0.05  # share of units, on top of those asked for, that never enroll
_LATE = 0.01  # … of enrolled units that enroll after the last enrollment date
_AGAIN = 0.05  # … that report their enrollment more than once
_IN_TWO = 0.003  # … that are in a second branch as well
_EXPOSED = 0.6  # … that meet the change
_SILENT = 0.04  # … of units without any telemetry but their enrollment


@dataclass(frozen=True, slots=True)
class Events:
    """Reports of enrollment or exposure, one an element: the unit, the branch's index, the date's ordinal."""

    unit: Integers
    branch: Integers
    day: Integers

    def on(self, day: int) -> "Events":
        """Return the events of one date."""
        on_day = self.day == day
        return Events(self.unit[on_day], self.branch[on_day], self.day[on_day])


@dataclass(frozen=True, slots=True)
class Population:
    """All units, one an element. `branch` is -1 and `enrolled` NEVER for those outside of the experiment.

    `activity` is the share of days on which a unit has telemetry, `intensity` a standard normal trait that makes all
    of its values larger, on all of its days.
    """

    branch: Integers
    enrolled: Integers
    activity: Floats
    intensity: Floats
    enrollments: Events
    exposures: Events

    @property
    def units(self) -> int:
        """How many units there are, those outside of the experiment included."""
        return len(self.branch)


def populate(experiment: Experiment, *, units: int, seed: int) -> Population:
    """Return `units` enrolled units and some that are not, the same ones for the same seed."""
    rng = np.random.default_rng([seed, 0])
    total = units + round(units * _OUTSIDERS)
    branch = np.full(total, -1, dtype=np.int64)
    branch[:units] = rng.integers(len(experiment.branches), size=units)
    enrolled = np.full(total, NEVER, dtype=np.int64)
    enrolled[:units] = _enrollment_days(experiment, units, rng)
    intensity = rng.standard_normal(total)
    activity = 1 / (1 + np.exp(-(0.3 + 0.8 * intensity + 1.0 * rng.standard_normal(total))))
    activity[rng.random(total) < _SILENT] = 0.0
    enrollments = _enrollments(branch[:units], enrolled[:units], len(experiment.branches), rng)
    exposed = np.flatnonzero(rng.random(units) < _EXPOSED)
    delay = rng.geometric(0.5, size=len(exposed)) - 1
    exposures = Events(exposed, branch[exposed], enrolled[exposed] + delay)
    return Population(branch, enrolled, activity, intensity, enrollments, exposures)


def _enrollment_days(experiment: Experiment, units: int, rng: np.random.Generator) -> Integers:
    """Return ordinals: most units enroll early, and a few after the last enrollment date."""
    timeline = experiment.timeline
    shares = 0.85 ** np.arange(timeline.enrollment_days + 1)
    days = rng.choice(timeline.enrollment_days + 1, size=units, p=shares / shares.sum())
    late = rng.random(units) < _LATE
    days[late] = timeline.enrollment_days + rng.integers(1, 4, size=int(late.sum()))
    return days + date.toordinal(timeline.start)


def _enrollments(branch: Integers, enrolled: Integers, branches: int, rng: np.random.Generator) -> Events:
    units = np.arange(len(branch))
    again = np.flatnonzero(rng.random(len(branch)) < _AGAIN)
    in_two = np.flatnonzero(rng.random(len(branch)) < _IN_TWO) if branches > 1 else units[:0]
    other = (branch[in_two] + 1 + rng.integers(max(branches - 1, 1), size=len(in_two))) % branches
    return Events(
        np.concatenate([units, again, in_two]),
        np.concatenate([branch, branch[again], other]),
        np.concatenate(
            [
                enrolled,
                enrolled[again] + rng.integers(0, 6, size=len(again)),
                enrolled[in_two] + rng.integers(0, 3, size=len(in_two)),
            ]
        ),
    )
