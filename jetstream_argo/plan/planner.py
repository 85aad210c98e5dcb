"""Makes a plan from whatever a person names: a file, a URL, or the slug of an experiment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.experiment import LaunchedExperiment
from jetstream_argo.config.files.experiment_file import is_experiment_file, load_experiment_file
from jetstream_argo.config.files.experimenter import load_experiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.files.reading import read_spec
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.names import is_file_name
from jetstream_argo.config.resolve.experiment import resolve as resolve_config
from jetstream_argo.config.schema import Spec
from jetstream_argo.errors import ConfigError, NotRunnable, PlanError, Problem
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.storage.files import is_file


@dataclass(frozen=True, slots=True)
class ConfigSources:
    """Where to look things up.

    `definitions` are directories laid out like metric-hub, later ones win. `experiments` is where those are that are
    named by slug: Experimenter's API, a file of its JSON, or a folder of files that are called as their experiments.
    `config` replaces the experiment's own file. `conventions` are laid over the packaged ones.
    """

    definitions: tuple[Path, ...] = ()
    experiments: str | None = None
    config: Path | None = None
    conventions: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what is probably not meant in the files that it comes from.

    `files` are those that hold the tables it was made from, by their keys, such as `metrics.revenue`.
    """

    plan: AnalysisPlan
    warnings: tuple[str, ...]
    files: Mapping[str, str]


def plan_experiment(named: str, sources: ConfigSources, *, as_of: date, dataset: str | None = None) -> Planned:
    """Return the plan of the experiment `named`: a TOML or JSON file, a URL, or a slug.

    `dataset` is where results go; without it, where the conventions say.

    Raises:
        ConfigError: a file cannot be used.
        PlanError: the experiment cannot be analysed.
    """
    experiment, own = _found(named, sources)
    spec = read_spec(sources.config) if sources.config else own
    return plan_known(experiment, spec, sources, as_of=as_of, dataset=dataset)


def read_config(named: str, sources: ConfigSources, *, as_of: date) -> ExperimentConfig:
    """Return what the files say of the experiment `named`; see `plan_experiment`.

    Raises:
        ConfigError: a file cannot be used.
    """
    experiment, own = _found(named, sources)
    spec = read_spec(sources.config) if sources.config else own
    conventions = load_conventions(sources.conventions)
    definitions = _definitions(sources.definitions)
    return resolve_config(experiment, definitions, spec, conventions=conventions, as_of=as_of).config


def plan_config(
    config: ExperimentConfig, sources: ConfigSources, *, as_of: date, dataset: str | None = None
) -> AnalysisPlan:
    """Return the plan of a configuration that was changed since it was read."""
    return resolve(config, as_of=as_of, dataset=dataset or load_conventions(sources.conventions).default_dataset)


def plan_known(
    experiment: LaunchedExperiment,
    spec: Spec | None,
    sources: ConfigSources,
    *,
    as_of: date,
    dataset: str | None = None,
) -> Planned:
    """Return the plan of an experiment that was read already; `spec` None means its own file among the definitions."""
    conventions = load_conventions(sources.conventions)
    resolution = resolve_config(
        experiment, _definitions(sources.definitions), spec, conventions=conventions, as_of=as_of
    )
    try:
        plan = resolve(resolution.config, as_of=as_of, dataset=dataset or conventions.default_dataset)
    except NotRunnable:
        raise
    except PlanError as error:
        file = spec.file if spec is not None else experiment.source
        raise error if file in str(error) else PlanError(f"{file}: {error}") from error
    return Planned(plan, tuple(str(warning) for warning in resolution.warnings), resolution.files)


def _definitions(paths: Sequence[Path]) -> Definitions:
    return Definitions.load(paths)


def _found(named: str, sources: ConfigSources) -> tuple[LaunchedExperiment, Spec | None]:
    path = Path(named)
    if path.suffix == ".toml":
        if not is_file(path):
            raise ConfigError(named, [Problem("", "there is no such file")])
        if not is_experiment_file(path):
            problem = Problem(
                "experiment.slug", "is missing: the file does not say by itself which experiment it is for"
            )
            raise ConfigError(named, [problem])
        found = load_experiment_file(path)
        return found.experiment, found.spec
    if path.suffix == ".json" or "://" in named:
        return load_experiment(named), None
    if sources.experiments is None:
        what = "is a slug: say where experiments are, with --experiments URL or a file"
        raise ConfigError(named, [Problem("", what)])
    if "://" not in sources.experiments and (folder := Path(sources.experiments)).is_dir():
        return _in_folder(folder, named, sources)
    return load_experiment(sources.experiments, slug=named), None


def _in_folder(folder: Path, slug: str, sources: ConfigSources) -> tuple[LaunchedExperiment, Spec | None]:
    files = [folder / f"{slug}{suffix}" for suffix in (".toml", ".json")]
    found = [file for file in files if is_file_name(slug) and is_file(file)]
    if not found:
        what = f"holds no {files[0].name} and no {files[1].name}: give the file itself, if it is called otherwise"
        raise ConfigError(str(folder), [Problem("", what)])
    return _found(str(found[0]), sources)
