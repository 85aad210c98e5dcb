"""Resolves an experiment: all layers merged, all templates filled."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.config.conventions.load import Conventions
from jetstream_argo.config.experiment import LaunchedExperiment
from jetstream_argo.config.files.metric_hub import Definitions
from jetstream_argo.config.layers import merge_specs, put_outcome_under
from jetstream_argo.config.model import Deletions, ExperimentConfig, Outcome
from jetstream_argo.config.names import is_file_name, wrong_with_branch
from jetstream_argo.config.resolve.context import ResolutionContext, dataset_of, prose
from jetstream_argo.config.resolve.enrollments import enrollment_queries
from jetstream_argo.config.resolve.exclusions import exclusions
from jetstream_argo.config.resolve.findings import ProblemCollector
from jetstream_argo.config.resolve.inferred_statistics import Added
from jetstream_argo.config.resolve.metrics import Metrics, parameter_values
from jetstream_argo.config.resolve.origins import files_of
from jetstream_argo.config.resolve.settings import Settings, experiment_settings
from jetstream_argo.config.resolve.sources import SourceResolver, exposure_signal, segments
from jetstream_argo.config.schema import FileProblem, InferenceSpec, OutcomeSpec, Spec
from jetstream_argo.config.templates.fill import TemplateExperiment, Templates
from jetstream_argo.errors import brief


@dataclass(frozen=True, slots=True)
class Resolution:
    """A configuration, and what is probably not meant in the files that it comes from.

    `files` are those that hold its tables, by the tables' keys, such as `metrics.revenue`.
    """

    config: ExperimentConfig
    warnings: tuple[FileProblem, ...]
    files: Mapping[str, str]


def resolve_config(
    experiment: LaunchedExperiment,
    definitions: Definitions,
    spec: Spec | None = None,
    *,
    conventions: Conventions,
    as_of: date | None = None,
) -> ExperimentConfig:
    """Return what `resolve` returns, without the warnings."""
    return resolve(experiment, definitions, spec, conventions=conventions, as_of=as_of).config


def resolve(
    experiment: LaunchedExperiment,
    definitions: Definitions,
    spec: Spec | None = None,
    *,
    conventions: Conventions,
    as_of: date | None = None,
) -> Resolution:
    """Return the experiment's configuration: its application's defaults, its outcomes and its own file, merged.

    `spec` is the experiment's own file; None means the one among the definitions, if there is one. Without `as_of`
    only an experiment whose file sets an end date counts as complete.

    Raises:
        UnknownReference: a file uses a name that nothing defines, and that is all that is wrong.
        ConfigError: a file cannot be used; or several things are wrong, and the message lists all of them.
    """
    app_name = experiment.app_name or conventions.default_platform
    known = spec or definitions.experiment_file(experiment.slug)
    own = known or Spec(file=experiment.source)
    layered = merge_specs(definitions.defaults(app_name), own)
    findings = ProblemCollector()
    outcomes = _outcomes(experiment, layered, definitions, app_name, findings)
    for outcome in outcomes:
        layered = put_outcome_under(layered, outcome)
    findings.warnings.extend(layered.warnings)
    settings = experiment_settings(experiment, layered, conventions, findings)
    if settings is None:
        raise findings.failure(experiment.slug)
    platform = conventions.platforms.get(app_name)
    context = ResolutionContext(
        spec=layered,
        application=definitions.application(app_name),
        templates=Templates({**definitions.functions(), **layered.functions}),
        experiment=_template_experiment(experiment, settings, app_name),
        unit=settings.unit,
        conventions=conventions,
        platform=platform,
        dataset=dataset_of(experiment.app_id) if experiment.app_id else None,
        findings=findings,
    )
    config = _config(experiment, settings, context, outcomes)
    if config is None or findings.errors:
        raise findings.failure(experiment.slug)
    ended = as_of is not None and config.end_date is not None and config.end_date <= as_of
    published = known is not None and spec is None and conventions.config_url and not config.is_private
    config = replace(
        config,
        is_complete=config.is_complete or ended,
        url=context.templates.fill(conventions.config_url or "", slug=config.slug) if published else experiment.url,
    )
    return Resolution(config, tuple(dict.fromkeys(findings.warnings)), files_of(context, config))


def _outcomes(
    experiment: LaunchedExperiment, spec: Spec, definitions: Definitions, app_name: str, findings: ProblemCollector
) -> tuple[OutcomeSpec, ...]:
    """Return the outcomes chosen in Experimenter, then those that only the file names."""
    asked = dict.fromkeys(experiment.outcomes, experiment.source)
    for slug in spec.experiment.outcomes or ():
        asked.setdefault(slug, spec.experiment.file)
    found = []
    for slug, file in asked.items():
        if not is_file_name(slug):
            findings.error(file, "experiment.outcomes", f"{slug!r:.200} is not the name of an outcome's file")
            continue
        outcome = definitions.outcome(slug, app_name)
        if outcome is None:
            known = definitions.outcomes(app_name)
            findings.unknown(f"outcome of {app_name}", slug, known=known, file=file, where="experiment.outcomes")
        else:
            found.append(outcome)
    return tuple(found)


def _template_experiment(experiment: LaunchedExperiment, settings: Settings, app_name: str) -> TemplateExperiment:
    return TemplateExperiment(
        slug=experiment.slug,
        app_name=app_name,
        enrollment_period=settings.enrollment_days,
        start_date=settings.start_date,
        known_end_date=settings.end_date,
        reference_branch=settings.reference_branch,
        branches=tuple(branch.slug for branch in experiment.branches),
    )


def _config(
    experiment: LaunchedExperiment, settings: Settings, context: ResolutionContext, outcomes: tuple[OutcomeSpec, ...]
) -> ExperimentConfig | None:
    spec = context.spec.experiment
    sources = SourceResolver(context)
    inference = spec.inference or InferenceSpec()
    asked_beside = context.conventions.inference.statistics if inference.statistics is None else inference.statistics
    added = Added.checked(asked_beside, findings=context.findings, file=inference.file or spec.file)
    metrics = Metrics(context, sources, parameter_values(context), added)
    _check_branches(experiment, context.findings)
    periods = metrics.periods()
    metrics.check_names()
    metrics.check_statistics(periods)
    alarm, deviation = inference.sample_ratio_alarm, inference.sample_ratio_deviation
    habits = context.conventions.inference
    freshness = context.conventions.freshness
    asked = dict.fromkeys(spec.segments or (), spec.file)
    asked |= {name: experiment.source for name in experiment.segments if name not in asked}
    found_segments, segment_sources = segments(context, asked)
    excluded, excluding = exclusions(context, sources, spec.exclude)
    segment_sources = tuple({source.name: source for source in (*segment_sources, *excluding)}.values())
    signal = exposure_signal(context, sources, spec.exposure_signal) if spec.exposure_signal else None
    queries = enrollment_queries(context, spec)
    if queries is None:
        return None
    return ExperimentConfig(
        slug=experiment.slug,
        app_name=context.experiment.app_name,
        analysis_unit=settings.unit,
        branches=context.experiment.branches,
        branch_ratios=tuple(branch.ratio for branch in experiment.branches),
        sample_ratio_alarm=habits.sample_ratio_alarm if alarm is None else alarm,
        sample_ratio_deviation=habits.sample_ratio_deviation if deviation is None else deviation,
        reference_branch=settings.reference_branch,
        start_date=settings.start_date,
        end_date=settings.end_date,
        is_complete=spec.end_date is not None,
        enrollment_days=settings.enrollment_days,
        allow_empty_branches=bool(spec.allow_empty_branches),
        sample_size=spec.sample_size,
        skip=bool(spec.skip),
        is_private=bool(spec.is_private),
        is_rollout=experiment.is_rollout,
        dataset=spec.dataset_id,
        enrollment_kind=queries.kind,
        enrollments_sql=queries.enrollments,
        exposures_sql=queries.exposures,
        exposure_signal=signal,
        segments=found_segments,
        segment_data_sources=segment_sources,
        data_sources=metrics.sources_used(),
        metrics=metrics.used(),
        periods=periods,
        outcomes=tuple(_outcome(outcome) for outcome in outcomes),
        settle_days=freshness.settle_days,
        deletions=Deletions(freshness.deletion_dates, freshness.deletion_query, freshness.deletion_units_query),
        exclusions=excluded,
    )


def _check_branches(experiment: LaunchedExperiment, findings: ProblemCollector) -> None:
    counts = Counter(branch.slug for branch in experiment.branches)
    for slug in (slug for slug, count in counts.items() if count > 1):
        findings.error(experiment.source, "experiment.branches", f"{brief(slug)} is named twice")
    for branch in experiment.branches:
        if wrong := wrong_with_branch(branch.slug):
            findings.error(experiment.source, "experiment.branches", wrong)


def _outcome(spec: OutcomeSpec) -> Outcome:
    return Outcome(
        slug=spec.slug,
        friendly_name=prose(spec.friendly_name),
        description=prose(spec.description),
        metrics=tuple(spec.spec.metrics),
        default_metrics=spec.default_metrics,
    )
