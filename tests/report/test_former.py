"""Results in the dataset that was the default of version 0.1 are found, on this machine."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.report.former import FORMER_DATASET, place_recorded, plan_recorded
from jetstream_argo.report.targets import place_of_slug
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import COLUMNS
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.dag.test_build import HOURS, plan_of

DEFAULT = load_conventions().default_dataset


def recorded(root: Path, table: str) -> str:
    """Return a warehouse in which something was recorded in a table."""
    EmbeddedEngine(root).load(table, [], COLUMNS, write=Write.TRUNCATE, labels={})
    return f"embedded:{root}"


def test_the_default_dataset_is_nobodys_own() -> None:
    assert DEFAULT == "jetstream"


@pytest.mark.parametrize("record", [names.status, legacy_names.status])
def test_what_is_only_in_the_former_dataset_is_found_there_and_told(
    record: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(record)
    warehouse = recorded(tmp_path, record(Place(FORMER_DATASET, "try-it")))

    assert place_of_slug("try-it", None, warehouse) == Place(FORMER_DATASET, "try-it")
    assert "name it, to be asked no more: --dataset mozanalysis" in capsys.readouterr().err


def test_the_default_dataset_goes_first(tmp_path: Path) -> None:
    recorded(tmp_path, names.status(Place(FORMER_DATASET, "try-it")))
    warehouse = recorded(tmp_path, names.status(Place(DEFAULT, "try-it")))

    assert place_of_slug("try-it", None, warehouse) == Place(DEFAULT, "try-it")


def test_a_dataset_that_is_named_is_not_looked_for(tmp_path: Path) -> None:
    warehouse = recorded(tmp_path, names.status(Place(FORMER_DATASET, "try-it")))

    assert place_of_slug("try-it", "results", warehouse) == Place("results", "try-it")
    assert place_recorded(Place(DEFAULT, "try-it"), "bigquery:my-project") == Place(DEFAULT, "try-it")


def test_a_run_goes_on_where_the_experiment_was_recorded(tmp_path: Path) -> None:
    plan = plan_of(HOURS, as_of=date(2026, 5, 12))
    warehouse = recorded(tmp_path, names.status(Place(FORMER_DATASET, "try-it")))

    assert plan_recorded(plan, warehouse).dataset == FORMER_DATASET
    assert plan_recorded(plan, f"embedded:{tmp_path / 'other'}").dataset == plan.dataset
