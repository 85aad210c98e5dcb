"""The sufficient statistics of two columns together: of a metric and a covariate, or of a ratio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.groups import Adjusted, StatisticGroup
from jetstream_argo.estimating.moments import covaried, joint_power_sums
from jetstream_argo.estimating.queries.joint import joint_query
from jetstream_argo.estimating.queries.ratio import ratio_query
from jetstream_argo.estimating.reading import Key, MetricQueries, QueryRow
from jetstream_argo.estimating.scaling import Scales
from jetstream_argo.stats.needs import ClipRule, JointMomentsNeed, Need, RatioNeed
from jetstream_argo.stats.sufficient import BranchFacts, Pooled


@dataclass(frozen=True, slots=True)
class JointFacts:
    """What is known of every branch with units, for each rule by which value and covariate are clipped."""

    rows: Mapping[Key, QueryRow]
    clips: tuple[ClipRule | None, ...]
    integer: bool
    units: Scales

    def unit(self, need: Need) -> float:  # the same for every need
        """Return the unit of the values."""
        return self.units.first

    def facts(self, need: Need, key: Key) -> BranchFacts:
        """Return what `need` asks for, of one branch."""
        row = self.rows.get(key)
        if row is None:
            return BranchFacts(key[3], 0)
        asked = self.clips.index(need.clip) if isinstance(need, JointMomentsNeed) and row.whole("n") else None
        data = covaried(row, asked) if asked is not None else None
        return BranchFacts(key[3], row.whole("n_rows"), data, row.whole("n_null"), row.whole("n_nonfinite"))

    def cut(self, need: Need, key: Key) -> int | None:
        """Return how many units of a branch are clipped; None where nothing is."""
        row = self.rows.get(key)
        if not isinstance(need, JointMomentsNeed) or need.clip is None:
            return None
        return row.whole(f"cut_{self.clips.index(need.clip)}") if row is not None and row.whole("n") else 0

    def pooled(self, need: Need, keys: Sequence[Key]) -> Pooled:
        """Return what is known of all branches together."""
        rows = [self.rows[key] for key in keys if key in self.rows]
        if not isinstance(need, JointMomentsNeed) or not rows:
            return Pooled(integer=self.integer)
        index = self.clips.index(need.clip)
        qbar = rows[0].number_or_none(f"qbar_{index}")
        return Pooled(
            threshold=rows[0].number_or_none(f"limit_y{index}"),
            covariate_threshold=rows[0].number_or_none(f"limit_x{index}"),
            qbar=None if qbar is None else rows[0].number("center_x") + rows[0].number(f"scale_x{index}") * qbar,
            integer=self.integer,
        )


@dataclass(frozen=True, slots=True)
class RatioFacts:
    """What is known of every branch with units: joint sums of numerator and denominator."""

    rows: Mapping[Key, QueryRow]
    units: Scales

    def unit(self, need: Need) -> float:  # one need, that of the query
        """Return the unit of the ratio."""
        return self.units.first / self.units.second

    def facts(self, need: Need, key: Key) -> BranchFacts:  # one need, that of the query
        """Return the joint sums of one branch."""
        row = self.rows.get(key)
        if row is None:
            return BranchFacts(key[3], 0)
        data = joint_power_sums(row) if row.whole("n") else None
        return BranchFacts(key[3], row.whole("n_rows"), data, row.whole("n_null"), row.whole("n_nonfinite"))

    def cut(self, need: Need, key: Key) -> int | None:
        """Return nothing: of a ratio it is not known."""
        return None

    def pooled(self, need: Need, keys: Sequence[Key]) -> Pooled:
        """Return nothing: a ratio is clipped in each branch for itself."""
        return Pooled()


def joint_facts(group: StatisticGroup, subject: Adjusted, queries: MetricQueries) -> JointFacts:
    """Ask for the moments of value and covariate, in one query."""
    integer = queries.covariate(subject.covariate).type.integer
    needs = (statistic.need for statistic in group.asked)
    # Beside what is clipped, the same without.
    asked = [need.clip for need in needs if isinstance(need, JointMomentsNeed)]
    clips = tuple(dict.fromkeys([*asked, None]))
    rows: dict[Key, QueryRow] = {}
    for observed in queries.observed(group, queries.windows):
        rows |= queries.rows(joint_query(observed, clips, queries.relations.units, integer_covariate=integer))
    units = Scales.of(rows.values())
    return JointFacts(units.applied(rows), clips, observed.integer, units)


def ratio_facts(group: StatisticGroup, queries: MetricQueries) -> RatioFacts:
    """Ask for the joint sums of numerator and denominator, in one query."""
    (need,) = dict.fromkeys(statistic.need for statistic in group.asked if isinstance(statistic.need, RatioNeed))
    rows: dict[Key, QueryRow] = {}
    for observed in queries.observed(group, queries.windows):
        rows |= queries.rows(ratio_query(observed, need.clip.probability if need.clip else None))
    units = Scales.of(rows.values())
    return RatioFacts(units.applied(rows), units)
