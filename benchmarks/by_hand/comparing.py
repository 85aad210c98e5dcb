"""Compares the points by hand with the rows of the pipeline's views."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb

from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

POPULATIONS = tuple(
    (basis, segment) for basis in ("enrollments", "exposures") for segment in ("all", "heavy_users", "on_windows")
)
SAME = 1e-9  # of the points; of a difference, of the points whose difference it is; of an uplift, of the ratio
# The mean of a resampled ratio is that of a law, found by integration; by hand it is known to the second order.
RESAMPLED, OF_RESAMPLED = "population_ratio", 1e-3

# Metric, statistic, parameter, window, branch, comparison and with which branch; period, basis and segment.
Key: TypeAlias = tuple[object, ...]
Points: TypeAlias = dict[Key, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many points are the same, and how many of ratios are nearly the same."""

    same: int
    nearly: int

    @property
    def line(self) -> str:
        """A line for people."""
        return f"{self.same:,} points are the same, {self.nearly:,} of resampled ratios nearly (to {OF_RESAMPLED:g})"


def compare(by_hand: Points, by_pipeline: Points) -> Agreement:
    """Return how many points there are.

    Raises:
        SystemExit: a point differs, or is on one side only.
    """
    for key in by_hand.keys() ^ by_pipeline.keys():
        raise SystemExit(f"{key} is there {'by hand' if key in by_hand else 'by the pipeline'} only")
    nearly = 0
    for key, point in by_pipeline.items():
        allowed = OF_RESAMPLED if key[1] == RESAMPLED else SAME
        if abs(point - by_hand[key]) > allowed * _scale(key, by_pipeline):
            raise SystemExit(f"{key}: {point} by the pipeline, {by_hand[key]} by hand")
        nearly += key[1] == RESAMPLED
    return Agreement(len(by_pipeline) - nearly, nearly)


def _scale(key: Key, points: Points) -> float:
    """Return the size of what a point is computed from."""
    match key[5]:
        case "relative_uplift":
            return 1 + abs(points[key])
        case "difference":
            return max(abs(points[*key[:4], branch, None, None, *key[7:]]) for branch in (key[4], key[6]))
        case _:
            return abs(points[key])


def points_by_hand(file: Path) -> Points:
    """Return the points that were written by hand; none where a ratio has none, such as that to 0."""
    return dict(_by_hand(file))


def _by_hand(file: Path) -> Iterator[tuple[Key, float]]:
    query = (
        "SELECT metric, statistic, parameter, window_index, branch, comparison, reference, period, population, point "
        f"FROM '{file}' WHERE point IS NOT NULL"
    )
    for *key, population, point in duckdb.execute(query).fetchall():
        yield (*key, *POPULATIONS[population]), point


def points_by_pipeline(plan: AnalysisPlan, engine: EmbeddedEngine) -> Points:
    """Return the points of all rows of the statistics views, which leave out what has none."""
    found: Points = {}
    for period in Period:
        if not plan.windows(period):
            continue
        query = Sql(
            "SELECT metric, statistic, CAST(parameter AS FLOAT64), CAST(window_index AS INT64), branch, comparison, "
            "comparison_to_branch, analysis_basis, segment, point\n"
            f"FROM `{names.statistics_view(plan, period)}` WHERE point IS NOT NULL"
        )
        for *key, basis, segment, point in engine.query(query, labels={}).rows:
            found[*key, period.value, basis, segment] = float(str(point))
    return found
