"""Finds results where version 0.1 put them by default, so that they are carried on."""

from dataclasses import replace

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.sql.names import Place
from jetstream_argo.terminal.text import warn
from jetstream_argo.warehouse.connect import EmbeddedSettings, connect, new_attempt, settings
from jetstream_argo.warehouse.protocol import Engine

FORMER_DATASET = "mozanalysis"


def place_recorded(place: Place, warehouse: str) -> Place:
    """Return where an experiment was recorded: in the default dataset, or else in the former one if it is there.

    Only warehouses on this machine are looked into: whoever shares one names its dataset.
    """
    if not isinstance(settings(warehouse), EmbeddedSettings):
        return place
    engine, former = connect(warehouse, attempt=new_attempt()), Place(FORMER_DATASET, place.slug)
    if _is_recorded(engine, place) or not _is_recorded(engine, former):
        return place
    warn(
        f"{place.slug}: its results are in dataset {FORMER_DATASET!r}, the default of version 0.1, and stay there; "
        f"name it, to be asked no more: --dataset {FORMER_DATASET}"
    )
    return former


def plan_recorded(plan: AnalysisPlan, warehouse: str) -> AnalysisPlan:
    """Return a plan without a named dataset with that in which the experiment was recorded on this machine."""
    return replace(plan, dataset=place_recorded(names.place_of(plan), warehouse).dataset)


def _is_recorded(engine: Engine, place: Place) -> bool:
    return any(engine.info(table) is not None for table in (names.status(place), legacy_names.status(place)))
