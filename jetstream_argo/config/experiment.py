"""An experiment apart from its analysis, by Experimenter or by a hand-written file."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, and its share of the units in proportion to the others'."""

    slug: str
    ratio: int = 1


@dataclass(frozen=True, slots=True)
class LaunchedExperiment:
    """An experiment as it was launched. None means not known, or not yet.

    `source` is where it was read. `end_date` of a running experiment is the proposed one.
    """

    slug: str
    source: str
    branches: tuple[Branch, ...]
    app_name: str | None = None
    app_id: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    enrollment_end_date: date | None = None
    proposed_enrollment: int | None = None
    reference_branch: str | None = None
    randomization_unit: str | None = None
    outcomes: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    is_rollout: bool = False
    url: str | None = None
