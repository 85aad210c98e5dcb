"""Reads a configuration file, or tells everything that is wrong with it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from jetstream_argo.config.names import LONGEST, NOT_A_SLUG, is_pattern, is_slug
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import (
    PERIOD_KEYS,
    DataSourceSpec,
    ExcludeSpec,
    ExclusionSpec,
    ExperimentSpec,
    ExposureSignalSpec,
    FileProblem,
    FunctionSpec,
    InferenceSpec,
    JoinSpec,
    MetricSpec,
    OutcomeSpec,
    ParameterSpec,
    Reference,
    Section,
    SegmentDataSourceSpec,
    SegmentSpec,
    Spec,
)
from jetstream_argo.config.tolerated_keys import TOLERATED
from jetstream_argo.errors import ConfigError, Problem, brief, nearest
from jetstream_argo.storage.toml_file import Table, Value, read_toml

_Section = TypeVar("_Section", bound=Section)

_SECTIONS = ("experiment", "metrics", "data_sources", "segments", "parameters", "functions")
# Sections that other users of metric-hub read, and the title that some experiments' files have.
_IGNORED = ("dimensions", "alerts", "friendly_name", "description")
_OUTCOME = ("friendly_name", "description", "default_metrics")


def read_spec(path: Path) -> Spec:
    """Return what the file of an experiment, of an application's defaults or of its definitions says.

    Raises:
        ConfigError: the file cannot be read; holds all of its problems.
    """
    reader = TableReader(str(path))
    spec = reader.spec(read_toml(path))
    reader.finish()
    return spec


def read_outcome(path: Path) -> OutcomeSpec:
    """Return what the file of an outcome says; the outcome's slug is the file's name.

    Raises:
        ConfigError: the file cannot be read; holds all of its problems.
    """
    reader = TableReader(str(path))
    outcome = reader.outcome(read_toml(path), slug=path.stem)
    reader.finish()
    return outcome


class TableReader:
    """Turns the tables of one file into sections, and gathers what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.warnings: list[FileProblem] = []

    def finish(self) -> None:
        """Raise all problems as one ConfigError, if there are any."""
        if self.problems:
            raise ConfigError(self.file, self.problems)

    def spec(self, document: Table, *, launch_keys: Sequence[str] = ()) -> Spec:
        """Return the sections of a whole file. `launch_keys` of `[experiment]` were read elsewhere."""
        self._known(document, "", (*_SECTIONS, *_IGNORED))
        metrics = self._table(document.get("metrics", {}), "metrics")
        segments = self._table(document.get("segments", {}), "segments")
        sources = self._table(segments.get("data_sources", {}), "segments.data_sources")
        segments = {name: segment for name, segment in segments.items() if name != "data_sources"}
        metric_tables = self._named(
            {name: metric for name, metric in metrics.items() if name not in PERIOD_KEYS}, "metrics"
        )
        return Spec(
            file=self.file,
            experiment=self._experiment(document.get("experiment", {}), launch_keys),
            periods=self._periods(metrics, "metrics"),
            metrics=self._sections(metric_tables, "metrics", MetricSpec, "metric"),
            data_sources=self._data_sources(document),
            segments=self._sections(segments, "segments", SegmentSpec, "segment"),
            segment_data_sources=self._sections(
                sources, "segments.data_sources", SegmentDataSourceSpec, "segment data source"
            ),
            parameters=self._sections(document.get("parameters", {}), "parameters", ParameterSpec, "parameter"),
            functions=self._sections(document.get("functions", {}), "functions", FunctionSpec, "function"),
            warnings=tuple(self.warnings),
        )

    def outcome(self, document: Table, *, slug: str) -> OutcomeSpec:
        """Return the sections of an outcome's file, whose period lists stand at its top."""
        self._known(document, "", (*_OUTCOME, *PERIOD_KEYS, "metrics", "data_sources", "parameters"))
        tables = self._named(self._table(document.get("metrics", {}), "metrics"), "metrics")
        metrics = self._sections(tables, "metrics", MetricSpec, "metric")
        defaults = self._names(document.get("default_metrics", []), "default_metrics")
        for name in defaults:
            if name not in metrics:
                self._report(
                    "default_metrics", f"metric {name!r} is not defined in this outcome{nearest(name, metrics)}"
                )
        return OutcomeSpec(
            slug=slug,
            friendly_name=self._text(document, "friendly_name"),
            description=self._text(document, "description"),
            default_metrics=defaults,
            spec=Spec(
                file=self.file,
                periods=self._periods(document, ""),
                metrics=metrics,
                data_sources=self._data_sources(document),
                parameters=self._sections(document.get("parameters", {}), "parameters", ParameterSpec, "parameter"),
                warnings=tuple(self.warnings),
            ),
        )

    def section(
        self, value: Value, where: str, model: type[_Section], kind: str, *, also: Sequence[str] = ()
    ) -> _Section | None:
        """Return one section, or None if it has a problem. Keys may be written in capitals.

        `kind` is what `TOLERATED` calls it; `also` are keys that could stand there too, to suggest them.
        """
        table = {key.lower(): entry for key, entry in self._table(value, where).items()}
        for key, warning in TOLERATED.get(kind, {}).items():
            if key in table:
                del table[key]
                self.warnings.append(FileProblem(self.file, Problem(_path(where, key), warning)))
        self._known(table, where, [key for key in model.model_fields if key != "file"], also)
        known = {key: entry for key, entry in table.items() if key in model.model_fields and key != "file"}
        try:
            return model.model_validate({**known, "file": self.file})
        except ValidationError as error:
            self.problems.extend(problems_of(error, where))
            return None

    def _experiment(self, value: Value, launch_keys: Sequence[str]) -> ExperimentSpec:
        table = dict(self._table(value, "experiment"))
        signal = self._inner(table, "exposure_signal", ExposureSignalSpec, "exposure signal")
        inference = self._inner(table, "inference", InferenceSpec, "inference")
        exclude = self._exclude(table.pop("exclude")) if "exclude" in table else None
        experiment = (
            self.section(table, "experiment", ExperimentSpec, "experiment", also=launch_keys) or ExperimentSpec()
        )
        return experiment.model_copy(update={"exposure_signal": signal, "inference": inference, "exclude": exclude})

    def _exclude(self, value: Value) -> ExcludeSpec | None:
        """Return `[experiment.exclude]`, whose own keys stand beside the tables of its names."""
        where = "experiment.exclude"
        table = self._table(value, where)
        tables = self._named({name: entry for name, entry in table.items() if isinstance(entry, dict)}, where)
        plain: Table = {name: entry for name, entry in table.items() if not isinstance(entry, dict)}
        if "named" in plain:
            self._report(f"{where}.named", "is not a known key")
            return None
        named = self._sections(tables, where, ExclusionSpec, "exclusion")
        found = self.section(plain, where, ExcludeSpec, "exclude")
        return found.model_copy(update={"named": named}) if found is not None else None

    def _inner(self, table: dict[str, Value], key: str, model: type[_Section], kind: str) -> _Section | None:
        """Take a section out of the table of `[experiment]`; None where it is not there or has a problem."""
        return self.section(table.pop(key), f"experiment.{key}", model, kind) if key in table else None

    def _sections(self, value: Value, where: str, model: type[_Section], kind: str) -> Mapping[str, _Section]:
        sections = {}
        for name, table in self._table(value, where).items():
            section = self.section(table, _path(where, name), model, kind)
            if section is not None:
                sections[name] = section
        return sections

    def _data_sources(self, document: Table) -> Mapping[str, DataSourceSpec]:
        sources = {}
        tables = self._named(self._table(document.get("data_sources", {}), "data_sources"), "data_sources")
        for name, value in tables.items():
            where = _path("data_sources", name)
            table = dict(self._table(value, where))
            joins = self._sections(table.pop("joins", {}), _path(where, "joins"), JoinSpec, "join")
            source = self.section(table, where, DataSourceSpec, "data_source")
            if source is not None:
                sources[name] = source.model_copy(update={"joins": joins or None})
        return sources

    def _periods(self, table: Table, where: str) -> Mapping[Period, tuple[Reference, ...]]:
        periods = {}
        for key, period in PERIOD_KEYS.items():
            names = self._names(table.get(key, []), _path(where, key))
            if names:
                periods[period] = tuple(Reference(name, self.file) for name in names)
        return periods

    def _named(self, tables: Table, where: str) -> Table:
        """Return the tables whose names are names, or patterns of names; the others are problems."""
        for name, value in tables.items():
            if isinstance(value, list) and where == "metrics":
                self._report(_path(where, _key(name)), f"is not a known key{nearest(name, PERIOD_KEYS)}")
            elif not (is_slug(name) or is_pattern(name)):
                self._report(_path(where, _key(name)), NOT_A_SLUG)
            else:
                continue
            tables = {key: value for key, value in tables.items() if key != name}
        return tables

    def _names(self, value: Value, where: str) -> tuple[str, ...]:
        if not isinstance(value, list):
            hint = f"; write {_as_list(value)}" if isinstance(value, str) else ""
            self._report(where, f"must be a list of metrics, is {brief(value)}{hint}")
            return ()
        for entry in value:
            if not isinstance(entry, str):
                self._report(where, f"must be a list of metrics, holds {brief(entry)}")
        return tuple(entry for entry in value if isinstance(entry, str))

    def _text(self, table: Table, key: str) -> str:
        value = table.get(key)
        if isinstance(value, str):
            return value
        self._report(key, "is missing" if value is None else f"must be text, is {brief(value)}")
        return ""

    def _table(self, value: Value, where: str) -> Table:
        if isinstance(value, dict):
            return value
        self._report(where, f"must be a table, is {brief(value)}")
        return {}

    def _known(self, table: Table, where: str, known: Iterable[str], also: Iterable[str] = ()) -> None:
        allowed = list(known)
        for key in table:
            if key not in allowed:
                self._report(_path(where, _key(key)), f"is not a known key{nearest(key, [*allowed, *also])}")

    def _report(self, where: str, what: str) -> None:
        self.problems.append(Problem(where, what))


def problems_of(error: ValidationError, where: str = "") -> tuple[Problem, ...]:
    """Return what pydantic found, with key paths that start at `where`, in the words of a file's author."""
    return tuple(
        Problem(_path(where, *map(str, detail["loc"])), _explain(detail["type"], detail["msg"], detail["input"]))
        for detail in error.errors(include_url=False)
    )


def _path(*parts: str) -> str:
    return ".".join(part for part in parts if part)


def _key(name: str) -> str:
    """Return a key as a path has it: an empty one is seen, a long one cut."""
    return name[:LONGEST] or '""'


def _as_list(text: str) -> str:
    """Return the names in a text as TOML writes a list of them."""
    return json.dumps([name.strip() for name in text.split(",") if name.strip()], ensure_ascii=False)


def _explain(kind: str, message: str, value: object) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known key"
    if kind in ("tuple_type", "list_type") and isinstance(value, str):
        return f"is {brief(value)}: write a list, {_as_list(value)}"
    text = message.removeprefix("Value error, ").removeprefix("Input ").replace("dictionary", "table")
    return text if kind == "value_error" and isinstance(value, dict) else f"is {brief(value)}: {text}"
