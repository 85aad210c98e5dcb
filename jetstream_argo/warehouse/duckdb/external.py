"""Tables whose rows lie in users' own files: the state that those files are in, and how DuckDB reads them."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.errors import Damaged
from jetstream_argo.warehouse.duckdb.pointer import ExternalRows, Version
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal

if TYPE_CHECKING:
    import duckdb


def files_of(place: ExternalRows) -> Iterator[Path]:
    """Yield the files in which the rows are, in order.

    Raises:
        Damaged: there are none any more.
    """
    for name in place.paths:
        path = Path(name)
        found = sorted(path.rglob("*.parquet")) if path.is_dir() else [path] if path.is_file() else []
        if not found:
            raise Damaged(
                name, "is not there any more, or has no Parquet files: a table that is read in place needs it"
            )
        yield from found


def state_of(version: Version) -> str:
    """Return a text that changes when the table does, or when users' own files do."""
    if version.external is None:
        return version.etag
    digest = sha256()
    for path in files_of(version.external):
        about = path.stat()
        digest.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return f"{version.etag}-{digest.hexdigest()[:16]}"


def bytes_of(place: ExternalRows) -> int:
    """Return how large the files are."""
    return sum(path.stat().st_size for path in files_of(place))


class Attached:
    """The databases of DuckDB's that a connection has at hand, each again when its file has changed."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def use(self, connection: "duckdb.DuckDBPyConnection", version: Version) -> None:
        """Have the database of a table at hand, if its rows are in one."""
        place = version.external
        if place is None or not place.database:
            return
        state = state_of(version)
        if self._states.get(place.alias) == state:
            return
        connection.execute(f"DETACH DATABASE IF EXISTS {quoted(place.alias)}")
        connection.execute(f"ATTACH {text_literal(place.database)} AS {quoted(place.alias)} (READ_ONLY)")
        self._states[place.alias] = state

    def forget(self) -> None:
        """Attach every database anew when it is needed again, because the connection that had them is gone."""
        self._states.clear()
