"""Whether the branches differed before enrollment: what the tests of it are made of."""

from pathlib import Path

import pytest

from tests.worlds.estimating import BEFORE, statistic, units_of, world_of

REFERENCE = [float(number % 7) for number in range(40)]
HIGHER = [float(number % 7) + 1 for number in range(40)]
VALUES = [float(number % 5) for number in range(40)]


def test_a_covariate_is_tested_between_the_reference_branch_and_each_other_one(tmp_path: Path) -> None:
    units = [*units_of("control", VALUES, REFERENCE), *units_of("treatment", VALUES, HIGHER)]
    world = world_of(tmp_path, units)

    found = world.estimate(
        statistic("welch_mean", drop_highest=0.0, covariate=BEFORE), statistic("linear_model_mean", covariate=BEFORE)
    ).before

    # scipy 1.17: x = [n % 7 for n in range(40)]; stats.ttest_ind(x, [v + 1 for v in x], equal_var=False).pvalue
    assert [(alarm.metric, alarm.branch) for alarm in found] == [("before", "treatment")]
    assert found[0].p_value == pytest.approx(0.027413045503303517)


def test_few_units_are_not_tested(tmp_path: Path) -> None:
    units = [*units_of("control", VALUES[:29], REFERENCE[:29]), *units_of("treatment", VALUES, HIGHER)]

    assert world_of(tmp_path, units).estimate(statistic("welch_mean", covariate=BEFORE)).before == ()
