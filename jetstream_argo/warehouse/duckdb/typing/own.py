"""Types functions beside BigQuery's own: by their `returns`, or by their body in BigQuery's SQL."""

from functools import lru_cache

from jetstream_argo.dialect.functions.registry import Function, Registry
from jetstream_argo.errors import NotFound
from jetstream_argo.warehouse.duckdb.typing.kinds import UNKNOWN, SqlType, kind_of
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType, TypedRelation, TypedScope


def result(function: Function, arguments: tuple[SqlType, ...], registry: Registry) -> SqlType:
    """Return the type of what the function gives when it is given arguments of these types.

    Raises:
        InvalidQuery: its body does not run with them.
    """
    if function.returns:
        return kind_of(function.returns)
    if not function.bigquery:
        return UNKNOWN
    return _of_body(function, arguments, registry)


@lru_cache(maxsize=1024)
def _of_body(function: Function, arguments: tuple[SqlType, ...], registry: Registry) -> SqlType:
    from jetstream_argo.warehouse.duckdb.reading import read_query
    from jetstream_argo.warehouse.duckdb.typing.queries import QueryReader
    from jetstream_argo.warehouse.duckdb.typing.setting import Setting

    setting = Setting(read_query(f"SELECT {function.bigquery} AS result"), registry, _no_tables)
    parameters = RowType(tuple(zip(function.parameters, arguments, strict=True)))
    outer = TypedScope(relations=[TypedRelation("", parameters)])
    return QueryReader(setting).rows(setting.reading.tree, outer).only()


def _no_tables(name: str) -> RowType:
    raise NotFound(name)
