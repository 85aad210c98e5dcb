"""Whether quantiles taken from counted values are those of the values."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jetstream_argo.dialect.types import Value
from jetstream_argo.estimating.joint import joint_query
from jetstream_argo.estimating.queries.leaf import ValueType
from jetstream_argo.estimating.queries.observations import Observed, Second
from jetstream_argo.estimating.summary import Clipped, summary_query
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.needs import ClipRule, ClipScope
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

PLACE = "'enrollments' AS basis, 1 AS window_index, 'control' AS branch, 1 AS n_0"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    """An empty warehouse."""
    root: Path = tmp_path_factory.mktemp("quantiles")
    return EmbeddedEngine(root)


def observed(relation: str, *, second: Second | None = None) -> Observed:
    windows = (AnalysisWindow(1, 0, 6),)
    return Observed(Sql(relation), windows, (0,), ("all",), (), ValueType.FLOAT, second, "x")


def only_row(engine: EmbeddedEngine, sql: Sql) -> dict[str, Value]:
    (row,) = engine.query(sql, labels={}).dicts()
    return {name.removesuffix("__0"): value for name, value in row.items()}


def number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.25, 7.0, 7.0 + 1e-14, 1e6, 1e-300, 1e300, -4.0, -4.0001]),
        min_size=1,
        max_size=30,
    ),
    drop_highest=st.sampled_from([0.005, 0.1, 0.25, 0.5]),
)
def test_the_threshold_is_the_interpolated_quantile(
    engine: EmbeddedEngine, values: Sequence[float], drop_highest: float
) -> None:
    listed = ", ".join(f"{value!r}" for value in values)
    rules = [ClipRule(drop_highest, scope) for scope in ClipScope]
    relation = observed(f"(SELECT {PLACE}, y FROM UNNEST([{listed}]) AS y)")

    row = only_row(engine, summary_query(relation, [Clipped(rule, 2) for rule in rules], with_values=False))

    expected = np.quantile(values, 1 - drop_highest)
    assert [number(row[f"limit_{index}"]) for index in range(len(rules))] == pytest.approx([expected] * len(rules))


@pytest.mark.parametrize("n", [1, 2, 7, 9_999, 10_001, 10_002, 30_011])
@pytest.mark.parametrize("lacking", [0, 1])
def test_the_covariates_reference_value_is_the_mean_of_ten_thousand_quantiles(
    engine: EmbeddedEngine, n: int, lacking: int
) -> None:
    # Ties, gaps and an offset; every unit has both values, or one more unit of the covariate lacks the other.
    x = np.array([(i * 37 % 101) ** 2 + 1000.25 for i in range(n)])
    spelled = "POW(MOD(i * 37, 101), 2) + 1000.25"
    units = Sql(f"(SELECT {spelled} AS x, 1 AS n_0 FROM UNNEST(GENERATE_ARRAY(0, {n - 1 + lacking})) AS i)")
    relation = observed(
        f"(SELECT {PLACE}, 1.0 AS y, {spelled} AS x FROM UNNEST(GENERATE_ARRAY(0, {n - 1})) AS i)",
        second=Second.COVARIATE,
    )
    rule = ClipRule(0.1, ClipScope.POOLED)

    row = only_row(engine, joint_query(relation, [rule, None], units, integer_covariate=False))

    clipped = np.minimum(x, np.quantile(x, 0.9))
    for index, column in enumerate((clipped, x)):
        found = number(row["center_x"]) + number(row[f"scale_x{index}"]) * number(row[f"qbar_{index}"])
        # The existing system's reference value: numpy.quantile(x, numpy.arange(0, 1, 1e-4)).mean()
        assert found == pytest.approx(np.quantile(column, np.arange(10_000) / 10_000).mean(), rel=1e-12)
