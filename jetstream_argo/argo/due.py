"""Which experiments get a Workflow on a date, and what becomes of each."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from jetstream_argo.argo.looking import Waits
from jetstream_argo.argo.submit import Submitted
from jetstream_argo.config.experiment import Experiment
from jetstream_argo.config.experiment_file import is_experiment_file, load_experiment_file
from jetstream_argo.config.experimenter import load_experiments
from jetstream_argo.config.specs import Spec
from jetstream_argo.errors import EXIT_DONE, EXIT_RETRY, ConfigError, JetstreamArgoError, NotRunnable, Problem
from jetstream_argo.plan.model import AnalysisPlan

GRACE = timedelta(days=7)  # an ended experiment is looked at for so long, so that a failed last day is caught up


class State(StrEnum):
    """What became of an experiment."""

    SUBMITTED = "submitted"
    EXISTS = "exists already"
    NOT_DUE = "not due"
    WAITS = "waiting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one experiment; `line` is the Workflow's name or the reason why there is none.

    `waits` has a line for each source of which more will be computed once it is there.
    """

    slug: str
    state: State
    line: str
    exit_code: int = EXIT_DONE
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An experiment, and its own file if that is where it comes from."""

    experiment: Experiment
    spec: Spec | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all experiments."""

    entries: tuple[Entry, ...]

    @property
    def exit_code(self) -> int:
        """0 if none failed; otherwise that of the failure which is most worth a retry."""
        return max((entry.exit_code for entry in self.entries), default=EXIT_DONE)

    @property
    def line(self) -> str:
        """The report in a line."""
        counts = {state: sum(entry.state is state for entry in self.entries) for state in State}
        told = [f"{n} {state}" for state, n in counts.items() if n or state is not State.WAITS]
        failed = [entry.slug for entry in self.entries if entry.state is State.FAILED]
        waits = Counter(source for entry in self.entries for source in entry.waits)
        rest = [f"{source}, for {n} experiment{'s' if n > 1 else ''}" for source, n in sorted(waits.items())]
        return "; ".join([", ".join(told) + (f": {', '.join(failed)}" if failed else ""), *rest])


def candidates(source: str) -> tuple[tuple[Candidate, ...], tuple[Entry, ...]]:
    """Return the experiments that an address or a folder of files holds, and those that cannot be read.

    Raises:
        Unavailable: the address does not answer just now.
        ConfigError: there is no such thing, or it holds no list of experiments.
    """
    folder = Path(source)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    found: list[Candidate] = []
    failed: list[Entry] = []
    if "://" in source or not folder.is_dir():
        return _experimenter(source)
    for file in files:
        try:
            if file.suffix == ".toml" and is_experiment_file(file):
                read = load_experiment_file(file)
                found.append(Candidate(read.experiment, read.spec))
            elif file.suffix == ".json":
                more, wrong = _experimenter(str(file))
                found += more
                failed += wrong
        except JetstreamArgoError as error:
            failed.append(Entry(file.name, State.FAILED, str(error), error.exit_code))
    if not found and not failed:
        raise ConfigError(source, [Problem("", "holds no experiment: no .toml with [experiment], and no .json")])
    return tuple(found), tuple(failed)


def _experimenter(source: str) -> tuple[tuple[Candidate, ...], tuple[Entry, ...]]:
    experiments, errors = load_experiments(source)
    failed = tuple(Entry(error.file, State.FAILED, str(error), error.exit_code) for error in errors)
    return tuple(Candidate(experiment) for experiment in experiments), failed


def is_live(experiment: Experiment, as_of: date) -> bool:
    """Return whether results may be due: the experiment has started and has not ended long ago."""
    if experiment.start_date is None or experiment.is_rollout:
        return False
    return experiment.start_date <= as_of and (experiment.end_date is None or as_of <= experiment.end_date + GRACE)


def submit_due(
    found: Iterable[Candidate],
    *,
    as_of: date,
    plan: Callable[[Candidate], AnalysisPlan],
    submit: Callable[[AnalysisPlan], Submitted],
    tell: Callable[[Entry], None],
    before: Sequence[Entry] = (),
    is_last: bool = False,
) -> Report:
    """Plan and submit each live experiment; one that fails is told of and does not stop the others.

    With `is_last` nobody looks again, and what is waited for is a failure.
    """
    entries = list(before)
    for entry in before:
        tell(entry)
    for candidate in sorted(found, key=lambda each: each.experiment.slug):
        if is_live(candidate.experiment, as_of):
            entry = _one(candidate, plan, submit)
            entries.append(replace(entry, exit_code=EXIT_RETRY) if is_last and entry.waits else entry)
            tell(entries[-1])
    return Report(tuple(entries))


def _one(
    candidate: Candidate, plan: Callable[[Candidate], AnalysisPlan], submit: Callable[[AnalysisPlan], Submitted]
) -> Entry:
    slug = candidate.experiment.slug
    try:
        submitted = submit(plan(candidate))
    except Waits as reason:
        return Entry(slug, State.WAITS, str(reason), waits=reason.sources)
    except NotRunnable as reason:
        return Entry(slug, State.NOT_DUE, str(reason))
    except JetstreamArgoError as error:
        return Entry(slug, State.FAILED, str(error), error.exit_code)
    state = State.SUBMITTED if submitted.is_new else State.EXISTS
    return Entry(slug, state, "; ".join([submitted.name, *submitted.waits]), waits=submitted.waits)
