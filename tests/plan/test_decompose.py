"""How expressions are split."""

import json
import re
from pathlib import Path

import pytest

from jetstream_argo.errors import PlanError
from jetstream_argo.plan.sources import Composed, Direct, Merge
from jetstream_argo.plan.split.decompose import Decomposition, decompose

ORACLE = Path(__file__).parents[3] / "shared/oracles/composition.json"


def split(expression: str) -> Decomposition:
    names: dict[str, str] = {}
    return decompose(
        expression, date_column="submission_date", name_column=lambda text: names.setdefault(text, f"p{len(names) + 1}")
    )


@pytest.mark.parametrize(
    ("expression", "partials", "finaliser"),
    [
        ("COALESCE(SUM(x), 0)", [("SUM(x)", Merge.SUM)], "COALESCE(p1, 0)"),
        ("COUNT(*)", [("COUNT(*)", Merge.SUM)], "p1"),
        ("COUNTIF(a > 1) > 0", [("COUNTIF(a > 1)", Merge.SUM)], "p1 > 0"),
        ("SAFE_DIVIDE(SUM(a), SUM(b))", [("SUM(a)", Merge.SUM), ("SUM(b)", Merge.SUM)], "SAFE_DIVIDE(p1, p2)"),
        ("SUM(a) / SUM(a)", [("SUM(a)", Merge.SUM)], "p1 / p1"),
        ("AVG(x)", [("SUM(x)", Merge.SUM), ("COUNT(x)", Merge.SUM)], "SAFE_DIVIDE(p1, p2)"),
        ("MAX(x) - MIN(x)", [("MAX(x)", Merge.MAX), ("MIN(x)", Merge.MIN)], "p1 - p2"),
        ("LOGICAL_OR(x)", [("LOGICAL_OR(x)", Merge.LOGICAL_OR)], "p1"),
        ("LOGICAL_AND(x)", [("LOGICAL_AND(x)", Merge.LOGICAL_AND)], "p1"),
        ("BIT_OR(x)", [("BIT_OR(x)", Merge.BIT_OR)], "p1"),
        (
            "COUNT(DISTINCT x)",
            [("ARRAY_AGG(DISTINCT x IGNORE NULLS)", Merge.CONCAT)],
            "(SELECT COUNT(DISTINCT v) FROM UNNEST(p1) AS v)",
        ),
        ("MAX_BY(x, y)", [("STRUCT(MAX_BY(x, y) AS value, MAX(y) AS rank)", Merge.MAX_BY)], "p1"),
        ("IF(e.branch = 'a', SUM(x), 0)", [("SUM(x)", Merge.SUM)], "IF(e.branch = 'a', p1, 0)"),
        ("SUM((SELECT SUM(v) FROM UNNEST(x) AS v))", [("SUM((SELECT SUM(v) FROM UNNEST(x) AS v))", Merge.SUM)], "p1"),
    ],
)
def test_an_aggregate_becomes_partials_and_the_rest_the_finaliser(expression, partials, finaliser):
    found = split(expression)

    assert [(partial.expression, partial.merge) for partial in found.partials] == partials
    assert found.computation == Composed(tuple(partial.column for partial in found.partials), finaliser)


@pytest.mark.parametrize(
    "expression",
    ["COUNT(DISTINCT submission_date)", "COUNT(DISTINCT ds.submission_date)",
     "COUNT(DISTINCT IF(x > 0, submission_date, NULL))", "COUNT(DISTINCT CASE WHEN x THEN submission_date END)"],
)  # fmt: skip
def test_distinct_dates_are_a_flag_per_day_not_a_set(expression):
    (partial,) = split(expression).partials

    assert partial.merge is Merge.SUM
    assert partial.expression.startswith("IF(LOGICAL_OR(")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("APPROX_QUANTILES(x, 2)[OFFSET(1)]", "APPROX_QUANTILES cannot be merged"),
        ("ARRAY_AGG(x ORDER BY y LIMIT 1)[OFFSET(0)]", "ARRAY_AGG picks rows by an order"),
        ("udf.mode_last(ARRAY_AGG(x))", "ARRAY_AGG cannot be merged"),
        ("SUM(x) OVER (PARTITION BY y)", "it uses a window function"),
        ("SUM(IF(e.analysis_window_start > 0, x, 0))", "e.analysis_window_start, which differs from window to window"),
        ("SUM(x) + y", "y stands outside of any aggregate"),
        ("SUM(DISTINCT x)", r"SUM\(DISTINCT\) cannot be merged"),
        ("COUNT(DISTINCT x, y)", "of several values"),
        ("1", "aggregates nothing"),
        ("(SELECT SUM(v) FROM UNNEST(ARRAY_AGG(x)) AS v)", "in a subquery of its own"),
    ],
)
def test_what_cannot_be_split_exactly_is_direct_and_says_why(expression, reason):
    computation = split(expression).computation

    assert isinstance(computation, Direct)
    assert re.search(reason, computation.reason)


def test_text_that_is_no_sql_is_refused_with_the_place():
    with pytest.raises(PlanError, match=r"is not SQL.*near"):
        split("SUM(x")


def test_metrics_that_share_an_aggregate_share_its_partial():
    names: dict[str, str] = {}
    column = decompose("SUM(x) + 1", date_column="d", name_column=lambda text: names.setdefault(text, text))
    other = decompose("SUM( x ) / 2", date_column="d", name_column=lambda text: names.setdefault(text, text))

    assert column.partials == other.partials


@pytest.mark.skipif(not ORACLE.exists(), reason="the oracles are not here")
def test_at_least_95_percent_of_real_expressions_compose_and_the_others_are_named():
    metrics = json.loads(ORACLE.read_text())["metrics"]
    direct = {
        metric["metric"] for metric in metrics if isinstance(split(metric["select_expression"]).computation, Direct)
    }

    assert direct == {"country", "mozilla_default_browser"}  # ARRAY_AGG with a UDF, and with ORDER BY … LIMIT
    assert len(metrics) == 608
