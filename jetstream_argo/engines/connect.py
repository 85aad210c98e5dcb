"""Which warehouse a URL names."""

from dataclasses import fields, replace
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

from jetstream_argo.engines.bigquery.settings import BigQuerySettings, Priority
from jetstream_argo.engines.protocol import Engine
from jetstream_argo.errors import ConfigError, Problem, nearest

EMBEDDED_PROJECT = "local"  # of tables that are named without one


def connect(url: str, *, attempt: str, job_id_prefix: str = "", bigquery: BigQuerySettings | None = None) -> Engine:
    """Return the engine that `url` names.

    Args:
        url: `embedded:FOLDER[?project=NAME]`, or `bigquery:PROJECT[?location=EU&priority=batch&…]` where every field
            of `BigQuerySettings` may be set.
        attempt: names one start of one process, so that no other start shares its job ids.
        job_id_prefix: what the job ids begin with, such as plan and node.
        bigquery: settings that the URL's own are laid over.

    Raises:
        ConfigError: the URL names no engine, or sets what does not exist.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "embedded":
            from jetstream_argo.engines.embedded.engine import EmbeddedEngine  # loads DuckDB

            options = _options(url, parts, {"project"})
            if not parts.path:
                raise ConfigError(url, [Problem("", "names no folder; write embedded:FOLDER")])
            embedded: Engine = EmbeddedEngine(Path(parts.path), project=options.get("project", EMBEDDED_PROJECT))
            return embedded
        case "bigquery":
            from jetstream_argo.engines.bigquery.engine import BigQueryEngine  # loads Google's client

            settings = _bigquery_settings(url, parts, bigquery)
            return BigQueryEngine(settings, attempt=attempt, job_id_prefix=job_id_prefix)
        case scheme:
            hint = nearest(scheme, ("embedded", "bigquery"))
            raise ConfigError(url, [Problem("", f"begins with neither embedded: nor bigquery:{hint}")])


def _options(url: str, parts: SplitResult, known: set[str]) -> dict[str, str]:
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    problems = [Problem(name, f"is no setting{nearest(name, sorted(known))}") for name in given if name not in known]
    if problems:
        raise ConfigError(url, problems)
    return given


def _bigquery_settings(url: str, parts: SplitResult, base: BigQuerySettings | None) -> BigQuerySettings:
    known = {field.name for field in fields(BigQuerySettings)} - {"project"}
    settings = base if base is not None else BigQuerySettings(project=parts.path)
    if parts.path:
        settings = replace(settings, project=parts.path)
    if not settings.project:
        raise ConfigError(url, [Problem("", "names no project; write bigquery:PROJECT")])
    for name, text in _options(url, parts, known).items():
        try:
            settings = _with(settings, name, text)
        except ValueError as error:
            raise ConfigError(url, [Problem(name, f"cannot be {text!r}")]) from error
    return settings


def _with(settings: BigQuerySettings, name: str, text: str) -> BigQuerySettings:
    match name:
        case "location":
            return replace(settings, location=text)
        case "default_dataset":
            return replace(settings, default_dataset=text)
        case "expire_days":
            return replace(settings, expire_days=float(text))
        case "api_endpoint":
            return replace(settings, api_endpoint=text)
        case "priority":
            return replace(settings, priority=Priority(text.upper()))
        case "maximum_bytes_billed":
            return replace(settings, maximum_bytes_billed=int(text))
        case _ if name.endswith("_seconds"):
            return replace(settings, **{name: float(text)})  # type: ignore[arg-type]  # all of these are numbers
        case _:
            raise ValueError(name)
