"""Remembers the file that says something, for messages about what only a warehouse can tell."""

from collections.abc import Mapping

from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.resolve.context import ResolutionContext


def files_of(context: ResolutionContext, config: ExperimentConfig) -> Mapping[str, str]:
    """Return the files of the tables that `config` was made from, by their keys, such as `metrics.revenue`."""
    spec, application = context.spec, context.application
    sources = {**application.data_sources, **spec.data_sources}
    segments = {**application.segments, **spec.segments}
    segment_sources = {**application.segment_data_sources, **spec.segment_data_sources}
    return {
        "experiment": spec.experiment.file or spec.file,
        **{f"metrics.{metric.name}": metric.file for metric in config.metrics},
        **{f"data_sources.{name}": source.file for name, source in sources.items()},
        **{f"segments.{name}": segment.file for name, segment in segments.items()},
        **{f"segments.data_sources.{name}": source.file for name, source in segment_sources.items()},
    }
