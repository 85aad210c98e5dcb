"""What people are shown of tables is the same on BigQuery."""

from collections.abc import Sequence
from datetime import date

from jetstream_argo.dialect.types import Column
from jetstream_argo.drafting.drafting import DraftAnswers, drafted
from jetstream_argo.loading.listing import listed
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.types import Write


def _shop(engine: BigQueryEngine) -> None:
    assigned = [Column("customer_id", "STRING"), Column("variant", "STRING"), Column("day", "DATE")]
    rows = [
        {"customer_id": "a", "variant": "old", "day": date(2026, 5, 4)},
        {"customer_id": "b", "variant": "new", "day": date(2026, 5, 6)},
    ]
    engine.load("shop.assignments", rows, assigned, write=Write.TRUNCATE, labels={})
    orders = [Column("customer_id", "STRING"), Column("day", "DATE"), Column("amount", "FLOAT64")]
    sold = [{"customer_id": "a", "day": date(2026, 5, 20), "amount": 1.5}]
    engine.load("shop.orders", sold, orders, write=Write.TRUNCATE, labels={})


def test_tables_are_listed_with_columns_dates_and_rows(engine: BigQueryEngine) -> None:
    _shop(engine)

    found = {table.name: list(table.lines()) for table in listed(engine, "shop")}

    assert found["shop.orders"] == [
        "shop.orders: 1 row, day 2026-05-20 … 2026-05-20",
        "  customer_id STRING, day DATE, amount FLOAT64",
    ]


def test_a_configuration_is_drafted_from_tables_that_are_named(engine: BigQueryEngine) -> None:
    _shop(engine)

    def guessed(option: str, about: str, guess: str | None, choices: Sequence[str]) -> str:
        return guess or option

    draft = drafted(
        engine, (), DraftAnswers(slug="a", assigned_in="shop.assignments", measures=("shop.orders",)), guessed
    )

    assert [(branch.name, branch.units) for branch in draft.branches] == [("old", 1), ("new", 1)]
    assert (draft.start, draft.end, draft.unit) == (date(2026, 5, 4), date(2026, 5, 21), "customer_id")
