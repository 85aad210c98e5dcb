"""Describes a scan that reads a source once for several experiments, into columns that any of them may take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.sources import Partial, Source

# Stands in a shared expression for what tells the branch that a row of the source itself names.
ROWS_BRANCH = "{{branch of the row}}"
_SLUG = "{{slug}}"


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """A partial that several experiments may need.

    `column` is a hash of the source's rows and of `form`, the partial's expression with `ROWS_BRANCH` in the place of
    the experiment's own branch expression. It is the experiment's own column where the source names no branch.
    """

    column: str
    form: str


@dataclass(frozen=True, slots=True)
class Sharer:
    """An experiment for whose units a source is read: those of `assignments`, into `columns`.

    `batches` are all that tell of its units. `branch_expression` is that of its source.
    """

    slug: str
    batches: tuple[int, ...]
    assignments: tuple[int, ...]
    branch_expression: str | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedReading:
    """Dates, both included, that are read once for all of `sharers`."""

    first_date: date
    last_date: date
    sharers: tuple[Sharer, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What any of the sharers takes."""
        return tuple(sorted({column for sharer in self.sharers for column in sharer.columns}))

    @property
    def days(self) -> int:
        """How many dates that are."""
        return (self.last_date - self.first_date).days + 1


@dataclass(frozen=True, slots=True)
class SharedScan:
    """All that is read of a source for several experiments whose results are in one dataset.

    `source` is what one of them calls it, `key` a hash of which rows it has.
    """

    dataset: str
    source: str
    key: str
    from_expression: str
    id_column: str
    date_column: str
    columns: tuple[SharedColumn, ...]
    readings: tuple[SharedReading, ...]


def shared_key(source: Source, slug: str) -> str:
    """Return a hash of which rows a source has and which of them count, as it is written, whatever the experiment."""
    branch = None if source.branch_expression is None else source.branch_expression.replace(slug, _SLUG)
    return "s_" + digest(source.from_expression, source.id_column, source.date_column, branch)


def shared_columns(source: Source) -> Mapping[str, SharedColumn]:
    """Return, by an experiment's own column, what it is for all experiments."""
    branch = None if source.branch_expression is None else _as_in_partials(source.branch_expression)
    return {partial.column: _shared(source, partial, branch) for partial in source.partials}


def _shared(source: Source, partial: Partial, branch: str | None) -> SharedColumn:
    form = partial.expression if branch is None else partial.expression.replace(branch, ROWS_BRANCH)
    rows = [source.from_expression, source.id_column, source.date_column, None]
    return SharedColumn("p_" + digest(rows, form), form)


def _as_in_partials(branch_expression: str) -> str:
    """Return the expression as the partials spell it, which are made from syntax trees."""
    from jetstream_argo.dialect.expressions import parsed  # loads sqlglot, which few pods need
    from jetstream_argo.dialect.rendering import bigquery_text

    return bigquery_text(parsed(branch_expression))


def merged_sharers(sharers: Sequence[Sharer]) -> tuple[Sharer, ...]:
    """Return the sharers with each experiment once: it may have several sources of the same rows."""
    found: dict[str, Sharer] = {}
    for sharer in sharers:
        known = found.get(sharer.slug, sharer)
        columns = tuple(sorted({*known.columns, *sharer.columns}))
        assignments = tuple(sorted({*known.assignments, *sharer.assignments}))
        found[sharer.slug] = replace(sharer, columns=columns, assignments=assignments)
    return tuple(found.values())


def merged_readings(by_day: Mapping[date, Sequence[Sharer]]) -> tuple[SharedReading, ...]:
    """Return the fewest readings: dates that follow one another and are read for the same sharers."""
    readings: list[SharedReading] = []
    for day, sharers in sorted(by_day.items()):
        last = readings[-1] if readings else None
        if last is not None and (day - last.last_date).days == 1 and last.sharers == tuple(sharers):
            readings[-1] = SharedReading(last.first_date, day, last.sharers)
        else:
            readings.append(SharedReading(day, day, tuple(sharers)))
    return tuple(readings)
