"""All about one metric that is a few numbers a branch, and its values where they are few: the query and its answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.columns import CountColumn, NumberColumn
from jetstream_argo.estimating.moments import moments_on_scale, rescaled
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import KEYS, Observed, compares_segments, counted, treated, wide
from jetstream_argo.estimating.queries.ranks import (
    PER_BRANCH,
    POOLED,
    Quantile,
    Values,
    power,
    quantile,
    quantile_relations,
    scale,
    standardised,
    together,
)
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.estimating.segment_effects import Sides
from jetstream_argo.estimating.value_counts import COUNTS, VALUES, value_counts
from jetstream_argo.sql.text import Sql, equal, fill, lines
from jetstream_argo.stats.moments import HIGHEST_POWER, Moments, PowerSums
from jetstream_argo.stats.needs import ClipRule, ClipScope
from jetstream_argo.stats.sufficient import Extremes, ValueCounts

# Up to so many distinct values a branch, the values and their counts themselves are handed over.
FEW_VALUES = 1000

N, N_VALUES = CountColumn("n"), CountColumn("n_values")
TOTAL, SUCCESSES, OTHER = NumberColumn("total"), CountColumn("successes"), CountColumn("other")
MINIMUM, MAXIMUM, SMALLEST_POSITIVE = (
    NumberColumn("minimum"),
    NumberColumn("maximum"),
    NumberColumn("smallest_positive"),
)
AT_MOST_ZERO, CENTER = CountColumn("at_most_zero"), NumberColumn("center")
N_REST, WHOLE_CENTER = CountColumn("n_rest"), NumberColumn("center_whole")


@dataclass(frozen=True, slots=True)
class Clipped:
    """Moments wanted of the values as clipped by `rule` (None: as they are), up to the power `powers`."""

    rule: ClipRule | None
    powers: int


def summary_query(observed: Observed, wanted: Sequence[Clipped], *, with_values: bool) -> Sql:
    """Return the query for the counts of each branch and, for the i-th of `wanted`, its moments.

    Those are `scale_i` and `power_i_k`, the sums of `((y - center) / scale) ** k` for k = 1 …, over the `n` units with
    a finite value; `limit_i` is the threshold, and `cut_i` counts the units above it.
    `vals` and `counts` are arrays of the `n_values` distinct values,
    ascending, and how many units have each; empty or NULL where these are more than `FEW_VALUES`, and left out unless
    `with_values`. Where all units are asked about too, `inside_i_k` and `outside_i_k` are the sums of the units of a
    segment and of the `n_rest` others, about `center_whole` and in units of `scale_whole_i`: those of all units.
    Every column is there once for each segment, with `__` and the segment's place behind its name.
    """
    indexed = list(enumerate(wanted))
    sums = [Sql(f"s.{key}") for key in KEYS]
    for segment in observed.segments:
        sums += wide([*_counts(segment), *_moments(wanted, segment)], segment)
        if compares_segments(observed, segment):
            sums += wide(list(_sides(len(wanted), segment)), segment)
    found = [*((N_VALUES.name, VALUES.name, COUNTS.name) if with_values else ())]
    parts = {
        "units": treated(observed),
        "columns": lines(sums, indent=0),
        "few": _few(observed) if with_values else Sql(""),
        "found": lines([Sql("")] + [Sql(f"f.{name}__{i}") for i in observed.segments for name in found], indent=0),
        "joined": Sql("\nLEFT JOIN few AS f\n  ON " + equal("f", "s", KEYS)) if with_values else Sql(""),
    }
    if not wanted:
        return fill("estimating/totals", **parts)
    scales, standard = [], []
    for segment in observed.segments:
        for index, clip in indexed:
            limit = None if clip.rule is None else f"limit_{index}_{segment}"
            ends = (f"l.minimum_{segment}", f"l.maximum_{segment}", limit and f"l.{limit}", f"l.center_{segment}")
            scales.append(Sql(f"{scale(*ends)} AS scale_{index}_{segment}"))
            standard += [Sql(f"s.{limit}")] if limit else []
            z = standardised("t.y", limit and f"s.{limit}", f"s.center_{segment}", f"s.scale_{index}_{segment}")
            standard.append(Sql(f"{z} AS z_{index}_{segment}"))
    return fill(
        "estimating/summary",
        **parts,
        quantiles=_quantile_relations(observed, wanted),
        scales=lines(scales, indent=0),
        standard=lines(standard, indent=0),
        constants=lines(list(_constants(observed, wanted)), indent=0),
    )


def _quantile_relations(observed: Observed, wanted: Sequence[Clipped]) -> Sql:
    """The relations that end in `limits`: a row per branch, with its centre, its ends and all thresholds."""
    segments, values = observed.segments, Values("treated", "y", finer=observed.finer)
    rules = [(str(index), clip.rule) for index, clip in enumerate(wanted) if clip.rule is not None]
    pooled = [Quantile(name, rule.probability) for name, rule in rules if rule.scope is ClipScope.POOLED]
    own = [Quantile(name, rule.probability) for name, rule in rules if rule.scope is ClipScope.PER_BRANCH]
    relations = [quantile_relations("of_branch", values, keys=PER_BRANCH, asked=own, segments=segments)]
    limits = [Sql(f"b.{name}") for name in PER_BRANCH]
    limits += [Sql(f"b.{name}_{i}") for i in segments for name in ("minimum", "maximum", "center")]
    limits += [
        Sql(f"{quantile('b', requested.name, i)} AS limit_{requested.name}_{i}") for requested in own for i in segments
    ]
    joined = "of_branch AS b"
    if pooled:
        relations.append(quantile_relations("pooled", values, keys=POOLED, asked=pooled, segments=segments))
        limits += [
            Sql(f"{quantile('p', requested.name, i, rounded_up=observed.integer)} AS limit_{requested.name}_{i}")
            for requested in pooled
            for i in segments
        ]
        joined += f"\n  INNER JOIN pooled AS p\n    ON {equal('p', 'b', POOLED)}"
    relations.append(Sql(f"limits AS (\n  SELECT\n    {lines(limits, indent=4)}\n  FROM {joined}\n)"))
    return together(*relations)


def _counts(segment: int) -> Iterator[tuple[str, str]]:
    n = f"s.{weight(segment)}"
    with_value = f"IF(s.y IS NULL, 0, {n})"
    present = f"IF({n} > 0, s.y, NULL)"
    yield from counted(segment)
    yield f"SUM({with_value})", N.name
    yield f"SUM(s.y * {n})", TOTAL.name
    yield f"SUM(IF(s.y = 1, {n}, 0))", SUCCESSES.name
    yield f"SUM(IF(s.y IN (0, 1), 0, {with_value}))", OTHER.name
    yield f"MIN({present})", MINIMUM.name
    yield f"MAX({present})", MAXIMUM.name
    yield f"MIN(IF(s.y > 0, {present}, NULL))", SMALLEST_POSITIVE.name
    yield f"SUM(IF(s.y <= 0, {n}, 0))", AT_MOST_ZERO.name


def _moments(wanted: Sequence[Clipped], segment: int) -> Iterator[tuple[str, str]]:
    for index, clip in enumerate(wanted):
        if clip.rule is not None:
            yield f"SUM(IF(s.y > s.limit_{index}_{segment}, s.{weight(segment)}, 0))", f"cut_{index}"
        for exponent in range(1, clip.powers + 1):
            z = power(f"s.z_{index}_{segment}", exponent)
            yield f"SUM(s.{weight(segment)} * {z})", f"power_{index}_{exponent}"


def _sides(wanted: int, segment: int) -> Iterator[tuple[str, str]]:
    """The first two moments of the units of a segment, and of all others, with values clipped as all units' are."""
    own, others = f"s.{weight(segment)}", f"(s.{weight(0)} - s.{weight(segment)})"
    yield f"SUM(IF(s.y IS NULL, 0, {others}))", N_REST.name
    for index in range(wanted):
        for name, units in (("inside", own), ("outside", others)):
            for exponent in (1, 2):
                yield f"SUM({units} * {power(f's.z_{index}_0', exponent)})", f"{name}_{index}_{exponent}"


