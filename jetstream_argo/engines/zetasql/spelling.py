"""How the tables in a query's text are written as ZetaSQL's evaluator knows them."""

from collections.abc import Collection

from sqlglot import exp

from jetstream_argo.engines.syntax import parse_query, table_name


def quote_tables(sql: str, names: Collection[str]) -> str:
    """Return the query with these tables' names in one pair of backticks each, and nothing else changed.

    >>> quote_tables("SELECT t.n FROM a-b.d.t", ["a-b.d.t"])
    'SELECT t.n FROM `a-b.d.t` AS `t`'
    """
    edits = []
    for table in parse_query(sql).find_all(exp.Table):
        name = table_name(table)
        if name in names and "." in name:
            start, end = table.parts[0].meta["start"], table.parts[-1].meta["end"] + 1
            while sql[start - 1].isalnum() or sql[start - 1] in "-_":  # sqlglot takes a-b for three words
                start -= 1
            alias = "" if table.alias else f" AS `{table.parts[-1].name}`"
            edits.append((start, end, f"`{name}`{alias}"))
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql
