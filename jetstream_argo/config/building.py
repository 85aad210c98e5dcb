"""A configuration that is built in Python: the same sections as in a hand-written file, and that file on request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from jetstream_argo.config.files.experiment_file import ExperimentFile, read_experiment
from jetstream_argo.config.files.toml_writer import toml_text
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import DataSourceSpec, MetricSpec, Section, SegmentDataSourceSpec, SegmentSpec
from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.storage.files import write_file
from jetstream_argo.storage.toml_file import Table, parse_toml

_FILE = "the configuration built in Python"
_FIRST = "slug", "branches", "reference_branch", "start_date", "enrollment_period", "end_date"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """An experiment and what to analyse of it; `config.files.experiment_file` says what the keys mean.

    Metrics are computed in the periods that name them: by a field of its name, or in `periods` by the key of files for
    those that have no field. Sections may be the models of their file (`MetricSpec`, …) or
    plain dictionaries with the same keys; `more` has further keys of `[experiment]`, such as `segments`.
    """

    slug: str
    branches: Sequence[str] | Mapping[str, int]
    start_date: date | str
    enrollment_period: int
    enrollment_query: str
    data_sources: Mapping[str, DataSourceSpec | Mapping[str, object]]
    metrics: Mapping[str, MetricSpec | Mapping[str, object]]
    end_date: date | str | None = None
    reference_branch: str | None = None
    daily: Sequence[str] = ()
    weekly: Sequence[str] = ()
    cumulative_weekly: Sequence[str] = ()
    days28: Sequence[str] = ()
    overall: Sequence[str] = ()
    preenrollment_weekly: Sequence[str] = ()
    preenrollment_days28: Sequence[str] = ()
    periods: Mapping[str, Sequence[str]] = field(default_factory=dict)
    segments: Mapping[str, SegmentSpec | Mapping[str, object]] = field(default_factory=dict)
    segment_data_sources: Mapping[str, SegmentDataSourceSpec | Mapping[str, object]] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)

    def to_toml(self) -> str:
        """Return the configuration as the text of a hand-written file.

        Raises:
            ConfigError: a key or value is not one that such a file can have; holds all problems.
        """
        text = toml_text(self._document())
        _read(text, _FILE)
        return text

    def write(self, file: str | Path) -> Path:
        """Write the file that `to_toml` returns; return its path.

        Raises:
            ConfigError: as for `to_toml`; or it cannot be written.
        """
        path = Path(file)
        write_file(path, self.to_toml())
        return path

    def _document(self) -> dict[str, object]:
        experiment: dict[str, object] = {name: getattr(self, name) for name in _FIRST}
        experiment |= {"enrollment_query": self.enrollment_query, **self.more}
        # A field is called as the key, but for `28_day`, which is no name in Python.
        periods = {period.key: getattr(self, period.suffix, ()) for period in Period} | dict(self.periods)
        self._check_periods(periods)
        named = {name: list(metrics) for name, metrics in periods.items() if metrics}
        segments = {name: _plain(segment) for name, segment in self.segments.items()}
        sources = {name: _plain(source) for name, source in self.segment_data_sources.items()}
        document: dict[str, object] = {
            "experiment": {name: value for name, value in experiment.items() if value is not None},
            "data_sources": {name: _plain(source) for name, source in self.data_sources.items()},
            "metrics": {**named, **{name: _plain(metric) for name, metric in self.metrics.items()}},
        }
        if segments or sources:
            document["segments"] = {**segments, **({"data_sources": sources} if sources else {})}
        return document

    def _check_periods(self, periods: Mapping[str, Sequence[str]]) -> None:
        keys = [period.key for period in Period]
        wrong = [
            Problem("periods", f"has {key!r}, which is no period{nearest(key, keys)}")
            for key in periods
            if key not in keys
        ]
        wrong += [
            Problem(period, f"names metric {name!r}, which is not among the metrics{nearest(name, self.metrics)}")
            for period, names in periods.items()
            for name in names
            if name not in self.metrics
        ]
        if wrong:
            raise ConfigError(_FILE, wrong)


def load_built(configuration: Configuration) -> ExperimentFile:
    """Return what a configuration says, as if its file had been read.

    Raises:
        ConfigError: it cannot be used; holds all problems.
    """
    return _read(configuration.to_toml(), _FILE)


def _read(text: str, file: str) -> ExperimentFile:
    document: Table = parse_toml(text, file)
    return read_experiment(document, file)


def _plain(section: Section | Mapping[str, object]) -> dict[str, object]:
    if isinstance(section, Section):
        return section.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in section.items() if value is not None}
