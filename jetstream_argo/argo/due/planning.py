"""Takes one candidate up to the plan of its Workflow, in a process of its own."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.argo.due.candidates import (
    Candidate,
    CandidateResult,
    CandidateState,
    Passed,
    is_live,
    last_live_day,
)
from jetstream_argo.config.conventions.load import load_conventions
from jetstream_argo.config.experiment import LaunchedExperiment
from jetstream_argo.config.files.experiment_file import is_experiment_file, load_experiment_file
from jetstream_argo.errors import JetstreamArgoError, NotRunnable
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_known

if TYPE_CHECKING:
    from jetstream_argo.argo.manifest.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Planning:
    """What all candidates are planned with; without a `deployment` no Workflows are made of the plans.

    With `since` they are those that were live on some day from then until `as_of`, as of that or their own end.
    """

    where: ConfigSources
    as_of: date
    dataset: str | None
    deployment: "Deployment | None"
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A plan of which a Workflow can be made."""

    slug: str
    plan: AnalysisPlan


def planned(found: Candidate | Path, planning: Planning) -> Made | CandidateResult | Passed:
    """Return the plan of a live experiment, or why there is none."""
    slug = found.name if isinstance(found, Path) else found.experiment.slug
    try:
        candidate = _read(found) if isinstance(found, Path) else found
        if candidate is None:
            return Passed.NO_EXPERIMENT
        as_of = _date_of(candidate.experiment, planning)
        if as_of is None:
            return Passed.NOT_LIVE
        slug = candidate.experiment.slug
        made = plan_known(candidate.experiment, candidate.spec, planning.where, as_of=as_of, dataset=planning.dataset)
        _try_out(made.plan, planning.deployment)
        return Made(slug, made.plan)
    except NotRunnable as reason:
        return CandidateResult(slug, CandidateState.NOT_DUE, str(reason))
    except JetstreamArgoError as error:
        return CandidateResult(slug, CandidateState.FAILED, str(error), error.exit_code)


def _try_out(plan: AnalysisPlan, deployment: "Deployment | None") -> None:
    """Make the Workflow of a plan: what none can hold fails here."""
    if deployment is not None:
        from jetstream_argo.argo.manifest.emit import emit  # loads what makes Workflows

        emit(plan, deployment)


def _date_of(experiment: LaunchedExperiment, planning: Planning) -> date | None:
    """Return the date as of which an experiment is planned; None if it was not live."""
    if planning.since is not None:
        return last_live_day(experiment, planning.since, planning.as_of)
    settle_days = load_conventions(planning.where.conventions).freshness.longest_settle_days
    return planning.as_of if is_live(experiment, planning.as_of, settle_days=settle_days) else None


def _read(file: Path) -> Candidate | None:
    if not is_experiment_file(file):
        return None
    read = load_experiment_file(file)
    return Candidate(read.experiment, read.spec)
