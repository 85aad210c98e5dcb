"""Has ZetaSQL itself check a query: whether BigQuery would accept it, which columns it gives, and which rows."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from google.protobuf import empty_pb2
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options_pb2

from jetstream_argo.dialect.functions.registry import Function, shipped
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.catalog import CatalogBuilder
from jetstream_argo.dialect.zetasql.loader import Service, default_cache
from jetstream_argo.dialect.zetasql.spelling import quote_tables
from jetstream_argo.dialect.zetasql.values import type_message, type_name, value_message, value_of

_BUILTIN_POOL = local_service_pb2.DescriptorPoolListProto(
    definitions=[
        local_service_pb2.DescriptorPoolListProto.Definition(
            builtin=local_service_pb2.DescriptorPoolListProto.Builtin()
        )
    ]
)


def start(cache: Path | None = None) -> Service:
    """Return ZetaSQL in this process; checkers may share it."""
    return Service(cache if cache is not None else default_cache())


class Checker:
    """Checks queries against tables that are known by their columns.

    `udfs` are functions to add to those that come with the package, each with a body in BigQuery's SQL.
    """

    def __init__(
        self,
        tables: Mapping[str, Iterable[Column]],
        *,
        udfs: Iterable[Function] = (),
        service: Service | None = None,
    ) -> None:
        self._service = service if service is not None else start()
        self._tables = {name: tuple(columns) for name, columns in tables.items()}
        self._functions = [*udfs, *shipped()]
        self._rows: Mapping[str, Sequence[Mapping[str, Value]]] = {}
        self._loaded: local_service_pb2.RegisterResponse | None = None

    @cached_property
    def _options(self) -> options_pb2.AnalyzerOptionsProto:
        language = self._service.call(
            "GetLanguageOptions",
            local_service_pb2.LanguageOptionsRequest(maximum_features=True),
            options_pb2.LanguageOptionsProto,
        )
        language.product_mode = public_options_pb2.PRODUCT_EXTERNAL
        options = self._service.call(
            "GetAnalyzerOptions", local_service_pb2.AnalyzerOptionsRequest(), options_pb2.AnalyzerOptionsProto
        )
        options.language_options.CopyFrom(language)
        options.error_message_mode = public_options_pb2.ERROR_MESSAGE_ONE_LINE
        options.default_timezone = "UTC"
        return options

    @cached_property
    def _catalog(self) -> simple_catalog_pb2.SimpleCatalogProto:
        builder = CatalogBuilder(self._options.language_options)
        builder.add_tables(self._tables)
        builder.add_functions(self._functions)
        return builder.build()

    @cached_property
    def _registered(self) -> local_service_pb2.RegisterResponse:
        return self._register({})

    def _register(self, rows: Mapping[str, Sequence[Mapping[str, Value]]]) -> local_service_pb2.RegisterResponse:
        request = local_service_pb2.RegisterCatalogRequest(
            simple_catalog=self._catalog, descriptor_pool_list=_BUILTIN_POOL
        )
        for name in rows:
            request.table_content[name].CopyFrom(_content(rows[name], self._tables[name]))
        return self._service.call("RegisterCatalog", request, local_service_pb2.RegisterResponse)

    def close(self) -> None:
        """Free what ZetaSQL holds of the tables; its memory is 4 GB for all checkers of a service together."""
        if "_registered" in self.__dict__:
            self._unregister(self._registered)
            del self.__dict__["_registered"]
        self._let_go_of_rows()

    def _unregister(self, catalog: local_service_pb2.RegisterResponse) -> None:
        request = local_service_pb2.UnregisterRequest(registered_id=catalog.registered_id)
        self._service.call("UnregisterCatalog", request, empty_pb2.Empty())

    def _let_go_of_rows(self) -> None:
        if self._loaded is not None:
            self._unregister(self._loaded)
        self._rows, self._loaded = {}, None

    def analyze(self, sql: str) -> tuple[Column, ...]:
        """Return the columns that the query gives.

        Raises:
            InvalidQuery: BigQuery would not run it; the message ends with `[at line:column]`.
        """
        request = local_service_pb2.AnalyzeRequest(
            options=self._options,
            registered_catalog_id=self._registered.registered_id,
            descriptor_pool_list=_pools(self._registered),
            sql_statement=sql,
        )
        reply = self._service.call("Analyze", request, local_service_pb2.AnalyzeResponse)
        statement = reply.resolved_statement.resolved_query_stmt_node
        columns = [(column.name, type_name(column.column.type)) for column in statement.output_column_list]
        nameless = [position for position, (name, _) in enumerate(columns) if name.startswith("$")]
        return tuple(
            Column(f"f{nameless.index(position)}_" if position in nameless else name, type_)
            for position, (name, type_) in enumerate(columns)
        )

    def evaluate(self, sql: str, rows: Mapping[str, Sequence[Mapping[str, Value]]]) -> tuple[tuple[Value, ...], ...]:
        """Return the rows that the query gives, by ZetaSQL's reference implementation, on these rows of the tables.

        Giving the same mapping again is faster than giving a new one.

        Raises:
            InvalidQuery: BigQuery would not run it, or it fails on these rows, or the reference implementation does
                not know one of its functions (APPROX_QUANTILES and a few more).
        """
        if rows is not self._rows or self._loaded is None:
            self._let_go_of_rows()
            self._rows, self._loaded = rows, self._register(rows)
        request = local_service_pb2.EvaluateQueryRequest(
            sql=quote_tables(sql, self._tables),
            options=self._options,
            registered_catalog_id=self._loaded.registered_id,
            descriptor_pool_list=_pools(self._loaded),
        )
        reply = self._service.call("EvaluateQuery", request, local_service_pb2.EvaluateQueryResponse)
        types = [column.type for column in reply.prepared.columns]
        data = reply.content.table_data.row
        return tuple(tuple(value_of(cell, type_) for cell, type_ in zip(row.cell, types, strict=True)) for row in data)


def _pools(registered: local_service_pb2.RegisterResponse) -> local_service_pb2.DescriptorPoolListProto:
    ids = registered.descriptor_pool_id_list.registered_ids
    definition = local_service_pb2.DescriptorPoolListProto.Definition
    return local_service_pb2.DescriptorPoolListProto(definitions=[definition(registered_id=pool_id) for pool_id in ids])


def _content(rows: Sequence[Mapping[str, Value]], columns: Sequence[Column]) -> local_service_pb2.TableContent:
    types = [(column.name, type_message(column.type)) for column in columns]
    content = local_service_pb2.TableContent()
    content.table_data.SetInParent()  # no rows are a content too
    for row in rows:
        content.table_data.row.add(cell=[value_message(row.get(name), type_) for name, type_ in types])
    return content
