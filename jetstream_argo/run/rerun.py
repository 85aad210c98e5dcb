"""Tells whether a run would do anything: every node is asked to, of a warehouse that lets nobody write."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn, cast

from jetstream_argo.dag.model import Dag
from jetstream_argo.errors import Damaged, JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.existence import note_losses
from jetstream_argo.run.nodes import do_node
from jetstream_argo.run.unwritten import WRITING
from jetstream_argo.sql import names
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableInfo


@dataclass(frozen=True, slots=True)
class Idle:
    """That there is nothing to do, and what it took to know: queries, and questions for the versions of dates."""

    queries: int
    versions: int

    def __str__(self) -> str:
        queries = counted(self.queries, "query")
        return f"{queries} for the record, and {self.versions or 'none'} for versions of telemetry"


def idle(
    plan: AnalysisPlan,
    dag: Dag,
    engine: Engine,
    *,
    now: Callable[[], datetime],
    metrics: Collection[str] = (),
) -> Idle | None:
    """Return that no node of `dag` has anything to do for `metrics`, or None if one has, or cannot say.

    What is missing, late or changed is something to do: it is found by what finds it in a run.

    Raises:
        Damaged: a table of the experiment is; nothing may be said to be up to date that cannot be read.
    """
    counting = _Reading(engine)
    reading = cast(Engine, counting)
    _verify(engine, [names.status(plan)])
    try:
        ledger = read_ledger(plan, reading)
        _verify(engine, dict.fromkeys(entry.table for entry in ledger.entries if entry.table))
        context = Context(
            plan, codec.sha256(plan), dag.last.id, reading, "none", now, metrics=frozenset(metrics), ledger=ledger
        )
        note_losses(context)
        for node in (*dag.nodes, dag.last):
            result = do_node(node, replace(context, node=node.id))
            # What is published is as it should be if nothing had to be written.
            if not result.idle and node is not dag.last:
                return None
    except Damaged:
        raise
    except JetstreamArgoError:
        return None  # a run does that again, and tells
    return Idle(counting.asked["query"], counting.asked["versions"])


def _verify(engine: Engine, tables: Iterable[str]) -> None:
    for name in tables:
        for damaged in engine.verify(name):
            raise damaged


class _WritesError(JetstreamArgoError):
    """Some node would write."""


class _Reading:
    """An engine that counts what it is asked, and refuses to write; each table is looked at once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._infos: dict[str, TableInfo | None] = {}
        self.asked = {"query": 0, "versions": 0}

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        new = [name for name in tables if name not in self._infos]
        if new:
            found = self._engine.infos(new)
            self._infos |= {name: found.get(name) for name in new}
        return {name: info for name in tables if (info := self._infos[name]) is not None}

    def __getattr__(self, name: str) -> Any:  # whatever an engine has
        if name in WRITING:
            return _refuse
        kind = "query" if name == "rows_by_partition" else name
        if kind in self.asked:
            self.asked[kind] += 1
        return getattr(self._engine, name)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise _WritesError("there is something to do")
