"""The columns of a value together with its covariate, and the moments that they are read as."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.columns import CountColumn, NumberColumn
from jetstream_argo.estimating.moments import moments_on_scale
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import KEYS
from jetstream_argo.estimating.queries.ranks import scale, standardised
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.estimating.segment_effects import Sides
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.moments import NO_UNITS, Covaried, JointMoments

N, N_BOTH = CountColumn("n"), CountColumn("n_both")
CENTER_Y, CENTER_X = NumberColumn("center_y"), NumberColumn("center_x")


@dataclass(frozen=True, slots=True)
class JointClip:
    """The values as the `index`-th rule clips them, in one segment."""

    index: int
    clipped: bool
    segment: int

    def limit(self, name: str) -> str | None:
        """The column of the threshold, if there is one."""
        return f"limit_{name}{self.index}_{self.segment}" if self.clipped else None

    def scale(self, name: str) -> str:
        """The column of the scale."""
        return f"scale_{name}{self.index}_{self.segment}"

    def scaled(self, name: str, relation: str) -> Sql:
        """The scale, from the ends and the centre in a relation of places; its column is `scale`."""
        limit = self.limit(name)
        least, most = (f"{relation}.{end}_{name}_{self.segment}" for end in ("minimum", "maximum"))
        factor = scale(least, most, limit and f"{relation}.{limit}", f"{relation}.center_{name}_{self.segment}")
        return Sql(f"{factor} AS {self.scale(name)}")

    def z(self, value: str, name: str, relation: str) -> str:
        """The standardised value, from what a relation says of centre, limit and scale."""
        limit = self.limit(name)
        center = f"{relation}.center_{name}_{self.segment}"
        return standardised(value, limit and f"{relation}.{limit}", center, f"{relation}.{self.scale(name)}")


def qbar(clip: JointClip) -> str:
    """Return the column of the covariate's reference value."""
    return f"qbar_{clip.index}_{clip.segment}"


def standard_columns(clips: Sequence[JointClip], segments: Sequence[int]) -> Iterator[Sql]:
    """Yield the columns of a unit `t` with its standardised values, by what is known of `y` and `x` in its window."""
    yield from (Sql(f"t.{column}") for column in (*KEYS, *map(weight, segments), "n_null", "n_nonfinite"))
    yield Sql("IF(t.y IS NULL, 0, 1) AS has_y")
    yield Sql("IF(t.y IS NULL OR t.x IS NULL, 0.0, 1.0) AS has_both")
    for clip in clips:
        limit = clip.limit("y")
        if limit:
            yield Sql(f"IF(t.y > y.{limit}, 1, 0) AS {_cut(clip)}")
        yield from (Sql(f"{clip.z(f't.{name}', name, name)} AS {_z(clip, name)}") for name in ("y", "x"))


def sums_of_alike(clips: Sequence[JointClip], segments: Sequence[int]) -> Iterator[Sql]:
    """Yield the columns of sums over the units `s` that are in the same segments.

    Each is made once, for a segment, for all others and for all together, and none from the difference of two.
    """
    yield from (Sql(f"s.{column}") for column in (*KEYS, *map(weight, segments)))
    yield Sql("COUNT(*) AS n_rows")
    yield from (Sql(f"SUM(s.{column}) AS {column}") for column in ("n_null", "n_nonfinite", "has_y"))
    yield Sql("SUM(IF(s.has_both > 0, 1, 0)) AS has_both")
    for clip in clips:
        if clip.clipped:
            yield Sql(f"SUM(s.{_cut(clip)}) AS {_cut(clip)}")
        y, x = (f"s.{_z(clip, name)}" for name in ("y", "x"))
        yield from (Sql(f"SUM({term}) AS {_sum(clip, name)}") for name, term in _powers(y, "y"))
        products = (*_powers(y, "y"), *_powers(x, "x"), ("xy", f"{x} * {y}"))
        yield from (Sql(f"SUM(s.has_both * {term}) AS {_sum(clip, f'both_{name}')}") for name, term in products)


def joint_counts(segment: int) -> Iterator[tuple[str, str]]:
    """Yield the columns that count the units of a segment, from `sums_of_alike`."""
    n = f"s.{weight(segment)}"
    yield from ((f"SUM({n} * s.{column})", column) for column in ("n_rows", "n_null", "n_nonfinite"))
    yield f"SUM({n} * s.has_y)", N.name
    yield f"SUM({n} * s.has_both)", N_BOTH.name


def joint_sums(clips: Sequence[JointClip], segment: int) -> Iterator[tuple[str, str]]:
    """Yield the columns of a segment's sums, as its own values are clipped."""
    n = f"s.{weight(segment)}"
    for clip in clips:
        if clip.segment != segment:
            continue
        index = clip.index
        if clip.clipped:
            yield f"SUM({n} * s.{_cut(clip)})", f"cut_{index}"
        yield from ((f"SUM({n} * s.{_sum(clip, name)})", f"{begin}_{end}") for name, begin, end in _named(index))


