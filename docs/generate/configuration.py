"""The reference of configuration keys, made from the models that read them, and of statistics, from their registry."""

import dataclasses
import inspect
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jetstream_argo.config import schema
from jetstream_argo.config.conventions import load as conventions
from jetstream_argo.config.files import experiment_file
from jetstream_argo.config.periods import Period
from jetstream_argo.stats.registry import METHODS

MEANINGS = Path(__file__).with_name("meanings.toml")

# By heading, the models whose keys stand there.
SECTIONS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "[experiment]": (experiment_file._LaunchSpec, schema.ExperimentSpec),
    "[experiment.exposure_signal]": (schema.ExposureSignalSpec,),
    "[experiment.inference]": (schema.InferenceSpec,),
    "[experiment.exclude]": (schema.ExcludeSpec,),
    "[experiment.exclude.<name>]": (schema.ExclusionSpec,),
    "[data_sources.<name>]": (schema.DataSourceSpec,),
    "[data_sources.<name>.joins.<other>]": (schema.JoinSpec,),
    "[metrics.<name>]": (schema.MetricSpec,),
    "[segments.<name>]": (schema.SegmentSpec,),
    "[segments.data_sources.<name>]": (schema.SegmentDataSourceSpec,),
    "[parameters.<name>]": (schema.ParameterSpec,),
    "[functions.<name>]": (schema.FunctionSpec,),
}
CONVENTIONS: Mapping[str, tuple[type[BaseModel], ...]] = {
    "Conventions": (conventions.Conventions,),
    "[columns]": (conventions.DefaultColumns,),
    "[enrollment_kinds.<name>]": (conventions.EnrollmentKind,),
    "[platforms.<name>]": (conventions.Platform,),
    "[experiments_column_types]": (conventions._ExperimentsColumnTypes,),
    "[inference]": (conventions.Inference,),
    "[freshness]": (conventions.FreshnessConvention,),
    "[freshness.data_sources.<name>]": (conventions.SourceFreshness,),
}

_BEGINNING = """# Configuration keys

A file that holds an experiment by itself has `[experiment]` with `slug`, `branches` and what else is needed;
metric-hub's files have the same sections without these. Layers are laid over one another, later ones win: defaults of
the application, outcomes, the experiment's own file. A key that is not here is refused, with the nearest; a few that
existing files have and that mean nothing here are passed over with a warning."""

_CONVENTIONS = """
## Conventions

A file for `--conventions`: what is known of platforms and tables, for all experiments. It is laid over the one that
comes with the package, `jetstream_argo/config/conventions/conventions.toml`, key by key."""

_PLAIN: Mapping[object, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", date: "date",
}  # fmt: skip


def page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def meanings() -> Mapping[str, Mapping[str, str]]:
    """Return what keys mean, by heading and key."""
    return tomllib.loads(MEANINGS.read_text(encoding="utf-8"))


def keys(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys that a section may have."""
    yield from ((name, field) for name, field in model.model_fields.items() if not field.exclude)


def _lines() -> Iterator[str]:
    yield _BEGINNING
    for heading, models in SECTIONS.items():
        yield from _section(heading, models)
    yield from _periods()
    yield from _statistics()
    yield _CONVENTIONS
    for heading, models in CONVENTIONS.items():
        yield from _section(heading, models, level="###", needed=False)


def _section(
    heading: str, models: tuple[type[BaseModel], ...], *, level: str = "##", needed: bool = True
) -> Iterator[str]:
    yield f"\n{level} `{heading}`\n" if heading.startswith("[") else f"\n{level} Keys without a section\n"
    yield "| key | type | what it means |\n|---|---|---|"
    told = meanings().get(heading, {})
    for model in models:
        for name, field in keys(model):
            meaning = told.get(name) or field.description or ""
            yield f"| `{name}` | {_type(field)} | {_cell(_told(field, meaning, needed=needed))} |"


def _told(field: FieldInfo, meaning: str, *, needed: bool) -> str:
    if field.is_required():
        return f"**Required.** {meaning}" if needed else meaning
    default = field.get_default(call_default_factory=True, validated_data={})
    if default in (None, "", (), {}) or isinstance(default, BaseModel):
        return meaning
    return f"{meaning} Default: `{_written(default)}`."


def _written(value: object) -> str:
    """Return a value as it is written in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(_written(each) for each in value)}]"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _type(field: FieldInfo) -> str:
    return _named(field.annotation)


def _named(annotation: object) -> str:
    """Return what a person calls a type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _named(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_named(each) for each in arguments if each is not type(None)))
    if origin is tuple:
        return f"list of {_named(arguments[0])}"
    if origin is not None and issubclass(typing.cast(type, origin), Mapping):
        return f"table of {_named(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(f'`"{each.value}"`' for each in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return _PLAIN.get(annotation, "value")


def _periods() -> Iterator[str]:
    yield "\n## `[metrics]`\n"
    yield "Each period has a list of the metrics that are analysed in it:\n"
    yield "| key | period | days since enrollment of window k |\n|---|---|---|"
    for period in Period:
        yield f"| `{period.key}` | `{period.value}` | {_days(period)} |"


def _days(period: Period) -> str:
    if period.before_enrollment:
        return f"−{period.days} to −1"
    if period is Period.OVERALL:
        return "0 to the end of the experiment"
    if period.days == 1:
        return "k − 1"
    length = f"{period.days}"
    return f"0 to {length}k − 1" if period.grows else f"{length}(k − 1) to {length}k − 1"


def _statistics() -> Iterator[str]:
    yield "\n## `[metrics.<name>.statistics.<statistic>]`\n"
    yield "What the statistics are is said in [Statistics](statistics.md); `pre_treatments` is a key of each of them.\n"
    yield "| statistic | | keys, with their defaults |\n|---|---|---|"
    for name, method in METHODS.items():
        summary = inspect.getdoc(method) or ""
        yield f"| `{name}` | {_cell(summary.partition(chr(10))[0])} | {', '.join(_arguments(method)) or '-'} |"


def _arguments(method: type) -> Iterator[str]:
    for field in dataclasses.fields(method):
        default = field.default
        shown = "" if default in (None, dataclasses.MISSING) else f" ({_written(default)})"
        yield f"`{field.name}`{shown}"
