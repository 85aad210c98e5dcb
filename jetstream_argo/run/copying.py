"""Takes partials from what was read for several experiments at once; whatever is not there is read as ever."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.plan.sharing import Sharer, shared_columns, shared_key
from jetstream_argo.plan.sources import Source
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.run.reading import Reading, readings_of
from jetstream_argo.run.telemetry import Telemetry
from jetstream_argo.sql.shared import copied_query
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.dates import is_known
from jetstream_argo.store.entries import Entry
from jetstream_argo.store.shared import SharedBatch, shared_batches

logger = logging.getLogger(__name__)

COPIED = "shared_scan"  # among the facts of an entry: the shared batch that it was copied from


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """What is taken at once: `columns` (by their own names) of some dates, both included, from a shared batch."""

    taken_from: SharedBatch
    columns: tuple[str, ...]
    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class SharedRows:
    """What was read of a source for an experiment together with others, as far as it is what would be read now."""

    context: Context
    source: Source
    batches: tuple[SharedBatch, ...]

    @classmethod
    def of(cls, context: Context, source: Source) -> "SharedRows":
        """Return what is recorded; nothing where the record cannot be read, since all can be read without it."""
        try:
            found = shared_batches(
                context.engine,
                context.plan.dataset,
                now=context.now(),
                labels=context.labels(source=source.name),
                source=shared_key(source, context.plan.experiment.slug),
                experiment=context.plan.experiment.slug,
            )
        except EngineError as error:
            logger.warning("not shared", extra={"source": source.name, "reason": str(error)})
            found = ()
        return cls.among(context, source, found)

    @classmethod
    def among(cls, context: Context, source: Source, batches: Iterable[SharedBatch]) -> "SharedRows":
        """Return which of the batches hold rows of the source for the experiment.

        What was read for other units does not tell what the aggregates give for those who came since.
        """
        slug = context.plan.experiment.slug
        wanted = (shared_key(source, slug), slug, context.currency().units.batches)
        return cls(
            context,
            source,
            tuple(found for found in batches if (found.source, found.experiment, found.units) == wanted),
        )

    def copies(self, telemetry: Telemetry, reading: Reading) -> tuple[SharedCopy, ...]:
        """Return what can be taken of a reading: only what was read from tables as they are now."""
        if not self.batches:
            return ()
        own = {column: of_all.column for column, of_all in shared_columns(self.source).items()}
        there: dict[tuple[date, str], SharedBatch] = {}
        for batch in self.batches:
            if not set(reading.assignments) <= set(batch.assignments):
                continue
            for day, versions in batch.versions():
                if is_known(versions) and versions == telemetry.version(day):
                    there |= {(day, column): batch for column in batch.columns}
        together: dict[tuple[SharedBatch, tuple[str, ...]], list[int]] = {}
        for day in dates_between(reading.first_date, reading.last_date):
            by_batch: dict[SharedBatch, list[str]] = {}
            for column in reading.columns:
                found = there.get((day, own[column]))
                if found is not None:
                    by_batch.setdefault(found, []).append(column)
            for found, columns in by_batch.items():
                together.setdefault((found, tuple(columns)), []).append(day.toordinal())
        return tuple(
            SharedCopy(batch, columns, date.fromordinal(run[0]), date.fromordinal(run[-1]))
            for (batch, columns), ordinals in together.items()
            for run in consecutive(ordinals)
        )

    def query(self, copy: SharedCopy, assignments: tuple[int, ...], batch: int) -> Sql:
        """Return the query for the rows of a copy."""
        own = shared_columns(self.source)
        slug = self.context.plan.experiment.slug
        return copied_query(
            copy.taken_from.table,
            {column: own[column].column for column in copy.columns},
            Sharer(slug, copy.taken_from.units, assignments, self.source.branch_expression, copy.columns),
            first_date=copy.first_date,
            last_date=copy.last_date,
            shared_batch=copy.taken_from.batch,
            batch=batch,
        )


def copied_facts(entry: Entry, copy: SharedCopy) -> Entry:
    """Return `entry` saying that its rows were copied."""
    known = json.loads(entry.facts) if entry.facts else {}
    return replace(entry, facts=canonical({**known, COPIED: copy.taken_from.batch}))


def left_over(reading: Reading, copied: Sequence[SharedCopy]) -> Iterator[Reading]:
    """Yield what is left to read of a reading."""
    taken: dict[date, set[str]] = {}
    for copy in copied:
        for day in dates_between(copy.first_date, copy.last_date):
            taken.setdefault(day, set()).update(copy.columns)
    missing: dict[date, Mapping[str, tuple[int, ...]]] = {}
    for day in dates_between(reading.first_date, reading.last_date):
        columns = [column for column in reading.columns if column not in taken.get(day, ())]
        if columns:
            missing[day] = dict.fromkeys(columns, reading.assignments)
    yield from readings_of(missing)