def _constants(observed: Observed, wanted: Sequence[Clipped]) -> Iterator[Sql]:
    """The centres, scales and thresholds of a branch in `l`, which its sums are in."""
    for i in observed.segments:
        columns = [(f"l.center_{i}", CENTER.name)]
        for index, clip in enumerate(wanted):
            columns += [(f"l.limit_{index}_{i}", f"limit_{index}")] if clip.rule is not None else []
            columns.append((f"l.scale_{index}_{i}", f"scale_{index}"))
        if compares_segments(observed, i):
            columns.append(("l.center_0", WHOLE_CENTER.name))
            columns += [(f"l.scale_{index}_0", f"scale_whole_{index}") for index in range(len(wanted))]
        yield from wide(columns, i)


def _few(observed: Observed) -> Sql:
    """The relations that end in `few`: how many distinct values there are, and these where they are few."""
    sums, counts, arrays, listed, found = [], [], [], [], []
    for i in observed.segments:
        n = weight(i)
        sums.append(Sql(f"SUM(t.{n}) AS {n}"))
        counts.append(Sql(f"SUM(IF(v.{n} > 0, 1, 0)) AS n_values_{i}"))
        is_listed = f"c.n_values_{i} <= {FEW_VALUES} AND v.{n} > 0"
        listed.append(Sql(f"({is_listed})"))
        found.append(Sql(f"c.n_values_{i} AS {N_VALUES.name}__{i}"))
        for value, name in (("v.y", VALUES.name), (f"v.{n}", COUNTS.name)):
            arrays.append(Sql(f"ARRAY_AGG(IF({is_listed}, {value}, NULL) IGNORE NULLS ORDER BY v.y) AS {name}__{i}"))
            found.append(Sql(f"v.{name}__{i}"))
    return fill(
        "estimating/few",
        sums=lines(sums, indent=0),
        counts=lines(counts, indent=0),
        arrays=lines(arrays, indent=0),
        listed=lines(listed, separator=" OR", indent=0),
        found=lines(found, indent=0),
    )


