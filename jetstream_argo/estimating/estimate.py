"""Estimates a metric from its stored values, by a few queries whatever the number of windows and segments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, assert_never

from jetstream_argo.config.model import Basis
from jetstream_argo.errors import EstimateError
from jetstream_argo.estimating.adjustments import Gap, gap_notes, gaps_of, unadjusted_notes
from jetstream_argo.estimating.before_enrollment import of_covariates, of_rows
from jetstream_argo.estimating.branch_cut import BranchCut
from jetstream_argo.estimating.clipping import dropped_notes
from jetstream_argo.estimating.counts import count_units
from jetstream_argo.estimating.cut import cut_notes, with_cuts
from jetstream_argo.estimating.groups import (
    Adjusted,
    Plain,
    Ratio,
    RequestedStatistic,
    StatisticGroup,
    groups_of,
    statistics_by_name,
)
from jetstream_argo.estimating.joint import joint_facts
from jetstream_argo.estimating.model import Before, Cell, Estimated, Placed, Stored
from jetstream_argo.estimating.observations import opened
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.estimating.ratio import ratio_facts
from jetstream_argo.estimating.reading import Key, MetricQueries
from jetstream_argo.estimating.segment_effects import Sides, with_rest
from jetstream_argo.estimating.single import plain_facts
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import names
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.needs import CountNeed, JointMomentsNeed, Need
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts, Pooled, Sample
from jetstream_argo.warehouse.protocol import Engine

__all__ = ["Estimated", "Placed", "Stored", "count_units", "estimate_metric"]


def estimate_metric(
    plan: AnalysisPlan,
    wanted: MetricStatistics,
    stored: Stored,
    engine: Engine,
    *,
    windows: Sequence[AnalysisWindow],
    labels: Mapping[str, str],
    attempt: str = "",
) -> Estimated:
    """Return all rows of `wanted` in `windows`, by window, basis, segment and statistic.

    Every branch of the plan has rows, one without units too; units of other branches do not count. A basis whose
    values are not stored has no rows, nor has what is not in the share of it that is asked for. Statistics with the
    same pre-treatments and covariate share queries. `attempt` is part of the names of the tables that are made in
    between, so that nobody else writes to them.

    Raises:
        EngineError: a query failed.
        EstimateError: the values are no numbers.
    """
    if not stored.bases() or not windows:
        return Estimated()
    groups = groups_of(wanted, stored)
    scratch = names.scratch(plan, attempt, wanted.metric, wanted.period, str(windows[0].index))
    with opened(plan, stored, groups, engine, windows=windows, labels=labels, scratch=scratch) as queries:
        facts = [_facts(group, queries) for group in groups]
        dropped = tuple(dropped_notes(groups, queries))
    asked = [(statistic, facts[index]) for statistic, index in statistics_by_name(groups)]
    rows: list[Placed] = []
    excluded: dict[str, int] = {}
    gaps: list[Gap] = []
    units = 0
    without_units: dict[int, tuple[EstimateRow, ...]] = {}  # the same wherever there are no units
    bigger = all(metric.bigger_is_better for metric in plan.metrics if metric.name == wanted.metric)
    for cell in _cells(plan, stored, windows):
        for number, (statistic, known) in enumerate(asked):
            keys = _keys(cell, plan)
            counts = [known.facts(CountNeed(), key) for key in keys]
            units = max(units, sum(branch.n_rows for branch in counts))
            if cell.segment == ALL_UNITS:
                excluded[statistic.name] = excluded.get(statistic.name, 0) + sum(
                    branch.n_nonfinite for branch in counts
                )
                gaps += gaps_of(statistic, cell, _joint(statistic, known, keys))
            is_empty = not any(branch.n_rows for branch in counts)
            if is_empty and number in without_units:
                found = without_units[number]
            else:
                found = beaten(_rows(wanted.metric, statistic, known, keys), bigger_is_better=bigger)
                if is_empty:
                    without_units[number] = found
            rows += (Placed(row, cell.basis, cell.window_index, cell.segment) for row in found)
    notes = (*_all_notes([statistic for statistic, _ in asked], excluded, rows, gaps), *dropped)
    before = _before(plan, wanted, stored, asked, rows, windows)
    return Estimated(tuple(rows), notes, tuple(queries.jobs), units, tuple(before))


def _before(
    plan: AnalysisPlan,
    wanted: MetricStatistics,
    stored: Stored,
    asked: Sequence[tuple[RequestedStatistic, "_Facts"]],
    rows: Sequence[Placed],
    windows: Sequence[AnalysisWindow],
) -> Iterator[Before]:
    """Yield whether the branches differed before enrollment, if all enrolled units are asked about."""

    def facts_of(number: int, window: int, branch: str) -> BranchFacts:
        statistic, known = asked[number]
        return known.facts(statistic.need, (Basis.ENROLLMENTS.value, window, ALL_UNITS, branch))

    if Basis.ENROLLMENTS in stored.bases():
        yield from of_covariates(plan, [statistic for statistic, _ in asked], facts_of, windows)
        yield from of_rows(plan, wanted, rows)


def _all_notes(
    asked: Sequence[RequestedStatistic], excluded: Mapping[str, int], rows: Sequence[Placed], gaps: Sequence[Gap]
) -> tuple[str, ...]:
    return (*_notes(asked, excluded), *unadjusted_notes(asked, rows), *gap_notes(gaps), *cut_notes(rows))


class _Facts(Protocol):
    """What queries say of every branch."""

    def facts(self, need: Need, key: Key) -> BranchFacts:
        """Return what `need` asks for, of one branch."""

    def pooled(self, need: Need, keys: Sequence[Key]) -> Pooled:
        """Return what is known of all branches together."""

    def scale(self, need: Need) -> float:
        """Return the scale of the data for this need."""

    def cut(self, need: Need, key: Key) -> BranchCut | None:
        """Return what clipping takes from a branch, in values divided by the scale; None where nothing is clipped."""

    def sides(self, need: Need, key: Key) -> Sides | None:
        """Return a branch's units in a segment and outside of it; None where that is not known, and of all units."""


