"""The names that version 0.1 gave to the tables of an experiment; its views were named as now."""

from collections.abc import Iterable, Iterator

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner


def status(owner: Owner) -> str:
    """The table of what was done."""
    return names.internal(owner, "status", generation=None)


def statistics(owner: Owner) -> str:
    """The table of all estimates."""
    return names.internal(owner, "estimates", generation=None)


def signals(owner: Owner) -> str:
    """The table of exposure signals."""
    return names.internal(owner, "signals", generation=None)


def partials(owner: Owner, source: str) -> str:
    """The table of one source's daily partials."""
    return names.internal(owner, "partials", source, generation=None)


def values(owner: Owner, basis: Basis, source: str, period: Period) -> str:
    """The table of metric values of one basis, source and period."""
    return names.internal(owner, "values", basis, source, period, generation=None)


def names_now(owner: Owner, sources: Iterable[str]) -> dict[str, str]:
    """Return, by the old name of every table but the record and that of enrolled units, its name now."""
    return {
        signals(owner): names.signals(owner),
        statistics(owner): names.statistics(owner),
        **dict(_of_sources(owner, sources)),
    }


def _of_sources(owner: Owner, sources: Iterable[str]) -> Iterator[tuple[str, str]]:
    for source in sources:
        yield partials(owner, source), names.partials(owner, source)
        for basis in Basis:
            for period in Period:
                yield values(owner, basis, source, period), names.values(owner, basis, source, period)
