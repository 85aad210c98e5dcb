"""Resolves the queries that find the enrolled and the exposed units of an experiment."""

import re
from dataclasses import dataclass
from functools import partial

from jetstream_argo.config.conventions.load import EnrollmentKind
from jetstream_argo.config.resolve.context import ResolutionContext, platform_dataset
from jetstream_argo.config.schema import ExperimentSpec
from jetstream_argo.config.templates.fill import Templates

_CUSTOM = "custom"
_EVERYONE = 100
_COMMENT = re.compile(r"--[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EnrollmentQueries:
    """`kind` names the convention, or is `custom`."""

    kind: str
    enrollments: str
    exposures: str | None


def enrollment_queries(context: ResolutionContext, spec: ExperimentSpec) -> EnrollmentQueries | None:
    """Return the queries, or None if that is an error.

    A file's own `enrollment_query` and `exposure_query` come before the conventions of its platform.
    """
    kind_name = spec.enrollments_query_type or (context.platform.enrollments if context.platform else None)
    kind = _kind(context, spec, kind_name) if kind_name else None
    if kind_name and kind is None:
        return None
    exposures = _custom(context, spec, "exposure") or _fill(context, spec, kind.exposures if kind else None)
    if spec.enrollment_query:
        enrollments = _custom(context, spec, "enrollment")
        if spec.sample_size:
            context.findings.warn(
                spec.file, "experiment.sample_size", "has no effect on an enrollment_query; sample in the query"
            )
        return EnrollmentQueries(_CUSTOM, enrollments, exposures) if enrollments else None
    if kind_name is None or kind is None:
        context.findings.error(
            spec.file or context.spec.file,
            "experiment.enrollment_query",
            f"is missing, and no convention says how {context.experiment.app_name!r} records enrollments"
            f" (known: {', '.join(sorted(context.conventions.platforms))})",
        )
        return None
    if context.unit not in kind.analysis_units:
        context.findings.error(
            spec.file or context.spec.file,
            "experiment.analysis_unit",
            f"is {context.unit.value!r}, and enrollments of kind {kind_name!r} are of "
            f"{' or '.join(unit.value for unit in kind.analysis_units)}",
        )
        return None
    enrollments = _fill(context, spec, kind.enrollments)
    return EnrollmentQueries(kind_name, enrollments, exposures) if enrollments else None


def _kind(context: ResolutionContext, spec: ExperimentSpec, name: str) -> EnrollmentKind | None:
    kinds = context.conventions.enrollment_kinds
    if name not in kinds:
        where = "experiment.enrollments_query_type"
        context.findings.unknown("enrollment kind", name, known=kinds, file=spec.file, where=where)
    return kinds.get(name)


def _fill(context: ResolutionContext, spec: ExperimentSpec, template: str | None) -> str | None:
    if template is None:
        return None
    columns = context.conventions.columns
    # Without the experiment's functions: a convention knows the names listed here and nothing else.
    fill = partial(
        Templates({}).fill,
        template,
        slug=context.experiment.slug,
        unit=context.id_column(columns.client_id, columns.profile_group_id),
        first_date=context.experiment.start_date,
        last_date=context.experiment.last_enrollment_date,
        dataset=context.dataset or platform_dataset(context.platform) or "",
        sample_size=spec.sample_size or _EVERYONE,
        experiment=context.experiment,
    )
    text = context.findings.filled(spec.file or context.spec.file, "experiment.enrollments_query_type", fill)
    return text.strip() if text else None


def _custom(context: ResolutionContext, spec: ExperimentSpec, what: str) -> str | None:
    """Return a file's own query, with its columns named as they must be.

    As existing files have it, the unit may be called by its own name, and the number of events may be missing: it
    counts as one.
    """
    query = spec.enrollment_query if what == "enrollment" else spec.exposure_query
    if not query:
        return None
    fill = partial(context.templates.fill, query, experiment=context.experiment)
    filled = context.findings.filled(spec.file, f"experiment.{what}_query", fill)
    if filled is None:
        return None
    filled = filled.strip().rstrip(";").rstrip()
    words = set(re.findall(r"\w+", _COMMENT.sub(" ", filled)))
    columns = context.conventions.columns
    unit = context.id_column(columns.client_id, columns.profile_group_id)
    [other] = {columns.client_id, columns.profile_group_id} - {unit} or {unit}
    if other in words and unit not in words:
        warning = f"speaks of {other!r}, and the analysis unit is {context.unit.value!r}"
        context.findings.warn(spec.file, f"experiment.{what}_query", warning)
    events = f"num_{what}_events"
    lines = [
        f"  given.{unit} AS analysis_id" if unit in words and "analysis_id" not in words else "  given.analysis_id",
        "  given.branch",
        f"  given.{what}_date",
        f"  given.{events}" if events in words else f"  1 AS {events}",
    ]
    return "SELECT\n" + ",\n".join(lines) + f"\nFROM (\n{filled}\n) AS given"
