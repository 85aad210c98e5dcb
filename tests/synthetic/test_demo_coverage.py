"""What the benchmark of the demo's intervals makes of them."""

from benchmarks.demo_coverage import report
from jetstream_argo.cli.demo import FoundUplift


def _finding(metric: str, point: float, *, truth: float = 0.0) -> FoundUplift:
    return FoundUplift(metric, "wide", point, point - 0.196, point + 0.196, truth)


def test_it_tells_the_share_that_covers_and_the_distance_from_the_truth_with_errors_between_seeds() -> None:
    by_seed = [
        [_finding("hours", 0.1), _finding("views", 0.3, truth=0.2)],
        [_finding("hours", 0.3), _finding("views", 0.2, truth=0.2)],
    ]

    _, *lines = report(by_seed)

    assert [" ".join(line.split()) for line in lines] == [
        "hours 50.0% ± 50.0% +2.00 ± 1.00",
        "views 100.0% ± 0.0% +0.50 ± 0.50",
        "all intervals 75.0% ± 25.0% +1.25 ± 0.25",
    ]
