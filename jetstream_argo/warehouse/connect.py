"""Opens the warehouse that a URL names."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, assert_never

from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.extras import require
from jetstream_argo.warehouse.address import Address, parse_address
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings, Priority
from jetstream_argo.warehouse.duckdb.limits import Limits
from jetstream_argo.warehouse.duckdb.memory import budget_mib
from jetstream_argo.warehouse.protocol import Engine

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

EMBEDDED_PROJECT = "local"  # of tables that are named without one

# Resources that are of one place, by the setting that names them, and what their names are made of.
_PLACED = {
    "reservation": ("projects", "locations", "reservations"),
    "kms_key": ("projects", "locations", "keyRings", "cryptoKeys"),
}
_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*")


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """Where an embedded warehouse is; a statement that runs for longer than `timeout_seconds` is stopped.

    `functions` is a file of functions of the user's own. DuckDB may take `memory_mib`, or else its share.
    """

    folder: Path
    project: str = EMBEDDED_PROJECT
    functions: Path | None = None
    timeout_seconds: float = Limits().timeout_seconds
    memory_mib: int | None = None


Settings: TypeAlias = EmbeddedSettings | BigQuerySettings


def connect(url: str, *, attempt: str, job_id_prefix: str = "", bigquery: BigQuerySettings | None = None) -> Engine:
    """Return the engine that `url` names.

    Args:
        url: `embedded:FOLDER[?project=NAME&timeout_seconds=N&memory_mib=N&functions=FILE]`, or
            `bigquery:PROJECT[?location=EU&priority=batch&…]` where every field of `BigQuerySettings` may be set.
        attempt: names one start of one process, so that no other start shares its job ids.
        job_id_prefix: what the job ids begin with, such as plan and node.
        bigquery: settings that the URL's own are laid over.

    Raises:
        ConfigError: the URL names no engine, or sets what does not exist.
    """
    match settings(url, bigquery=bigquery):
        case EmbeddedSettings() as embedded:
            return open_embedded(embedded)
        case BigQuerySettings() as found:
            require("bigquery", wanted_by=url)
            from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine  # loads Google's client

            return BigQueryEngine(found, attempt=attempt, job_id_prefix=job_id_prefix)
        case never:
            assert_never(never)


def open_embedded(settings: EmbeddedSettings) -> "EmbeddedEngine":
    """Return the embedded engine."""
    from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

    limits = Limits(memory_mib=settings.memory_mib, timeout_seconds=settings.timeout_seconds)
    return EmbeddedEngine(settings.folder, project=settings.project, udfs=settings.functions, limits=limits)


def new_attempt() -> str:
    """Return a name for one start of one process that no other start has: 64 random bits."""
    return secrets.token_hex(8)


class Connections:
    """Embedded warehouses that a process keeps open, from node to node; those of BigQuery are opened for each anew.

    What is kept is what does not change: translations by their text and columns, files that were looked at, as long as
    they are the same, and DuckDB's views of them, which are made again when a table has another state.

    So many `processes` do so at once, and share what memory there is.
    """

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._open: dict[tuple[Path, EmbeddedSettings], Engine] = {}

    def connect(self, url: str, *, attempt: str, job_id_prefix: str = "") -> Engine:
        """Return the engine that `url` names, as `connect` does."""
        found = settings(url)
        if not isinstance(found, EmbeddedSettings):
            return connect(url, attempt=attempt, job_id_prefix=job_id_prefix)
        key = (found.folder.absolute(), found)
        if key not in self._open:
            memory_mib = found.memory_mib if found.memory_mib is not None else budget_mib(processes=self._processes)
            self._open[key] = open_embedded(replace(found, memory_mib=memory_mib))
        return self._open[key]

    def forget(self) -> None:
        """Open every warehouse anew when it is asked for again, since who can tell what a failure left behind."""
        self._open.clear()


def check(url: str) -> None:
    """Do nothing if `url` names a warehouse that can be used from here; nothing is asked of it.

    Raises:
        ConfigError: it names none, sets what does not exist, or needs an extra that is not installed.
    """
    if isinstance(settings(url), BigQuerySettings):
        require("bigquery", wanted_by=url)


def settings(url: str, *, bigquery: BigQuerySettings | None = None) -> Settings:
    """Return what `url` says, without loading or asking anything; `bigquery` are settings that it is laid over.

    Raises:
        ConfigError: it names no engine, or sets what does not exist.
    """
    address = parse_address(url)
    match address.scheme:
        case "embedded":
            return _embedded_settings(address)
        case "bigquery":
            return _bigquery_settings(address, bigquery)
        case scheme:
            hint = nearest(scheme, ("embedded", "bigquery"))
            raise ConfigError(url, [Problem("", f"begins with neither embedded: nor bigquery:{hint}")])


def _embedded_settings(address: Address) -> EmbeddedSettings:
    options = address.known_options({"project", "timeout_seconds", "memory_mib", "functions"})
    if not address.name:
        raise ConfigError(address.url, [Problem("", "names no folder; write embedded:FOLDER")])
    if re.match(r"//[^/]", address.name):
        raise ConfigError(address.url, [Problem("", "begins with '//'; write embedded:FOLDER or embedded:/FOLDER")])
    project = options.get("project", EMBEDDED_PROJECT)
    if not _PROJECT.fullmatch(project):
        raise ConfigError(address.url, [Problem("project", f"cannot be {project!r}")])
    return EmbeddedSettings(
        Path(address.name),
        project,
        _functions(address, options),
        _seconds(address, options),
        _memory(address, options),
    )


def _functions(address: Address, options: Mapping[str, str]) -> Path | None:
    file = options.get("functions")
    if file is None:
        return None
    if not Path(file).is_file():
        raise ConfigError(address.url, [Problem("functions", f"{file!r} is no file")])
    return Path(file)


def _seconds(address: Address, options: Mapping[str, str]) -> float:
    text = options.get("timeout_seconds", str(Limits().timeout_seconds))
    try:
        return _number(text, least=0.001)
    except ValueError as error:
        raise ConfigError(address.url, [Problem("timeout_seconds", f"cannot be {text!r}")]) from error


def _memory(address: Address, options: Mapping[str, str]) -> int | None:
    text = options.get("memory_mib")
    try:
        return None if text is None else _whole(text)
    except ValueError as error:
        raise ConfigError(address.url, [Problem("memory_mib", f"cannot be {text!r}")]) from error


def _bigquery_settings(address: Address, base: BigQuerySettings | None) -> BigQuerySettings:
    known = {field.name for field in fields(BigQuerySettings)} - {"project"}
    found = base if base is not None else BigQuerySettings(project=address.name)
    if address.name:
        found = replace(found, project=address.name)
    if not found.project:
        raise ConfigError(address.url, [Problem("", "names no project; write bigquery:PROJECT")])
    if not _PROJECT.fullmatch(found.project):
        raise ConfigError(address.url, [Problem("", f"{found.project!r} is not the name of a project")])
    for name, text in address.known_options(known).items():
        try:
            found = _with(found, name, text)
        except ValueError as error:
            raise ConfigError(address.url, [Problem(name, f"cannot be {text!r}")]) from error
    for name in _PLACED:
        place = getattr(found, name).split("/")[3:4]
        if place and place[0].lower() != found.location.lower():
            problem = f"is in {place[0]!r}, and jobs run in {found.location!r}; set location to that, or name another"
            raise ConfigError(address.url, [Problem(name, problem)])
    return found


def _with(settings: BigQuerySettings, name: str, text: str) -> BigQuerySettings:
    match name:
        case "location":
            return replace(settings, location=text)
        case "default_dataset":
            return replace(settings, default_dataset=text)
        case "expire_days":
            return replace(settings, expire_days=_number(text))
        case "api_endpoint":
            return replace(settings, api_endpoint=text)
        case "priority":
            return replace(settings, priority=Priority(text.upper()))
        case "reservation" | "kms_key":
            return replace(settings, **{name: _resource(name, text)})  # type: ignore[arg-type]  # both are text
        case "maximum_bytes_billed":
            return replace(settings, maximum_bytes_billed=_whole(text))
        case _ if name.endswith("_seconds"):
            return replace(settings, **{name: _number(text)})  # type: ignore[arg-type]  # all of these are numbers
        case _:
            raise ValueError(name)


def _resource(name: str, text: str) -> str:
    if not re.fullmatch("/".join(f"{part}/[^/]+" for part in _PLACED[name]), text):
        raise ValueError(text)
    return text


def _number(text: str, *, least: float = 0.0) -> float:
    number = float(text)
    if not isfinite(number) or number < least:
        raise ValueError(text)
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number
