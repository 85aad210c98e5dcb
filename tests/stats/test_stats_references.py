"""Every statistic says what Jetstream says: `make_references.py` wrote `references.json`, and says how."""

from dataclasses import fields

import numpy as np
import pytest

from jetstream_argo.stats.pretreatments import PRE_TREATMENTS
from jetstream_argo.stats.registry import METHODS
from tests.stats.beside_jetstream import GRANULAR, Unit, compare
from tests.stats.reference_cases import CASES, Case

BEYOND = {"welch_mean", "minimum_detectable_effect", "ratio_delta", "quantiles"}  # not known upstream
# What upstream has no other value of, or nothing to compare with.
ALONE = {"adjust", "kernel", "individual_from_all", "covariate_adjustment"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_estimates_are_those_of_jetstream(case: Case) -> None:
    compared = list(compare(case))

    assert [comparison for comparison in compared if not comparison.agrees] == []
    scores = [comparison.apart for comparison in compared if comparison.unit is Unit.ERROR]
    if scores and f"{case.statistic} {case.column}" not in GRANULAR:
        # Rows of a run share draws, so that the scores are correlated; their size still has to be about 1.
        assert np.sqrt(np.mean(np.square(scores))) < 2


def test_every_statistic_parameter_and_pre_treatment_of_jetstream_is_compared() -> None:
    asked = {(case.statistic, name) for case in CASES for name in case.arguments}
    linear = ("linear_model_mean", "linear_model_mean_no_clip", "per_client_dau_impact")
    # Of the linear models, which ignore it upstream, one is compared with mozanalysis itself.
    asked |= {(name, "confidence_interval") for name in linear}
    known = {(name, field.name) for name in METHODS for field in fields(METHODS[name]) if name not in BEYOND}

    assert {case.statistic for case in CASES} == set(METHODS) - BEYOND
    assert {(name, test) for name, test in known if test not in ALONE} == asked
    assert {name for case in CASES for name, _ in case.steps} == set(PRE_TREATMENTS)
    assert {case.statistic for case in CASES if case.adjusted} == set(linear)
