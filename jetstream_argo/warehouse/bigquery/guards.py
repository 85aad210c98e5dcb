"""Finds tables with row access policies or columns under policy tags: an account may get a part of them, and no error.

https://cloud.google.com/bigquery/docs/reference/rest/v2/rowAccessPolicies/list
"""

from collections.abc import Collection, Iterator, Sequence

from google.cloud.bigquery import SchemaField, Table

from jetstream_argo.errors import AccessDenied
from jetstream_argo.warehouse.bigquery.tables import Tables

_TABLE = "TABLE"


def guards(tables: Tables, names: Sequence[str], used: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each table with policies, and for each with tags on columns that are `used`, by their names.

    Who may not look at a table, or list its policies, is told nothing of it.
    """
    wanted = {name.lower() for name in used}
    for name, table in zip(names, tables.look_at(names), strict=True):
        if table is None or isinstance(table, AccessDenied):
            continue
        tagged = [path for path in _tagged(table.schema) if path.split(".")[-1].lower() in wanted]
        if tagged:
            yield f"{name}: {', '.join(tagged)} bear policy tags: who may see them masked alone gets other values"
        policies = tables.row_policies(name) if table.table_type == _TABLE else ()
        if policies:
            yield f"{name} has row access policies ({', '.join(policies)}): an account is given its own rows alone"


def unseen(tables: Tables, names: Sequence[str]) -> Iterator[str]:
    """Yield the tables that the account may not look at, or whose row access policies it may not list."""
    for name, table in zip(names, tables.look_at(names), strict=True):
        hidden = isinstance(table, AccessDenied)
        if hidden or (isinstance(table, Table) and table.table_type == _TABLE and tables.row_policies(name) is None):
            yield name


def _tagged(fields: Sequence[SchemaField], prefix: str = "") -> Iterator[str]:
    """Yield the columns, and parts of columns, that bear a tag."""
    for field in fields:
        if field.policy_tags is not None and field.policy_tags.names:
            yield prefix + field.name
        yield from _tagged(field.fields, f"{prefix}{field.name}.")
