"""Which columns of a query play the same role, so that what is said of one of them holds for all."""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jetstream_argo.sql.text import Sql
from jetstream_argo.validate.select_lists import Item, Listing, listings, without

COLUMN = re.compile(r"\b[a-z]_[0-9a-f]{16}\b")
_ALIAS = re.compile(r" AS (\w+|`[^`]*`)\s*\Z")
_STAR = re.compile(r"(?:\A\s*|\.)\*")
_BETWEEN = "\0"
_ROUNDS = 12  # of telling columns apart by those that they meet; chains of them are far shorter


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a query gives: its name, and what it has in common with others, of whichever query."""

    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Roles:
    """What a query is made of.

    `frame` is what stays when all its hashed columns are taken out, and `roles` are what those do there: queries of
    the same frame with the same roles differ only in what columns are called and in how many have each role. What is
    right of a role does not depend on which others there are.
    `outputs` are the columns that the query gives, in order; `given` those that are left in the shorter `sql`, in
    which each role is played once.
    """

    frame: tuple[str, ...]
    roles: frozenset[str]
    outputs: tuple[Output, ...]
    given: tuple[Output, ...]
    sql: Sql


def roles(sql: Sql, types: Mapping[str, str], plain: Callable[[str], str]) -> Roles | None:
    """Find the roles of a query's hashed columns, or return None where it is not made so that they are plain to see.

    Two columns have the same role if they are of one type and in all lists of the query stand in items of the same
    text. `types` are those of the columns of tables; `plain` takes out of a text what does not matter.
    """
    lists = listings(sql)
    last = _last(lists)
    if last is None:
        return None
    ordered = any(clause_list.clause in ("GROUP BY", "ORDER BY") and clause_list.depth == 0 for clause_list in lists)
    members = _members(lists, last, plain, masked=not ordered)
    classes = _classes(members, types)
    texts = [[member.text(classes) for member in of_list] for of_list in members]
    kept = _kept(members, classes)
    for list_texts, keeps in zip(texts, kept, strict=True):
        if set(list_texts) != {text for text, keep in zip(list_texts, keeps, strict=True) if keep}:
            return None
    place = lists.index(last)
    outputs = tuple(Output(_name(item), text) for item, text in zip(last.items, texts[place], strict=True))
    return Roles(
        tuple(
            _BETWEEN.join((clause_list.clause, *(m.text({}) for m in of_list if not m.columns)))
            for clause_list, of_list in zip(lists, members, strict=True)
        ),
        frozenset(member.role(classes) for of_list in members for member in of_list if member.columns),
        outputs,
        tuple(output for output, keep in zip(outputs, kept[place], strict=True) if keep),
        without(sql, lists, kept),
    )


def _last(lists: tuple[Listing, ...]) -> Listing | None:
    """Return the list of the columns that the query gives; None where it is not all there, or there are several."""
    last = next(
        (clause_list for clause_list in reversed(lists) if clause_list.clause == "SELECT" and clause_list.depth == 0),
        None,
    )
    if last is None or any(clause_list.clause == "UNION" for clause_list in lists):
        return None
    return None if any(_STAR.search(item.text) for item in last.items) else last


@dataclass(frozen=True, slots=True)
class _Member:
    """An item of a list: the texts around its columns, and those columns, in the number of its list."""

    listing: int
    between: tuple[str, ...]
    columns: tuple[str, ...]
    has_query: bool

    def text(self, classes: Mapping[str, str]) -> str:
        """Return the text with the columns' classes in place of their names."""
        seen: dict[str, int] = {}
        parts = [self.between[0]]
        for column, after in zip(self.columns, self.between[1:], strict=True):
            parts += [f"<{classes[column]}/{seen.setdefault(column, len(seen))}>", after]
        return "".join(parts)

    def role(self, classes: Mapping[str, str]) -> str:
        """Return the text with the place of the list."""
        return f"{self.listing} {self.text(classes)}"


def _members(
    lists: tuple[Listing, ...], last: Listing, plain: Callable[[str], str], *, masked: bool
) -> list[list[_Member]]:
    """Return the lists' items, all with plain texts; what the last list calls its columns is no part of them."""
    texts = []
    for clause_list in lists:
        for item in clause_list.items:
            named = masked and clause_list is last and COLUMN.search(item.text)
            texts.append(" ".join((_ALIAS.sub("", item.text) if named else item.text).split()))
    texts = plain(_BETWEEN.join(texts)).split(_BETWEEN)
    at, found = 0, []
    for number, clause_list in enumerate(lists):
        members = []
        for item in clause_list.items:
            text = texts[at]
            at += 1
            between, columns = tuple(COLUMN.split(text)), tuple(COLUMN.findall(text))
            members.append(_Member(number, between, columns, item.has_query))
        found.append(members)
    return found


def _kept(members: list[list[_Member]], classes: Mapping[str, str]) -> list[list[bool]]:
    """Return which items are to be kept so that the first column of each class, and nothing else, stays."""
    names = dict.fromkeys(name for of_list in members for member in of_list for name in member.columns)
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(classes[name], name)
    speakers = frozenset(first.values())
    return [[member.has_query or speakers.issuperset(member.columns) for member in of_list] for of_list in members]


def _classes(members: list[list[_Member]], types: Mapping[str, str]) -> dict[str, str]:
    """Return a class for each column: columns of one class cannot be told apart by the texts that they stand in."""
    standing: dict[str, list[tuple[_Member, int]]] = defaultdict(list)
    for of_list in members:
        for member in of_list:
            for place, column in enumerate(member.columns):
                standing[column].append((member, place))
    classes = {column: types.get(column, "") for column in standing}
    count = len(set(classes.values()))
    for _ in range(_ROUNDS):
        finer = {
            column: f"{hash((classes[column], tuple((m.listing, at, m.text(classes)) for m, at in stands))):x}"
            for column, stands in standing.items()
        }
        now = len(set(finer.values()))
        classes = finer
        if now == count:
            break
        count = now
    return classes


def _name(item: Item) -> str:
    alias = _ALIAS.search(item.text)
    return (alias[1] if alias else item.text.strip().rpartition(".")[2]).strip("`")
