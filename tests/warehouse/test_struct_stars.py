"""All fields of a struct as columns: `struct.*`, whatever stands before it."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.inference.columns import infer_tables
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

COLUMNS = [
    Column("details", "STRUCT<amount INT64, tax STRUCT<rate INT64>>"),
    Column("customer", "STRING"),
    Column("items", "ARRAY<STRUCT<price INT64>>"),
]
ROW = {"details": {"amount": 1, "tax": {"rate": 2}}, "customer": "a", "items": [{"price": 3}]}


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    engine = EmbeddedEngine(tmp_path)
    engine.load("shop.orders", [ROW], COLUMNS, write=Write.TRUNCATE, labels={})
    return engine


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        ("details.*, o.customer FROM shop.orders AS o", {"amount": 1, "tax": {"rate": 2}, "customer": "a"}),
        ("o.details.*, o.customer FROM shop.orders AS o", {"amount": 1, "tax": {"rate": 2}, "customer": "a"}),
        ("orders.details.tax.* FROM shop.orders", {"rate": 2}),
        ("items[OFFSET(0)].* FROM shop.orders", {"price": 3}),
        ("ANY_VALUE(o.details).* FROM shop.orders AS o", {"amount": 1, "tax": {"rate": 2}}),
        ("o.details.* EXCEPT (tax) FROM shop.orders AS o", {"amount": 1}),
        ("o.details.* REPLACE (5 AS amount) FROM shop.orders AS o", {"amount": 5, "tax": {"rate": 2}}),
        ("x.d.tax.* FROM (SELECT o.details AS d FROM shop.orders AS o) AS x", {"rate": 2}),
        ("item.*, o.details.tax.* FROM shop.orders AS o, UNNEST(o.items) AS item", {"price": 3, "rate": 2}),
    ],
)
def test_a_structs_fields_become_columns(engine: EmbeddedEngine, select: str, expected: dict[str, object]) -> None:
    (row,) = engine.query(Sql(f"SELECT {select}"), labels={}).dicts()

    assert row == expected


def test_fields_that_cannot_be_left_out_are_not_left_in(engine: EmbeddedEngine) -> None:
    with pytest.raises(Unsupported, match="leaves out fields of a struct"):
        engine.query(Sql("SELECT o.details.* EXCEPT (tax) FROM shop.orders AS o, o.items AS i"), labels={})


@pytest.mark.parametrize("prefix", ["", "o.", "o.details.", "details."])
def test_columns_that_a_struct_gives_are_its_fields(prefix: str) -> None:
    query = f"""
        SELECT SUM(amount), MAX(ds.customer)
        FROM (SELECT {prefix}inner_.*, o.customer FROM shop.orders AS o) AS ds"""

    type_ = "STRUCT<amount INT64>"
    inner = {"details": f"STRUCT<inner_ {type_}>"} if "details" in prefix else {"inner_": type_}
    assert infer_tables(query) == {"shop.orders": {**inner, "customer": "STRING"}}
