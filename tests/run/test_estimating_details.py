"""Every statistic that needs more than sums of a branch has a query that asks for it."""

from dataclasses import MISSING, fields

import pytest

from jetstream_argo.errors import EngineError, EstimateError
from jetstream_argo.estimating.details import detail_of
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.estimating.scaling import Scales
from jetstream_argo.estimating.single import PlainFacts
from jetstream_argo.stats.needs import DensityNeed, DetailNeed, GridNeed, OrderStatisticsNeed
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


@pytest.mark.parametrize(
    ("need", "error", "message"),
    [
        (DensityNeed(8, log_space=False, bandwidth="scott"), EstimateError, "too many bandwidths from 0"),
        (OrderStatisticsNeed((0.5,)), EngineError, "control .* answered .* with no row"),
        (GridNeed(8, log_space=False), EngineError, "control .* answered .* with no row"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_branch_that_an_answer_lacks_is_an_overflow_of_densities_alone(
    need: DetailNeed, error: type[Exception], message: str
) -> None:
    counts = {"window_index": 1, "n_rows": 9_000, "n": 9_000, "n_values": 9_000, "n_null": 0, "n_nonfinite": 0}
    row = QueryRow({"basis": "enrollments", "segment": "all", "branch": "control", "maximum": 1e300, **counts})
    known = PlainFacts({row.key: row}, {}, Scales(), (), {need: {}}, integer=False)

    with pytest.raises(error, match=message):
        known.facts(need, row.key)


def test_a_need_that_nothing_asks_for_is_a_fault_of_the_program() -> None:
    with pytest.raises(TypeError, match="nothing asks for"):
        detail_of(DetailNeed())
