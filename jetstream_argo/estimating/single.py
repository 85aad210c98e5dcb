"""The sufficient statistics of one metric by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from jetstream_argo.errors import EngineError, EstimateError
from jetstream_argo.estimating.branch_cut import BranchCut
from jetstream_argo.estimating.details import Detail, detail_of
from jetstream_argo.estimating.groups import RequestedStatistic, StatisticGroup
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.estimating.reading import Key, MetricQueries, QueryRow, portions
from jetstream_argo.estimating.scaling import Scales
from jetstream_argo.estimating.segment_effects import Sides, sides_of_shares
from jetstream_argo.estimating.summary import (
    FEW_VALUES,
    N_REST,
    N_VALUES,
    OTHER,
    SUCCESSES,
    TOTAL,
    Clipped,
    N,
    few_values,
    moments,
    power_sums,
    sides,
    summary_query,
)
from jetstream_argo.estimating.value_counts import value_counts, values_of_the_inexact
from jetstream_argo.stats import needs
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.moments import HIGHEST_POWER, Successes, Total
from jetstream_argo.stats.sufficient import BranchFacts, Data, Pooled

SQUARES = 2


@dataclass(frozen=True, slots=True)
class PlainFacts:
    """What is known of every branch with units; `details` by need, of branches with many distinct values.

    `reduced` is the summary on `scales`, for what is made of powers.
    """

    summary: Mapping[Key, QueryRow]
    reduced: Mapping[Key, QueryRow]
    scales: Scales
    clips: tuple[Clipped, ...]
    details: Mapping[needs.Need, Mapping[Key, QueryRow]]
    integer: bool

    def facts(self, need: needs.Need, key: Key) -> BranchFacts:
        """Return what `need` asks for, of one branch."""
        row = self.summary.get(key)
        if row is None:
            return BranchFacts(key[3], 0)
        n_rows, n_null, n_nonfinite = (row.whole(name) for name in ("n_rows", "n_null", "n_nonfinite"))
        data = self._data(need, key, row) if row.whole("n") else None
        return BranchFacts(key[3], n_rows, data, n_null, n_nonfinite)

    def scale(self, need: needs.Need) -> float:
        """Return the scale of the data for this need."""
        return self.scales.first if isinstance(need, needs.MomentsNeed | needs.PowerSumsNeed) else 1.0

    def pooled(self, need: needs.Need, keys: Sequence[Key]) -> Pooled:
        """Return what is known of all branches together."""
        clip = need.clip if isinstance(need, needs.MomentsNeed) else None
        if clip is None:
            return Pooled(integer=self.integer)
        column = f"limit_{self._index(clip)}"
        limits = (row.number_or_none(column) for row in map(self.summary.get, keys) if row is not None)
        return Pooled(threshold=next(filter(lambda limit: limit is not None, limits), None), integer=self.integer)

    def cut(self, need: needs.Need, key: Key) -> BranchCut | None:
        """Return what clipping takes from a branch, in values divided by the scale; None where nothing is clipped."""
        if not isinstance(need, needs.MomentsNeed | needs.PowerSumsNeed) or need.clip is None:
            return None
        row = self.reduced.get(key)
        if row is None or not N.of(row):
            return BranchCut()
        index = self._index(need.clip)
        values, clipped = moments(row, self._index(None)), moments(row, index)
        return BranchCut.of_mean(values, clipped, row.number(f"limit_{index}"), row.whole(f"cut_{index}"))

    def sides(self, need: needs.Need, key: Key) -> Sides | None:
        """Return a branch's units in a segment and outside of it; None where that is not known, and of all units."""
        row = self.reduced.get(key)
        whole = self.summary.get((*key[:2], ALL_UNITS, key[3]))
        if row is None or whole is None or N_REST.name not in row.values:
            return None
        if isinstance(need, needs.ProportionNeed):
            part, everybody = (Successes(N.of(found), SUCCESSES.of(found)) for found in (row, whole))
            return sides_of_shares(part, everybody)
        return sides(row, self._index(need.clip)) if isinstance(need, needs.MomentsNeed | needs.PowerSumsNeed) else None

    def n_rows(self, key: Key) -> int:
        """Return how many units there are."""
        row = self.summary.get(key)
        return row.whole("n_rows") if row is not None else 0

    def n_nonfinite(self) -> int:
        """Return how many values of all units are infinite or NaN."""
        return sum(row.whole("n_nonfinite") for row in self.summary.values())

    def _index(self, clip: needs.ClipRule | None) -> int:
        return [treated.rule for treated in self.clips].index(clip)

    def _data(self, need: needs.Need, key: Key, row: QueryRow) -> Data | None:
        match need:
            case needs.CountNeed():
                return None
            case needs.SumNeed():
                return Total(N.of(row), TOTAL.of(row))
            case needs.ProportionNeed():
                return Successes(N.of(row), SUCCESSES.of(row), OTHER.of(row))
            case needs.MomentsNeed():
                return moments(self.reduced[key], self._index(need.clip))
            case needs.PowerSumsNeed():
                values, small = self.details.get(need, {}).get(key), self.reduced[key]
                if values is not None:
                    return value_counts(self.scales.applied({key: values})[key])
                return few_values(small) or power_sums(small, self._index(need.clip))
            case needs.DetailNeed():
                return few_values(row) or _detail(need, row, self.details[need].get(key))
            case needs.JointMomentsNeed() | needs.RatioNeed():
                raise TypeError(f"{need!r} is not about one metric")
            case _:
                assert_never(need)


