"""Takes units out of what was read for several experiments, for commands that remove them from an experiment."""

from typing import TYPE_CHECKING

from jetstream_argo.cli.holding import TASK_WAITS_SECONDS, holder
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.sql.names import Place
    from jetstream_argo.upkeep.gone import Gone
    from jetstream_argo.warehouse.protocol import Engine


def unshare_units(engine: "Engine", dataset: str, gone: "Gone") -> None:
    """Delete the tables of several experiments that hold rows of the units, after scans that are being made.

    Raises:
        Conflict: a scan goes on for longer than is waited.
    """
    from jetstream_argo.upkeep.shared_tables import remove_of_units

    _tell(remove_of_units(engine, dataset, gone, holder=holder("shred"), wait_seconds=TASK_WAITS_SECONDS))


def unshare_experiment(engine: "Engine", place: "Place") -> None:
    """Delete the tables of several experiments that hold rows of this one's units, after scans that are being made.

    Raises:
        Conflict: a scan goes on for longer than is waited.
    """
    from jetstream_argo.upkeep.shared_tables import remove_of_experiment

    _tell(remove_of_experiment(engine, place, holder=holder("delete"), wait_seconds=TASK_WAITS_SECONDS))


def _tell(tables: tuple[str, ...]) -> None:
    for name in tables:
        say(f"deleted {name}, which was read for several experiments")
