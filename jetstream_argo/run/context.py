"""The context of a node: the plan, the warehouse, what was done before, and where to write down what it does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.sparse import Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.partitions import requires_filter
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import UNIT_COLUMN, UNIT_LABEL
from jetstream_argo.store.currency import Currency
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State, read_entries
from jetstream_argo.store.estimates_table import SCHEMA_VERSION
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Job, Layout, Write


@dataclass(frozen=True, slots=True)
class Context:
    """One attempt at one node.

    `metrics` restricts the work to these metrics; empty means all. `attempt` names this attempt and no other: it
    tells the rows that it wrote from those of an attempt that was killed. `export_to` is a folder or a gs:// address,
    and `page` a file for the result page; nothing is exported where both are empty. With `graph_failed` some node
    before the last has failed, as Argo says. `notify` is the address of a webhook that is told of news, and
    `deadline_hours` how long after a day's end its telemetry may be waited for without being news. `known` keeps
    answers that do not change meanwhile. `sparsity` says where daily values have no row for units without rows; None
    leaves that to the engine: it depends on whether reading is billed.
    """

    plan: AnalysisPlan
    plan_sha256: str
    node: str
    engine: Engine
    attempt: str
    now: Callable[[], datetime]
    metrics: frozenset[str] = frozenset()
    export_to: str = ""
    page: str = ""
    graph_failed: bool = False
    notify: str = ""
    deadline_hours: float = 20.0
    ledger: Ledger = field(default_factory=Ledger)
    known: dict[str, tuple[date, ...]] = field(default_factory=dict)
    sparsity: Sparsity | None = None

    def wants(self, metric: str) -> bool:
        """Whether the work on `metric` is asked for."""
        return not self.metrics or metric in self.metrics

    def labels(self, **more: str) -> dict[str, str]:
        """Return the labels of a job of this node."""
        return {
            "experiment": self.plan.experiment.slug,
            "node": self.node,
            "plan": self.plan_sha256[:16],
            **more,
        }

    def layout(
        self, *, partition_by: str | None = None, cluster_by: tuple[str, ...] = (), description: str = ""
    ) -> Layout:
        """Return the layout of a table of the experiment, which its label names.

        A table with rows of units has another label, by which a service that deletes units finds it and their column.
        """
        labels = {"experiment": self.plan.experiment.slug}
        if UNIT_COLUMN in cluster_by:
            labels[UNIT_LABEL] = UNIT_COLUMN
        required = requires_filter(partition_by)
        return Layout(partition_by, cluster_by, description, labels, requires_filter=required)

    def batch(self, *parts: object) -> int:
        """Return the name of a batch of rows, different for every attempt and every `parts`.

        It is a number, since every row has it: eight bytes. A view of a year's daily values names some hundreds for
        each source, and BigQuery takes 256 K characters: https://cloud.google.com/bigquery/quotas#logical_views
        """
        return int(digest(self.attempt, self.node, *(str(part) for part in parts)), 16) >> 1

    def currency(self) -> Currency:
        """Return what everything would be made from now."""
        return Currency(self.plan, self.ledger)

    def deletions(self) -> tuple[date, ...]:
        """Return the dates on which units were deleted from telemetry."""
        asked = self.plan.experiment.deletions
        if not asked.query:
            return asked.dates
        if "deletions" not in self.known:
            rows = self.engine.query(Sql(asked.query), labels=self.labels()).rows
            self.known["deletions"] = tuple(row[0] for row in rows if isinstance(row[0], date))
        return (*asked.dates, *self.known["deletions"])

    def entry(self, kind: Kind, state: State, jobs: Sequence[Job] = ()) -> Entry:
        """Return an entry of this attempt with what `jobs` cost."""
        return Entry(
            recorded_at=self.now(),
            node=self.node,
            kind=kind,
            state=state,
            plan=self.plan_sha256,
            attempt=self.attempt,
            rows=sum(job.rows for job in jobs),
            bytes=sum(job.bytes for job in jobs),
            slot_ms=sum(job.slot_ms for job in jobs),
            seconds=round(sum(job.seconds for job in jobs), 3),
            jobs=tuple(job.id for job in jobs),
            partitions=sum(sum(job.scanned.values()) for job in jobs),
        )

    def record(self, entries: Iterable[Entry]) -> None:
        """Write entries to the status table, all or none; what they say is true from then on."""
        new = list(entries)
        if not new:
            return
        about = f"What was computed for {self.plan.experiment.slug}"
        self.engine.load(
            names.status(self.plan),
            [entry.row() for entry in new],
            COLUMNS,
            write=Write.APPEND,
            labels=self.labels(),
            # Many nodes write here at once. Of a table without partitions BigQuery lets 5 jobs write in 10 seconds and
            # 1,500 in a day, of one with partitions 50 and 30,000: https://cloud.google.com/bigquery/quotas
            layout=self.layout(partition_by="recorded_at", description=about),
        )
        self.ledger.add(new)


def updated(at: datetime) -> dict[str, str]:
    """Return the labels by which readers see how old a table or view is, and what its columns are.

    >>> updated(datetime.fromisoformat("2026-06-01T00:00:00+00:00"))
    {'last_updated': '1780272000', 'schema_version': '4'}
    """
    return {"last_updated": str(int(at.timestamp())), "schema_version": str(SCHEMA_VERSION)}


def because(entry: Entry, error: JetstreamArgoError) -> Entry:
    """Return `entry` as the record of a failure: nothing of it can be read."""
    return replace(
        entry, state=State.FAILED, batch=None, inputs=(), counts=(), error=type(error).__name__, message=str(error)
    )


def read_ledger(plan: AnalysisPlan, engine: Engine) -> Ledger:
    """Return what has been recorded for the experiment so far."""
    return Ledger(list(read_entries(engine, plan)))
