"""The options that say what files do not say of themselves."""

from collections.abc import Mapping

from jetstream_argo.errors import ConfigError, InvalidQuery, Problem
from jetstream_argo.warehouse.duckdb.incoming.forms import wanted_type
from jetstream_argo.warehouse.duckdb.incoming.model import Format, ReadOptions


def reading_options(  # noqa: PLR0913  # all that a person may say, by name
    *,
    types: Mapping[str, str],
    nulls: tuple[str, ...] = (),
    format_: str | None = None,
    delimiter: str = "",
    columns: tuple[str, ...] = (),
    has_header: bool = True,
    decimal_comma: bool = False,
    encoding: str = "",
) -> ReadOptions:
    """Return the options; `types` are BigQuery's by column, such as `DATE` or `DATE:%d/%m/%Y`.

    Raises:
        ConfigError: a type is none, or a delimiter has several characters.
    """
    try:
        wishes = {name: wanted_type(type_) for name, type_ in types.items()}
    except InvalidQuery as error:
        raise ConfigError("--type", [Problem("", str(error))]) from error
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(delimiter) > 1:
        raise ConfigError("--delimiter", [Problem("", f"{delimiter!r} has several characters; it is one")])
    return ReadOptions(
        format=None if format_ is None else Format(format_),
        delimiter=delimiter,
        encoding=encoding,
        columns=columns,
        has_header=has_header,
        decimal_comma=decimal_comma,
        nulls=nulls,
        types=wishes,
    )
