"""Reads from estimates whether a branch's effect in a segment differs from that on all other units."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.dialect.types import Value
from jetstream_argo.report.files import Json
from jetstream_argo.stats.rows import Comparison


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """How much larger a branch's effect is in a segment than on all other units, in the metric's unit.

    The interval has the confidence `ci_width`. `p_value_holm` is adjusted for the `family`: all metrics, branches and
    segments tested in the same window and basis.
    """

    period: str
    window_index: int
    basis: str
    metric: str
    statistic: str
    segment: str
    branch: str
    effect: float
    effect_elsewhere: float
    difference: float
    lower: float
    upper: float
    ci_width: float
    p_value: float
    p_value_holm: float
    family: int


def segment_tests(rows: Iterable[Mapping[str, Value]], *, reference: str) -> Iterator[SegmentTest]:
    """Yield the tests in the order of `read_estimates`, of each metric by the statistic that its p-value counts by."""
    for row in rows:
        if not _is_tested(row, reference):
            continue
        rest, difference = _number(row["rest_effect"]), _number(row["rest_difference"])
        yield SegmentTest(
            period=str(row["period"]),
            window_index=int(str(row["window_index"])),
            basis=str(row["analysis_basis"]),
            metric=str(row["metric"]),
            statistic=str(row["statistic"]),
            segment=str(row["segment"]),
            branch=str(row["branch"]),
            effect=rest + difference,
            effect_elsewhere=rest,
            difference=difference,
            lower=_number(row["rest_lower"]),
            upper=_number(row["rest_upper"]),
            ci_width=_number(row["ci_width"]),
            p_value=_number(row["rest_p_value"]),
            p_value_holm=_number(row["rest_p_value_holm"]),
            family=int(_number(row["rest_tests"])),
        )


def segment_tests_json(tests: Sequence[SegmentTest]) -> list[Json]:
    """Return the same as plain data."""
    return [
        {
            "period": test.period, "window_index": test.window_index, "analysis_basis": test.basis,
            "metric": test.metric, "statistic": test.statistic, "segment": test.segment, "branch": test.branch,
            "effect": test.effect, "effect_elsewhere": test.effect_elsewhere, "difference": test.difference,
            "lower": test.lower, "upper": test.upper, "ci_width": test.ci_width, "p_value": test.p_value,
            "p_value_holm": test.p_value_holm, "family": test.family,
        }
        for test in tests
    ]  # fmt: skip


def _is_tested(row: Mapping[str, Value], reference: str) -> bool:
    return (
        row.get("rest_p_value_holm") is not None
        and row["comparison"] == Comparison.DIFFERENCE.value
        and row["comparison_to_branch"] == reference
    )


def _number(value: Value) -> float:
    return float(str(value))
