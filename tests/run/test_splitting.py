"""How work is cut when the warehouse refuses it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.errors import AccessDenied, InvalidQuery, JetstreamArgoError, PartDenied, TooBig
from jetstream_argo.run.splitting import Piece, WorkResult, isolate


@dataclass
class Warehouse:
    """Does what is asked, but for `wrong` parts, parts whose rows break them, and pieces of more than `capacity`.

    `denied` parts name a column that may not be read, and `elsewhere` ones a table; with `closed` nothing may be read,
    and with `sealed` nothing written.
    """

    wrong: frozenset[str] = frozenset()
    denied: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    closed: bool = False
    sealed: bool = False
    checks: int = 0
    breaking: frozenset[str] = frozenset()
    capacity: int = 10**9
    done: list[tuple[str, int]] = field(default_factory=list)
    given_up: list[tuple[str, int]] = field(default_factory=list)
    attempts: list[Piece[str]] = field(default_factory=list)
    remembered: list[int] = field(default_factory=list)

    def write(self, piece: Piece[str]) -> WorkResult:
        self.attempts.append(piece)
        self._refuse(piece)
        if self.sealed:
            raise AccessDenied("Access Denied: Dataset results")
        if piece.size > self.capacity:
            raise TooBig("too big")
        if not self.breaking.isdisjoint(piece.parts):
            raise InvalidQuery("bad row")
        self.done += cells(piece)
        return WorkResult(1)

    def check(self, piece: Piece[str]) -> None:
        self.checks += 1
        self._refuse(piece)

    def _refuse(self, piece: Piece[str]) -> None:
        if self.closed:
            raise AccessDenied("Access Denied: Table activity")
        if not self.elsewhere.isdisjoint(piece.parts):
            raise AccessDenied("Access Denied: Table elsewhere")
        if not self.denied.isdisjoint(piece.parts):
            raise PartDenied("Access Denied: no permission to access policy tag on column activity.secret")
        if not self.wrong.isdisjoint(piece.parts):
            raise InvalidQuery("no such column")

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> WorkResult:
        self.given_up += cells(piece)
        return WorkResult(0, tuple((part, error) for part in piece.parts))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        self.remembered.append(piece.size)


def cells(piece: Piece[str]) -> list[tuple[str, int]]:
    return [(part, place) for part in piece.parts for place in range(piece.first, piece.last + 1)]


ALL = Piece(tuple("abcdefgh"), 1, 4)


def test_what_fits_is_one_query() -> None:
    warehouse = Warehouse()

    assert isolate(warehouse, ALL, below=None) == WorkResult(1)
    assert warehouse.attempts == [ALL]


def test_a_wrong_part_is_found_without_writing_and_the_others_are_written_in_one_query() -> None:
    warehouse = Warehouse(wrong=frozenset("c"))

    outcome = isolate(warehouse, ALL, below=None)

    assert [part for part, _ in outcome.errors] == ["c"]
    assert len(warehouse.attempts) == 2
    assert {part for part, _ in warehouse.done} == set("abdefgh")


@pytest.mark.parametrize("denied", ["c", "ah", "abcdefgh"])
def test_a_part_that_may_not_be_read_is_found_without_writing_and_the_others_are_written_in_one_query(
    denied: str,
) -> None:
    warehouse = Warehouse(denied=frozenset(denied))

    outcome = isolate(warehouse, ALL, below=None)

    assert {part for part, _ in outcome.errors} == set(denied)
    assert all(isinstance(error, PartDenied) for _, error in outcome.errors)
    assert {part for part, _ in warehouse.done} == set("abcdefgh") - set(denied)
    assert len(warehouse.attempts) <= 2


def test_a_part_that_reads_a_denied_table_of_its_own_costs_only_itself() -> None:
    warehouse = Warehouse(elsewhere=frozenset("a"))

    outcome = isolate(warehouse, ALL, below=None)

    assert [part for part, _ in outcome.errors] == ["a"]
    assert {part for part, _ in warehouse.done} == set("bcdefgh")


def test_a_table_that_may_not_be_read_is_found_out_in_three_questions_however_many_parts_read_it() -> None:
    warehouse = Warehouse(closed=True)

    outcome = isolate(warehouse, ALL, below=None)

    assert {part for part, _ in outcome.errors} == set("abcdefgh")
    assert (len(warehouse.attempts), warehouse.checks) == (1, 3)


def test_a_table_that_may_not_be_written_is_not_tried_in_halves() -> None:
    warehouse = Warehouse(sealed=True)

    outcome = isolate(warehouse, ALL, below=None)

    assert {part for part, _ in outcome.errors} == set("abcdefgh")
    assert len(warehouse.attempts) == 1


def test_too_big_is_cut_by_parts_first_then_by_places() -> None:
    warehouse = Warehouse(capacity=2)

    isolate(warehouse, ALL, below=None)

    assert sorted(warehouse.done) == sorted(cells(ALL))
    assert {len(piece.parts) for piece in warehouse.attempts if piece.last - piece.first < 3} == {1}


def test_the_size_that_was_too_big_is_not_tried_again() -> None:
    first = Warehouse(capacity=4)
    isolate(first, ALL, below=None)
    second = Warehouse(capacity=4)

    isolate(second, ALL, below=min(first.remembered))

    assert second.remembered == []
    assert sorted(second.done) == sorted(cells(ALL))


def test_a_part_that_is_too_big_alone_costs_only_itself() -> None:
    warehouse = Warehouse(capacity=0)

    isolate(warehouse, Piece(("a",), 1, 1), below=None)

    assert warehouse.given_up == [("a", 1)]


@given(
    st.sets(st.sampled_from("abcdefgh")),
    st.sets(st.sampled_from("abcdefgh")),
    st.sets(st.sampled_from("abcdefgh")),
    st.integers(1, 40),
    st.none() | st.integers(2, 20),
)
def test_everything_is_done_once_or_given_up_and_only_what_cannot_be_done_is_given_up(
    wrong: set[str], denied: set[str], breaking: set[str], capacity: int, below: int | None
) -> None:
    warehouse = Warehouse(
        wrong=frozenset(wrong), denied=frozenset(denied), breaking=frozenset(breaking), capacity=capacity
    )

    outcome = isolate(warehouse, ALL, below=below)

    bad = wrong | denied | breaking
    assert sorted(warehouse.done) == sorted(cell for cell in cells(ALL) if cell[0] not in bad)
    assert sorted(set(warehouse.given_up)) == sorted(cell for cell in cells(ALL) if cell[0] in bad)
    assert {part for part, _ in outcome.errors} == bad
