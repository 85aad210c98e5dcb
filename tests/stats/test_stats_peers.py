"""What Jetstream has not is what other packages say: `make_peers.py` wrote `peers.json`, and says how."""

import pytest

from tests.stats.beside_peers import PEERS, compare

BESIDE = list(compare())


@pytest.mark.parametrize("peer", PEERS)
def test_additions_are_those_of_other_packages(peer: str) -> None:
    found = [comparison for comparison in BESIDE if comparison.peer == peer]

    assert found
    assert [comparison for comparison in found if not abs(comparison.apart) <= comparison.allowed] == []


@pytest.mark.parametrize(
    "what",
    [
        "welch difference, p",
        "cuped difference, point",
        "own slopes difference, error",
        "ratio difference, p",
        "always valid difference tuned for 5000, lower",
        "welch difference, chance to win",
        "binomial difference, expected loss",
        "minimum detectable effect, point",
        "adjusted linear difference, variance reduction",
        "Holm, 0",
        "Benjamini-Hochberg, 0",
    ],
)
def test_every_addition_has_a_peer(what: str) -> None:
    assert any(what in numbers for numbers in PEERS.values())
