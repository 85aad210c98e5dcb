"""What a metric's stored values say, on rows small enough to compute by hand."""

from dataclasses import replace
from math import inf, log10, nan
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Step
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import EstimateError
from jetstream_argo.estimating.groups import groups_of
from jetstream_argo.estimating.single import plain_facts
from jetstream_argo.plan.model import MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.stats.rows import Reason
from tests.worlds.estimating import (
    BEFORE,
    WEEK,
    WHOLE,
    Counting,
    Unit,
    points,
    statistic,
    step,
    units_of,
    world_of,
)

SECOND = AnalysisWindow(2, 7, 13)


def sums_after(root: Path, values: list[Value], *steps: Step, kind: str = "FLOAT64") -> tuple[float, float]:
    """The sum of one branch's values and the count of its units after pre-treatments."""
    world = world_of(root, units_of("control", values), kind=kind, branches=("control",))
    estimated = world.estimate(statistic("sum", *steps), statistic("count", *steps))
    count, total = (placed.row.point for placed in estimated.rows)
    assert count is not None
    assert total is not None
    return total, count


@pytest.mark.parametrize(
    ("steps", "total", "count"),
    [
        ((), 10.0, 8),
        ((step("remove_nulls"),), 10.0, 5),  # NULL and NaN go, the infinite value stays (and adds nothing)
        ((step("remove_indefinites"),), 10.0, 4),
        ((step("zero_fill"),), 10.0, 8),
        ((step("normalize_over_analysis_period"),), 10.0 / 7, 8),
        ((step("censor_values_below_threshold", threshold=2),), 7.0, 3),  # 2 itself goes; 3, 4 and infinity stay
        ((step("censor_values_above_threshold", threshold=4),), 6.0, 3),  # 1, 2, 3
        ((step("remove_indefinites"), step("log")), log10(24), 4),
        ((step("remove_indefinites"), step("log", base=2)), 3 + log10(3) / log10(2), 4),
        ((step("zero_fill"), step("log")), log10(24), 8),  # three are -infinity, one infinity: excluded, not dropped
        # The 0.5 quantile of 1, 2, 3, 4 is 2.5; that of 0, 0, 0, 1, 2, 3, 4 is 1, which is not below itself.
        ((step("remove_indefinites"), step("censor_highest_values", fraction=0.5)), 3.0, 2),
        ((step("remove_indefinites"), step("censor_lowest_values", fraction=0.5)), 7.0, 2),
        ((step("zero_fill"), step("remove_indefinites"), step("censor_highest_values", fraction=0.5)), 0.0, 3),
        # The order matters: a seventh of 1 … 4 is below 2.
        ((step("censor_values_below_threshold", threshold=2), step("normalize_over_analysis_period")), 1.0, 3),
        ((step("normalize_over_analysis_period"), step("censor_values_below_threshold", threshold=2)), 0.0, 1),
    ],
)
def test_pre_treatments_are_applied_in_order(tmp_path: Path, steps: tuple[Step, ...], total: float, count: int) -> None:
    values: list[Value] = [1.0, 2.0, 3.0, 4.0, inf, nan, None, nan]

    found = sums_after(tmp_path, values, *steps)

    assert found == pytest.approx((total, count))


@pytest.mark.parametrize("kind", [WHOLE, "FLOAT64", "NUMERIC"])
def test_a_clip_of_whole_numbers_is_rounded_up(tmp_path: Path, kind: str) -> None:
    # Of 0, 0, 0, 10 the 0.75 quantile is 2.5: numpy.quantile([0, 0, 0, 10], 0.75).
    units = units_of("control", [0, 0]) + units_of("treatment", [0, 10])

    estimated = world_of(tmp_path, units, kind=kind).estimate(statistic("linear_model_mean", drop_highest=0.25))

    assert points(estimated) == {"control": 0.0, "treatment": 1.5 if kind == WHOLE else 1.25}


