"""Compares what an experiment's record says with what there is: damaged tables, missing rows, and left-overs."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.errors import Damaged, PlanError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.existence import Loss, losses
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import fill, table
from jetstream_argo.store.entries import Entry, State, read_entries
from jetstream_argo.terminal.plural import counted
from jetstream_argo.upkeep.owned import own_tables, owned, storage
from jetstream_argo.warehouse.protocol import Engine

NODE = "check"


class Fault(StrEnum):
    """What may be wrong."""

    DAMAGED = "damaged"
    MISSING = "missing"
    LEFT_OVER = "left over"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a table, for people; `rows` counts those that are missing or left over."""

    fault: Fault
    table: str
    message: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Stray:
    """Rows of a table in batches that no entry counts; the table itself is needed if any other batch counts."""

    table: str
    batches: tuple[int, ...]
    rows: int
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that was found."""

    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether everything that is recorded can be read."""
        return all(finding.fault is Fault.LEFT_OVER for finding in self.findings)


def inspect(engine: Engine, owner: AnalysisPlan | Place) -> Inspection:
    """Compare each record of an experiment with what there is of it.

    Tables that are damaged are not looked into further. Left-overs may be rows of tasks at work, unless the caller
    holds the lease alone.

    Raises:
        PlanError: there is nothing of the experiment.
    """
    record = names.status(owner)
    broken = tuple(engine.verify(record))
    if broken:
        return Inspection(tuple(Finding(Fault.DAMAGED, record, str(error)) for error in broken))
    entries = read_entries(engine, owner)
    everything = tuple(info.name for info in owned(engine, owner, entries).tables)
    if not everything:
        place = place_of(owner)
        raise PlanError(f"{place.slug}: there is nothing in dataset {place.dataset!r}; check the slug and the dataset")
    damaged = damages(engine, everything)
    findings = [Finding(Fault.DAMAGED, name, str(error)) for name, error in damaged]
    skipped = {name for name, _ in damaged}
    findings += [
        Finding(Fault.MISSING, loss.entry.table, described(loss), lost_rows(loss))
        for loss in missing(engine, owner, entries, skipped)
    ]
    for stray in strays(engine, owner, entries, skipped):
        message = f"{len(stray.batches)} batches that no entry counts"
        findings.append(Finding(Fault.LEFT_OVER, stray.table, message, stray.rows))
    for name in storage(engine, owner, entries):
        files = engine.left_over(name)
        if files:
            findings.append(Finding(Fault.LEFT_OVER, name, f"{counted(files, 'file')} that a killed task left"))
    return Inspection(tuple(findings))


def damages(engine: Engine, tables: Sequence[str]) -> tuple[tuple[str, Damaged], ...]:
    """Return what is damaged, by table."""
    return tuple((name, error) for name in tables for error in engine.verify(name))


def missing(
    engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry], skipped: Collection[str] = ()
) -> tuple[Loss, ...]:
    """Return which rows that are counted are not there, in tables other than `skipped`."""
    asked = [entry for entry in entries if entry.table not in skipped]
    return tuple(losses(engine, asked, labels=labels(owner), closely=True))


def strays(
    engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry], skipped: Collection[str] = ()
) -> Iterator[Stray]:
    """Yield which tables hold rows that nothing counts."""
    asked = {name: layout for name, layout in own_tables(owner, entries).items() if name not in skipped}
    for name in engine.infos(list(asked)):
        about = [entry for entry in entries if entry.table == name and entry.batch is not None]
        gone = {entry.batch for entry in about if entry.state is State.LOST and not len(entry.extent)}
        complete = {entry.batch for entry in about if entry.state in (State.COMPUTED, State.NO_DATA)} - gone
        rows = dict(_batches(engine, owner, name, asked[name].partition_by))
        batches = tuple(batch for batch in rows if batch not in complete)
        if batches or not complete:
            yield Stray(name, batches, sum(rows[batch] for batch in batches), is_needed=bool(complete))


def labels(owner: AnalysisPlan | Place) -> dict[str, str]:
    """Return the labels of jobs that check or repair."""
    return {"experiment": place_of(owner).slug, "node": NODE}


def described(loss: Loss) -> str:
    """Return what is missing, for people."""
    entry = loss.entry
    about = ", ".join(part for part in (entry.kind.value, entry.source, entry.period, *entry.metrics[:3]) if part)
    if loss.first is None or loss.last is None:
        return f"{about}: a whole batch"
    if entry.first_date is None:
        return f"{about}: windows {loss.first} to {loss.last}"
    at = entry.extent.start
    first, last = (entry.first_date.fromordinal(entry.first_date.toordinal() + n - at) for n in (loss.first, loss.last))
    return f"{about}: {first} to {last}"


def lost_rows(loss: Loss) -> int:
    """Return how many rows were counted of what is missing."""
    if loss.first is None or loss.last is None:
        return loss.entry.rows
    first, last = loss.first, loss.last
    return sum(
        count for at, count in zip(loss.entry.extent, loss.entry.counts, strict=False) if first <= at <= last
    )  # fmt: skip


def _batches(
    engine: Engine, owner: AnalysisPlan | Place, name: str, partitioned_by: str | None
) -> Iterator[tuple[int, int]]:
    sql = fill("batch_rows", stored=table(name), everywhere=everywhere("t", partitioned_by))
    for batch, count in engine.query(sql, labels=labels(owner)).rows:
        yield int(str(batch)), int(str(count))
