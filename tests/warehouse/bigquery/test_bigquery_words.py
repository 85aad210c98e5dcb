"""How columns, values, labels and job names are written for BigQuery."""

import json
import string
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.warehouse.bigquery.jobs import JobNames
from jetstream_argo.warehouse.bigquery.labels import sanitised
from jetstream_argo.warehouse.bigquery.schema import columns_of, field_of, fields_of
from jetstream_argo.warehouse.bigquery.values import json_lines

_NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=5)
_SCALARS = st.sampled_from(["STRING", "INT64", "FLOAT64", "BOOL", "DATE", "TIMESTAMP", "NUMERIC", "BYTES", "JSON"])
_STRUCTS = st.deferred(
    lambda: st.lists(st.tuples(_NAMES, _TYPES), min_size=1, max_size=3).map(
        lambda parts: f"STRUCT<{', '.join(f'{name} {type_}' for name, type_ in parts)}>"
    )
)
_TYPES: st.SearchStrategy[str] = st.deferred(
    lambda: _SCALARS | _STRUCTS | (_SCALARS | _STRUCTS).map(lambda type_: f"ARRAY<{type_}>")
)


@given(_TYPES)
def test_a_type_comes_back_from_a_schema_as_it_went_in(type_: str) -> None:
    columns = (Column("x", type_),)

    assert columns_of(fields_of(columns)) == columns


def test_parameters_of_a_type_are_left_to_bigquery() -> None:
    assert field_of("x", "NUMERIC(10, 2)").field_type == "NUMERIC"


@pytest.mark.parametrize("type_", ["ARRAY<ARRAY<INT64>>", "STRUCT<INT64>"])
def test_a_type_that_cannot_be_stored_is_refused_with_the_columns_name(type_: str) -> None:
    with pytest.raises(InvalidQuery, match="'x'"):
        fields_of([Column("x", type_)])


def test_values_are_written_as_a_load_job_reads_them() -> None:
    row: dict[str, Value] = {
        "moment": datetime(2026, 5, 4, 12, 30, tzinfo=UTC),
        "day": date(2026, 5, 4),
        "exact": Decimal("1.10"),
        "infinite": float("inf"),
        "parts": [{"name": "a", "value": 1}],
        "absent": None,
    }

    (line,) = json_lines([row], [*row, "unknown"]).decode().splitlines()

    assert json.loads(line) == {
        "moment": "2026-05-04T12:30:00+00:00",
        "day": "2026-05-04",
        "exact": "1.10",
        "infinite": "inf",
        "parts": [{"name": "a", "value": 1}],
    }


# https://cloud.google.com/bigquery/docs/labels-intro#requirements
@given(st.dictionaries(st.text(min_size=1, max_size=80), st.text(max_size=80), max_size=70))
def test_every_label_is_one_that_bigquery_accepts(labels: dict[str, str]) -> None:
    allowed = sanitised(labels)

    assert len(allowed) <= 64
    for key, value in allowed.items():
        assert key[0].isalpha()
        assert len(key) <= 63
        assert len(value) <= 63
        assert all(character.isalnum() or character in "_-" for character in key + value)


def test_two_long_labels_that_begin_alike_stay_two() -> None:
    allowed = sanitised({"a": "x" * 70 + "1", "b": "x" * 70 + "2"})

    assert allowed["a"] != allowed["b"]


def test_the_same_requests_in_the_same_order_have_the_same_job_ids() -> None:
    first, second = JobNames("plan-node", "1"), JobNames("plan-node", "1")

    assert [first.next("q", "SELECT 1"), first.next("q", "SELECT 1"), first.next("q", "SELECT 2")] == [
        second.next("q", "SELECT 1"),
        second.next("q", "SELECT 1"),
        second.next("q", "SELECT 2"),
    ]


def test_a_repeated_request_another_request_and_another_attempt_are_other_jobs() -> None:
    names = JobNames("plan-node", "1")

    ids = [
        names.next("SELECT 1"),
        names.next("SELECT 1"),
        names.next("SELECT 2"),
        JobNames("plan-node", "2").next("SELECT 1"),
    ]

    assert len(set(ids)) == 4


def test_a_job_of_another_start_of_the_same_node_is_known_by_its_id() -> None:
    own, earlier, more = JobNames("p-week", "a2"), JobNames("p-week", "a1"), JobNames("p-week-more", "a1")

    assert own.is_of_another_start(earlier.next("x"))
    assert own.is_of_another_start(f"{earlier.next('x')}-r1")
    assert not own.is_of_another_start(own.next("x"))
    assert not own.is_of_another_start(more.next("x"))
    assert not JobNames("", "a2").is_of_another_start(earlier.next("x"))


def test_a_job_id_has_the_characters_and_the_length_that_bigquery_allows() -> None:
    name = JobNames("plan/node é" * 200, "try.1").next("SELECT 1")

    assert len(name) <= 1024
    assert set(name) <= set(string.ascii_letters + string.digits + "_-")
