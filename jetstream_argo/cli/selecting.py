"""The part of an experiment that a command is told to look at or to compute."""

from collections.abc import Sequence

from jetstream_argo.cli.choices import chosen_periods
from jetstream_argo.cli.options import chosen
from jetstream_argo.dag.selection import Selection


def selection_of(metrics: Sequence[str], periods: Sequence[str], sources: Sequence[str]) -> Selection:
    """Return what `selection_options` were given, of which each may have several names, separated by commas.

    Raises:
        BadParameter: there is no such period.
    """
    return Selection(chosen(*metrics), chosen_periods(periods), chosen(*sources))
