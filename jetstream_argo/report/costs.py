"""Sums up what was read and what it cost, per data source and per node."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jetstream_argo.dag.model import Dag
from jetstream_argo.store.entries import Entry, Kind, State


@dataclass(frozen=True, slots=True)
class Cost:
    """What jobs took together. `partitions` counts storage partitions read, where the engine can say."""

    rows: int
    bytes: int
    partitions: int
    slot_ms: int
    seconds: float
    jobs: int


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """What was done with one source in one period; the period is empty for what reads telemetry itself.

    `dates` counts the dates of telemetry that were read, from `first_date` to `last_date`; a date counts once however
    often it was read. `failed` counts failures, made good or not.
    """

    kind: Kind
    source: str
    period: str
    dates: int
    first_date: date | None
    last_date: date | None
    failed: int
    cost: Cost


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What one node did in all of its attempts; `last` is None for a node of which nothing is recorded."""

    node: str
    last: datetime | None
    attempts: int
    failed: int
    cost: Cost


def cost_of(entries: Sequence[Entry]) -> Cost:
    """Return what `entries` cost together, those of failures included; jobs that several entries share count once."""
    by_jobs = {entry.jobs or (entry,): entry for entry in entries}.values()
    return Cost(
        rows=sum(entry.rows for entry in entries),
        bytes=sum(entry.bytes for entry in by_jobs),
        partitions=sum(entry.partitions for entry in by_jobs),
        slot_ms=sum(entry.slot_ms for entry in by_jobs),
        seconds=round(sum(entry.seconds for entry in by_jobs), 3),
        jobs=len({job for entry in entries for job in entry.jobs}),
    )


def source_statuses(entries: Sequence[Entry]) -> tuple[SourceStatus, ...]:
    """Return a row per kind, source and period, in the order in which they were first recorded."""
    groups: dict[tuple[Kind, str, str], list[Entry]] = {}
    for entry in entries:
        if entry.kind not in (Kind.STATISTICS, Kind.EXPORT, Kind.DELETION, Kind.RETIREMENT):
            groups.setdefault((entry.kind, entry.source, entry.period), []).append(entry)
    rows = []
    for (kind, source, period), of_group in groups.items():
        dates = _dates([entry for entry in of_group if entry.state is not State.FAILED])
        failed = sum(entry.state is State.FAILED for entry in of_group)
        first, last = (min(dates), max(dates)) if dates else (None, None)
        rows.append(SourceStatus(kind, source, period, len(dates), first, last, failed, cost_of(of_group)))
    return tuple(rows)


def node_statuses(entries: Sequence[Entry], dag: Dag | None) -> tuple[NodeStatus, ...]:
    """Return a row per node of `dag`, in its order, then one per other node that ever recorded something."""
    of_node: dict[str, list[Entry]] = {}
    if dag is not None:
        of_node = {node.id: [] for node in (*dag.nodes, dag.last)}
    for entry in entries:
        of_node.setdefault(entry.node, []).append(entry)
    return tuple(
        NodeStatus(
            node=node,
            last=max((entry.recorded_at for entry in node_entries), default=None),
            attempts=len({entry.attempt for entry in node_entries}),
            failed=sum(entry.state is State.FAILED for entry in node_entries),
            cost=cost_of(node_entries),
        )
        for node, node_entries in of_node.items()
    )


def _dates(entries: Sequence[Entry]) -> frozenset[date]:
    return frozenset(
        entry.first_date + timedelta(days=number)
        for entry in entries
        if entry.first_date and entry.last_date
        for number in range((entry.last_date - entry.first_date).days + 1)
    )