def test_an_average_of_whole_numbers_is_not_rounded_up(tmp_path: Path) -> None:
    units = units_of("control", [0, 0]) + units_of("treatment", [0, 70])
    asked = statistic("linear_model_mean", step("normalize_over_analysis_period"), drop_highest=0.25)

    estimated = world_of(tmp_path, units, kind=WHOLE).estimate(asked)

    assert points(estimated) == {"control": 0.0, "treatment": 1.25}


def test_a_bootstrap_clips_each_branch_at_its_own_quantile(tmp_path: Path) -> None:
    units = units_of("control", [0, 10]) + units_of("treatment", [0, 100])

    estimated = world_of(tmp_path, units).estimate(statistic("bootstrap_mean", drop_highest=0.5))

    assert points(estimated) == {"control": pytest.approx(2.5), "treatment": pytest.approx(25.0)}


def test_units_are_told_apart_by_window_basis_and_segment(tmp_path: Path) -> None:
    first = Unit("control", {(Basis.ENROLLMENTS, 1): 1.0, (Basis.ENROLLMENTS, 2): 2.0, (Basis.EXPOSURES, 1): 4.0})
    second = Unit("control", {(Basis.ENROLLMENTS, 1): 8.0, (Basis.EXPOSURES, 2): 16.0}, segments=("new",))

    estimated = world_of(tmp_path, [first, second], branches=("control",), segments=("new", "old")).estimate(
        statistic("sum"), windows=(WEEK, SECOND)
    )

    assert [(row.window_index, row.basis.value, row.segment, row.row.point) for row in estimated.rows] == [
        (1, "enrollments", "all", 9.0),
        (1, "enrollments", "new", 8.0),
        (1, "enrollments", "old", 0.0),
        (1, "exposures", "all", 4.0),
        (1, "exposures", "new", 0.0),
        (1, "exposures", "old", 0.0),
        (2, "enrollments", "all", 2.0),
        (2, "enrollments", "new", 0.0),
        (2, "enrollments", "old", 0.0),
        (2, "exposures", "all", 16.0),
        (2, "exposures", "new", 16.0),
        (2, "exposures", "old", 0.0),
    ]
    assert estimated.units == 2


def test_windows_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    unit = Unit("control", {(Basis.ENROLLMENTS, 1): 1.0, (Basis.ENROLLMENTS, 2): 2.0})

    estimated = world_of(tmp_path, [unit], branches=("control",)).estimate(statistic("sum"), windows=(SECOND,))

    assert [(row.window_index, row.row.point) for row in estimated.rows] == [(2, 2.0)]


def test_a_branch_without_units_has_rows_and_one_that_the_plan_does_not_name_has_none(tmp_path: Path) -> None:
    # Pooled over the two branches of the plan, the 0.5 quantile is 1; the third's 100 would raise it.
    units = units_of("control", [0, 1, 2]) + units_of("stray", [100, 100, 100])
    world = world_of(tmp_path, units, branches=("control", "empty"))

    estimated = world.estimate(statistic("count"), statistic("linear_model_mean", drop_highest=0.5))

    rows = [row.row for row in estimated.rows if row.row.comparison is None]
    assert [(row.branch, row.n_units, row.point) for row in rows if row.statistic == "count"] == [
        ("control", 3, 3.0),
        ("empty", 0, 0.0),
    ]
    assert [(row.branch, row.point) for row in rows if row.statistic == "mean_lm"] == [
        ("control", pytest.approx(2 / 3)),
        ("empty", None),
    ]


def test_infinite_values_are_left_out_and_told(tmp_path: Path) -> None:
    world = world_of(tmp_path, units_of("control", [1.0, 3.0, inf, -inf, nan, None]), branches=("control",))

    estimated = world.estimate(statistic("linear_model_mean", drop_highest=0))

    (row,) = (row.row for row in estimated.rows)
    assert (row.point, row.n_units, row.reason) == (2.0, 2, Reason.NONFINITE_EXCLUDED)
    assert estimated.notes == ("linear_model_mean leaves out 3 infinite or NaN values",)


