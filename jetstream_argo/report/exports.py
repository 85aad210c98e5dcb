"""The files for readers without a warehouse: estimates, what the metrics mean, and what went wrong."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.decision.results import decision_json
from jetstream_argo.report.decision.rule import BranchDecision
from jetstream_argo.report.facts import NOTHING, Facts
from jetstream_argo.report.files import Json, as_json
from jetstream_argo.report.segment_tests import SegmentTest, segment_tests_json
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import StatusReport
from jetstream_argo.report.who_counts import who_counts_json
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates_table import COLUMNS, DERIVED, SCHEMA_VERSION, SRM
from jetstream_argo.warehouse.types import Result

# Which estimate it is: always there. What else is known of it is left out where it is missing, which the schema of the
# existing system's readers allows, while it allows no null.
_WHICH = (
    *("metric", "statistic", "parameter", "branch", "comparison", "comparison_to_branch"),
    *("segment", "analysis_basis", "window_index"),
)
_OWN = ("period", "batch", "position", "computed_at", "plan", "sample_ratio_p_value", "sample_ratio_mismatch")
_KNOWN = tuple(column.name for column in (*COLUMNS, *DERIVED) if column.name not in (*_WHICH, *_OWN))


def statistic_rows(result: Result, facts: Facts = NOTHING) -> Iterator[dict[str, Json]]:
    """Yield the rows of the statistics export; a row without a point is left out, since readers expect a number.

    A row of units that are not split as designed has `sample_ratio_mismatch`, others do not have the key; `facts` adds
    `units_left_out`, `units_in_several` and `units_excluded` to all rows where there are any, and
    `post_treatment_exclusion` where the experiment may decide about an exclusion.
    """
    left_out = sum(group.units for group in facts.units.left_out) if facts.units else 0
    several = facts.units.in_several if facts.units else 0
    counts: dict[str, Json] = {"units_left_out": left_out, "units_in_several": several}
    if facts.who is not None:
        counts["units_excluded"] = facts.excluded
        counts["post_treatment_exclusion"] = bool(facts.who.post_treatment)
    units = {name: count for name, count in counts.items() if count}
    for row in result.dicts():
        numbers = {name: as_json(row[name]) for name in _KNOWN}
        if numbers["point"] is None:
            continue
        yield {
            **{name: as_json(row[name]) for name in _WHICH},
            **{name: value for name, value in numbers.items() if value is not None},
            **({"sample_ratio_mismatch": True} if row["sample_ratio_mismatch"] else {}),
            **units,
        }


def mismatches(result: Result) -> Iterator[dict[str, Json]]:
    """Yield where units are not split as designed, from the same rows."""
    where = ("period", "window_index", "analysis_basis", "segment", "p_value")
    for row in result.dicts():
        if row["statistic"] == SRM and row["sample_ratio_mismatch"]:
            yield {name: as_json(row[name]) for name in where}


def metadata(
    plan: AnalysisPlan,
    plan_sha256: str,
    entries: Sequence[Entry],
    report: StatusReport,
    *,
    mismatched: Sequence[dict[str, Json]] = (),
    decided: Sequence[BranchDecision] = (),
    segments: Sequence[SegmentTest] = (),
) -> dict[str, Json]:
    """Return what the metrics and outcomes are, whether anything of them is lacking, and where to doubt them."""
    wanted = dict.fromkeys(leaf.metric for leaf in plan.statistics)
    return {
        "schema_version": SCHEMA_VERSION,
        "analysis_start_time": _iso(_started(entries, plan_sha256)),
        "external_config": _external_config(plan),
        "metrics": {
            metric.name: {
                "friendly_name": metric.friendly_name or metric.name,
                "description": metric.description,
                "bigger_is_better": metric.bigger_is_better,
                "analysis_bases": [basis.value for basis in metric.bases],
            }
            for metric in plan.metrics
            if metric.name in wanted
        },
        "outcomes": {
            outcome.slug: {
                "slug": outcome.slug,
                "friendly_name": outcome.friendly_name,
                "description": outcome.description,
                "metrics": list(outcome.metrics),
                "default_metrics": list(outcome.default_metrics),
            }
            for outcome in plan.experiment.outcomes
        },
        "as_of": plan.as_of.isoformat(),
        "plan": plan_sha256,
        "sample_ratio_mismatches": list(mismatched),
        "units": _units(report.facts),
        "decision": decision_json(decided),
        "segment_tests": segment_tests_json(segments),
        "health": [
            {"check": finding.check.value, "alarm": finding.alarm, "message": finding.message}
            for finding in report.facts.health
        ],
        "notes": list(sentences(report.facts)),
        "partial": bool(report.lacking),
        "lacking": [
            {
                "metric": metric.metric,
                "period": metric.period,
                "first_window": metric.first_window,
                "last_window": metric.last_window,
                "standing": metric.standing.value,
                "message": metric.message,
            }
            for metric in report.lacking
        ],
    }


def _units(facts: Facts) -> Json:
    if facts.units is None:
        return None
    return {
        "branches": {
            branch.branch: {"units": branch.units, "exposed": branch.exposed} for branch in facts.units.branches
        },
        "left_out": {group.name: group.units for group in facts.units.left_out},
        "in_several": facts.units.in_several,
        **(
            {"enrolled_outside": facts.units.outside.enrolled, "exposed_outside": facts.units.outside.exposed}
            if facts.units.outside is not None
            else {}
        ),
        **({"who_counts": who_counts_json(facts.who)} if facts.who is not None and facts.who.excludes else {}),
    }


def error_rows(plan: AnalysisPlan, report: StatusReport) -> Iterator[dict[str, Json]]:
    """Yield a row per failure and metric, in the columns of the existing system's error log, and the node."""
    for failure in report.failures:
        for metric in failure.metrics or (None,):
            yield {
                "timestamp": _iso(failure.recorded_at),
                "source": "jetstream-argo",
                "experiment": plan.experiment.slug,
                "metric": metric,
                "statistic": None,
                "analysis_basis": failure.basis or None,
                "segment": None,
                "analysis_period": failure.period or None,
                "message": failure.message,
                "log_level": "ERROR",
                "exception_type": failure.error,
                "node": failure.node,
            }


def _started(entries: Sequence[Entry], plan_sha256: str) -> datetime | None:
    """Return when the work on this plan began; where it found everything done, when the last work ended."""
    done = [entry for entry in entries if entry.kind is not Kind.EXPORT and entry.state is not State.FAILED]
    recorded = [entry.recorded_at for entry in done if entry.plan == plan_sha256]
    return min(recorded) if recorded else max((entry.recorded_at for entry in done), default=None)


def _external_config(plan: AnalysisPlan) -> dict[str, Json] | None:
    experiment = plan.experiment
    if experiment.url is None:
        return None
    timeline = experiment.timeline
    return {
        "reference_branch": experiment.reference_branch,
        "start_date": timeline.start.isoformat(),
        "end_date": timeline.end.isoformat() if timeline.end else None,
        "enrollment_period": timeline.enrollment_days,
        "skip": False,
        "url": experiment.url,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
