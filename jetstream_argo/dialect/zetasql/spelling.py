"""Writes the tables in a query's text as ZetaSQL's evaluator knows them."""

from collections.abc import Collection, Mapping

from sqlglot import exp

from jetstream_argo.dialect.literals import without_raw_bytes
from jetstream_argo.dialect.syntax import parse_query, table_name
from jetstream_argo.dialect.types import Column


def quote_tables(sql: str, tables: Mapping[str, Collection[Column]]) -> str:
    """Return the query with these tables' names in one pair of backticks each, and nothing else changed.

    A table's name that is also a column's of it can only mean the column.

    >>> quote_tables("SELECT t.n FROM a-b.d.t", {"a-b.d.t": [Column("n", "INT64")]})
    'SELECT t.n FROM `a-b.d.t` AS `t`'
    >>> quote_tables("SELECT n FROM d.t, UNNEST(t) AS n", {"d.t": [Column("t", "ARRAY<INT64>")]})
    'SELECT n FROM `d.t`, UNNEST(t) AS n'
    """
    sql = without_raw_bytes(sql)  # as the parser reads it, which tells places
    edits = []
    for table in parse_query(sql).find_all(exp.Table):
        name = table_name(table)
        if name in tables and "." in name:
            start, end = table.parts[0].meta["start"], table.parts[-1].meta["end"] + 1
            while sql[start - 1].isalnum() or sql[start - 1] in "-_":  # sqlglot takes a-b for three words
                start -= 1
            last = table.parts[-1].name
            is_column = any(column.name == last for column in tables[name])
            alias = "" if table.alias or is_column else f" AS `{last}`"
            edits.append((start, end, f"`{name}`{alias}"))
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
