"""Finds the experiment whose results somebody wants to see, and where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from jetstream_argo.errors import PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.experiments import nearest_slug
from jetstream_argo.report.former import place_recorded
from jetstream_argo.report.upgraded import check_upgraded
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import Entry, Kind, read_entries
from jetstream_argo.warehouse.connect import connect, new_attempt
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class Target:
    """Whose results are looked at, and where."""

    engine: Engine
    place: Place
    plan: AnalysisPlan | None


def place_of_slug(slug: str, dataset: str | None, warehouse: str, conventions: Sequence[Path] = ()) -> Place:
    """Return where the results of a slug are: in the dataset, or where plans put them."""
    if dataset is not None:
        return Place(dataset, slug)
    from jetstream_argo.config.conventions.load import load_conventions

    return place_recorded(Place(load_conventions(conventions).default_dataset, slug), warehouse)


def target_of(experiment: str | None, plan_file: Path | None, dataset: str | None, warehouse: str) -> Target:
    """Return the experiment that is named by a slug or a plan, in a warehouse.

    Raises:
        UsageError: neither slug nor plan was given, or both.
    """
    if (experiment is None) == (plan_file is None):
        raise click.UsageError("name an experiment by its slug, or give --plan FILE")
    plan = None if plan_file is None else codec.read(plan_file)
    engine = connect(warehouse, attempt=new_attempt())
    if plan is not None:
        return Target(engine, names.place_of(plan), plan)
    return Target(engine, place_of_slug(str(experiment), dataset, warehouse), None)


def entries_of(target: Target) -> tuple[Entry, ...]:
    """Return what was recorded.

    Raises:
        PlanError: nothing was, which most often means that slug, dataset or warehouse are misspelt.
    """
    entries = read_entries(target.engine, target.place)
    if not entries:
        check_upgraded(target.engine, target.place)
        similar = nearest_slug(target.engine, target.place)
        hint = f"; did you mean {similar!r}?" if similar else ""
        raise PlanError(
            f"{target.place.slug}: nothing was recorded in dataset {target.place.dataset!r}"
            f"{hint}; check the slug, the dataset and the warehouse, or run it first"
        )
    return entries


def metrics_by_source(plan: AnalysisPlan | None, entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """Return, by data source, its metrics: those of the plan, or those that values were recorded for."""
    found: dict[str, dict[str, None]] = {}
    if plan is not None:
        for metric in plan.metrics:
            for name in metric.depends_on or (metric.name,):
                found.setdefault(plan.metric(name).source, {})[metric.name] = None
    else:
        for entry in entries:
            if entry.kind is Kind.VALUES and entry.source:
                found.setdefault(entry.source, {}).update(dict.fromkeys(entry.metrics))
    return {source: tuple(metrics) for source, metrics in found.items()}
