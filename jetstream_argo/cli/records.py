"""Comparing an experiment's record with what there is, and making them agree again."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.holding import holder, wait_option
from jetstream_argo.cli.options import dataset_option, json_option, plan_option, warehouse_option
from jetstream_argo.cli.upkeep import owner_of, purged_line
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.run.leasing import alone
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.upkeep.inspecting import Inspection


@click.command(epilog="Example: jetstream-argo check new-checkout --repair")
@click.argument("experiment", required=False)
@plan_option
@dataset_option
@warehouse_option
@click.option("--repair", is_flag=True, help="Forget what is lost, and remove what nobody needs.")
@json_option
@wait_option
def check(
    experiment: str | None, warehouse: str, repair: bool, as_json: bool, wait_seconds: float, **planning: Any
) -> int:
    """Compare every record of EXPERIMENT, a slug, with what there is: what is missing, damaged or left over.

    Ends with 2 when something is damaged or missing. With --repair the record forgets what is lost, and rows that
    nothing counts are removed; the next run computes anew what is missing, from what is left.
    """
    from jetstream_argo.upkeep.inspecting import inspect

    engine = connect(warehouse, attempt=new_attempt())
    owner = owner_of(experiment, warehouse, planning)
    if not repair:
        return _shown(inspect(engine, owner), as_json=as_json)
    from jetstream_argo.upkeep import repairing

    with alone(engine, owner, holder=holder("check --repair"), wait_seconds=wait_seconds):
        found = inspect(engine, owner)
        _shown(found, as_json=False, err=as_json)
        purged = repairing.repair(engine, owner, now=lambda: datetime.now(UTC), attempt=new_attempt())
        left = inspect(engine, owner)
    if not as_json:
        say(f"repaired; {purged_line(purged)}")
        if not found.is_sound:
            say("the next run computes what is missing")
    return _shown(left, as_json=as_json)


def _shown(found: "Inspection", *, as_json: bool, err: bool = False) -> int:
    if as_json:
        findings = [asdict(finding) for finding in found.findings]
        say(json.dumps({"sound": found.is_sound, "findings": findings}, indent=2))
    elif not found.findings:
        say("everything that is recorded is there, and nothing else", err=err)
    else:
        _table(found, err=err)
    return EXIT_DONE if found.is_sound else EXIT_DEFINITION


def _table(found: "Inspection", *, err: bool) -> None:
    from rich.table import Table

    from jetstream_argo.terminal.console import EscapingConsole

    table = Table("", "table", "what", "rows")
    for finding in found.findings:
        rows = "" if finding.rows is None else f"{finding.rows:,}"
        table.add_row(finding.fault.value, finding.table, finding.message, rows)
    EscapingConsole(stderr=err).print(table)
