"""Removing units from all experiments that there are: one after another, and one that fails costs itself."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass

from jetstream_argo.cli.holding import holder
from jetstream_argo.cli.shredding_one import (
    Held,
    Shredding,
    check_upgraded,
    entries_of,
    now,
    remove,
    renew_estimates,
)
from jetstream_argo.cli.unsharing import unshare_units
from jetstream_argo.cli.upkeep import agreed, purged_line
from jetstream_argo.errors import EXIT_DONE, EXIT_RETRY, JetstreamArgoError, PlanError
from jetstream_argo.report.experiments import places_with_units
from jetstream_argo.run.leasing import alone
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import Entry
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say, warn
from jetstream_argo.upkeep.adopting import adopt, depleted
from jetstream_argo.upkeep.counting import Survey, survey
from jetstream_argo.upkeep.gone import Gone, labels_of
from jetstream_argo.upkeep.owned import unit_tables
from jetstream_argo.upkeep.registry import registered, shared_in
from jetstream_argo.upkeep.shredding import Holding, holdings
from jetstream_argo.warehouse.protocol import Engine

_ALL = "all"  # what jobs for all experiments are labelled as


@dataclass(frozen=True, slots=True)
class _Done:
    """How many rows of how many tables hold units, or held them, in how many experiments; and the worst exit code."""

    experiments: int = 0
    tables: int = 0
    rows: int = 0
    code: int = EXIT_DONE

    def __add__(self, other: "_Done") -> "_Done":
        return _Done(
            self.experiments + other.experiments,
            self.tables + other.tables,
            self.rows + other.rows,
            _worse(self.code, other.code),
        )

    def __str__(self) -> str:
        tables = counted(self.tables, "table")
        return f"{counted(self.rows, 'row')} of {tables} in {counted(self.experiments, 'experiment')}"


def all_places(engine: Engine, datasets: Sequence[str]) -> tuple[Place, ...]:
    """Return the experiments of some datasets, or of all of the warehouse, those of version 0.1 included.

    Raises:
        PlanError: there are none.
    """
    wanted = datasets or engine.datasets()
    found = tuple(place for dataset in wanted for place in places_with_units(engine, dataset))
    if not found:
        raise PlanError(f"there are no experiments in {', '.join(wanted) or 'the warehouse'}; check --dataset")
    return found


def show_registry(engine: Engine, places: Sequence[Place], *, shared: bool) -> int:
    """Print the tables with units of some experiments as JSON, with those of several if they are `shared`, too.

    An experiment that cannot be read is told.
    """
    rows: list[dict[str, object]] = []
    code = EXIT_DONE
    for place in places:
        try:
            check_upgraded(engine, place)
            rows += [asdict(table) for table in registered(engine, place)]
        except JetstreamArgoError as error:
            code = _failed(place, error).code
    for dataset in dict.fromkeys(place.dataset for place in places) if shared else ():
        rows += [asdict(table) for table in shared_in(engine, dataset)]
    say(json.dumps(rows, indent=2))
    return code


def shred_all(shredding: Shredding, places: Sequence[Place], hold: Held) -> int:
    """Remove units from every experiment, and make anew what was estimated of them."""
    engine = shredding.engine
    with hold(engine, Place(places[0].dataset, _ALL), shredding.attempt) as gone:
        where = counted(len({place.dataset for place in places}), "dataset")
        units = counted(gone.number, "unit")
        say(f"{units} to remove from {counted(len(places), 'experiment')} in {where}")
        counted_before = _surveyed(engine, places, gone)
        if shredding.dry_run or not shredding.yes:
            found = _sum(_looked_at(shredding, place, gone, counted_before) for place in places)
            say(f"{found} hold any of them")
            if shredding.dry_run or not agreed("rewrite these tables without them?", yes=False):
                return found.code
        done = _sum(_shredded(shredding, place, gone, counted_before) for place in places)
        done += _sum(_unshared(engine, dataset, gone) for dataset in dict.fromkeys(place.dataset for place in places))
    say(f"removed {done}")
    return done.code


def _surveyed(engine: Engine, places: Sequence[Place], gone: Gone) -> Survey:
    """Count who is where in all experiments together; an experiment that cannot be read says so when its turn comes."""
    records: dict[Place, Sequence[Entry]] = {}
    for place in places:
        with suppress(JetstreamArgoError):
            records[place] = entries_of(engine, place)
    return survey(engine, records, gone, labels_of(Place(places[0].dataset, _ALL)))


def _looked_at(shredding: Shredding, place: Place, gone: Gone, before: Survey) -> _Done:
    try:
        return _about(place, holdings(shredding.engine, place, entries_of(shredding.engine, place), gone, before))
    except JetstreamArgoError as error:
        return _failed(place, error)


def _shredded(shredding: Shredding, place: Place, gone: Gone, before: Survey) -> _Done:
    engine = shredding.engine
    try:
        with alone(engine, place, holder=holder("shred --all"), wait_seconds=shredding.wait_seconds):
            entries = entries_of(engine, place)
            holders = holdings(engine, place, entries, gone, before)
            remove(shredding, place, holders, gone, quietly=True)
            purged = engine.purge([table.name for table in unit_tables(place, entries)])
        done = _about(place, holders)
        if holders:
            say(f"{place.slug}: {purged_line(purged)}")
        # Whether or not there was anything: an earlier start may have been stopped before it came to this.
        return done + _Done(code=renew_estimates(shredding, place) if shredding.anew else EXIT_DONE)
    except JetstreamArgoError as error:
        return _failed(place, error)


def adopt_all(shredding: Shredding, places: Sequence[Place]) -> int:
    """Take what is left of experiments' rows, where others removed some, for all that there is to be."""
    done = _sum(_adopted(shredding, place) for place in places)
    say(f"{done} {'are lacking' if shredding.dry_run else 'count as removed'}")
    return done.code


def _adopted(shredding: Shredding, place: Place) -> _Done:
    engine = shredding.engine
    try:
        with alone(engine, place, holder=holder("shred --adopt"), wait_seconds=shredding.wait_seconds):
            found = tuple(depleted(engine, place, entries_of(engine, place), anew=shredding.anew))
            if not shredding.dry_run:
                adopt(engine, place, found, now=now, attempt=shredding.attempt)
        for table in found:
            say(f"{place.slug}: {counted(table.rows, 'row')} of {table.table}")
        done = _Done(bool(found), len(found), sum(table.rows for table in found))
        renews = shredding.anew and not shredding.dry_run
        return done + _Done(code=renew_estimates(shredding, place) if renews else EXIT_DONE)
    except JetstreamArgoError as error:
        return _failed(place, error)


def _unshared(engine: Engine, dataset: str, gone: Gone) -> _Done:
    try:
        unshare_units(engine, dataset, gone)
    except JetstreamArgoError as error:
        return _failed(Place(dataset, "what was read for several experiments"), error)
    return _Done()


def _about(place: Place, holders: Sequence[Holding]) -> _Done:
    for holding in holders:
        say(f"{place.slug}: {counted(holding.rows, 'row')} of {holding.table.name}")
    return _Done(bool(holders), len(holders), sum(holding.rows for holding in holders))


def _failed(place: Place, error: JetstreamArgoError) -> _Done:
    warn(f"{place.slug}: {error}")
    return _Done(code=error.exit_code)


def _sum(parts: "Iterator[_Done]") -> _Done:
    whole = _Done()
    for part in parts:
        whole += part
    return whole


def _worse(code: int, other: int) -> int:
    """Return 75 where asking again may help, else 2 where something failed for good."""
    return EXIT_RETRY if EXIT_RETRY in (code, other) else max(code, other)
