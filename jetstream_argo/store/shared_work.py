"""Hands scans for several experiments over to the processes that make them, through the warehouse."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import NotFound
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.sql import names
from jetstream_argo.sql.text import fill, literal, table
from jetstream_argo.store.shared import KEPT_DAYS, MARK
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_COLUMNS = (Column("left_at", "TIMESTAMP"), Column("scan", "STRING"), Column("work", "STRING"))


def leave_scans(
    engine: Engine, scans: Sequence[SharedScan], *, now: datetime, attempt: str, labels: Mapping[str, str]
) -> tuple[str, ...]:
    """Write scans down for others to make; return the names by which `left_scan` finds them."""
    by_dataset: dict[str, list[SharedScan]] = {}
    for scan in scans:
        by_dataset.setdefault(scan.dataset, []).append(scan)
    left: list[str] = []
    for dataset, of_dataset in by_dataset.items():
        name = names.shared_work(dataset, attempt)
        rows: list[Mapping[str, Value]] = [
            {"left_at": now, "scan": scan.key, "work": _adapter().dump_json(scan).decode()} for scan in of_dataset
        ]
        layout = Layout(description="Scans for several experiments", labels=MARK, kept_days=KEPT_DAYS)
        engine.load(name, rows, _COLUMNS, write=Write.APPEND, labels=labels, layout=layout)
        left += [f"{name}/{scan.key}" for scan in of_dataset]
    return tuple(left)


def left_scan(engine: Engine, name: str, labels: Mapping[str, str]) -> SharedScan:
    """Return the scan that was left under a name.

    Raises:
        NotFound: there is none.
    """
    stored, _, key = name.partition("/")
    sql = fill("shared_work", work=table(stored), scan=literal(key))
    rows = engine.query(sql, labels=labels).rows
    if not rows:
        raise NotFound(f"{name}: there is no such scan; `shared-scan --leave-to FILE` lists those that there are")
    return _adapter().validate_json(str(rows[0][0]))


@cache
def _adapter() -> "TypeAdapter[SharedScan]":
    from pydantic import TypeAdapter

    return TypeAdapter(SharedScan)