def _facts(group: StatisticGroup, queries: MetricQueries) -> _Facts:
    match group.subject:
        case Plain():
            return plain_facts(group, queries)
        case Adjusted():
            return joint_facts(group, group.subject, queries)
        case Ratio():
            return ratio_facts(group, queries)
        case _:
            assert_never(group.subject)


def _cells(plan: AnalysisPlan, stored: Stored, windows: Sequence[AnalysisWindow]) -> Iterator[Cell]:
    names = (ALL_UNITS, *(segment.name for segment in plan.enrollments.segments))
    asked = stored.share.segments_of(len(names))
    for window in windows:
        for basis in stored.bases():
            yield from (Cell(basis, window.index, names[segment]) for segment in asked)


def _keys(cell: Cell, plan: AnalysisPlan) -> list[Key]:
    return [(cell.basis.value, cell.window_index, cell.segment, branch) for branch in plan.experiment.branches]


def _rows(metric: str, statistic: RequestedStatistic, known: _Facts, keys: Sequence[Key]) -> tuple[EstimateRow, ...]:
    """The statistic's rows; where none can be had, one a branch that says why, so that the other statistics stay."""
    try:

        def sample_of(need: Need) -> Sample:
            facts = tuple(known.facts(need, key) for key in keys)
            return Sample(metric, facts, known.pooled(need, keys), known.scale(need))

        rows = estimate(statistic.method, sample_of(statistic.need))
        rows = with_cuts(rows, statistic, sample_of, {key[3]: known.cut(statistic.need, key) for key in keys})
        sides = {key[3]: known.sides(statistic.need, key) for key in keys}
        return with_rest(rows, statistic, sides, scale=known.scale(statistic.need))
    except EstimateError as error:
        if error.reason not in set(Reason):
            raise
        reason = Reason(error.reason)
        counts = (known.facts(CountNeed(), key) for key in keys)
        return tuple(
            EstimateRow(
                metric=metric,
                statistic=statistic.method.row_name,
                branch=facts.branch,
                n_units=facts.n_rows - facts.n_null - facts.n_nonfinite,
                reason=reason,
            )
            for facts in counts
        )


def _joint(statistic: RequestedStatistic, known: _Facts, keys: Sequence[Key]) -> list[BranchFacts]:
    return [known.facts(statistic.need, key) for key in keys] if isinstance(statistic.need, JointMomentsNeed) else []


def beaten(rows: Sequence[EstimateRow], *, bigger_is_better: bool) -> tuple[EstimateRow, ...]:
    """Return the rows with chances and losses of the better branch, which is the lower one unless `bigger_is_better`.

    Statistics take the higher one for the better; what the lower one loses is what the higher one gains.
    """
    if bigger_is_better:
        return tuple(rows)
    return tuple(
        replace(row, chance_to_win=1 - row.chance_to_win, expected_loss=max(row.expected_loss + row.point, 0.0))
        if row.chance_to_win is not None and row.expected_loss is not None and row.point is not None
        else row
        for row in rows
    )


def _notes(asked: Sequence[RequestedStatistic], excluded: Mapping[str, int]) -> Iterator[str]:
    for statistic in asked:
        if statistic.note:
            yield statistic.note
        if excluded.get(statistic.name):
            yield f"{statistic.name} leaves out {excluded[statistic.name]} infinite or NaN values"
