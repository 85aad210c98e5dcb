"""Reading dates of a source again on purpose, without losing what units had that are gone from it since."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.holding import holder, wait_option
from jetstream_argo.cli.options import warehouse_option, yes_option
from jetstream_argo.cli.planning import day, planned_in, planning_options
from jetstream_argo.cli.upkeep import agreed
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, UnknownReference
from jetstream_argo.plan import codec
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.leasing import alone
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.plan.model import AnalysisPlan
    from jetstream_argo.upkeep.restating import Restatement
    from jetstream_argo.warehouse.protocol import Engine


@click.command(
    epilog="Example: jetstream-argo restate checkout.toml --source orders --from 2026-05-20 --to 2026-05-21 --dry-run"
)
@planning_options
@warehouse_option
@click.option("--source", required=True, metavar="NAME", help="The data source to read again.")
@click.option("--from", "first", required=True, metavar="DATE", help="The first date to read again.")
@click.option("--to", "last", required=True, metavar="DATE", help="The last date to read again.")
@click.option("--no-carry", is_flag=True, help="Do not keep the rows of units that are gone from telemetry.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@yes_option
@wait_option
def restate(experiment: str | None, warehouse: str, source: str, first: str, last: str, **options: Any) -> int:
    """Read dates of a source of EXPERIMENT again, whatever their state, into all that was read of them before.

    Rows are replaced by those that the source has now. Units that are gone from it, and from where units are assigned,
    keep theirs, unless they were shredded. What changes is shown before it counts.
    """
    wait_seconds = options.pop("wait_seconds")
    flags = {name: options.pop(name) for name in ("no_carry", "dry_run", "yes")}
    plan, _ = planned_in(warehouse, experiment=experiment, **options)
    dates = day(first), day(last)
    if dates[0] > dates[1]:
        raise click.UsageError(f"--from {first} is after --to {last}")
    known = [source.name for source in plan.sources]
    if source not in known:
        raise UnknownReference("data source", source, known=known, used_by=f"the plan of {plan.experiment.slug}")
    attempt = new_attempt()
    engine = connect(warehouse, attempt=attempt)
    with alone(engine, plan, holder=holder("restate"), wait_seconds=wait_seconds):
        return _restate(_context(plan, engine, attempt), source, dates, **flags)


def _context(plan: "AnalysisPlan", engine: "Engine", attempt: str) -> Context:
    return Context(
        plan=plan,
        plan_sha256=codec.sha256(plan),
        node="restate",
        engine=engine,
        attempt=attempt,
        now=lambda: datetime.now(UTC),
        ledger=read_ledger(plan, engine),
    )


def _restate(
    context: Context, source: str, dates: tuple[date, date], *, no_carry: bool, dry_run: bool, yes: bool
) -> int:
    from jetstream_argo.run.existence import note_losses
    from jetstream_argo.upkeep.restating import clean, commit, prepare

    note_losses(context)
    try:
        prepared = prepare(context, source, *dates, carry=not no_carry)
        _show(prepared)
        code = EXIT_DEFINITION if prepared.failed else EXIT_DONE
        if dry_run or not prepared.entries:
            say("nothing was changed")
            return code
        if not agreed(f"restate {source} from {dates[0]} to {dates[1]}?", yes=yes):
            return code
        commit(context, prepared)
    finally:
        clean(context, source)
    say("restated; `run` computes the windows that these dates are in, and their estimates, again")
    return code


def _show(restatement: "Restatement") -> None:
    where = f"{restatement.source} from {restatement.first} to {restatement.last}"
    if restatement.changed:
        say(f"{where}, units by branch:")
    elif restatement.entries and not restatement.direct:
        say(f"{where}: no unit has rows, nor had any")
    for branch, units in restatement.changed.items():
        say(
            f"  {branch}: {units.new} new, {units.changed} changed, {units.carried} carried over as they are gone, "
            f"{units.gone} without rows from now on"
        )
    if restatement.direct:
        names = ", ".join(restatement.direct)
        say(f"{names}: computed from all rows directly, of which none are kept; units that are gone will have none")
    for metric, error in restatement.failed:
        say(f"{metric} stays as it is: {error}", err=True, color="red")
