"""Removing units from the tables of one experiment, and making anew the estimates that count them."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from jetstream_argo.cli.holding import holder
from jetstream_argo.cli.unsharing import unshare_units
from jetstream_argo.cli.upkeep import agreed, nothing_there, purged_line, show_list, size_of
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.leasing import alone, writing
from jetstream_argo.sql import legacy_names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.store.entries import Entry, read_entries
from jetstream_argo.store.kept_plan import kept_plan
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say, warn

if TYPE_CHECKING:
    from jetstream_argo.upkeep.gone import Gone
    from jetstream_argo.upkeep.shredding import Holding
    from jetstream_argo.warehouse.protocol import Engine

Owner: TypeAlias = AnalysisPlan | Place
# Holds who is to be removed in a table.
Held: TypeAlias = "Callable[[Engine, Owner, str], AbstractContextManager[Gone]]"


@dataclass(frozen=True, slots=True)
class Shredding:
    """What was asked for. `of_all` units that a query gives, few are in one experiment."""

    engine: "Engine"
    attempt: str
    yes: bool
    dry_run: bool
    anew: bool
    export_to: str
    wait_seconds: float
    of_all: bool = False


def shred_one(shredding: Shredding, owner: Owner, hold: Held) -> int:
    """Remove units from an experiment, and say what came of it."""
    engine = shredding.engine
    with alone(engine, owner, holder=holder("shred"), wait_seconds=shredding.wait_seconds):
        entries = entries_of(engine, owner)
        with hold(engine, owner, shredding.attempt) as gone:
            holders = _holders(shredding, owner, entries, gone)
            if shredding.dry_run or (
                holders and not agreed(f"rewrite {counted(len(holders), 'table')} without them?", yes=shredding.yes)
            ):
                return EXIT_DONE
            remove(shredding, owner, holders, gone)
            _purge_units(engine, owner, entries)
            unshare_units(engine, place_of(owner).dataset, gone)
    code = renew_estimates(shredding, owner) if shredding.anew else EXIT_DONE
    tell_older(read_entries(engine, owner))
    return code


def entries_of(engine: "Engine", owner: Owner) -> Sequence[Entry]:
    """Return what was recorded.

    Raises:
        PlanError: nothing was, or tables of version 0.1 hold units, too.
    """
    check_upgraded(engine, owner)
    entries = read_entries(engine, owner)
    if not entries:
        raise PlanError(nothing_there(place_of(owner)))
    return entries


def check_upgraded(engine: "Engine", owner: Owner) -> None:
    """Do nothing where no table of version 0.1 is left.

    Raises:
        PlanError: tables of that version hold units, too.
    """
    if engine.info(legacy_names.status(owner)) is not None:
        raise PlanError(
            f"{place_of(owner).slug}: tables of version 0.1 hold its units; run it once, which takes them over, "
            "and shred then"
        )


def remove(
    shredding: Shredding, owner: Owner, holders: "Sequence[Holding]", gone: "Gone", *, quietly: bool = False
) -> None:
    """Remove units from the tables that hold them; what stops half-way goes on when it is asked for again."""
    from jetstream_argo.upkeep.remembering import remember
    from jetstream_argo.upkeep.shredding import shred

    if not holders:
        return
    engine, attempt = shredding.engine, shredding.attempt
    remember(engine, owner, gone, new_key=secrets.token_hex(32), now=now(), attempt=attempt, assigned=shredding.of_all)
    for done in shred(engine, owner, holders, gone, now=now, attempt=attempt, anew=shredding.anew):
        if not quietly:
            say(f"removed {counted(done.rows, 'row')} of {done.table.name}")


def renew_estimates(shredding: Shredding, owner: Owner) -> int:
    """Make the estimates anew that count units which were removed, and say how many; tasks may write meanwhile."""
    from jetstream_argo.upkeep.renewing import is_due, renew  # loads numpy

    engine, place = shredding.engine, place_of(owner)
    with writing(engine, owner, holder=holder("shred"), wait_seconds=shredding.wait_seconds):
        plan = owner if isinstance(owner, AnalysisPlan) else kept_plan(engine, place)
        if plan is None:
            warn(f"{place.slug}: no plan is kept beside its results, which its next run keeps and makes anew")
            return EXIT_RETRY
        context = Context(
            plan=plan, plan_sha256=codec.sha256(plan), node="shred", engine=engine, attempt=shredding.attempt, now=now,
            export_to=shredding.export_to, ledger=read_ledger(plan, engine),
        )  # fmt: skip
        if not is_due(context):
            return EXIT_DONE
        renewed = renew(context)
    if renewed.windows:
        say(f"{place.slug}: {counted(renewed.metrics, 'metric')} estimated anew, {counted(renewed.windows, 'window')}")
    for metric, error in renewed.failed:
        warn(f"{place.slug}: {metric} could not be estimated anew: {error}")
    if not renewed.failed:
        return EXIT_DONE
    return EXIT_RETRY if any(error.exit_code == EXIT_RETRY for _, error in renewed.failed) else EXIT_DEFINITION


def tell_older(entries: Sequence[Entry]) -> None:
    """Say which results are older than the last deletion of units."""
    from jetstream_argo.report.status import status_report

    older = [metric.metric for metric in status_report(None, entries).metrics if metric.before_deletion]
    show_list("estimates that still count deleted units", list(dict.fromkeys(older)))
    if older:
        say("`delete --metrics` has them computed again")


def _holders(shredding: Shredding, owner: Owner, entries: Sequence[Entry], gone: "Gone") -> "tuple[Holding, ...]":
    from jetstream_argo.upkeep.shredding import holdings

    place = place_of(owner)
    found = holdings(shredding.engine, owner, entries, gone)
    if not found:
        say(f"no table of {place.slug} holds any rows of {_these(gone)}")
    show_list(f"of {place.slug}, rows of {_these(gone)}", [f"{h.table.name}{size_of(h.rows)}" for h in found])
    return found


def _these(gone: "Gone") -> str:
    return "this unit" if gone.number == 1 else f"these {counted(gone.number, 'unit')}"


def _purge_units(engine: "Engine", owner: Owner, entries: Sequence[Entry]) -> None:
    """Have storage keep nothing of rows that were removed, nor of tables that were replaced before."""
    from jetstream_argo.upkeep.owned import unit_tables

    say(purged_line(engine.purge([table.name for table in unit_tables(owner, entries)])))


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
