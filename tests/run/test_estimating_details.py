"""Every statistic that needs more than sums of a branch has a query that asks for it."""

from dataclasses import MISSING, fields

import pytest

from jetstream_argo.estimating.details import detail_of
from jetstream_argo.stats.needs import DetailNeed
from jetstream_argo.stats.registry import METHODS

_OF_DEFAULTS = {
    name: kind() for name, kind in METHODS.items() if all(field.default is not MISSING for field in fields(kind))
}
_NEEDS = {name: need for name, method in _OF_DEFAULTS.items() if isinstance(need := method.need(), DetailNeed)}


@pytest.mark.parametrize("name", _NEEDS)
def test_what_a_summary_does_not_say_is_asked_for(name: str) -> None:
    assert detail_of(_NEEDS[name]).arrays


def test_statistics_of_order_grids_and_densities_are_among_them() -> None:
    assert {"deciles", "quantiles", "empirical_cdf", "kernel_density_estimate"} <= _NEEDS.keys()


def test_a_need_that_nothing_asks_for_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="nothing asks for"):
        detail_of(DetailNeed())