def test_a_covariate_without_values_leaves_the_estimate_unadjusted_and_says_so(tmp_path: Path) -> None:
    units = units_of("control", [1, 2, 4]) + units_of("treatment", [2, 3, 5])
    asked = statistic("linear_model_mean", covariate=BEFORE, drop_highest=0)

    estimated = world_of(tmp_path, units, covariate=False).estimate(asked)

    difference = next(row.row for row in estimated.rows if row.row.comparison == "difference")
    assert (difference.point, difference.adjusted, difference.reason) == (1.0, False, Reason.NO_COVARIATE)
    assert estimated.notes == ("linear_model_mean is unadjusted: before has no values in preenrollment_week",)


def test_a_covariate_takes_its_share_of_a_difference(tmp_path: Path) -> None:
    # y = 2 x + 1 for the treatment, plus noise orthogonal to x: x explains the rest of the difference.
    control = units_of("control", [0.1, 1.9, 4.0, 6.0], [0, 1, 2, 3])
    treatment = units_of("treatment", [3.1, 4.9, 7.0, 9.0], [1, 2, 3, 4])
    asked = statistic("linear_model_mean", covariate=BEFORE, drop_highest=0)

    estimated = world_of(tmp_path, control + treatment).estimate(asked)

    difference = next(row.row for row in estimated.rows if row.row.comparison == "difference")
    slope = 9.9 / 5  # both branches: sum((x - 1.5) * y) = 9.9, sum((x - 1.5) ** 2) = 5
    assert difference.adjusted
    assert difference.point == pytest.approx(3.0 - slope)


def test_the_ninth_segment_is_adjusted_like_one_that_is_alone(tmp_path: Path) -> None:
    segments = tuple(f"segment_{number}" for number in range(9))
    units = [
        Unit(branch, {(Basis.ENROLLMENTS, 1): y + shift}, before, segments=segments[8:] if before % 2 else segments[:8])
        for shift, branch in enumerate(("control", "treatment"))
        for y, before in [(1.0, 1), (4.0, 2), (3.0, 3), (7.0, 4), (5.5, 5), (2.0, 6), (8.0, 7)]
    ]
    asked = statistic("linear_model_mean", covariate=BEFORE)

    many = world_of(tmp_path / "many", units, segments=segments).estimate(asked)
    alone = world_of(tmp_path / "alone", units, segments=segments[8:]).estimate(asked)

    found, expected = ([row.row for row in rows.rows if row.segment == segments[8]] for rows in (many, alone))
    assert found == expected
    assert any(row.adjusted for row in found)


def test_a_ratio_needs_both_values(tmp_path: Path) -> None:
    units = units_of("control", [1, 2, None, 5], [2, 4, 4, None])
    asked = statistic("population_ratio", numerator="clicks", denominator="visits", drop_highest=0)

    (row,) = (row.row for row in world_of(tmp_path, units, branches=("control",)).ratio(asked).rows)

    assert (row.metric, row.n_units) == ("click_rate", 2)
    assert row.point == pytest.approx(0.5)


def test_a_ratios_pre_treatments_apply_to_both_columns(tmp_path: Path) -> None:
    # Values above 1 and divisors above 1 stay: (2, 4), (6, 3).
    units = units_of("control", [1, 2, 6, 9], [2, 4, 3, 1])
    censored = step("censor_values_below_threshold", threshold=1)
    asked = statistic("population_ratio", censored, numerator="clicks", denominator="visits", drop_highest=0)

    (row,) = (row.row for row in world_of(tmp_path, units, branches=("control",)).ratio(asked).rows)

    assert row.n_units == 2


def test_the_number_of_queries_does_not_grow_with_windows_bases_segments_and_branches(tmp_path: Path) -> None:
    asked = [
        statistic("bootstrap_mean"),
        statistic("deciles"),
        statistic("empirical_cdf"),
        statistic("kernel_density_estimate"),
        statistic("linear_model_mean", covariate=BEFORE),
        statistic("sum"),
    ]
    small = world_of(tmp_path / "small", units_of("control", [1, 2, 3]))
    many = [
        Unit(branch, {(basis, index): float(number) for basis in Basis for index in (1, 2, 3)}, 1.0)
        for branch in ("a", "b", "c", "d")
        for number in range(5)
    ]
    large = world_of(tmp_path / "large", many, branches=("a", "b", "c", "d"), segments=("new", "old"))

    small.estimate(*asked)
    large.estimate(*asked, windows=(WEEK, SECOND, AnalysisWindow(3, 14, 20)))

    # One for the statistics of the values by themselves, one for those with the covariate.
    assert (len(small.engine.asked), len(large.engine.asked)) == (2, 2)


