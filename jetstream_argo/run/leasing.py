"""Keeps commands that write one experiment's tables out of one another's way, by a lease in the warehouse.

Tasks share the lease; whatever takes rows away or replaces them holds it alone. What was recorded is only read once the
lease is held: before that, another holder may be changing it. Commands that read take none.
"""

from contextlib import AbstractContextManager

from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner
from jetstream_argo.warehouse.protocol import Leases


def writing(engine: Leases, owner: Owner, *, holder: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
    """Hold the lease of an experiment to add rows, beside others that do.

    Raises:
        Conflict: another command holds it alone, and did so for `wait_seconds`; the message names the holder.
    """
    return engine.lease(names.lease(owner), exclusive=False, holder=holder, wait_seconds=wait_seconds)


def alone(engine: Leases, owner: Owner, *, holder: str, wait_seconds: float = 0.0) -> AbstractContextManager[None]:
    """Hold the lease of an experiment with nobody else writing to its tables, to remove or replace rows.

    Raises:
        Conflict: others write, and did so for `wait_seconds`; the message names them.
    """
    return engine.lease(names.lease(owner), exclusive=True, holder=holder, wait_seconds=wait_seconds)
