"""Looks up what a configuration is drafted from: columns, dates, branches and their units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, NotFound, Problem
from jetstream_argo.loading.dates import Dates, dates_of
from jetstream_argo.sql.text import Sql, column, literal, table
from jetstream_argo.warehouse.protocol import Engine

_MOST_BRANCHES = 20


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table, its columns, and from when to when its dates are."""

    name: str
    columns: tuple[Column, ...]
    dates: Mapping[str, Dates]

    def names(self, *types: str) -> tuple[str, ...]:
        """Return the columns of these types, or all."""
        return tuple(column.name for column in self.columns if not types or column.type in types)


@dataclass(frozen=True, slots=True)
class BranchAssignments:
    """How many units a branch has, and on which dates they came to it."""

    name: str
    units: int


@dataclass(frozen=True, slots=True)
class Assignments:
    """The branches of an experiment as a table has them, the largest first, and the dates of its rows."""

    branches: tuple[BranchAssignments, ...]
    first: date | None
    last: date | None


def table_facts(engine: Engine, name: str) -> TableFacts:
    """Return what is known of a table.

    Raises:
        NotFound: there is none of that name.
    """
    info = engine.info(name)
    if info is None:
        engine.dry_run(Sql(f"SELECT 1 FROM {table(name)}"))  # which says where it looked, and what is there
        raise NotFound(name)
    return TableFacts(info.name, info.columns, dates_of(engine, name, info.columns))


def experiments_in(engine: Engine, facts: TableFacts, key: str) -> tuple[str, ...]:
    """Return the experiments that a column of assignments names, that with most rows first."""
    query = Sql(
        f"SELECT {column('t', key)} AS experiment, COUNT(*) AS n\nFROM {table(facts.name)} AS t\n"
        f"WHERE {column('t', key)} IS NOT NULL\nGROUP BY 1\nORDER BY n DESC, experiment\nLIMIT {_MOST_BRANCHES}"
    )
    return tuple(str(row[0]) for row in engine.query(query, labels={}).rows)


def assignments(
    engine: Engine, facts: TableFacts, *, unit: str, branch: str, day: str | None, experiment: tuple[str, str] | None
) -> Assignments:
    """Return who is in which branch; `experiment` is the column that names it, and its name.

    Raises:
        ConfigError: there are no rows, or more values than an experiment has branches.
    """
    where = "" if experiment is None else f"WHERE {column('t', experiment[0])} = {literal(experiment[1])}\n"
    dates = "NULL AS first, NULL AS last"
    if day is not None:
        dates = f"MIN(DATE({column('t', day)})) AS first, MAX(DATE({column('t', day)})) AS last"
    query = Sql(
        f"SELECT CAST({column('t', branch)} AS STRING) AS branch, COUNT(DISTINCT {column('t', unit)}) AS units,\n"
        f"  {dates}\n"
        f"FROM {table(facts.name)} AS t\n{where}GROUP BY 1\nORDER BY units DESC, branch"
    )
    rows = [row for row in engine.query(query, labels={}).rows if row[0] is not None]
    if not rows:
        about = f" of experiment {experiment[1]!r}" if experiment else ""
        raise ConfigError(facts.name, [Problem(branch, f"has no rows{about} with a branch")])
    if len(rows) > _MOST_BRANCHES:
        what = f"has {len(rows):,} different values: it does not look like the column of branches; name it: --branch"
        raise ConfigError(facts.name, [Problem(branch, what)])
    branches = tuple(BranchAssignments(str(row[0]), int(str(row[1]))) for row in rows)
    firsts = [row[2] for row in rows if isinstance(row[2], date)]
    lasts = [row[3] for row in rows if isinstance(row[3], date)]
    return Assignments(branches, min(firsts, default=None), max(lasts, default=None))
