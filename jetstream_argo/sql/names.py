"""Names the tables and views of an experiment."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan

# Part of the names of our own tables: those of version 0.1 had other columns, and stay readable beside these.
_GENERATION = "2"

# What the names of tables begin with that hold what was read for several experiments.
SHARED = "shared"
SHARED_WORK = "scans"


@dataclass(frozen=True, slots=True)
class Place:
    """All that the names depend on: the dataset of the results, and the experiment's slug."""

    dataset: str
    slug: str


# A plan names the tables, and so does the place alone: results can be read where the configuration is not at hand.
Owner: TypeAlias = AnalysisPlan | Place


def place_of(owner: Owner) -> Place:
    """Return where the results of `owner` are."""
    return owner if isinstance(owner, Place) else Place(owner.dataset, owner.experiment.slug)


def normalised(name: str) -> str:
    """Return `name` with everything but letters, digits and `_` replaced by `_`, as the existing system does."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def enrollments(owner: Owner) -> str:
    """The view of enrolled units."""
    place = place_of(owner)
    return f"{place.dataset}.enrollments_{normalised(place.slug)}"


def assignments(owner: Owner) -> str:
    """The table of units, their branches and enrollment dates, in batches that are only added to."""
    return internal(owner, "assignments")


def exposures(owner: Owner) -> str:
    """The table of exposures."""
    return internal(owner, "exposures")


def segments(owner: Owner, source: str) -> str:
    """The table of which units are in the segments of one segment data source."""
    return internal(owner, "segments", source)


def signals(owner: Owner) -> str:
    """The table of exposure signals per unit and date."""
    return internal(owner, "signals")


def partials(owner: Owner, source: str) -> str:
    """The table of one source's daily partials."""
    return internal(owner, "partials", source)


def values(owner: Owner, basis: Basis, source: str, period: Period) -> str:
    """The table of metric values of one basis, source and period."""
    return internal(owner, "values", basis, source, period)


def published(owner: Owner, basis: Basis, period: Period) -> str:
    """The table of all metrics of one basis and period, for readers whose warehouse bills the partitions they read."""
    return internal(owner, "published", basis, period)


def statistics(owner: Owner) -> str:
    """The table of all estimates ever made."""
    return internal(owner, "estimates")


def departed(owner: Owner) -> str:
    """The table of units that telemetry has no more, as it was found for one reading or another."""
    return internal(owner, "departed")


def restated(owner: Owner, source: str) -> str:
    """The table of one source's daily partials while they are restated, until somebody has agreed to them."""
    return internal(owner, "restated", source)


def shredded(owner: Owner) -> str:
    """The table of the keyed hashes of units that were removed on request."""
    return internal(owner, "shredded")


def kept_plan(owner: Owner) -> str:
    """The table of the plan that was published last."""
    return internal(owner, "plan")


def status(owner: Owner) -> str:
    """The table of what was done."""
    return internal(owner, "status")


def shared(dataset: str, source: str, key: str, attempt: str) -> str:
    """The table of what one scan of a source read for several experiments."""
    return internal(Place(dataset, source), SHARED, key, attempt)


def shared_scans(dataset: str) -> str:
    """The record of scans for several experiments."""
    return internal(Place(dataset, "several"), "record")


def shared_work(dataset: str, attempt: str) -> str:
    """The table of scans for several experiments that are left to others to make."""
    return internal(Place(dataset, "several"), SHARED_WORK, attempt)


def shared_lease(dataset: str) -> str:
    """The lease of whoever scans for several experiments, or removes what was read so."""
    return internal(Place(dataset, ""), "lease", "shared")


def lease(owner: Owner) -> str:
    """The lease of whoever writes to any of these tables."""
    return internal(owner, "lease")


def scratch(owner: Owner, *parts: str) -> str:
    """The name with which the names of tables begin that are made in between and deleted again."""
    return internal(owner, "scratch", *parts)


def values_view(owner: Owner, basis: Basis, period: Period) -> str:
    """The view of all metrics of one basis and period."""
    place = place_of(owner)
    return f"{place.dataset}.{normalised(place.slug)}_{basis}_{period.suffix}"


def statistics_view(owner: Owner, period: Period) -> str:
    """The view of the latest estimates of one period."""
    place = place_of(owner)
    return f"{place.dataset}.statistics_{normalised(place.slug)}_{period.suffix}"


def without_point_view(owner: Owner) -> str:
    """The view of the latest estimates that are no number, and why; of all periods.

    Its name begins otherwise than those that readers look for.
    """
    place = place_of(owner)
    return f"{place.dataset}.without_point_{normalised(place.slug)}"


def views(owner: Owner) -> Iterator[str]:
    """Yield the names of all views of metrics and estimates that there may be."""
    yield without_point_view(owner)
    for period in Period:
        yield statistics_view(owner, period)
        for basis in Basis:
            yield values_view(owner, basis, period)


def readable(name: str) -> str:
    """Return what of the name of a table of ours people can read: without dataset, kind and hash.

    >>> readable("results.status_try_it_0a1b2c3d")
    'try_it'
    """
    return name.rpartition(".")[2].partition("_")[2].rpartition("_")[0]


def internal(owner: Owner, kind: str, *parts: str, generation: str | None = _GENERATION) -> str:
    """Return the name of a table of ours: `kind`, the experiment's slug and `parts`, readable, and a hash of them.

    The hash is there since normalised slugs and sources may be equal or run into one another.
    """
    place = place_of(owner)
    words = (place.slug, *parts)
    hashed = words if generation is None else (generation, *words)
    tail = hashlib.sha256("\0".join(hashed).encode()).hexdigest()[:8]
    readable = "_".join(normalised(word) for word in words)
    return f"{place.dataset}.{kind}_{readable[:200]}_{tail}"
