"""Describes tables, functions and BigQuery's spellings to ZetaSQL."""

from collections.abc import Iterable, Mapping

from zetasql.wasi._pb2.zetasql.proto import function_pb2, options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import (
    function_pb2 as public_function_pb2,
)
from zetasql.wasi._pb2.zetasql.public import (
    parse_resume_location_pb2,
    simple_table_pb2,
)

from jetstream_argo.dialect.functions.registry import Function
from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.values import ALIASES, type_message

_PROJECTS = ("mozfun", "mozdata", "moz-fx-data-shared-prod", "moz-fx-data-derived-datasets")

# BigQuery has these, ZetaSQL does not.
_BIGQUERY_SCALARS = (
    Function("CONTAINS_SUBSTR", ("x", "part"), "", "STRPOS(LOWER(CAST(x AS STRING)), LOWER(part)) > 0"),
)
_BIGQUERY_AGGREGATES = (
    Function("MAX_BY", ("x", "y"), "", "ANY_VALUE(x HAVING MAX y)"),
    Function("MIN_BY", ("x", "y"), "", "ANY_VALUE(x HAVING MIN y)"),
)


class CatalogBuilder:
    """Collects tables and functions under their dotted names; a name's parts are catalogs within catalogs."""

    def __init__(self, language: options_pb2.LanguageOptionsProto) -> None:
        self._root = simple_catalog_pb2.SimpleCatalogProto(
            name="root",
            builtin_function_options=options_pb2.ZetaSQLBuiltinFunctionOptionsProto(language_options=language),
        )
        self._inner: dict[tuple[str, ...], simple_catalog_pb2.SimpleCatalogProto] = {(): self._root}
        for alias, name in ALIASES.items():
            self._root.named_type.add(name=alias, type=type_message(name))
        self._root.custom_function.extend(_templated(function.name, function) for function in _BIGQUERY_SCALARS)
        aggregate = public_function_pb2.FunctionEnums.AGGREGATE
        self._root.custom_function.extend(_templated(f.name, f, mode=aggregate) for f in _BIGQUERY_AGGREGATES)
        self._tables = 0

    def build(self) -> simple_catalog_pb2.SimpleCatalogProto:
        """Return the catalog."""
        return self._root

    def add_tables(self, tables: Mapping[str, Iterable[Column]]) -> None:
        """Add tables under each way in which a query can write their names."""
        for name, columns in tables.items():
            described = tuple(columns)
            for path in spellings(name):
                self._tables += 1
                table = _table(name, path[-1], described, self._tables)
                self._catalog(path[:-1]).table.append(table)

    def add_functions(self, functions: Iterable[Function]) -> None:
        """Add functions with a body in BigQuery's SQL, in every project whose name queries write before them."""
        for function in functions:
            for name in (function.name, *function.aliases) if function.bigquery else ():
                for project in ("", *_PROJECTS):
                    path = tuple(part for part in (project, *name.split(".")) if part)
                    for spelled in (path, (".".join(path),)):
                        self._catalog(spelled[:-1]).custom_function.append(_templated(spelled[-1], function))

    def _catalog(self, path: tuple[str, ...]) -> simple_catalog_pb2.SimpleCatalogProto:
        if path not in self._inner:
            self._inner[path] = self._catalog(path[:-1]).catalog.add(name=path[-1])
        return self._inner[path]


def spellings(name: str) -> list[tuple[str, ...]]:
    """Return the paths by which queries name a table: part by part, all in one pair of backticks, and half of each.

    >>> spellings("d.t")
    [('d', 't'), ('d.t',)]
    """
    parts = tuple(name.split("."))
    wanted = [parts, (name,), (parts[0], ".".join(parts[1:])), (".".join(parts[:-1]), parts[-1])]
    return list(dict.fromkeys(path for path in wanted if all(path)))


def _table(name: str, last: str, columns: Iterable[Column], number: int) -> simple_table_pb2.SimpleTableProto:
    return simple_table_pb2.SimpleTableProto(
        name=last,
        full_name=name,
        serialization_id=number,
        column=[
            simple_table_pb2.SimpleColumnProto(name=column.name, type=type_message(column.type)) for column in columns
        ],
    )


def _argument(kind: int) -> function_pb2.FunctionArgumentTypeProto:
    return function_pb2.FunctionArgumentTypeProto(kind=kind, num_occurrences=1)


def _templated(
    name: str, function: Function, *, mode: int = public_function_pb2.FunctionEnums.SCALAR
) -> function_pb2.FunctionProto:
    anything = public_function_pb2.ARG_TYPE_ARBITRARY
    return function_pb2.FunctionProto(
        name_path=[name],
        group="Templated_SQL_Function",
        mode=mode,
        signature=[
            function_pb2.FunctionSignatureProto(
                argument=[_argument(anything) for _ in function.parameters], return_type=_argument(anything)
            )
        ],
        templated_sql_function_argument_name=function.parameters,
        parse_resume_location=parse_resume_location_pb2.ParseResumeLocationProto(
            input=function.bigquery, byte_position=0, allow_resume=False
        ),
    )
