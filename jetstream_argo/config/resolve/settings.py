"""Resolves when an experiment runs and what it compares: its file decides, or Experimenter where it is silent."""

from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.conventions.load import Conventions
from jetstream_argo.config.experiment import LaunchedExperiment
from jetstream_argo.config.model import AnalysisUnit
from jetstream_argo.config.resolve.findings import ProblemCollector
from jetstream_argo.config.schema import Spec
from jetstream_argo.errors import nearest


@dataclass(frozen=True, slots=True)
class Settings:
    """`enrollment_days` is the length of the enrollment period."""

    start_date: date
    end_date: date | None
    enrollment_days: int
    reference_branch: str | None
    unit: AnalysisUnit


def experiment_settings(
    experiment: LaunchedExperiment, spec: Spec, conventions: Conventions, findings: ProblemCollector
) -> Settings | None:
    """Return the settings, or None where they cannot be known."""
    own = spec.experiment
    file = own.file or spec.file
    start, end = own.start_date or experiment.start_date, own.end_date or experiment.end_date
    if own.is_private and not own.dataset_id:
        findings.error(file, "experiment.dataset_id", "is missing: a private experiment must name its own dataset")
    if start is None:
        findings.error(experiment.source, "experiment.start_date", "is missing: the experiment has not started")
        return None
    days = own.enrollment_period or _enrollment_days(experiment, start)
    if days is None:
        what = "is missing: nothing says how long units enroll"
        findings.error(experiment.source, "experiment.enrollment_period", what)
        return None
    return Settings(
        start_date=start,
        end_date=end,
        enrollment_days=days,
        reference_branch=_reference_branch(experiment, spec, findings),
        unit=own.analysis_unit or _unit(experiment, conventions, findings),
    )


def _enrollment_days(experiment: LaunchedExperiment, start: date) -> int | None:
    if experiment.enrollment_end_date is not None:
        days = (experiment.enrollment_end_date - start).days + 1
        return days if days > 0 else None
    return experiment.proposed_enrollment or None


def _reference_branch(experiment: LaunchedExperiment, spec: Spec, findings: ProblemCollector) -> str | None:
    name = spec.experiment.reference_branch or experiment.reference_branch
    branches = [branch.slug for branch in experiment.branches]
    if name is not None and name not in branches:
        file = spec.experiment.file if spec.experiment.reference_branch else experiment.source
        findings.error(file, "experiment.reference_branch", f"{name!r} is not a branch{nearest(name, branches)}")
    return name


def _unit(experiment: LaunchedExperiment, conventions: Conventions, findings: ProblemCollector) -> AnalysisUnit:
    unit = experiment.randomization_unit
    if unit is None:
        return AnalysisUnit.CLIENT
    if unit not in conventions.randomization_units:
        findings.unknown(
            "randomization unit",
            unit,
            known=conventions.randomization_units,
            file=experiment.source,
            where="bucketConfig.randomizationUnit",
        )
        return AnalysisUnit.CLIENT
    return conventions.randomization_units[unit]
