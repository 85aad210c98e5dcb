"""Shows in a notebook what an analysis would compute, as `jetstream-argo plan` describes it."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from jetstream_argo.cli.describe import described
from jetstream_argo.config.building import Configuration, load_built
from jetstream_argo.dag.build import build_dag
from jetstream_argo.notebook.where import PathLike, dataset_or_default, day_or_yesterday, sources
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import plan_experiment, plan_known
from jetstream_argo.terminal.console import EscapingConsole

_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan, before anything is computed. `warnings` are about what is probably not meant.

    `files` say which file holds a table such as `metrics.revenue`.
    """

    plan: AnalysisPlan
    warnings: tuple[str, ...]
    files: Mapping[str, str]

    def __str__(self) -> str:
        file = io.StringIO()
        console = EscapingConsole(file=file, width=_WIDTH)
        for warning in self.warnings:
            console.print(f"warning: {warning}")
        for part in described(self.plan, build_dag(self.plan)):
            console.print(part)
        return file.getvalue()

    def __repr__(self) -> str:
        return str(self)

    def to_json(self) -> str:
        """Return the plan as canonical JSON, which `jetstream-argo run --plan` reads."""
        return codec.dump(self.plan).decode()


def plan(
    experiment: PathLike | Configuration,
    *,
    as_of: date | str | None = None,
    dataset: str | None = None,
    definitions: PathLike | Iterable[PathLike] | None = None,
    experiments: str | None = None,
) -> Preview:
    """Return what is due for an experiment, and how it would be computed; nothing is read of any table.

    Args:
        experiment: a TOML file, a JSON file of Experimenter's, a URL, a slug, or one built by `Experiment`.
        as_of: the last complete day of telemetry. Default: yesterday, UTC.
        dataset: where results go. Default: `JETSTREAM_DATASET`, or what the configuration says.
        definitions: folders laid out like metric-hub. Default: `JETSTREAM_DEFINITIONS`.
        experiments: Experimenter's API, for slugs. Default: `JETSTREAM_EXPERIMENTS`.

    Raises:
        ConfigError: the configuration cannot be used; holds all of its problems.
        PlanError: the experiment cannot be analysed.
    """
    where, day, into = sources(definitions, experiments), day_or_yesterday(as_of), dataset_or_default(dataset)
    if isinstance(experiment, Configuration):
        built = load_built(experiment)
        made = plan_known(built.experiment, built.spec, where, as_of=day, dataset=into)
    else:
        made = plan_experiment(str(experiment), where, as_of=day, dataset=into)
    return Preview(made.plan, made.warnings, made.files)
