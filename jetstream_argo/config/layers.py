"""Merges layers of configuration. The later layer wins; no layer is ever changed."""

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from jetstream_argo.config.names import is_slug
from jetstream_argo.config.periods import Period
from jetstream_argo.config.schema import (
    ExperimentSpec,
    FileProblem,
    OutcomeSpec,
    ParameterSpec,
    Reference,
    Section,
    Spec,
)
from jetstream_argo.errors import Problem

_Section = TypeVar("_Section", bound=Section)


def merge_specs(base: Spec, other: Spec) -> Spec:
    """Return `base` overlaid with `other`."""
    metrics, unmatched_metrics = _overlay(base.metrics, other.metrics)
    sources, unmatched_sources = _overlay(base.data_sources, other.data_sources)
    unmatched = [("metrics", name) for name in unmatched_metrics] + [
        ("data_sources", name) for name in unmatched_sources
    ]
    dangling = tuple(
        FileProblem(other.file, Problem(f"{section}.{name}", "matches no name and is ignored"))
        for section, name in unmatched
    )
    return Spec(
        file=other.file,
        experiment=_merge_experiments(base.experiment, other.experiment),
        periods=_merge_periods(base.periods, other.periods),
        metrics=metrics,
        data_sources=sources,
        segments={**base.segments, **other.segments},
        segment_data_sources={**base.segment_data_sources, **other.segment_data_sources},
        parameters=_merge_parameters(base.parameters, other.parameters),
        functions={**base.functions, **other.functions},
        warnings=base.warnings + other.warnings + dangling,
    )


def put_outcome_under(spec: Spec, outcome: OutcomeSpec) -> Spec:
    """Return `spec` with the outcome's metrics, data sources and parameters laid under its own.

    An outcome that declares no periods has all of its metrics in the weekly and the overall windows.
    """
    under = outcome.spec
    if not under.periods:
        everything = tuple(Reference(name, under.file) for name in under.metrics)
        under = replace(under, periods={Period.WEEK: everything, Period.OVERALL: everything})
    merged = merge_specs(under, spec)
    # What the experiment says about itself, and the segments it has, are no business of an outcome.
    return replace(merged, file=spec.file, experiment=spec.experiment)


def overlay(base: _Section, other: _Section) -> _Section:
    """Return `base` with every field that `other` fills; what is empty or missing there does not win."""
    filled = {
        key: value
        for key in type(other).model_fields
        if (value := getattr(other, key)) is not None and value != "" and value != () and value != {}
    }
    return base.model_copy(update=filled)


def _merge_experiments(base: ExperimentSpec, other: ExperimentSpec) -> ExperimentSpec:
    """Return `base` overlaid with `other`; of exclusions the names of both are there."""
    merged = overlay(base, other)
    if base.exclude is None or other.exclude is None:
        return merged
    exclude = overlay(base.exclude, other.exclude)
    named = {**(base.exclude.named or {}), **(other.exclude.named or {})}
    return merged.model_copy(update={"exclude": exclude.model_copy(update={"named": named})})


def _overlay(
    base: Mapping[str, _Section], other: Mapping[str, _Section]
) -> tuple[Mapping[str, _Section], tuple[str, ...]]:
    """Return `base` with each name of `other` merged into the names it matches, and the patterns that match none.

    A name of `other` may hold the wildcards of file names, `*`, `?` and `[…]`.
    """
    merged = dict(base)
    matched = set()
    for pattern, section in other.items():
        names = [pattern] if is_slug(pattern) else fnmatch.filter(base, pattern)
        for name in names:
            if name in base:
                merged[name] = overlay(merged[name], section)
                matched.add(pattern)
    added = {name: section for name, section in other.items() if name not in matched and is_slug(name)}
    unmatched = tuple(name for name in other if name not in matched and not is_slug(name))
    return {**merged, **added}, unmatched


def _merge_periods(
    base: Mapping[Period, tuple[Reference, ...]], other: Mapping[Period, tuple[Reference, ...]]
) -> Mapping[Period, tuple[Reference, ...]]:
    # The later layer comes first: the order of the results is that of this list from its end.
    return {period: names for period in Period if (names := other.get(period, ()) + base.get(period, ()))}


def _merge_parameters(
    base: Mapping[str, ParameterSpec], other: Mapping[str, ParameterSpec]
) -> Mapping[str, ParameterSpec]:
    merged = dict(base)
    for name, parameter in other.items():
        merged[name] = overlay(merged[name], parameter) if name in merged else parameter
    return merged