def plain_facts(group: StatisticGroup, queries: MetricQueries) -> PlainFacts:
    """Ask all that the statistics of `group` need: one query, and one more a need for branches of many values."""
    clips = _clips(group.asked)
    asked = dict.fromkeys(statistic.need for statistic in group.asked)
    detailed = {need: detail_of(need) for need in asked if isinstance(need, needs.DetailNeed)}
    with_values = bool(detailed) or any(isinstance(statistic.need, needs.PowerSumsNeed) for statistic in group.asked)
    summary: dict[Key, QueryRow] = {}
    for observed in queries.observed(group, queries.windows, with_whole=True):
        largest = 2 * FEW_VALUES * len(observed.segments) if with_values else 1
        summary |= queries.rows(summary_query(observed, clips, with_values=with_values), largest=largest)
    details: dict[needs.Need, Mapping[Key, QueryRow]] = {
        need: _details(detail, group, queries, summary) for need, detail in detailed.items()
    }
    scales = Scales.of(summary.values())
    facts = PlainFacts(summary, scales.applied(summary), scales, clips, details, observed.integer)
    for statistic in group.asked:
        if isinstance(statistic.method, BootstrapMean):
            many = (
                (key, facts.facts(statistic.need, key), N_VALUES.of(row))
                for key, row in summary.items()
                if N_VALUES.of(row) > FEW_VALUES
            )
            details[statistic.need] = values_of_the_inexact(group, statistic.method, queries, many)
    return facts


def _clips(asked: Sequence[RequestedStatistic]) -> tuple[Clipped, ...]:
    powers: dict[needs.ClipRule | None, int] = {}
    for statistic in asked:
        if isinstance(statistic.need, needs.MomentsNeed):
            powers.setdefault(statistic.need.clip, SQUARES)
        elif isinstance(statistic.need, needs.PowerSumsNeed):
            powers[statistic.need.clip] = HIGHEST_POWER
    if powers:
        powers.setdefault(None, SQUARES)  # beside what is clipped, the same without
    return tuple(Clipped(rule, highest) for rule, highest in powers.items())


def _details(
    detail: Detail, group: StatisticGroup, queries: MetricQueries, summary: Mapping[Key, QueryRow]
) -> dict[Key, QueryRow]:
    sizes: dict[int, list[int]] = {}
    for row in summary.values():
        n_values = N_VALUES.of(row)
        if n_values > FEW_VALUES:
            size = min(detail.size(N.of(row)), n_values * len(detail.arrays))
            sizes.setdefault(row.whole("window_index"), []).append(size)
    found: dict[Key, QueryRow] = {}
    for indexes in portions({index: sum(sizes[index]) for index in sorted(sizes)}, queries.at_once):
        windows = [window for window in queries.windows if window.index in indexes]
        largest = max(size for index in indexes for size in sizes[index])
        for observed in queries.observed(group, windows):
            found |= queries.rows(detail.query(observed), largest=largest * len(observed.segments))
    return found


def _detail(need: needs.DetailNeed, row: QueryRow, detail: QueryRow | None) -> Data:
    asked = detail_of(need)
    if detail is not None:
        return asked.data(row, detail)
    if why := asked.unanswered(row):
        raise EstimateError("overflow", why)
    basis, window, segment, branch = row.key
    raise EngineError(
        f"{branch} ({basis}, window {window}, {segment}): the warehouse answered {need} with no row of this branch; "
        "run this again, and report it if it stays"
    )