def moments(row: QueryRow, index: int) -> Moments:
    """Return the moments of the `index`-th clipped values of a summary."""
    return moments_on_scale(row, N.of(row), (CENTER.name, f"scale_{index}"), (f"power_{index}_1", f"power_{index}_2"))


def sides(row: QueryRow, index: int) -> Sides | None:
    """Return the units of a segment and all others, of the `index`-th clipped values; None of all units."""
    if N_REST.name not in row.values:
        return None
    place = (WHOLE_CENTER.name, f"scale_whole_{index}")
    inside, outside = (
        moments_on_scale(row, n, place, (f"{name}_{index}_1", f"{name}_{index}_2"))
        for name, n in (("inside", N.of(row)), ("outside", N_REST.of(row)))
    )
    return Sides(inside, outside)


def power_sums(row: QueryRow, index: int) -> PowerSums:
    """Return the sums of powers of the `index`-th clipped values of a summary."""
    center, scale = CENTER.of(row), row.number(f"scale_{index}")
    sums = [float(N.of(row)), *(row.number(f"power_{index}_{k}") for k in range(1, HIGHEST_POWER + 1))]
    least, most = MINIMUM.of(row), MAXIMUM.of(row)
    limit = row.number_or_none(f"limit_{index}")
    about = PowerSums.from_sums_about(0.0, sums, least, most if limit is None else min(most, limit))
    central = tuple(rescaled(value, scale, k) for k, value in enumerate(about.central))
    return PowerSums(about.n, center + about.mean * scale, central, about.minimum, about.maximum)


def few_values(row: QueryRow) -> ValueCounts | None:
    """Return the distinct values with their counts; None where they are many."""
    return value_counts(row) if N_VALUES.of(row) <= FEW_VALUES else None


def extremes(row: QueryRow) -> Extremes:
    """Return the ends of the values."""
    return Extremes(N.of(row), MINIMUM.of(row), MAXIMUM.of(row), SMALLEST_POSITIVE.or_none(row), AT_MOST_ZERO.of(row))
