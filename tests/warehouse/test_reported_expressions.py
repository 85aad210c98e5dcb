"""Expressions of which some were silently wrong here: equal to ZetaSQL's evaluation now, or refused by name."""

from collections import Counter

import pytest

from benchmarks.expressions import FILE, WRONG, Fate, judged


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason="needs ../shared")
def test_no_expression_is_silently_different_and_few_are_refused() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()

    found = list(judged(lines))

    assert [answer for answer in found if answer.fate in WRONG] == []
    counts = Counter(answer.fate for answer in found)
    assert sum(counts.values()) == len(lines) > 400
    assert counts[Fate.REFUSED] + counts[Fate.VALUE] <= 4
