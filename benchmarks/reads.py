"""How often the statements that read telemetry and merge it name each table, for all real configurations.

    python -m benchmarks.reads [--every N]

Reads the configurations in ../shared/metric-hub, has their nodes ask for everything but statistics, and counts, in the
syntax tree of each statement, how often each stored table is read: a relation of WITH that is named twice is computed
twice, in BigQuery and in DuckDB, and counts so. Prints what is read more often than `ALLOWED` says, and ends with 1.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import sqlglot
from sqlglot import exp

from benchmarks.emit import configurations
from benchmarks.statements import plan_of
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate.statements import Statement, rehearse
from jetstream_argo.warehouse.types import DryRun

EXPORT = "export"  # its views have columns that no name tells the type of
WITHOUT_DATE = "rows without a date"
# By what is written and what is read for it, how often, where that is more than once.
ALLOWED: Mapping[tuple[str, str], tuple[int, str]] = {
    ("partials", "assignments"): (2, "who is read; and which branches and dates of enrollment there are at all"),
    ("values", "assignments"): (2, "units join their days first, so that no day is compared with every window"),
    ("values", "exposures"): (2, "units join their days first, so that no day is compared with every window"),
}
_TYPES = {"analysis_id": "STRING", "branch": "STRING", "reason": "STRING"}
_PREFIXES = {"m_": "FLOAT64", "g_": "BOOL"}


class ByName:
    """An analyst who tells a column's type from its name: what reads a table does not depend on more."""

    def __init__(self, plan: AnalysisPlan) -> None:
        self._segments = {segment.name for segment in plan.enrollments.segments}

    def analyse(self, sql: Sql, tables: Mapping[str, tuple[Column, ...]]) -> DryRun:
        """Return the columns that the outermost SELECT names."""
        return DryRun(
            tuple(
                Column(name, "BOOL" if name in self._segments else _type(name)) for name in parsed(sql).named_selects
            ),
            0,
        )


@lru_cache(maxsize=256)
def parsed(sql: str) -> exp.Query:
    """Return the syntax tree of a statement."""
    tree = sqlglot.parse_one(sql, dialect="bigquery")
    assert isinstance(tree, exp.Query)
    return tree


def stored_reads(sql: str) -> Counter[str]:
    """Return how often each table is read, and how often for its rows without a date."""
    tree = parsed(sql)
    relations = {relation.alias.lower(): relation.this for relation in tree.find_all(exp.CTE)}

    def within(query: exp.Expr) -> Counter[str]:
        found: Counter[str] = Counter()
        for node in query.walk(prune=lambda part: isinstance(part, exp.With)):
            if isinstance(node, exp.Table) and not node.db and node.name.lower() in relations:
                found += within(relations[node.name.lower()])
            elif isinstance(node, exp.Table) and node.db:
                name = ".".join(part.name for part in node.parts)
                found[f"{name}, {WITHOUT_DATE}" if _without_date(node) else name] += 1
        return found

    return within(tree)


def repeated(plan: AnalysisPlan) -> Iterator[str]:
    """Yield which tables a statement of the plan reads more often than it may; what its own SQL reads twice, it may."""
    own = _own_sql(plan)
    rehearsed = rehearse(replace(plan, statistics=()), ByName(plan))
    yield from (f"{wrong.node}: {wrong.error}" for wrong in rehearsed.wrong if wrong.node != EXPORT)
    for statement in rehearsed.statements:
        for table, times in stored_reads(statement.sql).items():
            allowed = max(_allowed(statement, table), own[table])
            if times > allowed:
                yield f"{statement.node} reads {table} {times} times for {statement.destination or 'an answer'}"


def _own_sql(plan: AnalysisPlan) -> Counter[str]:
    """Return how often the SQL of the configuration reads each table."""
    texts = [plan.enrollments.sql, plan.enrollments.exposures_sql or "SELECT 1"]
    relations = [source.from_expression for source in plan.sources]
    relations += [source.from_expression for source in plan.enrollments.segment_sources]
    texts += [f"SELECT * FROM {relation}" for relation in relations]
    most: Counter[str] = Counter()
    for text in texts:
        most |= stored_reads(text)
    return most


def _allowed(statement: Statement, table: str) -> int:
    written, read = (name.rpartition(".")[2].partition("_")[0] for name in (statement.destination, table))
    times, _ = ALLOWED.get((written, read), (1, ""))
    return times


def _without_date(table: exp.Table) -> bool:
    select = table.find_ancestor(exp.Select)
    where = select.args.get("where") if select is not None else None
    absent = where.find_all(exp.Is) if where is not None else ()
    return any(node.this.name == "submission_date" and not isinstance(node.parent, exp.Not) for node in absent)


def _type(name: str) -> str:
    return _TYPES.get(name) or ("DATE" if name.endswith("_date") else _PREFIXES.get(name[:2], "INT64"))


def main() -> int:
    """Print what is read more often than it may be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    experiments = 0
    found: list[str] = []
    for config in configurations(step=options.every):
        experiments += 1
        found += [f"{config.slug}: {message}" for message in repeated(plan_of(config))]
    print("\n".join(found) or "no stored table is read twice without a reason", f"({experiments} experiments)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
