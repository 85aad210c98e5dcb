"""Removing units from results: those of one experiment, or those of all that there are."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from jetstream_argo.cli.holding import wait_option
from jetstream_argo.cli.options import chosen, dataset_option, plan_option, warehouse_option, yes_option
from jetstream_argo.cli.shredding_all import adopt_all, all_places, show_registry, shred_all
from jetstream_argo.cli.shredding_one import Shredding, shred_one
from jetstream_argo.cli.upkeep import owner_of
from jetstream_argo.sql.names import place_of
from jetstream_argo.storage.files import is_file, read_text
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.plan.model import AnalysisPlan
    from jetstream_argo.sql.names import Place
    from jetstream_argo.upkeep.gone import Gone
    from jetstream_argo.warehouse.protocol import Engine

_OF_FILES = (".txt", ".csv", ".tsv", ".json")  # that hold ids


@click.command(epilog="Example: jetstream-argo shred new-checkout --ids gone.txt")
@click.argument("experiment", required=False)
@plan_option
@click.option("--all", "everything", is_flag=True, help="Of all experiments in all datasets, or in those of --dataset.")
@dataset_option
@warehouse_option
@click.option("--ids", default="", metavar="FILE|ID,…", help="Whom to remove: a file of one a line, or a list.")
@click.option("--query", default="", metavar="SQL|FILE", help="Whom to remove: what a query gives as analysis_id.")
@click.option(
    "--anew/--no-anew", default=None,
    help="Make estimates that count them anew, from what is left of stored values. Default: with --all.",
)  # fmt: skip
@click.option(
    "--export-to", envvar="JETSTREAM_EXPORT", default="", help="With --anew: folder for JSON files and the page."
)
@click.option("--registry", is_flag=True, help="Only list, as JSON, the tables that hold units and their columns.")
@click.option("--adopt", is_flag=True, help="Remove nobody: take what is left, where others removed units, for all.")
@click.option("--dry-run", is_flag=True, help="Only say how many rows of which tables there are.")
@yes_option
@wait_option
def shred(  # what decides which way is taken
    experiment: str | None,
    warehouse: str,
    *,
    everything: bool,
    registry: bool,
    adopt: bool,
    anew: bool | None,
    wait_seconds: float,
    **asked: Any,
) -> int:
    """Remove units from every table of EXPERIMENT, a slug, and say which results are older than that.

    While tasks of the experiment write, it is refused, or waits. The warehouse may keep what was removed for some
    days, as BigQuery's time travel does. Keyed hashes of the ids stay, so that units which telemetry still holds do not
    come back. With --all, an experiment that fails costs itself; ask again, and what is lacking is done.
    """
    if everything and (experiment is not None or asked["plan_file"] is not None):
        raise click.UsageError("--all is of all experiments: leave out the slug and --plan")
    attempt = new_attempt()
    engine = connect(warehouse, attempt=attempt)
    if registry or adopt:
        owner = None if everything else place_of(owner_of(experiment, warehouse, asked))
        places = [owner] if owner else all_places(engine, _datasets(asked["dataset"]))
        if registry:
            return show_registry(engine, places, shared=everything)
        shredding = Shredding(
            engine, attempt, yes=True, dry_run=asked["dry_run"], anew=anew is not False, export_to=asked["export_to"],
            wait_seconds=wait_seconds,
        )  # fmt: skip
        return adopt_all(shredding, places)
    whom = _Whom(_ids(asked["ids"]), _query(asked["query"]))
    shredding = Shredding(
        engine, attempt, yes=asked["yes"], dry_run=asked["dry_run"], anew=everything if anew is None else anew,
        export_to=asked["export_to"], wait_seconds=wait_seconds, of_all=everything,
    )  # fmt: skip
    if everything:
        return shred_all(shredding, all_places(engine, _datasets(asked["dataset"])), whom.held)
    return shred_one(shredding, owner_of(experiment, warehouse, asked), whom.held)


def _datasets(dataset: str | None) -> tuple[str, ...]:
    """Return the datasets that are named in the command; none where all are meant, whatever the environment says."""
    source = click.get_current_context().get_parameter_source("dataset")
    return chosen(dataset or "") if source is ParameterSource.COMMANDLINE else ()


class _Whom:
    """Who is to be removed: the ids that were given, or what a query gives."""

    def __init__(self, ids: Sequence[str], query: str) -> None:
        if bool(ids) == bool(query):
            raise click.UsageError("say whom to remove: --ids or --query")
        self._ids = ids
        self._query = query

    def held(self, engine: "Engine", owner: "AnalysisPlan | Place", attempt: str) -> "AbstractContextManager[Gone]":
        """Hold them in a table."""
        from jetstream_argo.upkeep.gone import asked, loaded

        if self._query:
            return asked(engine, owner, self._query, attempt=attempt)
        return loaded(engine, owner, self._ids, attempt=attempt)


def _ids(given: str) -> tuple[str, ...]:
    """Return the ids in a file, one a line, or in a list.

    Raises:
        UsageError: there is none, or it is the name of a file that is not there: no unit is called so.
    """
    if not given:
        return ()
    file = Path(given)
    if not is_file(file) and file.suffix.lower() in _OF_FILES:
        raise click.UsageError(f"--ids {given}: there is no such file")
    lines = read_text(file).splitlines() if is_file(file) else given.split(",")
    ids = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not ids:
        raise click.UsageError(f"--ids {given}: names no unit")
    return ids


def _query(given: str) -> str:
    """Return a query, or what a file has of one."""
    file = Path(given)
    text = read_text(file) if given and is_file(file) else given
    if given and not text.strip():
        raise click.UsageError(f"--query {given}: is empty")
    if given and len(text.split()) == 1:
        raise click.UsageError(f"--query {given}: is neither a query nor a file that is there")
    return text.strip()
