"""The metrics and periods that somebody asks for, by the names that several commands take."""

from collections.abc import Sequence

import click

from jetstream_argo.cli.options import chosen
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import PlanError, nearest
from jetstream_argo.report.targets import Target, metrics_by_source
from jetstream_argo.store.entries import Entry


def chosen_periods(given: Sequence[str]) -> tuple[Period, ...]:
    """Return the periods of these names, of which each text may have several, separated by commas.

    Raises:
        BadParameter: there is no such period; the message has the nearest, and all.
    """
    known = [period.value for period in Period]
    for name in chosen(*given):
        if name not in known:
            hint = nearest(name, known)
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}{hint}", param_hint="--period")
    return tuple(Period(name) for name in chosen(*given))


def chosen_metrics(
    target: Target, entries: Sequence[Entry], metrics: Sequence[str], sources: Sequence[str]
) -> tuple[str, ...]:
    """Return the metrics that are asked for, by their names or by those of their sources; none where all are.

    Raises:
        PlanError: nothing is known of a source, or it has none of the metrics.
    """
    named, wanted = chosen(*metrics), chosen(*sources)
    if not wanted:
        return named
    known = metrics_by_source(target.plan, entries)
    for source in wanted:
        if source not in known:
            hint = nearest(source, known) or f"; there are {', '.join(known)}"
            raise PlanError(f"{target.place.slug}: there is no data source {source!r}{hint}")
    of_sources = dict.fromkeys(metric for source in wanted for metric in known[source])
    found = tuple(metric for metric in of_sources if not named or metric in named)
    if not found:
        raise PlanError(f"{target.place.slug}: none of the metrics {', '.join(named)} is of {', '.join(wanted)}")
    return found
