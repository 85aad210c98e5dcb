"""A warehouse that is read as usual, and into which nothing is written."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Job, Layout, Write

# The methods of an engine that write, or keep others from writing.
WRITING = frozenset(
    {"query_to_table", "load", "create_view", "set_labels", "delete", "lease", "purge", "salvage", "take_over"}
)


def unwritten(engine: Engine) -> Engine:
    """Return `engine` as what looks may have: entries that they record go nowhere."""
    return cast(Engine, _Unwritten(engine))


class _Unwritten:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
    ) -> Job:
        """Write nothing."""
        return Job("", len(rows), 0, 0, 0.0)

    def __getattr__(self, name: str) -> Any:  # whatever an engine has
        if name in WRITING:
            raise AttributeError(f"{name}: nothing is written into a warehouse that is only looked at")
        return getattr(self._engine, name)
