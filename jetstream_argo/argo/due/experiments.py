"""Decides about every experiment that may be due on a date, and sums up what became of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jetstream_argo.argo.cluster.submit import Submitted
from jetstream_argo.argo.due.candidates import NO_EXPERIMENT, Candidate, CandidateResult, CandidateState, Passed
from jetstream_argo.argo.due.isolation import Died
from jetstream_argo.argo.due.looking import Waits
from jetstream_argo.argo.due.planning import Made
from jetstream_argo.errors import (
    EXIT_DEFINITION,
    EXIT_DONE,
    EXIT_RETRY,
    EXIT_UNFORESEEN,
    JetstreamArgoError,
    NotRunnable,
    PlanError,
    unforeseen,
)
from jetstream_argo.plan.model import AnalysisPlan


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all experiments."""

    entries: tuple[CandidateResult, ...]

    @property
    def exit_code(self) -> int:
        """0 if none failed; otherwise that of the failure which is most worth a retry."""
        return max((entry.exit_code for entry in self.entries), default=EXIT_DONE)

    @property
    def line(self) -> str:
        """The report in a line, with the reason of each failure."""
        counts = {state: sum(entry.state is state for entry in self.entries) for state in CandidateState}
        parts = [f"{n} {state}" for state, n in counts.items() if n or state is not CandidateState.WAITS]
        reasons = (
            (entry.slug, " ".join(entry.line.split())) for entry in self.entries if entry.state is CandidateState.FAILED
        )
        failed = [f"{slug} ({reason})" for slug, reason in reasons]
        waits = Counter(source for entry in self.entries for source in entry.waits)
        rest = [f"{source}, for {n} experiment{'s' if n > 1 else ''}" for source, n in sorted(waits.items())]
        return "; ".join([", ".join(parts) + (f": {', '.join(failed)}" if failed else ""), *rest])


def submit_due(
    planned: Iterable[tuple[Candidate | Path, Made | CandidateResult | Died | Passed]],
    *,
    submit: Callable[[AnalysisPlan], Submitted],
    tell: Callable[[CandidateResult], None],
    before: Sequence[CandidateResult] = (),
    is_last: bool = False,
) -> Report:
    """Submit what was planned; an experiment that fails, in whatever way, is reported and does not stop the others.

    With `is_last` nobody looks again, and what is waited for is a failure.

    Raises:
        PlanError: no file holds an experiment.
    """
    entries = list(before)
    for entry in before:
        tell(entry)
    passed: set[Passed] = set()
    for found, outcome in planned:
        if isinstance(outcome, Passed):
            passed.add(outcome)
            continue
        entry = _entry(found, outcome, submit)
        entries.append(replace(entry, exit_code=EXIT_RETRY) if is_last and entry.waits else entry)
        tell(entries[-1])
    if not entries and passed == {Passed.NO_EXPERIMENT}:
        raise PlanError(NO_EXPERIMENT)
    return Report(tuple(entries))


def _entry(
    found: Candidate | Path, outcome: Made | CandidateResult | Died, submit: Callable[[AnalysisPlan], Submitted]
) -> CandidateResult:
    match outcome:
        case CandidateResult():
            return outcome
        case Died(reason):
            slug = found.name if isinstance(found, Path) else found.experiment.slug
            return CandidateResult(slug, CandidateState.FAILED, f"{_where(found)}: {reason}", EXIT_DEFINITION)
        case Made(slug, plan):
            return _submitted(slug, plan, submit)


def _where(found: Candidate | Path) -> str:
    return str(found) if isinstance(found, Path) else found.experiment.source


def _submitted(slug: str, plan: AnalysisPlan, submit: Callable[[AnalysisPlan], Submitted]) -> CandidateResult:
    try:
        submitted = submit(plan)
    except Waits as reason:
        return CandidateResult(slug, CandidateState.WAITS, str(reason), waits=reason.sources)
    except NotRunnable as reason:
        return CandidateResult(slug, CandidateState.NOT_DUE, str(reason))
    except JetstreamArgoError as error:
        return CandidateResult(slug, CandidateState.FAILED, str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001  # one experiment's, whatever it is
        return CandidateResult(slug, CandidateState.FAILED, unforeseen(error), EXIT_UNFORESEEN)
    state = CandidateState.SUBMITTED if submitted.is_new else CandidateState.EXISTS
    return CandidateResult(slug, state, "; ".join([submitted.name, *submitted.waits]), waits=submitted.waits)
