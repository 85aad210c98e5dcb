"""The moments of a metric together with its covariate: the query and its answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jetstream_argo.estimating.branch_cut import BranchCut
from jetstream_argo.estimating.groups import Adjusted, StatisticGroup
from jetstream_argo.estimating.joint_moments import (
    CENTER_X,
    JointClip,
    N,
    covaried,
    joint_counts,
    joint_places,
    joint_sides,
    joint_sums,
    places_of_all,
    qbar,
    sides,
    standard_columns,
    sums_of_alike,
)
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import KEYS, Observed, compares_segments, treated, wide
from jetstream_argo.estimating.queries.ranks import (
    POOLED,
    Quantile,
    Values,
    by_value,
    quantile,
    quantile_relations,
    together,
)
from jetstream_argo.estimating.queries.reference_values import (
    counted_covariates,
    covariate_relations,
    quantiles_on_block,
    reached_quantiles,
    weights_of_all,
    weights_of_treated,
)
from jetstream_argo.estimating.reading import Key, MetricQueries, QueryRow
from jetstream_argo.estimating.scaling import Scales
from jetstream_argo.estimating.segment_effects import Sides
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.needs import ClipRule, JointMomentsNeed, Need
from jetstream_argo.stats.sufficient import BranchFacts, Pooled


def joint_query(observed: Observed, wanted: Sequence[ClipRule | None], units: Sql, *, integer_covariate: bool) -> Sql:
    """Return the query for the moments of `y`, and of `y` and `x` together, for the i-th rule of `wanted`.

    `n` units have a finite `y`, `n_both` also a finite `x`. Sums are about `center_y` and `center_x`, in units of
    `scale_yi` and `scale_xi`: `y_i_1` and `y_i_2` are those of the first and second power over the `n` units; `both_…`
    those over the `n_both`. The reference value of the covariate (see `stats.needs.JointMomentsNeed`) is
    `center_x + scale_xi * qbar_i`. The thresholds are `limit_yi` and `limit_xi`, and
    `cut_i` counts the units with a `y` above its own. Every column is there once for each
    segment, with `__` and the segment's place behind its name.

    `units` is what `units_query` gives: in windows in which no unit with the covariate lacks a value, the covariate's
    order is that of all units, and it is made only once.
    """
    segments = observed.segments
    asked = [Quantile(str(index), rule.probability) for index, rule in enumerate(wanted) if rule is not None]
    clips = [JointClip(index, rule is not None, i) for index, rule in enumerate(wanted) for i in segments]
    column = observed.second_column
    return fill(
        "estimating/joint",
        units=treated(observed),
        all_units=units,
        covariate=Sql(f"IF(IS_NAN(u.{column}) OR IS_INF(u.{column}), NULL, u.{column}) AS x"),
        all_weights=lines([Sql(f"u.{weight(i)}") for i in segments], indent=0),
        covariates=counted_covariates(segments),
        all_covariates=weights_of_all("u", segments),
        own_covariates=weights_of_treated("t", segments),
        everybody=lines([Sql(f"SUM(u.{weight(i)}) AS {weight(i)}") for i in segments], indent=0),
        complete=lines(
            [Sql(f"SUM(IF(t.y IS NULL OR t.x IS NULL, 0, t.{weight(i)})) AS {weight(i)}") for i in segments], indent=0
        ),
        are_all=Sql(" AND ".join(f"w.{weight(i)} = a.{weight(i)}" for i in segments)),
        of_y=_of_y(observed, asked),
        of_x=covariate_relations("covariates", asked, segments, observed.finer),
        limits_y=lines(_limits("y", asked, segments, integer=observed.integer), indent=0),
        limits_x=lines(_limits("x", asked, segments, integer=integer_covariate), indent=0),
        scales_y=lines([clip.scaled("y", "l") for clip in clips], indent=0),
        scales_x=lines([clip.scaled("x", "l") for clip in clips], indent=0),
        reached=reached_quantiles(segments),
        on_blocks=lines([Sql(f"{quantiles_on_block(i, segments)} AS on_block_{i}") for i in segments], indent=0),
        qbars=lines(
            [
                Sql(f"SUM(m.on_block_{clip.segment} / 1e8 * {clip.z('m.value', 'x', 'm')}) AS {qbar(clip)}")
                for clip in clips
            ],
            indent=0,
        ),
        standard=lines(list(standard_columns(clips, segments)), indent=0),
        sums=lines(list(sums_of_alike(clips, segments)), indent=0),
        alike=Sql(", ".join(f"s.{column}" for column in (*KEYS, *map(weight, segments)))),
        columns=lines(
            [
                *(Sql(f"s.{key}") for key in KEYS),
                *(column for i in segments for column in wide([*joint_counts(i), *joint_sums(clips, i)], i)),
                *(
                    column
                    for i in segments
                    if compares_segments(observed, i)
                    for column in wide(list(joint_sides(clips, i)), i)
                ),
            ],
            indent=0,
        ),
        found=lines(list(_places(clips, observed)), indent=0),
    )


def _places(clips: Sequence[JointClip], observed: Observed) -> Iterator[Sql]:
    for i in observed.segments:
        yield from wide(list(joint_places(clips, i)), i)
        if compares_segments(observed, i):
            yield from wide(list(places_of_all(clips)), i)


def _of_y(observed: Observed, asked: Sequence[Quantile]) -> Sql:
    segments, values = observed.segments, Values("treated", "y", finer=observed.finer)
    if not observed.integer:
        return quantile_relations("of_y", values, keys=POOLED, asked=asked, segments=segments)
    return together(
        by_value("whole_numbers", values, keys=POOLED, segments=segments),
        quantile_relations(
            "of_y", replace(values, source="whole_numbers", distinct=True), keys=POOLED, asked=asked, segments=segments
        ),
    )


def _limits(name: str, asked: Sequence[Quantile], segments: Sequence[int], *, integer: bool) -> Iterator[Sql]:
    for i in segments:
        yield from (Sql(f"p.{end}_{i} AS {end}_{name}_{i}") for end in ("minimum", "maximum", "center"))
        for requested in asked:
            yield Sql(f"{quantile('p', requested.name, i, rounded_up=integer)} AS limit_{name}{requested.name}_{i}")


@dataclass(frozen=True, slots=True)
class JointFacts:
    """What is known of every branch with units, for each rule by which value and covariate are clipped."""

    rows: Mapping[Key, QueryRow]
    clips: tuple[ClipRule | None, ...]
    integer: bool
    scales: Scales

    def scale(self, need: Need) -> float:  # the same for every need
        """Return the scale of the values."""
        return self.scales.first

    def facts(self, need: Need, key: Key) -> BranchFacts:
        """Return what `need` asks for, of one branch."""
        row = self.rows.get(key)
        if row is None:
            return BranchFacts(key[3], 0)
        asked = self.clips.index(need.clip) if isinstance(need, JointMomentsNeed) and N.of(row) else None
        data = covaried(row, asked) if asked is not None else None
        return BranchFacts(key[3], row.whole("n_rows"), data, row.whole("n_null"), row.whole("n_nonfinite"))

    def cut(self, need: Need, key: Key) -> BranchCut | None:
        """Return what clipping takes from a branch, in values divided by the scale; None where nothing is clipped."""
        if not isinstance(need, JointMomentsNeed) or need.clip is None:
            return None
        row = self.rows.get(key)
        if row is None or not N.of(row):
            return BranchCut()
        index = self.clips.index(need.clip)
        values, clipped = covaried(row, self.clips.index(None)).units, covaried(row, index).units
        return BranchCut.of_mean(values, clipped, row.number(f"limit_y{index}"), row.whole(f"cut_{index}"))

    def sides(self, need: Need, key: Key) -> Sides | None:
        """Return a branch's units in a segment and outside of it; None where that is not known, and of all units."""
        row = self.rows.get(key)
        return (
            sides(row, self.clips.index(need.clip)) if row is not None and isinstance(need, JointMomentsNeed) else None
        )

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
            qbar=None if qbar is None else CENTER_X.of(rows[0]) + rows[0].number(f"scale_x{index}") * qbar,
            integer=self.integer,
        )


def joint_facts(group: StatisticGroup, subject: Adjusted, queries: MetricQueries) -> JointFacts:
    """Ask for the moments of value and covariate, in one query."""
    integer = queries.covariate(subject.covariate).type.integer
    needs = (statistic.need for statistic in group.asked)
    # Beside what is clipped, the same without.
    asked = [need.clip for need in needs if isinstance(need, JointMomentsNeed)]
    clips = tuple(dict.fromkeys([*asked, None]))
    rows: dict[Key, QueryRow] = {}
    for observed in queries.observed(group, queries.windows, with_whole=True):
        rows |= queries.rows(joint_query(observed, clips, queries.relations.units, integer_covariate=integer))
    scales = Scales.of(rows.values())
    return JointFacts(scales.applied(rows), clips, observed.integer, scales)
