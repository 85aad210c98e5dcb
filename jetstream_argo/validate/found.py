"""The mistakes in an experiment's files by a warehouse's tables, and whether anything could be computed still."""

from collections.abc import Collection, Mapping, Sequence

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.validate.mistakes import Mistake, mistakes
from jetstream_argo.warehouse.protocol import Engine


def found_by(plan: AnalysisPlan, engine: Engine, *, files: Mapping[str, str]) -> tuple[Mistake, ...]:
    """Return what is wrong by the tables of a warehouse."""

    def columns_of(table: str) -> tuple[Column, ...] | None:
        try:
            info = engine.info(table)
        except EngineError:  # only hints depend on it
            return None
        return None if info is None else info.columns

    return mistakes(plan, engine.dry_run, columns_of, files=files)


def concerning(found: Sequence[Mistake], metrics: Collection[str]) -> tuple[Mistake, ...]:
    """Return the mistakes by which some of `metrics` fail."""
    return tuple(mistake for mistake in found if not set(metrics).isdisjoint(mistake.metrics))


def leaves_nothing(plan: AnalysisPlan, engine: Engine, found: Sequence[Mistake], metrics: Collection[str]) -> bool:
    """Return whether none of `metrics` could be computed."""
    # Units that were enrolled before are not looked for again.
    enrolled = bool(found) and engine.info(names.enrollments(plan)) is not None
    broken = {name for mistake in found if mistake.source or not enrolled for name in mistake.metrics}
    return bool(broken) and broken.issuperset(metrics)
