"""Relations of a row per window or branch with the quantiles, the middle and the ends of its values.

A quantile is found in two steps, so that no sort holds more than a small part of the values. First the values are
counted in buckets, whose order is theirs; then only those buckets are put in order in which a wanted rank lies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.queries import quantiles
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.sql.text import Sql, equal, fill, indented, lines, literal

POOLED = ("basis", "window_index")
PER_BRANCH = (*POOLED, "branch")

# Buckets on each side of 0. Roots of values are correctly rounded, and so are products and quotients, so that a larger
# value is never in a lower bucket. By the 16th root a bucket is 2 % of a value wide, and 5 % of one that is a
# hundred-millionth of the largest.
_BUCKETS = 1024


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile asked for; its columns are `low_<name>_<i>`, `high_<name>_<i>` and `share_<name>_<i>` of segment i."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Values:
    """The column `value` of the rows of `source` that have all columns of `required` too.

    Buckets in which values are put in order are cut `finer` times more, so that a worker sorts fewer of them at once;
    the ranks stay the same. `distinct` says that no two rows with the same keys have the same value.
    """

    source: str
    value: str
    required: tuple[str, ...] = ()
    finer: int = 0
    distinct: bool = False

    @property
    def condition(self) -> str:
        """What must hold for a row of `t` to count."""
        present = (f"t.{name} IS NOT NULL" for name in dict.fromkeys((self.value, *self.required)))
        return f"{' AND '.join(present)} AND NOT IS_NAN(t.{self.value})"


def quantile_relations(
    name: str,
    values: Values,
    *,
    keys: Sequence[str],
    asked: Sequence[Quantile],
    segments: Sequence[int],
    counted: Sequence[int] = (),
) -> Sql:
    """Return the relation `name`: (*keys, minimum_…, maximum_…, center_…, …), and what it is made from.

    Every column is there once for each segment. `center` is the least value of the bucket that has the lower median:
    no farther from the median than a bucket is wide. Places that are `counted` beside the segments are for `ranked`.
    """
    buckets = _buckets(name, values, keys, segments, counted)
    if not asked:
        return together(buckets, _ends(name, name, keys, segments))
    wanted = [
        f"({quantiles.holds_rank(*_counts('b', i), requested.probability)})" for requested in asked for i in segments
    ]
    condition = lines(map(Sql, dict.fromkeys(wanted)), separator=" OR", indent=0)
    found = fill(
        "estimating/quantiles",
        name=Sql(name),
        keys=_list("t", keys),
        quantiles=lines(_quantiles(asked, segments), indent=0),
        same=equal("q", "e", keys),
        found=lines(_found(asked, segments), indent=0),
    )
    ends = _ends(f"{name}_ends", name, keys, segments)
    return together(buckets, _ranks(name, name, values, keys, segments, condition), ends, found)


def by_value(name: str, values: Values, *, keys: Sequence[str], segments: Sequence[int]) -> Sql:
    """Return the relation `name` of the distinct values: for whole numbers, of which few units have one alone."""
    columns = f"{_list('t', keys)}, t.{values.value}"
    return Sql(
        f"{name} AS (\n"
        f"  SELECT {columns}, {', '.join(f'SUM(t.{weight(i)}) AS {weight(i)}' for i in segments)}\n"
        f"  FROM {values.source} AS t\n  WHERE {values.condition}\n  GROUP BY {columns}\n)"
    )


def together(*relations: Sql) -> Sql:
    """Return relations of a WITH, one after the other."""
    return Sql(",\n".join(relation.rstrip() for relation in relations))


def near(name: str, values: Values, *, keys: Sequence[str], segments: Sequence[int], wanted: Sql) -> Sql:
    """Return `ranked` of the values in those buckets `b`, (upto_…, n_…, total_…), for which `wanted` holds."""
    return together(_buckets(name, values, keys, segments), _ranks(name, name, values, keys, segments, wanted))


def ranked(name: str, values: Values, *, keys: Sequence[str], segments: Sequence[int], buckets: str) -> Sql:
    """Return the relation `<name>_ranks`, (*keys, value, n_…, upto_…, total_…), of all values in `<buckets>_buckets`.

    One row per distinct value; `upto` counts the units of the segment with this value or a smaller one, of `total`.
    """
    return _ranks(name, buckets, values, keys, segments, None)


def _ranks(
    name: str, buckets: str, values: Values, keys: Sequence[str], segments: Sequence[int], wanted: Sql | None
) -> Sql:
    levels = range(1, values.finer + 1)
    path = (*keys, "bucket", *(f"bucket_{level}" for level in levels))
    before = [f"{name}_values", *(f"{name}_placed_{level}" for level in levels)]
    ranks = []
    for i in segments:
        earlier = "".join(f" + e{level}.{weight(i)}" for level in levels)
        own = f"SUM(t.{weight(i)}) OVER (\n  PARTITION BY {_list('t', path)} ORDER BY t.value\n)"
        ranks.append(Sql(f"b.upto_{i} - b.{weight(i)}{earlier} + {own} AS upto_{i}"))
    finer = (_finer(name, level, before[level - 1], path[: len(keys) + level], segments) for level in levels)
    joins = (
        f"\nINNER JOIN {name}_earlier_{level} AS e{level}\n"
        f"  ON {equal(f'e{level}', 't', path[: len(keys) + level + 1])}"
        for level in levels
    )
    same_bucket = equal("b", "t", (*keys, "bucket"))
    within = f"\nINNER JOIN {buckets}_buckets AS b\n  ON {same_bucket}\nWHERE\n  "
    n = "t.{0}" if values.distinct else "SUM(t.{0}) AS {0}"
    return fill(
        "estimating/ranks",
        name=Sql(name),
        buckets=Sql(buckets),
        own_keys=_list("t", keys),
        sums=lines([Sql(n.format(weight(i))) for i in segments], indent=0),
        chosen=Sql("" if wanted is None else f"{within}{indented(wanted)}"),
        together=Sql("" if values.distinct else f"\nGROUP BY {_list('t', keys)}, t.bucket, t.value"),
        weights=lines([Sql(f"t.{weight(i)}") for i in segments], indent=0),
        totals=lines([Sql(f"b.total_{i}") for i in segments], indent=0),
        ranks=lines(ranks, indent=0),
        same_bucket=same_bucket,
        finer=Sql("".join(f",\n{relations.rstrip()}" for relations in finer)),
        last=Sql(before[-1]),
        joins=Sql("".join(joins)),
    )


def _finer(name: str, level: int, before: str, path: Sequence[str], segments: Sequence[int]) -> Sql:
    """The relations that cut the buckets of a level above into equal parts, and say what lies in earlier parts."""
    of_path = _list("t", path)
    earlier = [
        Sql(
            f"SUM(t.{weight(i)}) OVER (PARTITION BY {of_path} ORDER BY t.bucket_{level}) - t.{weight(i)} AS {weight(i)}"
        )
        for i in segments
    ]
    return fill(
        "estimating/finer",
        name=Sql(name),
        level=literal(level),
        before=Sql(before),
        buckets=literal(_BUCKETS),
        path=of_path,
        same=equal("s", "t", path),
        sums=lines([Sql(f"SUM(t.{weight(i)}) AS {weight(i)}") for i in segments], indent=0),
        earlier=lines(earlier, indent=0),
    )


def _buckets(
    name: str, values: Values, keys: Sequence[str], segments: Sequence[int], counted: Sequence[int] = ()
) -> Sql:
    sums, running = [], []
    for i in (*segments, *counted):
        n = f"t.{weight(i)}"
        sums.append(Sql(f"SUM({n}) AS {weight(i)}"))
        if i in segments:
            sums += [
                Sql(f"MIN(IF({n} > 0, t.value, NULL)) AS least_{i}"),
                Sql(f"MAX(IF({n} > 0, t.value, NULL)) AS most_{i}"),
            ]
        running += [
            Sql(f"SUM({n}) OVER (in_order ORDER BY t.bucket) AS upto_{i}"),
            Sql(f"SUM({n}) OVER in_order AS total_{i}"),
        ]
    return fill(
        "estimating/buckets",
        name=Sql(name),
        source=Sql(values.source),
        value=Sql(f"t.{values.value} AS value"),
        condition=Sql(values.condition),
        keys=_list("t", keys),
        same=equal("r", "t", keys),
        part=Sql("IF(r.reach > 0 AND NOT IS_INF(t.value), ABS(t.value) / r.reach, 0.0)"),
        step=Sql(f"CAST(FLOOR({_BUCKETS} * SQRT(t.root_8)) AS INT64)"),
        bucket=_bucket("t.value", "t.step"),
        weights=lines([Sql(f"t.{weight(i)}") for i in (*segments, *counted)], indent=0),
        sums=lines(sums, indent=0),
        running=lines(running, indent=0),
    )


def _bucket(value: str, step: str) -> Sql:
    infinite = f"IF({value} > 0, {_BUCKETS + 1}, {-_BUCKETS - 2})"
    return Sql(f"CASE WHEN IS_INF({value}) THEN {infinite} WHEN {value} < 0 THEN -1 - {step} ELSE {step} END")


def _ends(relation: str, name: str, keys: Sequence[str], segments: Sequence[int]) -> Sql:
    """The relation that has the ends and the centre of the values in the buckets of `name`."""
    columns = []
    for i in segments:
        is_median = quantiles.lies_below(Sql(f"b.upto_{i}"), Sql(f"b.total_{i}"), 0.5)
        columns += [
            Sql(f"MIN(b.least_{i}) AS minimum_{i}"),
            Sql(f"MAX(b.most_{i}) AS maximum_{i}"),
            Sql(f"MIN(IF({is_median}, b.least_{i}, NULL)) AS center_{i}"),
        ]
    return fill(
        "estimating/ends",
        relation=Sql(relation),
        name=Sql(name),
        keys=_list("b", keys),
        columns=lines(columns, indent=0),
    )


def _quantiles(asked: Sequence[Quantile], segments: Sequence[int]) -> Iterator[Sql]:
    for requested in asked:
        for i in segments:
            counts, value = _counts("t", i), Sql("t.value")
            yield Sql(f"{quantiles.low(value, *counts, requested.probability)} AS low_{requested.name}_{i}")
            yield Sql(f"{quantiles.high(value, *counts, requested.probability)} AS high_{requested.name}_{i}")
            yield Sql(
                f"{quantiles.share(Sql(f'MAX(t.total_{i})'), requested.probability)} AS share_{requested.name}_{i}"
            )


def _counts(relation: str, segment: int) -> tuple[Sql, Sql, Sql]:
    """The units of a segment in a row, those in rows up to it, and all of them."""
    return Sql(f"{relation}.{weight(segment)}"), Sql(f"{relation}.upto_{segment}"), Sql(f"{relation}.total_{segment}")


def _found(asked: Sequence[Quantile], segments: Sequence[int]) -> Iterator[Sql]:
    for requested in asked:
        yield from (Sql(f"q.{part}_{requested.name}_{i}") for i in segments for part in ("low", "high", "share"))


def _list(relation: str, keys: Sequence[str]) -> Sql:
    return Sql(", ".join(f"{relation}.{key}" for key in keys))


def quantile(relation: str, name: str, segment: int, *, rounded_up: bool = False) -> Sql:
    """Return the quantile of this name, an expression over a row of the relation that has it."""
    value = quantiles.between(*(Sql(f"{relation}.{part}_{name}_{segment}") for part in ("low", "high", "share")))
    return Sql(f"CEIL({value})") if rounded_up else value


def scale(least: str, most: str, limit: str | None, center: str) -> Sql:
    """Return the largest distance from the centre after clipping; 1 where that is 0, and without values.

    In this unit powers of what is left of the values neither overflow nor vanish. No value is below the least one, nor
    is the centre, so that the distance on that side is not negative.
    """
    top = most if limit is None else f"IF({limit} < {most}, {limit}, {most})"
    above, below = f"{top} - {center}", f"{center} - {least}"
    return Sql(f"CASE WHEN {below} < {above} THEN {above} WHEN {below} > 0 THEN {below} ELSE 1.0 END")


def standardised(value: str, limit: str | None, center: str, scale: str) -> Sql:
    """Return the clipped value's distance from the centre, from -1 to 1."""
    # LEAST would do, but for NULL.
    clipped = value if limit is None else f"IF({value} > {limit}, {limit}, {value})"
    return Sql(f"({clipped} - {center}) / {scale}")


def power(z: str, exponent: int) -> str:
    """Return `z` to a whole power, as a product.

    >>> power("z", 3)
    'z * z * z'
    """
    return " * ".join([z] * exponent)
