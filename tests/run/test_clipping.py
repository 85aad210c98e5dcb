"""What clipping cuts, and what the estimates would be without it: told beside each clipped estimate."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jetstream_argo.stats.rows import Comparison, EstimateRow
from tests.worlds.estimating import BEFORE, World, statistic, units_of, world_of

CONTROL = [float(value) for value in range(1, 101)]
EVEN = [value + 1 for value in CONTROL]
HEAVY = [*EVEN[:-5], 1000.0, 1000.0, 1000.0, 1000.0, 1000.0]


def world(root: Path, branch: Sequence[float]) -> World:
    return world_of(root, [*units_of("control", CONTROL, CONTROL), *units_of("treatment", branch, CONTROL)])


def rows(found: World, name: str, **parameters: object) -> dict[tuple[str, Comparison | None], EstimateRow]:
    asked = statistic(name, **{"drop_highest": 0.05, **parameters})
    placed = found.estimate(asked).rows
    return {
        (estimate.row.branch, estimate.row.comparison): estimate.row
        for estimate in placed
        if estimate.row.comparison_to_branch in (None, "control")
    }


@pytest.mark.parametrize("name", ["linear_model_mean", "welch_mean", "bootstrap_mean"])
def test_each_branch_says_how_many_units_and_which_share_of_the_sum_are_cut(tmp_path: Path, name: str) -> None:
    found = rows(world(tmp_path, HEAVY), name)

    pooled = np.quantile([*CONTROL, *HEAVY], 0.95)
    for branch, values in (("control", CONTROL), ("treatment", HEAVY)):
        limit = np.quantile(values, 0.95) if name == "bootstrap_mean" else pooled
        clipped = np.minimum(values, limit)
        row = found[branch, None]
        assert row.n_clipped == np.sum(np.array(values) > limit)
        assert row.clipped_share == pytest.approx(1 - clipped.sum() / np.sum(values))
        assert row.unclipped == pytest.approx(np.mean(values))
        assert row.clipping_matters is None


@pytest.mark.parametrize("name", ["linear_model_mean", "welch_mean", "bootstrap_mean"])
def test_a_comparison_says_what_it_were_without_and_is_marked_where_that_matters(tmp_path: Path, name: str) -> None:
    heavy, even = rows(world(tmp_path / "a", HEAVY), name), rows(world(tmp_path / "b", EVEN), name)

    of_heavy = heavy["treatment", Comparison.DIFFERENCE]
    assert of_heavy.unclipped == pytest.approx(np.mean(HEAVY) - np.mean(CONTROL))
    uplift = heavy["treatment", Comparison.RELATIVE_UPLIFT]
    assert uplift.unclipped == pytest.approx(np.mean(HEAVY) / np.mean(CONTROL) - 1)
    assert (of_heavy.clipping_matters, uplift.clipping_matters) == (True, True)
    assert even["treatment", Comparison.DIFFERENCE].clipping_matters is False


def test_an_adjusted_comparison_is_adjusted_without_clipping_too(tmp_path: Path) -> None:
    made = world(tmp_path, HEAVY)
    adjusted = statistic("welch_mean", covariate=BEFORE, drop_highest=0.05)
    bare = statistic("welch_mean", covariate=BEFORE, drop_highest=0.0)

    clipped, plain = (
        {(row.row.branch, row.row.comparison): row.row for row in made.estimate(asked).rows}
        for asked in (adjusted, bare)
    )

    for key, row in clipped.items():
        assert row.unclipped == pytest.approx(plain[key].point)
    assert {row.unclipped for row in plain.values()} == {None}
    assert clipped["treatment", None].n_clipped == 5


def test_more_units_cut_in_one_branch_than_by_chance_is_marked_although_the_estimate_hardly_moves(
    tmp_path: Path,
) -> None:
    noisy = [float(value % 100) for value in range(400)]
    above = [*noisy[:380], *([99.5] * 20)]
    made = world_of(tmp_path, [*units_of("control", noisy), *units_of("treatment", above)])

    found = rows(made, "welch_mean", drop_highest=0.025)

    row = found["treatment", Comparison.DIFFERENCE]
    assert abs((row.unclipped or 0) - (row.point or 0)) < (row.std_error or 0)
    assert (found["control", None].n_clipped, found["treatment", None].n_clipped) == (0, 20)
    assert row.clipping_matters is True


def test_a_note_says_where_clipping_matters(tmp_path: Path) -> None:
    notes = world(tmp_path, HEAVY).estimate(statistic("welch_mean", drop_highest=0.05)).notes

    [note] = notes
    assert note.startswith(
        "clipping matters to mean_welch of enrollments in windows 1: in window 1 treatment against control is "
    )


VISITS = [float(value % 7 + 1) for value in range(100)]
MANY_VISITS = [*VISITS[:-3], 90.0, 95.0, 99.0]


@pytest.mark.parametrize("name", ["population_ratio", "ratio_delta"])
def test_a_ratio_says_what_is_cut_from_its_numerators_and_denominators(tmp_path: Path, name: str) -> None:
    units = [*units_of("control", CONTROL, VISITS), *units_of("treatment", HEAVY, MANY_VISITS)]
    asked = statistic(name, numerator="clicks", denominator="visits", drop_highest=0.05)

    placed = world_of(tmp_path, units).ratio(asked).rows

    found = {(estimate.row.branch, estimate.row.comparison): estimate.row for estimate in placed}
    ratios = {}
    for branch, values, visits in (("control", CONTROL, VISITS), ("treatment", HEAVY, MANY_VISITS)):
        limits = [np.quantile(column, 0.95) for column in (values, visits)]
        cut = (np.array(values) > limits[0]) | (np.array(visits) > limits[1])
        row, ratios[branch] = found[branch, None], np.sum(values) / np.sum(visits)
        assert row.n_clipped == cut.sum()
        assert row.clipped_share == pytest.approx(1 - np.minimum(values, limits[0]).sum() / np.sum(values))
        assert row.denominator_clipped_share == pytest.approx(1 - np.minimum(visits, limits[1]).sum() / np.sum(visits))
        assert row.unclipped == pytest.approx(ratios[branch])
    uplift = found["treatment", Comparison.RELATIVE_UPLIFT]
    assert uplift.unclipped == pytest.approx(ratios["treatment"] / ratios["control"] - 1)


@pytest.mark.parametrize("name", ["population_ratio", "ratio_delta"])
def test_a_ratio_that_clipping_moves_is_marked(tmp_path: Path, name: str) -> None:
    units = [*units_of("control", CONTROL, VISITS), *units_of("treatment", HEAVY, VISITS)]
    asked = statistic(name, numerator="clicks", denominator="visits", drop_highest=0.05)

    estimated = world_of(tmp_path, units).ratio(asked)

    marks = {row.row.comparison: row.row.clipping_matters for row in estimated.rows}
    assert marks == {None: None, Comparison.DIFFERENCE: True, Comparison.RELATIVE_UPLIFT: True}
    assert any(note.startswith("clipping matters to ") for note in estimated.notes)


def test_a_ratio_that_is_not_clipped_says_nothing(tmp_path: Path) -> None:
    units = [*units_of("control", CONTROL, VISITS), *units_of("treatment", HEAVY, MANY_VISITS)]
    asked = statistic("ratio_delta", numerator="clicks", denominator="visits", drop_highest=0.0)

    rows_ = [row.row for row in world_of(tmp_path, units).ratio(asked).rows]

    assert {(row.n_clipped, row.unclipped, row.clipping_matters) for row in rows_} == {(None, None, None)}


@pytest.mark.parametrize("name", ["bootstrap_mean", "ratio_delta"])
def test_a_larger_share_cut_from_one_branch_is_marked_where_each_has_its_own_threshold(
    tmp_path: Path, name: str
) -> None:
    rng = np.random.default_rng(1)
    spread = [float(value) for value in rng.normal(0, 400, 1000)]
    even = [1000 + value for value in spread]
    tailed = [*sorted(even)[:-30], *(2500.0 + 60 * k for k in range(30))]
    ones = [1.0] * 1000
    made = world_of(tmp_path, [*units_of("control", even, ones), *units_of("treatment", tailed, ones)])
    parts = {"numerator": "clicks", "denominator": "visits"} if name == "ratio_delta" else {}
    asked = statistic(name, drop_highest=0.02, **parts)

    placed = (made.ratio(asked) if parts else made.estimate(asked)).rows

    [row] = [
        estimate.row
        for estimate in placed
        if (estimate.row.branch, estimate.row.comparison) == ("treatment", "difference")
    ]
    assert row.clipping_matters is True
    width = ((row.upper or 0) - (row.lower or 0)) / 2 / 1.96
    assert abs((row.unclipped or 0) - (row.point or 0)) < width
