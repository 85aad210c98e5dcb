"""Whether a branch's effect in a segment differs from that on all other units, from the estimates alone.

The moments of the other units are those of all units less those of the segment, which both stand in the rows of the
branches by themselves. That is so where every unit's value is the same in both: a mean with values that were clipped,
each at a quantile of its own units, is not tested, nor is a ratio.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import isfinite
from typing import TypeAlias

from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import EstimateError
from jetstream_argo.report.files import Json
from jetstream_argo.report.summary.build import Row
from jetstream_argo.report.summary.model import SHARES, About
from jetstream_argo.stats.checks import holm
from jetstream_argo.stats.moments import Moments
from jetstream_argo.store.estimates_table import IDENTITY, SAMPLE_RATIO

TESTED = ("mean_welch", "mean_lm", "mean_lm_noclip", "binomial")  # whose rows have the moments; the first counts
CONFIDENCE = 0.95
_ALL = "all"
_FEWEST = 2  # units of a branch
_Cells: TypeAlias = Mapping[tuple[Value, Value, Value], Row]


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """How much larger a branch's effect is in a segment than on all other units, in the metric's unit.

    `p_value_holm` is adjusted for the `family`: all metrics, branches and segments tested in the same window and basis.
    """

    period: str
    window_index: int
    basis: str
    metric: str
    segment: str
    branch: str
    effect: float
    effect_elsewhere: float
    difference: float
    lower: float
    upper: float
    p_value: float
    p_value_holm: float = 1.0
    family: int = 0


def segment_tests(rows: Iterable[Row], about: About, *, reference: str) -> Iterator[SegmentTest]:
    """Yield the tests in each window, from rows in the order of `read_estimates`.

    Source:
        Welch (1947), Biometrika 34:28, of four means; Holm (1979), Scand. J. Statist. 6:65.
    """
    for _, of_window in groupby(rows, key=lambda row: (row["period"], row["window_index"])):
        by_basis: dict[str, list[Row]] = {}
        for row in of_window:
            if row["parameter"] is None and row["metric"] not in (IDENTITY, SAMPLE_RATIO):
                by_basis.setdefault(str(row["analysis_basis"]), []).append(row)
        for of_basis in by_basis.values():
            yield from _with_holm(list(_tests(of_basis, about, reference)))


def segment_tests_json(tests: Iterable[SegmentTest]) -> list[Json]:
    """Return the same as plain data."""
    return [
        {
            "period": test.period, "window_index": test.window_index, "analysis_basis": test.basis,
            "metric": test.metric, "segment": test.segment, "branch": test.branch, "effect": test.effect,
            "effect_elsewhere": test.effect_elsewhere, "difference": test.difference, "lower": test.lower,
            "upper": test.upper, "p_value": test.p_value, "p_value_holm": test.p_value_holm, "family": test.family,
        }
        for test in tests
    ]  # fmt: skip


def _with_holm(tests: Sequence[SegmentTest]) -> Iterator[SegmentTest]:
    adjusted = holm([test.p_value for test in tests])
    for test, p_value in zip(tests, adjusted, strict=True):
        yield replace(test, p_value_holm=p_value, family=len(tests))


def _tests(rows: Sequence[Row], about: About, reference: str) -> Iterator[SegmentTest]:
    chosen = list(_chosen(rows, about))
    cells = {(row["metric"], row["segment"], row["branch"]): row for row in chosen if row["comparison"] is None}
    compared: dict[tuple[Value, Value], Row] = {}
    for row in chosen:
        if row["comparison"] is not None and row["comparison_to_branch"] == reference:
            compared.setdefault((row["metric"], row["segment"]), row)
    for (metric, segment, branch), row in cells.items():
        if segment == _ALL or branch == reference or not _adjusted_alike(compared, metric, segment):
            continue
        sides = [_sides(cells, metric, segment, name) for name in (reference, branch)]
        found = _test(row, sides)
        if found is not None:
            yield found


def _chosen(rows: Sequence[Row], about: About) -> Iterator[Row]:
    """Yield the rows of the first statistic that can be tested, of each metric that can."""
    statistics: dict[Value, set[Value]] = {}
    for row in rows:
        statistics.setdefault(row["metric"], set()).add(row["statistic"])
    first = {metric: next((name for name in TESTED if name in found), None) for metric, found in statistics.items()}
    for row in rows:
        if row["statistic"] == first[row["metric"]] and not about.metric(str(row["metric"])).drops_by_rank:
            yield row


def _adjusted_alike(compared: Mapping[tuple[Value, Value], Row], metric: Value, segment: Value) -> bool:
    """Whether a covariate leaves out the same units of a segment as of all."""
    own, whole = compared.get((metric, segment)), compared.get((metric, _ALL))
    return own is not None and whole is not None and own["adjusted"] == whole["adjusted"]


def _sides(cells: _Cells, metric: Value, segment: Value, branch: Value) -> tuple[Moments, Moments] | None:
    """Return the moments of a branch's units in a segment, and of its others."""
    part, whole = _moments(cells.get((metric, segment, branch))), _moments(cells.get((metric, _ALL, branch)))
    others = whole.without(part) if part is not None and whole is not None else None
    return None if part is None or others is None or others.n < _FEWEST else (part, others)


def _moments(row: Row | None) -> Moments | None:
    """Return what a branch's own row says of its units; None where that are too few, or values were clipped."""
    if row is None or row.get("n_clipped"):
        return None
    n, point, error = row["n_units"], row["point"], row["std_error"]
    if not isinstance(n, int) or n < _FEWEST or not isinstance(point, float) or not isinstance(error, float):
        return None
    if row["statistic"] in SHARES:  # the mean of Beta(successes + 1, failures + 1)
        share = (point * (n + 2) - 1) / n
        return Moments(n, share, n * share * (1 - share))
    return Moments(n, point, error * error * n * (n - 1))


def _test(row: Row, sides: Sequence[tuple[Moments, Moments] | None]) -> SegmentTest | None:
    from jetstream_argo.stats.comparisons.contrasts import between, welch  # loads scipy

    known = [side for side in sides if side is not None]
    if len(known) != 2:  # noqa: PLR2004  # the reference branch and the other
        return None
    try:
        inside, outside = (welch(known[0][place], known[1][place]) for place in (0, 1))
        found = between(inside, outside)
    except EstimateError:  # nothing varies
        return None
    lower, upper = found.interval(CONFIDENCE)
    if not all(isfinite(number) for number in (found.p_value, lower, upper)):
        return None
    return SegmentTest(
        period=str(row["period"]),
        window_index=int(str(row["window_index"])),
        basis=str(row["analysis_basis"]),
        metric=str(row["metric"]),
        segment=str(row["segment"]),
        branch=str(row["branch"]),
        effect=inside.point,
        effect_elsewhere=outside.point,
        difference=found.point,
        lower=lower,
        upper=upper,
        p_value=found.p_value,
    )
