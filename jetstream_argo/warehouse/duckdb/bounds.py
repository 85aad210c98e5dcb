"""Finds the rows of a table that a query can use: those within the constants that it compares a column with.

`FROM d.t AS t WHERE t.batch IN (1, 2)` uses rows of two batches. Files without any such row are kept from DuckDB: not
to save their reading, but because the order in which it joins, and with it the last digit of a sum of floats, follows
from the row counts of all files that it is given.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlglot import exp

from jetstream_argo.dialect.syntax import table_name
from jetstream_argo.warehouse.duckdb.comparisons import compared, conjuncts
from jetstream_argo.warehouse.duckdb.ranges import Bound, Bounds

_NOTED = "wanted"  # bounds, in the meta data of a table's node


def note_bounds(query: exp.Query, wanted: Bounds = ()) -> None:
    """Note in every table's node in the tree the bounds of those of its rows that the query can use.

    `wanted` are bounds of the query's own rows, as of a view that is read within them.
    """
    nodes = list(query.find_all(exp.Select, exp.Table, exp.CTE))
    tables = [node for node in nodes if isinstance(node, exp.Table)]
    finder = _Finder(tables, [node for node in nodes if isinstance(node, exp.CTE)])
    finder.query(query, wanted)
    for node in nodes:  # also those in expressions, and those in WITH that are read twice
        if isinstance(node, exp.Select) and id(node) not in finder.visited:
            finder.query(node, ())
    for table in tables:
        table.meta[_NOTED] = finder.found.get(id(table), ())


def noted_bounds(table: exp.Table) -> Bounds:
    """Return the bounds that were noted in a table's node, or in the one of which it is a copy."""
    bounds: Bounds = table.meta.get(_NOTED, ())
    return bounds


class _Finder:
    """Goes from queries to what they read, and takes bounds along."""

    def __init__(self, tables: Sequence[exp.Table], ctes: Sequence[exp.CTE]) -> None:
        self.found: dict[int, Bounds] = {}  # by the `id` of a table's node
        self.visited: set[int] = set()
        read = Counter(table.name.lower() for table in tables if not table.args.get("db"))
        queries = [cte for cte in ctes if not (cte.parent and cte.parent.args.get("recursive"))]
        written = Counter(cte.alias.lower() for cte in queries)
        # Rows of a query in WITH that is read twice are wanted by either reader.
        self._ctes = {name: cte.this for cte in queries if written[name := cte.alias.lower()] == read[name] == 1}

    def query(self, query: exp.Expr, wanted: Bounds) -> None:
        """Go through a query of whose rows only those within `wanted` are used."""
        if _is_cut(query):
            wanted = ()
        match query:
            case exp.Subquery():
                self.query(query.this, wanted)
            case exp.Union():
                self._union(query, wanted)
            case exp.Select():
                self._select(query, wanted)

    def _union(self, union: exp.Union, wanted: Bounds) -> None:
        left, right = (_outputs(side) for side in (union.left, union.right))
        if union.args.get("by_name") or left is None or right is None or len(left) != len(right):
            self.query(union.left, ())
            self.query(union.right, ())
            return
        self.query(union.left, wanted)
        places = dict(zip(left, right, strict=True))
        moved = [Bound(places[bound.column], bound.intervals) for bound in wanted if bound.column in places]
        self.query(union.right, tuple(moved))

    def _select(self, select: exp.Select, wanted: Bounds) -> None:
        self.visited.add(id(select))
        sources = _sources(select)
        bounds: dict[str, list[Bound]] = {name: [] for name in sources}
        for name, bound in (*_own(select, sources), *_passed(select, sources, wanted)):
            if name in bounds:
                bounds[name].append(bound)
        for name, source in sources.items():
            self._source(source, tuple(bounds[name]))

    def _source(self, source: exp.Expr, bounds: Bounds) -> None:
        if source.args.get("pivots") or source.args.get("sample"):
            return
        match source:
            case exp.Table() if "." in table_name(source):
                self.found[id(source)] = bounds
            case exp.Table() if source.name.lower() in self._ctes:
                self.query(self._ctes[source.name.lower()], bounds)
            case exp.Subquery():
                self.query(source, bounds)


