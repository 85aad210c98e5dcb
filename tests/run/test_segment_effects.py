"""Whether a branch's effect in a segment differs from that on all other units: told beside the segment's difference."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from jetstream_argo.config.model import Basis
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.estimating.portions import Share
from jetstream_argo.stats.rows import Comparison, EstimateRow
from tests.worlds.estimating import BEFORE, WHOLE, Unit, World, statistic, step, world_of

Values = NDArray[np.float64]


def skewed(n: int, *, seed: int, mean: float) -> Values:
    """Whole numbers with a long tail."""
    return np.floor(np.random.default_rng(seed).lognormal(mean, 1, n))


CONTROL, TREATED = skewed(200, seed=1, mean=2), skewed(180, seed=2, mean=2.2)
LOYAL = {"control": np.arange(200) % 3 == 0, "treatment": np.arange(180) % 2 == 0}
VALUES = {"control": CONTROL, "treatment": TREATED + 6 * LOYAL["treatment"]}
BEFORE_VALUES = {name: values + skewed(len(values), seed=3, mean=0) for name, values in VALUES.items()}
LIMIT = float(np.quantile(np.concatenate(list(VALUES.values())), 0.95))


def world(root: Path, *, kind: str = "FLOAT64", segments: Sequence[str] = ("loyal",)) -> World:
    units = [
        Unit(
            branch, {(Basis.ENROLLMENTS, 1): int(value) if kind == WHOLE else value}, float(before), None,
            ("loyal",) if loyal else (),
        )
        for branch, values in VALUES.items()
        for value, before, loyal in zip(values.tolist(), BEFORE_VALUES[branch], LOYAL[branch], strict=True)
    ]  # fmt: skip
    return world_of(root, units, kind=kind, segments=segments)


def found(made: World, asked: Statistic, *, segment: str = "loyal") -> EstimateRow:
    """The row of the difference in a segment."""
    [row] = [
        placed.row
        for placed in made.estimate(asked).rows
        if placed.segment == segment
        and (placed.row.branch, placed.row.comparison) == ("treatment", Comparison.DIFFERENCE)
    ]
    return row


def check(row: EstimateRow, groups: Sequence[tuple[Values, Values]]) -> None:
    """Hold a row against Welch's test of the means of four groups: of the segment and the rest, control first."""
    (effect, rest), parts, sizes = (
        [side[1].mean() - side[0].mean() for side in groups],
        [values.var(ddof=1) / len(values) for side in groups for values in side],
        [len(values) for side in groups for values in side],
    )
    error = np.sqrt(sum(parts))
    dof = sum(parts) ** 2 / sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    assert row.rest_effect == pytest.approx(rest)
    assert row.rest_difference == pytest.approx(effect - rest)
    assert row.rest_p_value == pytest.approx(2 * stats.t.sf(abs(effect - rest) / error, dof))
    assert [row.rest_lower, row.rest_upper] == pytest.approx(stats.t.interval(0.95, dof, effect - rest, error))


def sides(values: dict[str, Values]) -> list[tuple[Values, Values]]:
    return [
        (values["control"][mask["control"]], values["treatment"][mask["treatment"]])
        for mask in (LOYAL, {name: ~loyal for name, loyal in LOYAL.items()})
    ]


@pytest.mark.parametrize("kind", ["FLOAT64", WHOLE])
@pytest.mark.parametrize("name", ["welch_mean", "linear_model_mean"])
def test_both_sides_are_clipped_where_all_units_are(tmp_path: Path, name: str, kind: str) -> None:
    row = found(world(tmp_path, kind=kind), statistic(name, drop_highest=0.05))

    limit = np.ceil(LIMIT) if kind == WHOLE else LIMIT
    check(row, sides({branch: np.minimum(values, limit) for branch, values in VALUES.items()}))


def test_a_resampled_mean_is_tested_with_each_branch_clipped_at_its_own_threshold(tmp_path: Path) -> None:
    row = found(world(tmp_path), statistic("bootstrap_mean", drop_highest=0.05))

    check(row, sides({name: np.minimum(values, np.quantile(values, 0.95)) for name, values in VALUES.items()}))


