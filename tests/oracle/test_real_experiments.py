"""Whether the whole pipeline, on real configurations, gives what direct queries and Jetstream's own SQL give."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jetstream_argo.plan.population import Exclusions
from tests.oracle.ask import PYTHON, questions
from tests.oracle.compare import compare_counts, compare_direct, compare_enrollments, compare_metrics, problems
from tests.oracle.compare_estimates import compare_estimates
from tests.oracle.configurations import HUB, LAUNCHES, Launch
from tests.oracle.everybody import compare_everybody, plain_means
from tests.oracle.world import World, analysed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not HUB.exists(), reason="needs the real files beside the repository"),
]

# Without the oracle, one that has an exposure signal, ratios and metrics that cannot be split is enough.
_ALONE = ("interaction-frecency-enhancement-v2",)
_SLUGS = [launch.slug for launch in LAUNCHES]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Launch], World]:
    """Analyse an experiment, once for all tests."""
    known: dict[str, World] = {}

    def _world(launch: Launch) -> World:
        if launch.slug not in known:
            known[launch.slug] = analysed(launch, tmp_path_factory.mktemp("warehouse"))
        return known[launch.slug]

    return _world


@pytest.mark.parametrize(
    "launch", [known for known in LAUNCHES if PYTHON or known.slug in _ALONE], ids=lambda known: known.slug
)
def test_every_stored_value_equals_the_query_over_its_window_alone(
    launch: Launch, world: Callable[[Launch], World]
) -> None:
    found = compare_direct(world(launch))

    assert found.differences == []
    assert found.compared["values"] > 1000
    assert list(problems(world(launch))) == []


@pytest.mark.parametrize(
    "launch", [known for known in LAUNCHES if PYTHON or known.slug in _ALONE], ids=lambda known: known.slug
)
def test_where_nobody_is_excluded_all_units_count_in_each_of_their_branches(
    launch: Launch, world: Callable[[Launch], World]
) -> None:
    found = compare_everybody(world(launch))

    assert world(launch).plan.enrollments.exclusions == Exclusions()
    assert found.differences == []
    assert found.compared["units in two branches"] >= (0 if launch.one_branch else 2)
    assert found.compared["counts"] == len(launch.branches)
    assert (found.compared["differences"] > 0) is any(plain_means(world(launch).plan))


@pytest.mark.skipif(not PYTHON, reason="needs JETSTREAM_ORACLE_PYTHON: see README.md")
@pytest.mark.parametrize("launch", LAUNCHES, ids=lambda known: known.slug)
def test_units_values_counts_and_estimates_equal_those_of_jetstream(
    launch: Launch, world: Callable[[Launch], World], tmp_path: Path
) -> None:
    ours = world(launch)
    theirs = questions(launch)

    enrollments = compare_enrollments(ours, theirs)
    metrics = compare_metrics(ours, theirs)
    counts = compare_counts(ours, theirs)
    estimates = compare_estimates(ours, theirs, tmp_path)

    assert enrollments.differences == []
    assert metrics.differences == []
    assert counts.differences == []
    assert estimates.differences == []
    in_two = enrollments.compared["units in two branches"]
    assert in_two == 0 if launch.one_branch else in_two >= 2
    assert metrics.compared["values"] > 1000
    assert counts.compared["counts"] > 0
