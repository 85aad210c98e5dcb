"""Hands tables over as frames of the library that the reader uses."""

from typing import TYPE_CHECKING, Any

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.extras import is_installed

if TYPE_CHECKING:
    import pyarrow

KINDS = ("pandas", "polars", "arrow")


def kind_of(frame: object) -> str:
    """Return which library a frame is of; Arrow for what is none of those that frames can be made for.

    >>> import pyarrow
    >>> kind_of(pyarrow.table({"a": [1]}))
    'arrow'
    """
    root = type(frame).__module__.partition(".")[0]
    return root if root in KINDS else "arrow"


def default_kind() -> str:
    """Return the library that is installed: pandas, polars, or Arrow, which always is."""
    return next((kind for kind in ("pandas", "polars") if is_installed(kind)), "arrow")


def framed(table: "pyarrow.Table", kind: str) -> Any:  # the frame's type depends on `kind`
    """Return the table as a frame of a library; decimals are floats.

    Raises:
        ConfigError: the library is not installed, or is none of those that are known.
    """
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.float64()))
    match kind:
        case "arrow":
            return table
        case "pandas" if is_installed("pandas"):
            return table.to_pandas(date_as_object=False)
        case "polars" if is_installed("polars"):
            import polars

            return polars.from_arrow(table)
        case "pandas" | "polars":
            raise ConfigError("frame", [Problem("", f"{kind} is not installed: pip install {kind}")])
        case _:
            raise ConfigError("frame", [Problem("", f"{kind!r} is none of {', '.join(KINDS)}")])