def test_values_that_are_not_clipped_are_tested_as_they_are(tmp_path: Path) -> None:
    row = found(world(tmp_path), statistic("welch_mean", drop_highest=0.0))

    check(row, sides(VALUES))


@pytest.mark.parametrize("name", ["welch_mean", "linear_model_mean"])
def test_an_adjusted_effect_is_adjusted_by_the_slopes_of_its_own_side(tmp_path: Path, name: str) -> None:
    row = found(world(tmp_path), statistic(name, covariate=BEFORE, drop_highest=0.05))

    cut = float(np.quantile(np.concatenate(list(BEFORE_VALUES.values())), 0.95))
    values = sides({branch: np.minimum(values, LIMIT) for branch, values in VALUES.items()})
    covariates = sides({branch: np.minimum(values, cut) for branch, values in BEFORE_VALUES.items()})
    reduced = []
    for y, x in zip(values, covariates, strict=True):
        both_y, both_x = (
            (np.concatenate(y), np.concatenate(x))
            if name == "welch_mean"
            else tuple(np.concatenate([part - part.mean() for part in column]) for column in (y, x))
        )
        slope = np.cov(both_y, both_x, bias=True)[0, 1] / np.var(both_x)
        reduced.append(tuple(part - slope * own for part, own in zip(y, x, strict=True)))
    check(row, [(side[0], side[1]) for side in reduced])
    assert row.adjusted is True


def test_without_clipping_the_effect_is_the_difference_beside_it(tmp_path: Path) -> None:
    row = found(world(tmp_path), statistic("linear_model_mean", covariate=BEFORE, drop_highest=0.0))

    assert (row.rest_effect or 0) + (row.rest_difference or 0) == pytest.approx(row.point)


def test_shares_are_tested_by_their_counts(tmp_path: Path) -> None:
    made = world_of(
        tmp_path,
        [
            Unit(branch, {(Basis.ENROLLMENTS, 1): bool(value > 8)}, None, None, ("loyal",) if loyal else ())
            for branch, values in VALUES.items()
            for value, loyal in zip(values, LOYAL[branch], strict=True)
        ],
        kind="BOOL",
        segments=("loyal",),
    )

    row = found(made, statistic("binomial"))

    (inside, outside) = sides({name: (values > 8).astype(float) for name, values in VALUES.items()})
    assert row.rest_effect == pytest.approx(outside[1].mean() - outside[0].mean())
    assert row.rest_difference == pytest.approx(inside[1].mean() - inside[0].mean() - (row.rest_effect or 0))


@pytest.mark.parametrize(
    ("asked", "segment"),
    [
        (statistic("welch_mean"), "all"),
        (statistic("welch_mean"), "nobody"),
        (statistic("welch_mean", step("censor_highest_values", fraction=0.9)), "loyal"),
        (statistic("per_client_dau_impact"), "loyal"),
    ],
    ids=["all-units", "without-units", "left-out-by-rank", "another-scale"],
)
def test_what_has_no_rest_is_not_tested(tmp_path: Path, asked: Statistic, segment: str) -> None:
    made = world(tmp_path, segments=("loyal", "nobody"))

    rows = [placed.row for placed in made.estimate(asked).rows if placed.segment == segment]

    assert rows
    assert {row.rest_p_value for row in rows} == {None}


@pytest.mark.parametrize("asked", [statistic("welch_mean"), statistic("welch_mean", covariate=BEFORE)])
def test_a_segment_that_is_asked_about_by_itself_is_held_against_all_units_too(
    tmp_path: Path, asked: Statistic
) -> None:
    made = world(tmp_path)
    alone = replace(made, stored=made.stored.shared(Share(segments=(1,))))

    assert [placed.segment for placed in alone.estimate(asked).rows] == ["loyal"] * 6
    assert found(alone, asked) == found(made, asked)