def test_branches_of_many_values_take_one_query_more_for_each_kind_of_need(tmp_path: Path) -> None:
    values: list[Value] = [float(number) for number in range(1001)]
    world = world_of(tmp_path, units_of("control", values) + units_of("treatment", [1.0]))

    world.estimate(
        statistic("bootstrap_mean"),
        statistic("deciles"),
        statistic("empirical_cdf"),
        statistic("kernel_density_estimate"),
    )

    assert len(world.engine.asked) == 4


def test_equal_rows_give_equal_estimates_in_whatever_order_they_are_stored(tmp_path: Path) -> None:
    units = units_of("control", [1, 2, 2, 7]) + units_of("treatment", [3, 3, 4])
    asked = [statistic("bootstrap_mean"), statistic("deciles"), statistic("linear_model_mean")]

    forwards = world_of(tmp_path / "one", units).estimate(*asked)
    backwards = world_of(tmp_path / "two", units[::-1]).estimate(*asked)

    assert forwards.rows == backwards.rows


def test_a_query_gives_the_same_sums_to_the_last_digit_however_often_it_is_asked(tmp_path: Path) -> None:
    units = [
        Unit(("control", "treatment")[number % 2], {(basis, 1): float(number * 7 % 23) for basis in Basis})
        for number in range(40)
    ]
    world = world_of(tmp_path, units)

    # Each by an engine of its own, as pods are; DuckDB's own threads for I/O made some of them differ.
    answers = {
        replace(world, engine=Counting(tmp_path)).estimate(statistic("linear_model_mean")).rows for _ in range(40)
    }

    assert len(answers) == 1


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    world = world_of(tmp_path, units_of("control", ["a"]), kind="STRING", branches=("control",))

    with pytest.raises(EstimateError, match="is STRING, and statistics need numbers"):
        world.estimate(statistic("sum"))


def test_units_are_counted_whatever_their_values_are(tmp_path: Path) -> None:
    world = world_of(tmp_path, units_of("control", ["a", "b", None]), kind="STRING", branches=("control",))

    (row,) = (placed.row for placed in world.estimate(statistic("count")).rows)

    assert (row.point, row.n_units, row.reason) == (3.0, 2, None)


def test_a_metric_without_stored_values_has_no_rows(tmp_path: Path) -> None:
    world = world_of(tmp_path, [Unit("control", {})], branches=("control",))

    assert world.estimate(statistic("sum")).rows == ()
    assert world.engine.asked == []


def test_values_out_of_a_densitys_reach_say_so_and_cost_no_other_statistic(tmp_path: Path) -> None:
    values: list[Value] = [1e30 * number for number in range(1, 1102)]
    world = world_of(tmp_path, units_of("control", values), branches=("control",))

    estimated = world.estimate(statistic("kernel_density_estimate"), statistic("count"))

    assert [(row.row.statistic, row.row.point, row.row.reason) for row in estimated.rows] == [
        ("count", 1101.0, None),
        ("kernel_density_estimate", None, Reason.OVERFLOW),
    ]


def test_answers_that_would_be_too_large_are_asked_for_window_by_window(tmp_path: Path) -> None:
    units = [
        Unit("control", {(Basis.ENROLLMENTS, 1): 1.5 * number, (Basis.ENROLLMENTS, 2): 2.5 * number})
        for number in range(1100)
    ]
    world = world_of(tmp_path, units, branches=("control",))
    asked = (statistic("deciles"), statistic("empirical_cdf"))
    groups = groups_of(MetricStatistics(Period.WEEK, "clicks", "k", asked), world.stored)
    key = ("enrollments", 2, "all", "control")

    with world.opened(groups, (WEEK, SECOND)) as whole, world.opened(groups, (WEEK, SECOND)) as parts:
        parts.at_once = 1
        together, apart = plain_facts(groups[0], whole), plain_facts(groups[0], parts)

    assert (len(whole.jobs), len(parts.jobs)) == (4, 6)
    for request in groups[0].asked:
        assert repr(together.facts(request.need, key)) == repr(apart.facts(request.need, key))


