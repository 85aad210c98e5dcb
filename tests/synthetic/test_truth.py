"""True effects of metrics follow from those of columns, or are said not to."""

import pytest

from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.synthetic.scaling import metric_scale
from jetstream_argo.synthetic.truth import true_effects
from tests.synthetic.conftest import HEAD, SHOP, MakePlan

FACTORS = {"shop.orders": {"amount": 1.1, "clicks": 1.2, "is_gift": 1.05, "item.price": 1.3}}


@pytest.mark.parametrize(
    ("expression", "scale"),
    [
        ("COALESCE(SUM(amount), 0)", 1.1),
        ("SUM(ds.amount) / 3600", 1.1),
        ("AVG(CAST(ds.clicks AS FLOAT64))", 1.2),
        ("SUM(ds.item.price)", 1.3),
        ("SUM(IF(country = 'US', amount, 0))", 1.1),
        ("SUM(CASE WHEN country = 'US' THEN 2 * amount END)", 1.1),
        ("COUNTIF(is_gift)", 1.05),
        ("COUNTIF(is_gift AND country = 'US')", 1.05),
        ("SUM(IF(is_gift, 1, 0))", 1.05),
        ("SAFE_DIVIDE(SUM(amount), COUNT(amount))", 1.1),
        ("SAFE_DIVIDE(SUM(amount), SUM(quantity))", 1.1),
        ("SUM(quantity)", 1.0),
        ("LOGICAL_OR(country = 'US')", 1.0),
        ("DATE_DIFF(MAX(submission_date), e.enrollment_date, DAY)", 1.0),
        # Not linear in one changed column.
        ("SAFE_DIVIDE(SUM(quantity), SUM(amount))", None),
        ("SUM(amount) + SUM(clicks)", None),
        ("SUM(amount * clicks)", None),
        ("SUM(IF(amount > 5, 1, 0))", None),
        ("LOGICAL_OR(is_gift)", None),
        ("COUNT(DISTINCT amount)", None),
        ("SUM(amount) > 5", None),
        # A parameter that differs by branch is an effect of its own.
        ("COUNTIF(country = CASE WHEN e.branch = 'a' THEN 'US' ELSE 'FR' END)", None),
    ],
)
def test_a_metric_scales_with_its_column_where_it_is_linear_in_it(expression: str, scale: float | None) -> None:
    found = metric_scale(expression, from_expression="shop.orders", factors=FACTORS)

    assert found == (None if scale is None else pytest.approx(scale))


@pytest.mark.parametrize(
    ("rows", "scale"),
    [
        ("(SELECT * FROM shop.orders)", 1.1),
        ("(SELECT client_id, amount / 100 AS amount FROM shop.orders WHERE country = 'US')", 1.1),
        ("(SELECT client_id, SUM(amount) AS amount FROM shop.orders GROUP BY client_id)", 1.1),
        ("(SELECT o.client_id, o.amount FROM shop.orders AS o JOIN shop.shops AS s ON s.id = o.shop)", 1.1),
        ("(SELECT client_id, quantity AS amount FROM shop.orders)", 1.0),
        ("(SELECT client_id, amount FROM shop.orders WHERE clicks > 2)", None),
        ("(SELECT client_id, amount FROM shop.orders UNION ALL SELECT client_id, 1 FROM shop.gifts)", None),
        ("(SELECT client_id, amount FROM shop.returns)", 1.0),
    ],
)
def test_a_column_is_followed_into_the_query_that_makes_it(rows: str, scale: float | None) -> None:
    found = metric_scale("SUM(ds.amount)", from_expression=rows, factors=FACTORS)

    assert found == (None if scale is None else pytest.approx(scale))


METRICS = """
[data_sources.orders]
from_expression = "shop.orders"
[metrics]
overall = ["revenue", "orders", "basket"]
[metrics.revenue]
data_source = "orders"
select_expression = "COALESCE(SUM(amount), 0)"
[metrics.revenue.statistics.linear_model_mean]
[metrics.orders]
data_source = "orders"
select_expression = "COALESCE(SUM(quantity), 0)"
[metrics.orders.statistics.linear_model_mean]
[metrics.basket]
depends_on = ["revenue", "orders"]
[metrics.basket.statistics.population_ratio]
numerator = "revenue"
denominator = "orders"
"""


def test_uplifts_are_relative_to_the_reference_branch_and_ratios_have_those_of_their_parts(make_plan: MakePlan) -> None:
    plan = make_plan(HEAD, SHOP, METRICS)
    effects = (
        Effect("shop.orders", "amount", "control", 0.10),
        Effect("shop.orders", "amount", "treatment", 0.21),
        Effect("shop.orders", "quantity", "treatment", 0.10),
    )

    found = {effect.metric: effect for effect in true_effects(plan, effects)}

    assert found["revenue"].branch == "treatment"
    assert found["revenue"].reference == "control"
    assert found["revenue"].relative_uplift == pytest.approx(0.10)
    assert found["orders"].relative_uplift == pytest.approx(0.10)
    assert found["basket"].relative_uplift == pytest.approx(0, abs=1e-12)
