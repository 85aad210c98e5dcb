"""A configuration built in Python is the one that its file would be."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jetstream_argo.config.building import Configuration, load_built
from jetstream_argo.config.files.experiment_file import load_experiment_file
from jetstream_argo.config.files.toml_writer import toml_text
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import DataSourceSpec, MetricSpec, SegmentSpec
from jetstream_argo.errors import ConfigError


def _configuration(**changes: object) -> Configuration:
    made: dict[str, object] = {
        "slug": "new-checkout",
        "branches": {"old": 1, "new": 3},
        "start_date": date(2026, 5, 4),
        "enrollment_period": 7,
        "enrollment_query": "SELECT c AS analysis_id, v AS branch, d AS enrollment_date\nFROM shop.assignments",
        "data_sources": {"orders": DataSourceSpec(from_expression="shop.orders", experiments_column_type="none")},
        "metrics": {
            "revenue": MetricSpec(
                data_source="orders",
                select_expression="COALESCE(SUM(amount), 0)",
                statistics={"linear_model_mean": {"drop_highest": 0.005}},
            ),
            "orders": {"data_source": "orders", "select_expression": "COUNT(*)", "statistics": {"deciles": {}}},
        },
        "overall": ["revenue", "orders"],
        "days28": ["revenue"],
    }
    return Configuration(**{**made, **changes})  # type: ignore[arg-type]  # the fields of Configuration


def test_the_file_that_is_written_says_the_same(tmp_path: Path) -> None:
    built = _configuration(
        segments={"loyal": SegmentSpec(data_source="before", select_expression="COUNT(*) > 3")},
        segment_data_sources={"before": {"from_expression": "shop.orders", "window_start": -28, "window_end": -1}},
        more={"segments": ["loyal"]},
    )

    read = load_experiment_file(built.write(tmp_path / "checkout.toml"))

    own = load_built(built)
    assert read.experiment.branches == own.experiment.branches
    assert (read.spec.periods.keys(), read.spec.metrics.keys()) == (own.spec.periods.keys(), own.spec.metrics.keys())
    assert read.spec.metrics["revenue"].statistics == {"linear_model_mean": {"drop_highest": 0.005}}
    assert read.spec.metrics["orders"].statistics == {"deciles": {}}
    assert read.spec.experiment.enrollment_query == own.spec.experiment.enrollment_query
    assert read.spec.segments["loyal"].data_source == "before"


def test_a_period_may_be_named_by_the_key_that_files_have() -> None:
    built = _configuration(periods={"28_day": ["orders"]})

    assert [metric.name for metric in load_built(built).spec.periods[Period.DAYS28]] == ["orders"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overall": ["revenu"]}, "overall: names metric 'revenu', .*did you mean 'revenue'"),
        ({"start_date": "soon"}, "start_date"),
        ({"metrics": {"a": {"data_source": "orders", "select_expresion": "1"}}, "overall": [], "days28": []},
         "select_expresion.*did you mean 'select_expression'"),
        ({"branches": []}, "branches"),
        ({"periods": {"weekli": ["revenue"]}}, "periods: has 'weekli', which is no period; did you mean 'weekly'"),
    ],
)  # fmt: skip
def test_what_a_file_could_not_say_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=rf"the configuration built in Python:\n.*{message}"):
        _configuration(**changes).to_toml()


_SCALARS = st.text() | st.integers(-(2**62), 2**62) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
_DOCUMENTS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        _SCALARS | st.lists(_SCALARS, max_size=4),
        lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


@hypothesis_settings(deadline=None, max_examples=100)
@given(_DOCUMENTS)
def test_what_is_written_as_toml_is_read_as_the_same(document: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(document)) == document
