"""Prints how much was compared per real experiment, and what differs: `python tests/oracle/report.py [SLUG …]`."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.oracle.ask import questions
from tests.oracle.compare import compare_counts, compare_direct, compare_enrollments, compare_metrics, problems
from tests.oracle.compare_estimates import compare_estimates
from tests.oracle.configurations import LAUNCHES
from tests.oracle.world import analysed

_COLUMNS = ("enrollments", "values", "exposures", "counts", "numbers")
_LINES = 20  # of differences


def main(slugs: list[str]) -> int:
    """Compare, print, and return 1 if anything differs."""
    asides: Counter[str] = Counter()
    differences: list[str] = []
    _say(f"| experiment | kind | direct values | {' | '.join(_COLUMNS)} | differences |")
    _say("|---" * (4 + len(_COLUMNS)) + "|")
    for launch in LAUNCHES:
        if slugs and launch.slug not in slugs:
            continue
        with tempfile.TemporaryDirectory() as folder:
            world = analysed(launch, Path(folder))
            theirs = questions(launch)
            direct = compare_direct(world)
            direct.differences += problems(world)
            parts = [
                compare_enrollments(world, theirs),
                compare_metrics(world, theirs),
                compare_counts(world, theirs),
                compare_estimates(world, theirs, Path(folder)),
            ]
        total = sum((part.compared for part in parts), start=Counter[str]())
        total["numbers"] = sum(number for kind, number in total.items() if kind.startswith("numbers of "))
        asides.update({kind: number for kind, number in total.items() if " " in kind})
        found = [line for part in (direct, *parts) for line in part.differences]
        differences += [f"{launch.slug}: {line}" for line in found]
        cells = [launch.slug, launch.kind, direct.compared["values"], *(total[name] for name in _COLUMNS), len(found)]
        _say("| " + " | ".join(str(cell) for cell in cells) + " |")
    _say("")
    for kind, number in sorted(asides.items()):
        _say(f"{number:8} {kind}")
    for line in differences[:_LINES]:
        _say(line)
    return int(bool(differences))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
