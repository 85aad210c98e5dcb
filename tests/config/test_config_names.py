"""Names that cannot be used are refused when an experiment is planned, with the reason."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.names import COLUMNS
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan.planner import ConfigSources, Planned, plan_experiment
from jetstream_argo.report import views
from jetstream_argo.sql import value_rows

_FILE = """
[experiment]
slug = "shop-test"
branches = ["old", "new"]
reference_branch = "old"
segments = [SEGMENTS]
start_date = "2026-05-04"
enrollment_period = 2
end_date = "2026-05-20"
enrollment_query = "SELECT user_id AS analysis_id, variant AS branch, MIN(day) AS enrollment_date FROM shop.x GROUP BY 1, 2"

[data_sources.orders]
from_expression = "shop.orders"
client_id_column = "user_id"
submission_date_column = "day"
experiments_column_type = "none"

[metrics]
weekly = ["revenue"]
overall = ["revenue"METRICS]

[metrics.revenue]
data_source = "orders"
select_expression = "COALESCE(SUM(amount), 0)"
[metrics.revenue.statistics.linear_model_mean_no_clip]

[segments.data_sources.seg]
from_expression = "shop.orders"
client_id_column = "user_id"
submission_date_column = "day"
"""  # noqa: E501  # a query on a line


@pytest.fixture
def planned(tmp_path: Path):
    """Return what plans the shop's experiment with more metrics and segments, or with a part of the text changed."""

    def plan(*, metrics: tuple[str, ...] = (), segments: tuple[str, ...] = (), old: str = "", new: str = "") -> Planned:
        text = _FILE.replace("SEGMENTS", ", ".join(f'"{name}"' for name in segments))
        text = text.replace("METRICS", "".join(f', "{name}"' for name in metrics))
        for name in metrics:
            text += f'\n[metrics."{name}"]\ndata_source = "orders"\nselect_expression = "SUM(amount)"\n'
            text += f'[metrics."{name}".statistics.linear_model_mean_no_clip]\n'
        for name in segments:
            text += f'\n[segments."{name}"]\ndata_source = "seg"\nselect_expression = "COUNT(*) > 0"\n'
        file = tmp_path / "c.toml"
        file.write_text(text.replace(old, new) if old else text, encoding="utf-8")
        return plan_experiment(str(file), ConfigSources(), as_of=date(2026, 5, 20))

    return plan


def _refusal(planned, **changes) -> str:
    with pytest.raises(JetstreamArgoError) as refused:
        planned(**changes)
    return str(refused.value)


def test_the_experiment_can_be_planned_with_ordinary_names(planned) -> None:
    made = planned(metrics=("Clicks_2",), segments=("heavy", "light")).plan

    assert sorted(metric.name for metric in made.metrics) == ["Clicks_2", "revenue"]
    assert [segment.name for segment in made.enrollments.segments] == ["heavy", "light"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("all", "it stands for all units"),
        ("ALL", "it stands for all units"),
        ("enrollment_date", "a column of their tables"),
        ("Branch", "a column of their tables"),
        ("window_index", "a column of their tables"),
        ("_PARTITIONDATE", "as BigQuery's own columns do"),
        ("🦊", "only letters, digits and underscores"),
        ("a`b", "only letters, digits and underscores"),
        ("a\\u001b[31m", "only letters, digits and underscores"),
        ("", "only letters, digits and underscores"),
        ("x" * 300, "is a name of 300 characters, 128 are allowed"),
    ],
)
def test_a_segment_cannot_have_a_name_that_results_use_or_no_column_has(planned, name: str, reason: str) -> None:
    message = _refusal(planned, segments=(name,))

    assert "c.toml" in message
    assert "segments" in message
    assert reason in message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("identity", "the number of units is stored under it"),
        ("Identity", "the number of units is stored under it"),
        ("sample_ratio", "how units are split is stored under it"),
        ("analysis_id", "a column of their tables"),
        ("a-b", "only letters, digits and underscores can be used"),
        ("a b", "only letters, digits and underscores can be used"),
        ("a`b", "only letters, digits and underscores can be used"),
        ("x" * 300, "128 are allowed"),
    ],
)
def test_a_metric_cannot_have_a_name_that_results_use_or_no_column_has(planned, name: str, reason: str) -> None:
    message = _refusal(planned, metrics=(name,))

    assert "c.toml" in message
    assert f"metrics.{name}" in message
    assert reason in message
    assert "not defined" not in message