def _is_cut(query: exp.Expr) -> bool:
    """Whether rows of the query depend on other rows of it, so that none may be left out before."""
    if query.args.get("limit") or query.args.get("offset") or query.args.get("qualify") or query.args.get("kind"):
        return True
    return isinstance(query, exp.Select) and any(item.find(exp.Window) for item in query.expressions)


def _sources(select: exp.Select) -> dict[str, exp.Expr]:
    """Return what the SELECT reads, by lower-case alias."""
    first = select.args.get("from_")
    items = [first.this] if first is not None else []
    return {item.alias_or_name.lower(): item for item in (*items, *(join.this for join in _joins(select)))}


def _joins(select: exp.Select) -> list[exp.Join]:
    joins: list[exp.Join] = select.args.get("joins") or []
    return joins


def _own(select: exp.Select, sources: Mapping[str, exp.Expr]) -> Iterator[tuple[str, Bound]]:
    """Yield, with the name of the source, what WHERE and ON demand of rows.

    A comparison is never true of NULL, so that WHERE demands it also of the side of an outer join that may be absent.
    """
    alone = next(iter(sources)) if len(sources) == 1 else ""
    where = select.args.get("where")
    for name, bound in _demands(where.this if where is not None else None, alone):
        if bound.intervals or not _has_outer_join(select):
            yield name, bound
    for join in _joins(select):
        right = join.this.alias_or_name.lower()
        for name, bound in _demands(join.args.get("on"), ""):
            of_right = name == right
            demanded = {"": True, "LEFT": of_right, "RIGHT": not of_right}.get(join.side, False)
            if demanded and bound.intervals:
                yield name, bound


def _demands(condition: exp.Expr | None, alone: str) -> Iterator[tuple[str, Bound]]:
    for conjunct in conjuncts(condition):
        found = compared(conjunct)
        if found is not None:
            column, intervals = found
            yield column.table.lower() or alone, Bound(column.name.lower(), intervals)


def _has_outer_join(select: exp.Select) -> bool:
    return any(join.side for join in _joins(select))


def _passed(select: exp.Select, sources: Mapping[str, exp.Expr], wanted: Bounds) -> Iterator[tuple[str, Bound]]:
    """Yield, with the name of the source, what `wanted` demands of the rows that the SELECT reads."""
    alone = next(iter(sources)) if len(sources) == 1 else ""
    for bound in wanted:
        column = _origin(select, bound.column)
        if column is not None and (bound.intervals or not (_has_outer_join(select) or select.args.get("group"))):
            yield column[0] or alone, Bound(column[1], bound.intervals)


def _origin(select: exp.Select, name: str) -> tuple[str, str] | None:
    """Return source (empty where none is named) and name of the column that the SELECT gives as `name`, as it is."""
    for item in select.expressions:
        if item.alias_or_name.lower() == name:
            column = item.unalias()
            return (column.table.lower(), column.name.lower()) if isinstance(column, exp.Column) else None
    for item in select.expressions:
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star):
            changed = [*(star.args.get("except_") or []), *(star.args.get("replace") or [])]
            if star.args.get("rename") or name in [other.alias_or_name.lower() for other in changed]:
                return None
            return (item.table.lower() if isinstance(item, exp.Column) else "", name)
    return None


def _outputs(query: exp.Expr) -> list[str] | None:
    """Return the names of the query's columns, or None where `*` hides them."""
    match query:
        case exp.Subquery():
            return _outputs(query.this)
        case exp.SetOperation():
            return _outputs(query.left)
        case exp.Select():
            names = [item.alias_or_name.lower() for item in query.expressions]
            return None if "*" in names else names
        case _:
            return None
