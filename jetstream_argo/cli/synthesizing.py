"""Made-up telemetry for any configuration: what its tables might hold, to try it before there is any."""

from pathlib import Path
from typing import Any

import click

from jetstream_argo.cli.options import warehouse_option
from jetstream_argo.cli.planning import planned, planning_options
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.address import warehouse_argument


@click.command(epilog="Example: jetstream-argo synthesize checkout.toml --as-of 2026-06-15 --units 5000")
@planning_options
@click.option("--units", type=click.IntRange(10), default=2000, show_default=True, help="How many units enroll.")
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds make equal rows.")
@click.option("--effects", type=click.Path(path_type=Path, dir_okay=False), help="Uplifts by table, column and branch.")
@warehouse_option
@click.option("--replace", is_flag=True, help="Replace tables, too, that were not made up.")
def synthesize(units: int, seed: int, effects: Path | None, warehouse: str, replace: bool, **planning: Any) -> None:
    """Make up the tables that EXPERIMENT reads, in the embedded warehouse.

    Rows are such that units enroll, expressions find what they look for, and branches do not differ, unless --effects
    says so. Tables that hold anything else are not replaced.
    """
    from jetstream_argo.loading.load import embedded
    from jetstream_argo.synthetic.effects import read_effects
    from jetstream_argo.synthetic.generate import LABELS, Generated, generate
    from jetstream_argo.synthetic.tables import design_tables

    plan = planned(**planning)
    engine = embedded(warehouse)
    uplifts = () if effects is None else read_effects(effects)
    for table in design_tables(plan, uplifts):
        info = engine.info(table.name)
        if info is not None and not replace and not LABELS.items() <= info.labels.items():
            what = "holds rows that were not made up; use another --warehouse, or replace it: --replace"
            raise ConfigError(table.name, [Problem("", what)])

    def tell(made: Generated) -> None:
        dates = f" on {counted(made.dates, 'date')}" if made.dates else ""
        say(f"{made.table}: {counted(made.rows, 'row')}{dates}")

    generate(plan, engine, units=units, seed=seed, effects=uplifts, report=tell)
    named = planning["experiment"] or f"--plan {planning['plan_file']}"
    say(f"next: jetstream-argo run {named} --as-of {plan.as_of}{warehouse_argument(warehouse)}")
