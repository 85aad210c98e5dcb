"""Turns data frames into Arrow, by the interface that pandas, polars, Arrow and others share, without any of them."""

from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from jetstream_argo.errors import ConfigError, Problem

if TYPE_CHECKING:
    import pyarrow


@runtime_checkable
class ArrowStream(Protocol):
    """What offers its rows by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the rows as a stream of Arrow's."""
        ...


Frame: TypeAlias = ArrowStream


def arrow_of(frame: object, shown: str) -> "pyarrow.Table":
    """Return a frame's rows as an Arrow table; the index of a pandas frame is no column, unless it has a name.

    Raises:
        ConfigError: it is no frame, or a column of it holds values of several kinds.
    """
    import pyarrow as pa

    if not isinstance(frame, ArrowStream):
        what = "is no data frame: pass one of pandas (2.2 or later), polars or Arrow"
        raise ConfigError(shown, [Problem("", f"{type(frame).__name__!r} {what}")])
    try:
        table = pa.table(frame)
    except (pa.ArrowException, ValueError, TypeError) as error:  # pandas raises those of Python
        what = f"cannot be read as Arrow, as where a column holds values of several kinds: {error}"
        raise ConfigError(shown, [Problem("", what)]) from error
    if not table.column_names:
        raise ConfigError(shown, [Problem("", "has no columns; there is nothing to load")])
    return table.drop_columns([name for name in table.column_names if name.startswith("__index_level_")])
