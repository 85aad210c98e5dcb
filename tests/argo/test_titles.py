"""What nodes are called in Argo's UI, which shows 28 characters."""

from collections import Counter

import pytest

from benchmarks.emit import OBSERVED, ORACLE, START, configurations
from jetstream_argo.argo.manifest.layout import layout
from jetstream_argo.argo.manifest.titles import LONGEST, SHOWN, as_shown, distinct, shortened, whole
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan.build import resolve

SAMPLE = 24  # every so many of the real configurations are looked at by default


def test_what_is_short_keeps_its_name_and_what_is_long_loses_letters():
    found = distinct({"a": "week-clients", "b": "overall-qualified-cumulative-days-of-use-v2"})

    assert found["a"] == "week-clients"
    assert len(found["b"]) <= LONGEST
    assert found["b"].endswith("-v2")


def test_names_that_would_be_the_same_are_told_apart_by_a_hash():
    long = "week-" + "-".join(["qualified", "cumulative", "engagement", "of", "profiles"])

    found = distinct(
        {"one": long + "-seen", "two": long + "-sees", "three": "week-clients", "week-clients": "week-clients"}
    )

    assert len(set(found.values())) == 4
    assert found["week-clients"] == "week-clients"
    assert all(len(title) <= LONGEST for title in found.values())


def test_words_that_cannot_be_shortened_any_more_end_with_a_hash():
    text = "-".join(["v1234567"] * 6)

    assert len(shortened(text, 20)) <= 20
    assert shortened(text, 20) != shortened(text + "8", 20)


@pytest.mark.parametrize("slug", ["x" * 300, "checkout", "🦊", "1-click", "a-b-" * 40])
def test_the_first_node_is_called_after_the_experiment_and_its_date(make_plan, slug):
    name = whole(make_plan({"clients": ["x"]}, slug=slug))

    assert len(name) <= SHOWN
    assert name.endswith(".2026-11-23")
    assert name[0].isalnum()


@pytest.mark.skipif(not ORACLE.exists(), reason="needs ../shared")
def test_no_two_nodes_of_real_experiments_look_alike():
    configs = list(configurations(step=SAMPLE))

    assert {config.slug: _alike(config) for config in configs if _alike(config)} == {}


def _alike(config):
    """Return the names that the UI would cut, or show for several nodes of an experiment on its end date."""
    plan = resolve(config, as_of=START.fromordinal(START.toordinal() + config.enrollment_days + OBSERVED), dataset="a")
    found = layout(build_dag(plan))
    attempts = (f"{found.titles[node.id]}(0)" for node in found.nodes)
    names = [*found.titles.values(), *attempts, whole(plan)]
    uses = Counter(map(as_shown, names))
    return [name for name in names if len(name) > SHOWN or uses[as_shown(name)] > 1]
