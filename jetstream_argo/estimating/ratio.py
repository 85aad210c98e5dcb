"""The joint sums of powers of a numerator and a denominator: the query and its answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.branch_cut import BranchCut, ColumnCut
from jetstream_argo.estimating.columns import CountColumn, NumberColumn
from jetstream_argo.estimating.groups import StatisticGroup
from jetstream_argo.estimating.moments import moments_on_scale, rescaled
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import KEYS, Observed, counted, treated, wide
from jetstream_argo.estimating.queries.ranks import (
    PER_BRANCH,
    Quantile,
    Values,
    power,
    quantile,
    quantile_relations,
    scale,
    standardised,
    together,
)
from jetstream_argo.estimating.reading import Key, MetricQueries, QueryRow
from jetstream_argo.estimating.scaling import Scales
from jetstream_argo.estimating.segment_effects import Sides
from jetstream_argo.sql.text import Sql, fill, lines
from jetstream_argo.stats.moments import HIGHEST_POWER, JointPowerSums, Moments
from jetstream_argo.stats.needs import Need, RatioNeed
from jetstream_argo.stats.sufficient import BranchFacts, Pooled

_NAMES = ("y", "d")

N, MINIMUM = CountColumn("n"), NumberColumn("minimum_d")
N_CUT = CountColumn("n_cut")
CENTERS, SCALES, LIMITS = (
    {name: NumberColumn(f"{kind}_{name}") for name in _NAMES} for kind in ("center", "scale", "limit")
)
SUMS = tuple(
    tuple(NumberColumn(f"sum_{i}_{j}") for j in range(HIGHEST_POWER + 1 - i)) for i in range(HIGHEST_POWER + 1)
)


def ratio_query(observed: Observed, probability: float | None) -> Sql:
    """Return the query for the sums of products of powers of `y` and `d`, over the `n` units where both are finite.

    `sum_i_j`, for i + j up to 8, is that of `((y - center_y) / scale_y) ** i * ((d - center_d) / scale_d) ** j`;
    `minimum_d` is the smallest denominator. Each column is clipped at its quantile of this probability in its branch:
    then `limit_y` is that of `y`, which `cut_y` units are above, and `plain_y_1` and `plain_y_2` are the sums of the
    first two powers of the values as they are, in units of `scale_y_plain`; so for `d`. `n_cut` units are above either.
    Every column is there once for each segment, with `__` and the segment's place behind its name.
    """
    asked = [Quantile("limit", probability)] if probability is not None else []
    relations = [
        quantile_relations(f"of_{name}", values, keys=PER_BRANCH, asked=asked, segments=observed.segments)
        for name in _NAMES
        for values in [Values("treated", name, _NAMES, observed.finer)]
    ]
    limits, scales, standard = [], [], []
    for i in observed.segments:
        for name in _NAMES:
            limit = f"limit_{name}_{i}" if asked else None
            limits += [Sql(f"{name}.{end}_{i} AS {end}_{name}_{i}") for end in ("minimum", "maximum", "center")]
            limits += [Sql(f"{quantile(name, 'limit', i)} AS {limit}")] if limit else []
            ends = (f"l.minimum_{name}_{i}", f"l.maximum_{name}_{i}", limit and f"l.{limit}", f"l.center_{name}_{i}")
            scales.append(Sql(f"{scale(*ends)} AS scale_{name}_{i}"))
            z = standardised(f"t.{name}", limit and f"s.{limit}", f"s.center_{name}_{i}", f"s.scale_{name}_{i}")
            standard += [Sql(f"s.center_{name}_{i}"), Sql(f"s.scale_{name}_{i}"), Sql(f"{z} AS z_{name}_{i}")]
            if limit:
                plain = scale(ends[0], ends[1], None, ends[3])
                scales.append(Sql(f"{plain} AS plain_scale_{name}_{i}"))
                z = standardised(f"t.{name}", None, f"s.center_{name}_{i}", f"s.plain_scale_{name}_{i}")
                standard += [Sql(f"s.{limit}"), Sql(f"s.plain_scale_{name}_{i}"), Sql(f"{z} AS plain_{name}_{i}")]
        standard.append(Sql(f"s.minimum_d_{i}"))
        standard.append(Sql(f"IF(t.y IS NULL OR t.d IS NULL, 0, t.{weight(i)}) AS both_{i}"))
    return fill(
        "estimating/ratio",
        units=treated(observed),
        quantiles=together(*relations),
        limits=lines(limits, indent=0),
        scales=lines(scales, indent=0),
        standard=lines(standard, indent=0),
        columns=lines(
            [
                *(Sql(f"s.{key}") for key in KEYS),
                *(c for i in observed.segments for c in wide(_all_columns(i, clipped=bool(asked)), i)),
            ],
            indent=0,
        ),
    )


def _all_columns(segment: int, *, clipped: bool) -> list[tuple[str, str]]:
    return [*_columns(segment), *(_cut_columns(segment) if clipped else ())]


def _cut_columns(segment: int) -> Iterator[tuple[str, str]]:
    both = f"s.both_{segment}"
    above = " OR ".join(f"s.{name} > s.limit_{name}_{segment}" for name in _NAMES)
    yield f"SUM(IF({above}, {both}, 0))", N_CUT.name
    for name in _NAMES:
        yield f"MAX(s.limit_{name}_{segment})", LIMITS[name].name
        yield f"SUM(IF(s.{name} > s.limit_{name}_{segment}, {both}, 0))", f"cut_{name}"
        yield f"MAX(s.plain_scale_{name}_{segment})", f"scale_{name}_plain"
        for exponent in (1, 2):
            yield f"SUM({both} * {power(f's.plain_{name}_{segment}', exponent)})", f"plain_{name}_{exponent}"


def _columns(segment: int) -> Iterator[tuple[str, str]]:
    both = f"s.both_{segment}"
    yield from counted(segment)
    yield f"SUM({both})", N.name
    for name in _NAMES:
        yield f"MAX(s.center_{name}_{segment})", CENTERS[name].name
        yield f"MAX(s.scale_{name}_{segment})", SCALES[name].name
    yield f"MAX(s.minimum_d_{segment})", MINIMUM.name
    for i in range(HIGHEST_POWER + 1):
        for j in range(HIGHEST_POWER + 1 - i):
            powers = [*[f"s.z_y_{segment}"] * i, *[f"s.z_d_{segment}"] * j]
            yield f"SUM({' * '.join([both, *powers])})", SUMS[i][j].name


def joint_power_sums(row: QueryRow) -> JointPowerSums:
    """Return the joint sums of powers of a numerator and a denominator."""
    about = JointPowerSums.from_sums_about((0.0, 0.0), [[column.of(row) for column in of_power] for of_power in SUMS])
    y, d = (SCALES[name].of(row) for name in _NAMES)
    central = tuple(
        tuple(rescaled(rescaled(value, y, i), d, j) for j, value in enumerate(of_power))
        for i, of_power in enumerate(about.central)
    )
    mean_y = CENTERS["y"].of(row) + about.mean_numerator * y
    mean_d = CENTERS["d"].of(row) + about.mean_denominator * d
    return JointPowerSums(N.of(row), mean_y, mean_d, central, MINIMUM.of(row))


def _column_cuts(row: QueryRow) -> Iterator[ColumnCut]:
    """Yield what is cut from the numerators, and from the denominators."""
    sums, n = joint_power_sums(row), N.of(row)
    squares = {"y": (sums.mean_numerator, sums.central[2][0]), "d": (sums.mean_denominator, sums.central[0][2])}
    for name in _NAMES:
        place, powers = (CENTERS[name].name, f"scale_{name}_plain"), (f"plain_{name}_1", f"plain_{name}_2")
        plain = moments_on_scale(row, n, place, powers)
        yield ColumnCut(plain, Moments(n, *squares[name]), LIMITS[name].of(row), row.whole(f"cut_{name}"))


@dataclass(frozen=True, slots=True)
class RatioFacts:
    """What is known of every branch with units: joint sums of numerator and denominator."""

    rows: Mapping[Key, QueryRow]
    scales: Scales

    def scale(self, need: Need) -> float:  # one need, that of the query
        """Return the scale of the ratio."""
        return self.scales.first / self.scales.second

    def facts(self, need: Need, key: Key) -> BranchFacts:  # one need, that of the query
        """Return the joint sums of one branch."""
        row = self.rows.get(key)
        if row is None:
            return BranchFacts(key[3], 0)
        data = joint_power_sums(row) if N.of(row) else None
        return BranchFacts(key[3], row.whole("n_rows"), data, row.whole("n_null"), row.whole("n_nonfinite"))

    def cut(self, need: Need, key: Key) -> BranchCut | None:
        """Return what is cut from numerators and denominators; None where nothing is."""
        if not isinstance(need, RatioNeed) or need.clip is None:
            return None
        row = self.rows.get(key)
        if row is None or not N.of(row):
            return BranchCut()
        return BranchCut(N_CUT.of(row), tuple(_column_cuts(row)))

    def sides(self, need: Need, key: Key) -> Sides | None:
        """Return nothing: a ratio is not compared with that of the rest."""
        return None

    def pooled(self, need: Need, keys: Sequence[Key]) -> Pooled:
        """Return nothing: a ratio is clipped in each branch for itself."""
        return Pooled()


def ratio_facts(group: StatisticGroup, queries: MetricQueries) -> RatioFacts:
    """Ask for the joint sums of numerator and denominator, in one query."""
    (need,) = dict.fromkeys(statistic.need for statistic in group.asked if isinstance(statistic.need, RatioNeed))
    rows: dict[Key, QueryRow] = {}
    for observed in queries.observed(group, queries.windows):
        rows |= queries.rows(ratio_query(observed, need.clip.probability if need.clip else None))
    scales = Scales.of(rows.values())
    return RatioFacts(scales.applied(rows), scales)
