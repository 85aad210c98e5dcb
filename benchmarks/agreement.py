"""How far estimates are from those of Jetstream and mozanalysis, and additions from those of other packages.

    python -m benchmarks.agreement

Prints two tables, from the numbers that `tests/stats/make_references.py` and `make_peers.py` took from them.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from tests.stats.beside_jetstream import Compared, Unit, compare
from tests.stats.beside_peers import compare as compare_peers
from tests.stats.reference_cases import CASES, RANDOM

ADDITIONS = (
    ("Welch's test", ("welch",)),
    ("CUPED", ("cuped",)),
    ("a slope for each branch", ("own slopes",)),
    ("linear models' p-values, errors, variance reduction", ("linear", "adjusted linear")),
    ("ratios by the delta method", ("ratio",)),
    ("always-valid intervals", ("always valid",)),
    ("shares: p-value, chance to win, expected loss", ("binomial",)),
    ("minimum detectable effect", ("minimum detectable effect",)),
    ("sample ratio check", ("split",)),
    ("adjusted p-values", ("Holm", "Benjamini")),
)


def exact(statistic: str, compared: Sequence[Compared]) -> Iterable[str]:
    """The lines of a statistic without chance in it: one for each unit in which distances are told."""
    for unit in (Unit.SIZE, Unit.WIDTH):
        found = [comparison for comparison in compared if comparison.unit is unit]
        if found:
            cases = len({comparison.case.name for comparison in found})
            what = statistic if unit is Unit.SIZE else f"{statistic}, bounds of uplifts"
            largest = max(abs(comparison.apart) for comparison in found)
            yield f"| {what} | {cases} | {len(found):,} | {largest:.1e} {unit.value} | {_wrong(found)} |"


def drawn(statistic: str, compared: Sequence[Compared]) -> Iterable[str]:
    """The line of a statistic whose upstream draws."""
    scores = np.array([comparison.apart for comparison in compared if comparison.unit is Unit.ERROR])
    sigmas = max((abs(comparison.sigmas) for comparison in compared if not _heaped(comparison)), default=0.0)
    size = f"{np.abs(scores).max():.1f} {Unit.ERROR.value} ({np.sqrt(np.mean(scores**2)):.2f} root mean square)"
    cases = len({comparison.case.name for comparison in compared})
    also = f"; {sigmas:.3f} standard deviations of the estimate" if sigmas else ""
    yield f"| {statistic} | {cases} | {len(compared):,} | {size}{also} | {_wrong(compared)} |"


def _heaped(comparison: Compared) -> bool:
    """Whether it is a quantile that jumps from one whole number to the next, with upstream from run to run."""
    return comparison.case.statistic == "deciles" and comparison.case.column == "counts"


def _wrong(compared: Sequence[Compared]) -> int:
    return sum(not comparison.agrees for comparison in compared)


def main() -> None:
    """Print the tables."""
    print(
        "| statistic | cases | numbers | farthest apart | beyond what is allowed |\n|---|---|---|---|---|", flush=True
    )
    for statistic in sorted({case.statistic for case in CASES}):
        compared = [comparison for case in CASES if case.statistic == statistic for comparison in compare(case)]
        parts = {statistic: [comparison for comparison in compared if not _heaped(comparison)]}
        parts[f"{statistic} of whole numbers"] = [comparison for comparison in compared if _heaped(comparison)]
        for name, part in parts.items():
            for line in (drawn if statistic in RANDOM else exact)(name, part) if part else ():
                print(line, flush=True)
    print("\n| addition | packages | numbers | farthest apart |\n|---|---|---|---|")
    beside = list(compare_peers())
    for name, starts in ADDITIONS:
        found = [comparison for comparison in beside if comparison.what.startswith(starts)]
        peers = ", ".join(dict.fromkeys(comparison.peer for comparison in found))
        print(f"| {name} | {peers} | {len(found)} | {max(abs(comparison.apart) for comparison in found):.1e} |")


if __name__ == "__main__":
    main()
