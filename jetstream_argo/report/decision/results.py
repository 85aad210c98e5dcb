"""Decides by the rule from an experiment's results, and says so in words."""

from collections.abc import Iterator, Sequence

from jetstream_argo.config.model import Basis, MetricRole
from jetstream_argo.config.periods import Period
from jetstream_argo.report.decision.rule import BranchDecision, DecidingMetric, DecisionInput, Evidence, Uplift, decide
from jetstream_argo.report.facts import Facts
from jetstream_argo.report.files import Json
from jetstream_argo.report.health import alarms
from jetstream_argo.report.summary.model import About, Compared, Window

_ALL = "all"


def decisions(windows: Sequence[Window], about: About, facts: Facts) -> tuple[BranchDecision, ...]:
    """Return what is decided of each branch, on all units that enrolled; nothing where no metric has a role for it."""
    metrics = [
        DecidingMetric(name, known.role, known.bigger_is_better is not False, known.margin, known.planned_windows)
        for name, known in about.metrics.items()
        if known.role is not MetricRole.SECONDARY
    ]
    own = [window for window in windows if window.basis == Basis.ENROLLMENTS.value and window.segment == _ALL]
    uplifts = tuple(uplift for window in own for uplift in _uplifts(window))
    branches = tuple(dict.fromkeys(uplift.branch for uplift in uplifts))
    if not metrics or not branches:
        return ()
    overall = [window for window in own if window.period == Period.OVERALL.value]
    results = DecisionInput(
        branches,
        tuple(uplift for window in overall for uplift in _uplifts(window)),
        uplifts,
        tuple(alarms(facts.health)),
    )
    return decide(results, metrics)


def decision_sentences(decided: Sequence[BranchDecision]) -> Iterator[str]:
    """Yield a sentence for each branch."""
    for branch in decided:
        because = "; ".join(evidence_text(evidence) for evidence in branch.evidence)
        yield f"decision about {branch.branch}: {branch.outcome.value}{': ' if because else ''}{because}"


def decision_json(decided: Sequence[BranchDecision]) -> list[Json]:
    """Return the same as plain data."""
    return [
        {
            "branch": branch.branch,
            "outcome": branch.outcome.value,
            "evidence": [
                {
                    "metric": evidence.metric, "window": evidence.window, "point": evidence.point,
                    "lower": evidence.lower, "upper": evidence.upper, "message": evidence.message,
                }
                for evidence in branch.evidence
            ],
        }
        for branch in decided
    ]  # fmt: skip


def evidence_text(evidence: Evidence) -> str:
    """Return an interval in words, or that there is none."""
    if evidence.point is None:
        return f"{evidence.metric} is {evidence.message}"
    lower = "−∞" if evidence.lower is None else f"{evidence.lower:+.2%}"
    upper = "∞" if evidence.upper is None else f"{evidence.upper:+.2%}"
    where = f" in {evidence.window}" if evidence.window else ""
    return f"{evidence.metric} {evidence.point:+.2%} [{lower}, {upper}]{where} is {evidence.message}"


def _uplifts(window: Window) -> Iterator[Uplift]:
    if Period(window.period).before_enrollment:
        return
    name = window.period if window.period == Period.OVERALL.value else f"{window.period} {window.index}"
    for answer in window.answers:
        for compared in answer.compared:
            found = _uplift(answer.metric, name, compared)
            if found is not None:
                yield found


def _uplift(metric: str, window: str, compared: Compared) -> Uplift | None:
    uplift = compared.uplift
    if uplift is None or uplift.point is None or uplift.lower is None or uplift.upper is None:
        return None
    return Uplift(
        metric, compared.branch, window, uplift.point, uplift.lower, uplift.upper, compared.p_value, compared.confidence
    )
