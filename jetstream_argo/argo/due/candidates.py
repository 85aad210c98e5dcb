"""The experiments that may get a Workflow on a date."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from jetstream_argo.config.experiment import LaunchedExperiment
from jetstream_argo.config.files.experimenter import load_experiments
from jetstream_argo.config.model import SETTLE_DAYS
from jetstream_argo.config.schema import Spec
from jetstream_argo.errors import EXIT_DONE, ConfigError, JetstreamArgoError, Problem
from jetstream_argo.store.dates import LOOKS

NO_EXPERIMENT = "the folder holds no experiment: no .toml with [experiment], and no .json"


class CandidateState(StrEnum):
    """What became of an experiment."""

    SUBMITTED = "submitted"
    EXISTS = "exists already"
    NOT_DUE = "not due"
    WAITS = "waiting"
    FAILED = "failed"


class Passed(StrEnum):
    """Why there is nothing to say of a file or an experiment."""

    NO_EXPERIMENT = "the file holds no experiment"
    NOT_LIVE = "the experiment has not started, or has ended"


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """What became of one experiment; `line` is the Workflow's name or the reason why there is none.

    `waits` has a line for each source of which more will be computed once it is there.
    """

    slug: str
    state: CandidateState
    line: str
    exit_code: int = EXIT_DONE
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An experiment, and its own file if that is where it comes from."""

    experiment: LaunchedExperiment
    spec: Spec | None = None


def candidates(source: str) -> tuple[tuple[Candidate | Path, ...], tuple[CandidateResult, ...]]:
    """Return the experiments that an address or a folder of files holds, and those that cannot be read.

    TOML files are not read here: each may hold an experiment.

    Raises:
        Unavailable: the address does not answer just now.
        ConfigError: there is no such thing, or it holds no list of experiments.
    """
    if "://" in source or not Path(source).is_dir():
        return _experimenter(source)
    found: list[Candidate | Path] = []
    failed: list[CandidateResult] = []
    for file in sorted(Path(source).iterdir()):
        if file.suffix == ".toml":
            found.append(file)
        elif file.suffix == ".json":
            try:
                more, wrong = _experimenter(str(file))
            except JetstreamArgoError as error:
                more, wrong = (), (CandidateResult(file.name, CandidateState.FAILED, str(error), error.exit_code),)
            found += more
            failed += wrong
    if not found and not failed:
        raise ConfigError(source, [Problem("", NO_EXPERIMENT)])
    return tuple(sorted(found, key=_name)), tuple(failed)


def _name(found: Candidate | Path) -> str:
    return found.stem if isinstance(found, Path) else found.experiment.slug


def _experimenter(source: str) -> tuple[tuple[Candidate, ...], tuple[CandidateResult, ...]]:
    experiments, errors = load_experiments(source)
    failed = tuple(CandidateResult(error.file, CandidateState.FAILED, str(error), error.exit_code) for error in errors)
    found = (Candidate(experiment) for experiment in experiments)
    return tuple(sorted(found, key=lambda candidate: candidate.experiment.slug)), failed


def last_live_day(experiment: LaunchedExperiment, first: date, last: date) -> date | None:
    """Return the last of the days `first` to `last`, both included, on which the experiment was live; None if none."""
    start, end = experiment.start_date, experiment.end_date
    if start is None or experiment.is_rollout or start > last or (end is not None and end < first):
        return None
    return last if end is None else min(last, end)


def is_live(experiment: LaunchedExperiment, as_of: date, *, settle_days: int = SETTLE_DAYS) -> bool:
    """Return whether results may be due, or may change: the experiment has started, and is followed to its last look.

    That is when its last date, the day after its end, is looked at for the last time, in case rows came late.
    """
    if experiment.start_date is None or experiment.is_rollout:
        return False
    if experiment.end_date is None:
        return experiment.start_date <= as_of
    followed = timedelta(days=1 + settle_days + LOOKS[-1])
    return experiment.start_date <= as_of <= experiment.end_date + followed