def joint_sides(clips: Sequence[JointClip], segment: int) -> Iterator[tuple[str, str]]:
    """Yield the columns of the sums over the units of a segment, and over all others, clipped as all units' are."""
    own, others = f"s.{weight(segment)}", f"(s.{weight(0)} - s.{weight(segment)})"
    yield f"SUM({others} * s.has_y)", "n_rest"
    yield f"SUM({others} * s.has_both)", "n_both_rest"
    for clip in clips:
        if clip.segment != 0:
            continue
        for side, n in (("inside", own), ("outside", others)):
            yield from (
                (f"SUM({n} * s.{_sum(clip, name)})", f"{side}_{begin}_{end}") for name, begin, end in _named(clip.index)
            )


def joint_places(clips: Sequence[JointClip], segment: int) -> Iterator[tuple[str, str]]:
    """Yield the columns of a segment's centres, scales, thresholds and reference values, by window in `y` and `x`."""
    yield f"y.center_y_{segment}", CENTER_Y.name
    yield f"x.center_x_{segment}", CENTER_X.name
    for clip in clips:
        if clip.segment != segment:
            continue
        for name in ("y", "x"):
            limit = clip.limit(name)
            if limit:
                yield f"{name}.{limit}", f"limit_{name}{clip.index}"
            yield f"{name}.{clip.scale(name)}", f"scale_{name}{clip.index}"
        yield f"x.{qbar(clip)}", f"qbar_{clip.index}"


def places_of_all(clips: Sequence[JointClip]) -> Iterator[tuple[str, str]]:
    """Yield the columns of all units' centres and scales, which the sums of `joint_sides` are in."""
    for name in ("y", "x"):
        yield f"{name}.center_{name}_0", f"center_{name}_whole"
        yield from (
            (f"{name}.{clip.scale(name)}", f"scale_{name}{clip.index}_whole") for clip in clips if clip.segment == 0
        )


_SUMS = ("y_1", "y_2", "both_y_1", "both_y_2", "both_x_1", "both_x_2", "both_xy")


def _named(index: int) -> Iterator[tuple[str, str, str]]:
    """Yield each sum with the parts of its column in the answer, between which the rule's place stands."""
    for name in _SUMS:
        begin, _, end = name.partition("_")
        yield name, f"{begin}_{index}", end


def _z(clip: JointClip, name: str) -> str:
    return f"z_{name}{clip.index}_{clip.segment}"


def _cut(clip: JointClip) -> str:
    return f"above_{clip.index}_{clip.segment}"


def _sum(clip: JointClip, name: str) -> str:
    return f"sum_{clip.index}_{clip.segment}_{name}"


def _powers(z: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (f"{name}_1", z), (f"{name}_2", f"{z} * {z}")


@dataclass(frozen=True, slots=True)
class _Sums:
    """Where the sums of some units are in a row: their counts, centres and scales, and what names begin with."""

    counts: tuple[str, str]
    y: tuple[str, str]
    x: tuple[str, str]
    units: str
    both: str


def covaried(row: QueryRow, index: int) -> Covaried:
    """Return the moments of all units with a value, and those with the covariate too."""
    y, x = (CENTER_Y.name, f"scale_y{index}"), (CENTER_X.name, f"scale_x{index}")
    return _covaried(row, _Sums((N.name, N_BOTH.name), y, x, f"y_{index}", f"both_{index}"))


def sides(row: QueryRow, index: int) -> Sides | None:
    """Return the same of a segment's units and of all others, clipped as all units are; None of all units."""
    if "n_rest" not in row.values:
        return None
    y, x = ((f"center_{name}_whole", f"scale_{name}{index}_whole") for name in ("y", "x"))
    inside, outside = (
        _covaried(row, _Sums(counts, y, x, f"{side}_y_{index}", f"{side}_both_{index}"))
        for side, counts in (("inside", (N.name, N_BOTH.name)), ("outside", ("n_rest", "n_both_rest")))
    )
    return Sides(inside, outside)


def _covaried(row: QueryRow, sums: _Sums) -> Covaried:
    n_units, n = (row.whole(name) for name in sums.counts)
    units = moments_on_scale(row, n_units, sums.y, (f"{sums.units}_1", f"{sums.units}_2"))
    if n == 0:
        return Covaried(units, NO_UNITS)
    of_y = moments_on_scale(row, n, sums.y, (f"{sums.both}_y_1", f"{sums.both}_y_2"))
    of_x = moments_on_scale(row, n, sums.x, (f"{sums.both}_x_1", f"{sums.both}_x_2"))
    product = row.number(f"{sums.both}_y_1") * row.number(f"{sums.both}_x_1") / n
    c_xy = (row.number(f"{sums.both}_xy") - product) * row.number(sums.y[1]) * row.number(sums.x[1])
    return Covaried(units, JointMoments(n, of_y.mean, of_x.mean, of_y.m2, of_x.m2, c_xy))