def test_a_metric_of_a_kept_name_that_nobody_asks_for_disturbs_nobody(planned) -> None:
    unasked = '[metrics.identity]\ndata_source = "orders"\nselect_expression = "SUM(amount)"\n[metrics.revenue]'

    assert planned(old="[metrics.revenue]", new=unasked).plan.metrics


def test_names_that_differ_by_case_only_are_refused_where_they_become_columns(planned) -> None:
    assert "metrics.Revenue: differs from 'revenue' by case" in _refusal(planned, metrics=("Revenue",)) or (
        "metrics.revenue: differs from 'Revenue' by case" in _refusal(planned, metrics=("Revenue",))
    )
    assert "segments.Heavy: differs from 'heavy' by case" in _refusal(planned, segments=("heavy", "Heavy"))


@pytest.mark.parametrize("name", ["a`b", "a\\u001b[31m", "a\\nb", "a'b", "a\\\\b", " a", "", "x" * 300, "a\\u202eb"])
def test_a_branch_with_characters_that_are_no_name_is_one_clear_error(planned, name: str) -> None:
    message = _refusal(planned, old='["old", "new"]', new=f'["old", "{name}"]')

    assert "c.toml" in message
    assert "experiment.branches: " in message
    assert len(message.splitlines()) == 2


@pytest.mark.parametrize("name", ["treatment-a", "Größe 2", "v1.2", "10%"[:-1], "a_b:c+d"])
def test_a_branch_may_have_the_names_that_people_give(planned, name: str) -> None:
    made = planned(old='["old", "new"]', new=f'["old", "{name}"]').plan

    assert name in made.experiment.branches


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('branches = ["old", "new"]', 'branches = "old, new"', 'write a list, ["old", "new"], or a table'),
        ('branches = ["old", "new"]', "branches = [1, 2]", 'write the names as text, ["old", "new"]'),
        ('weekly = ["revenue"]', 'week = ["revenue"]', "metrics.week: is not a known key; did you mean 'weekly'?"),
        (
            'weekly = ["revenue"]',
            'weekly = "revenue, x"',
            'must be a list of metrics, is \'revenue, x\'; write ["revenue", "x"]',
        ),
        ("segments = []", 'segments = "heavy"', "is 'heavy': write a list, [\"heavy\"]"),
        ("end_date =", "end =", "experiment.end: is not a known key; did you mean 'end_date'?"),
        ("reference_branch =", "reference =", "did you mean 'reference_branch'?"),
        ('data_source = "orders"', 'data = "orders"', "did you mean 'data_source'?"),
    ],
)
def test_a_misspelt_key_or_value_says_what_was_meant(planned, old: str, new: str, message: str) -> None:
    assert message in _refusal(planned, old=old, new=new)


@pytest.mark.parametrize("name", ["a`b", "a\\\\b", "a\\tb", "a)b", ""])
def test_a_column_or_dataset_that_cannot_be_one_is_refused_when_it_is_planned(planned, name: str) -> None:
    message = _refusal(planned, old='client_id_column = "user_id"', new=f'client_id_column = "{name}"')
    where = _refusal(planned, old="[experiment]", new=f'[experiment]\ndataset_id = "{name or "."}"')

    assert "data_sources.orders.client_id_column" in message
    assert "is not a name: write dataset or project.dataset" in where


def test_every_column_that_stands_beside_segments_and_metrics_is_kept() -> None:
    beside = {*views._UNIT, *views._WINDOW, *views._EXPOSURE, *value_rows.KEYS}

    assert beside <= COLUMNS