@pytest.mark.parametrize("name", ["deciles", "empirical_cdf", "kernel_density_estimate", "bootstrap_mean"])
@pytest.mark.parametrize("distinct", [900, 1300])
def test_no_page_has_more_numbers_than_there_is_room_for(tmp_path: Path, name: str, distinct: int) -> None:
    # Of a bootstrap the values are fetched only where they have a heavy tail.
    asked = statistic(name, drop_highest=0) if name == "bootstrap_mean" else statistic(name)
    values: list[Value] = [1.05**n if name == "bootstrap_mean" else float(n**3) for n in range(distinct)]
    branches = tuple("abcdef")
    units = [unit for branch in branches for unit in units_of(branch, values)]
    world = world_of(tmp_path, units, branches=branches)
    (group,) = groups_of(MetricStatistics(Period.WEEK, "clicks", "k", (asked,)), world.stored)

    with world.opened([group], (WEEK,)) as queries:
        queries.a_page = 6000
        plain_facts(group, queries)

    largest = [
        max(sum(len(value) for value in row if isinstance(value, list)) for row in result.rows)
        for _, result in world.engine.answered
    ]
    assert largest[-1] > 0
    for size, (page_rows, _) in zip(largest, world.engine.answered, strict=True):
        assert page_rows * size <= 6000 or page_rows == 1


def test_a_censor_that_drops_far_more_units_than_asked_is_told(tmp_path: Path) -> None:
    # Of yes and no, the 0.9 quantile is yes, and all who say it leave.
    flags: list[Value] = [1, 1, 1, 1, 0, 0, 0, 0, None]
    world = world_of(tmp_path, [*units_of("control", flags), *units_of("treatment", flags)], kind=WHOLE)
    highest = step("censor_highest_values", fraction=0.9)

    estimated = world.estimate(statistic("sum", highest), statistic("count", highest), statistic("binomial"))

    (note,) = estimated.notes
    assert note.startswith("count, sum: censor_highest_values drops 8 of 16 units in window 1, where 0.1 of them were")
    assert len(estimated.jobs) == 4


def test_a_censor_that_drops_what_was_asked_is_not_told(tmp_path: Path) -> None:
    values: list[Value] = [float(number) for number in range(20)]
    world = world_of(tmp_path, units_of("control", values), branches=("control",))

    estimated = world.estimate(statistic("sum", step("zero_fill"), step("censor_lowest_values", fraction=0.1)))

    assert estimated.notes == ()
    assert points(estimated) == {"control": sum(range(2, 20))}


@pytest.mark.parametrize("size", [2.0**550, 2.0**-550])
def test_values_whose_squares_fit_no_float_have_the_same_estimates_in_their_size(tmp_path: Path, size: float) -> None:
    asked = (statistic("linear_model_mean"), statistic("bootstrap_mean"), statistic("deciles"), statistic("sum"))
    values = [1.0, 2.0, 4.0, 8.0, 9.0]
    found = []
    for folder, times in (("plain", 1.0), ("large", size)):
        own: list[Value] = [value * times for value in values]
        other: list[Value] = [value * times * 1.5 for value in values]
        world = world_of(tmp_path / folder, [*units_of("control", own), *units_of("treatment", other)])
        found.append(world.estimate(*asked).rows)

    for plain, large in zip(*found, strict=True):
        times = 1.0 if plain.row.comparison == "relative_uplift" else size
        for name in ("point", "lower", "upper"):
            value = getattr(plain.row, name)
            found_value = getattr(large.row, name)
            assert (None if found_value is None else found_value / times) == (
                None if value is None else pytest.approx(value, rel=1e-9)
            )
        assert large.row.reason == plain.row.reason
