"""Whether estimates from the warehouse's sufficient statistics are those from the columns themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jetstream_argo.config.statistics import Statistic
from jetstream_argo.dialect.types import Value
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.rows import EstimateRow
from tests.reference.samples import Columns, sample_from_columns
from tests.worlds.estimating import BEFORE, REAL, WHOLE, Unit, World, statistic, units_of, world_of

BRANCHES = ("control", "treatment")
# Each of these is asked for at once, as a metric's statistics are.
ASKED = {
    "usual": (
        statistic("binomial"),
        statistic("bootstrap_mean"),
        statistic("count"),
        statistic("deciles"),
        statistic("empirical_cdf", log_space=True),
        statistic("kernel_density_estimate"),
        statistic("linear_model_mean", covariate=BEFORE),
        statistic("linear_model_mean_no_clip", covariate=BEFORE),
        statistic("per_client_dau_impact"),
        statistic("sum"),
    ),
    "unusual": (
        statistic("bootstrap_mean", drop_highest=0),
        statistic("empirical_cdf", grid_size=10),
        statistic("kernel_density_estimate", bandwidth="scott_sd", log_space=True, grid_size=20),
        statistic("linear_model_mean"),
        statistic("linear_model_mean_no_clip"),
        statistic("quantiles", probabilities=[0.01, 0.5, 0.99]),
    ),
    "ratio": (statistic("population_ratio", numerator="clicks", denominator="visits"),),
}


@dataclass(frozen=True)
class Drawn:
    """Columns of two branches; NaN is NULL. `kind` is the warehouse's type of the metric's values."""

    values: tuple[NDArray[np.float64], NDArray[np.float64]]
    others: tuple[NDArray[np.float64], NDArray[np.float64]]
    kind: str = REAL

    @property
    def magnitude(self) -> float:
        """The largest finite value."""
        values = np.concatenate(self.values)
        return float(np.abs(values[np.isfinite(values)]).max())

    def units(self) -> list[Unit]:
        """The units as they are stored."""
        made: list[Unit] = []
        for branch, y, x in zip(BRANCHES, self.values, self.others, strict=True):
            made += units_of(
                branch, [self.stored(number) for number in y], [None if np.isnan(number) else number for number in x]
            )
        return made

    def stored(self, value: float) -> Value:
        """A value as the warehouse has it."""
        if np.isnan(value):
            return None
        return int(value) if self.kind == WHOLE else bool(value) if self.kind == "BOOL" else float(value)

    def expected(self, asked: Statistic) -> tuple[EstimateRow, ...]:
        """The rows from the columns themselves."""
        y, x = np.concatenate(self.values), np.concatenate(self.others)
        codes = np.repeat(np.arange(2, dtype=np.int8), [len(value) for value in self.values])
        if asked.name == "population_ratio":  # a unit without a denominator has no ratio
            y = np.where(np.isnan(x), np.nan, y)
        whole = self.kind != REAL and not np.isnan(y).any()
        column: NDArray[np.float64] | NDArray[np.int64] = y.astype(np.int64) if whole else y
        method = asked.method
        return estimate(method, sample_from_columns(method, Columns("clicks", BRANCHES, codes, column, x)))


def counts(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Whole numbers with many zeros."""
    column: NDArray[np.float64] = (rng.negative_binomial(1, 0.1, n) * rng.integers(0, 2, n)).astype(np.float64)
    return column


def with_holes(rng: np.random.Generator, column: NDArray[np.float64], hole: float = np.nan) -> NDArray[np.float64]:
    """The same with a tenth of the values missing."""
    return np.where(rng.random(len(column)) < 0.1, hole, column)


def drawn(name: str) -> Drawn:
    """Made-up columns: the same for the same name."""
    rng = np.random.default_rng(sum(map(ord, name)))
    sizes = (160, 140) if name.startswith("few") else (2400, 2100)
    others = [with_holes(rng, rng.gamma(2.0, 3.0, n)) for n in sizes]
    kind = REAL
    match name:
        case "few whole":
            values, kind = [counts(rng, n) for n in sizes], WHOLE
        case "few booleans":
            values, kind = [(rng.random(n) < 0.3).astype(float) for n in sizes], "BOOL"
        case "few with holes and infinities":
            values = [with_holes(rng, with_holes(rng, rng.normal(5, 2, n)), np.inf) for n in sizes]
        case "many":
            values = [rng.lognormal(0, 1, n) for n in sizes]
        case "many with zeros and holes":
            values = [with_holes(rng, rng.lognormal(0, 1, n) * (rng.random(n) < 0.7)) for n in sizes]
        case "many far from zero":
            values = [rng.normal(1e7, 1, n) for n in sizes]
        case "many of both signs":
            values = [with_holes(rng, rng.normal(0.5, 1, n), -np.inf) for n in sizes]
        case _:
            raise ValueError(name)
    return Drawn((values[0], values[1]), (others[0], others[1]), kind)


NAMES = (
    "few whole",
    "few booleans",
    "few with holes and infinities",
    "many",
    "many with zeros and holes",
    "many far from zero",
    "many of both signs",
)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Drawn, World]]:
    """Each of the columns, and a warehouse that holds them."""
    made = {name: drawn(name) for name in NAMES}
    root: Path = tmp_path_factory.mktemp("equality")
    return {name: (spec, world_of(root / name, spec.units(), kind=spec.kind)) for name, spec in made.items()}


def close(found: float | None, expected: float | None, scale: float, rounding: float) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= 1e-9 * max(abs(expected), scale) + rounding


def assert_same(found: Sequence[EstimateRow], expected: Sequence[EstimateRow], *, magnitude: float) -> None:
    """Assert that rows agree: numbers to nine digits of themselves or of their interval's width.

    Means of values of this magnitude are rounded, and so are their differences and what follows from these.
    """
    assert len(found) == len(expected)
    for row, other in zip(found, expected, strict=True):
        width = (other.upper or 0.0) - (other.lower or 0.0)
        assert (row.branch, row.comparison_to_branch, row.comparison) == (
            other.branch, other.comparison_to_branch, other.comparison
        )  # fmt: skip
        assert (row.n_units, row.reason, row.adjusted) == (other.n_units, other.reason, other.adjusted)
        assert (row.parameter is None) == (other.parameter is None)
        assert row.parameter is None or abs(row.parameter - other.parameter) <= 1e-5  # type: ignore[operator]  # both
        for name in ("point", "lower", "upper", "p_value"):
            ours, theirs = getattr(row, name), getattr(other, name)
            assert ours is None or isfinite(ours)
            rounding = 1e-14 * magnitude if name == "p_value" else 1e-15 * magnitude
            assert close(ours, theirs, width, rounding), (name, row, other)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", NAMES)
def test_estimates_are_those_of_the_columns(name: str, asked: str, worlds: dict[str, tuple[Drawn, World]]) -> None:
    columns, world = worlds[name]
    expected = [row for spec in ASKED[asked] for row in columns.expected(spec)]

    estimated = world.ratio(*ASKED[asked]) if asked == "ratio" else world.estimate(*ASKED[asked])

    assert_same([placed.row for placed in estimated.rows], expected, magnitude=columns.magnitude)
