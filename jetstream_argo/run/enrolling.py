"""Finds the enrolled units, with their exposures and segments, and makes the views of them."""

from dataclasses import replace

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import EXIT_DEFINITION, NodeError
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.assigning import ensure_assignments, nobody
from jetstream_argo.run.context import Context, updated
from jetstream_argo.run.split_facts import split_facts
from jetstream_argo.run.traits import ensure_traits, traits_of
from jetstream_argo.run.unit_counts import UnitCounts, count_enrolled
from jetstream_argo.run.upgrading import ensure_upgraded, make_way
from jetstream_argo.sql import names
from jetstream_argo.sql.units import StoredUnits, enrolled_view
from jetstream_argo.store.entries import Kind, State


def ensure_enrollments(context: Context) -> str:
    """Find the units, their exposures and segments, unless they are known; return a line that says how many.

    Raises:
        NodeError: some branch has no units while others are in none. Nothing is cached then, so that a retry looks
            again.
        NotLoaded: telemetry of some enrollment date is not there yet.
    """
    view = names.enrollments(context.plan)
    upgraded = ensure_upgraded(context) if context.ledger.latest(Kind.ENROLLMENTS, view) is None else ""
    ensure_assignments(context)
    for traits in traits_of(context):
        ensure_traits(context, traits)
    units = context.currency().units
    latest = context.ledger.latest(Kind.ENROLLMENTS, view)
    made = latest is not None and latest.inputs == (_made_from(context.plan, units),)
    if latest is not None and made and context.engine.info(view) is not None:
        return f"cached: {latest.message}"
    published = _publish(context, units)
    return f"{upgraded}; {published}" if upgraded else published


def nobody_enrolled(context: Context) -> bool:
    """Whether units were looked for by the plan's query and none were found."""
    plan = context.plan
    latest = context.ledger.latest(Kind.ENROLLMENTS, names.assignments(plan))
    asked = latest is not None and latest.keys == (plan.enrollments.key,) and latest.state is State.COMPUTED
    return asked and not context.currency().units.batches


def _made_from(plan: AnalysisPlan, units: StoredUnits) -> str:
    segments = [[segment.name, segment.column, sorted(segment.batches.items())] for segment in units.segments]
    exposures = None if units.exposures is None else sorted(units.exposures.items())
    experiment = plan.experiment
    branches: list[object] = [experiment.branches, experiment.allow_empty_branches]
    if experiment.sample_ratio_alarm:
        branches += [experiment.branch_shares, experiment.sample_ratio_alarm, experiment.sample_ratio_deviation]
    made_from: list[object] = [units.batches, units.assignments, exposures, segments, branches]
    exclusions = plan.enrollments.exclusions
    if exclusions.excludes:
        rules = [[exclusion.name, exclusion.condition, exclusion.column] for exclusion in exclusions.named]
        made_from += [
            exclusions.several_branches,
            rules,
            [sorted(excluded.batches.items()) for excluded in units.excluded],
        ]
    return digest(*made_from)


def _publish(context: Context, units: StoredUnits) -> str:
    """Make the view of the units, count them, and record both."""
    plan = context.plan
    view = names.enrollments(plan)
    counts = count_enrolled(context, units)
    _check_branches(context, counts)
    labels = {**context.labels(), **updated(context.now())}
    make_way(context, view)
    context.engine.create_view(view, enrolled_view(plan, units), description=plan.experiment.slug, labels=labels)
    message = counts.message(plan) if counts.units else nobody(plan)
    entry = replace(
        context.entry(Kind.ENROLLMENTS, State.COMPUTED),
        table=view,
        keys=(plan.enrollments.key, plan.enrollments.exposures_key, *plan.enrollments.segment_columns),
        units=counts.units,
        message=message,
        inputs=(_made_from(plan, units),),
        facts=canonical({**_nobody(context, counts), **counts.facts(plan), **split_facts(context, units, counts)}),
    )
    context.record([entry])
    return message


def _nobody(context: Context, counts: UnitCounts) -> dict[str, object]:
    return {} if counts.units else {"nobody": nobody(context.plan)}


def _check_branches(context: Context, counts: UnitCounts) -> None:
    message = counts.misnamed(context.plan)
    if message:
        failure = context.entry(Kind.ENROLLMENTS, State.FAILED)
        facts = canonical(counts.facts(context.plan))
        context.record([replace(failure, error="MisnamedBranches", message=message, facts=facts)])
        raise NodeError(message, exit_code=EXIT_DEFINITION)
