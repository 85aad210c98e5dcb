"""How work is cut when the warehouse refuses it."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.errors import InvalidQuery, JetstreamArgoError, TooBig
from jetstream_argo.run.splitting import Outcome, Piece, isolate


@dataclass
class Warehouse:
    """Does what is asked, but for `wrong` parts, parts whose rows break them, and pieces of more than `capacity`."""

    wrong: frozenset[str] = frozenset()
    breaking: frozenset[str] = frozenset()
    capacity: int = 10**9
    done: list[tuple[str, int]] = field(default_factory=list)
    given_up: list[tuple[str, int]] = field(default_factory=list)
    attempts: list[Piece[str]] = field(default_factory=list)
    remembered: list[int] = field(default_factory=list)

    def write(self, piece: Piece[str]) -> Outcome:
        self.attempts.append(piece)
        self.check(piece)
        if piece.size > self.capacity:
            raise TooBig("too big")
        if not self.breaking.isdisjoint(piece.parts):
            raise InvalidQuery("bad row")
        self.done += cells(piece)
        return Outcome(1)

    def check(self, piece: Piece[str]) -> None:
        if not self.wrong.isdisjoint(piece.parts):
            raise InvalidQuery("no such column")

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> Outcome:
        self.given_up += cells(piece)
        return Outcome(0, tuple((part, error) for part in piece.parts))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        self.remembered.append(piece.size)


def cells(piece: Piece[str]) -> list[tuple[str, int]]:
    return [(part, place) for part in piece.parts for place in range(piece.first, piece.last + 1)]


ALL = Piece(tuple("abcdefgh"), 1, 4)


def test_what_fits_is_one_query() -> None:
    warehouse = Warehouse()

    assert isolate(warehouse, ALL, below=None) == Outcome(1)
    assert warehouse.attempts == [ALL]


def test_a_wrong_part_is_found_without_writing_and_the_others_are_written_in_one_query() -> None:
    warehouse = Warehouse(wrong=frozenset("c"))

    outcome = isolate(warehouse, ALL, below=None)

    assert [part for part, _ in outcome.errors] == ["c"]
    assert len(warehouse.attempts) == 2
    assert {part for part, _ in warehouse.done} == set("abdefgh")


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
    st.integers(1, 40),
    st.none() | st.integers(2, 20),
)
def test_everything_is_done_once_or_given_up_and_only_what_cannot_be_done_is_given_up(
    wrong: set[str], breaking: set[str], capacity: int, below: int | None
) -> None:
    warehouse = Warehouse(frozenset(wrong), frozenset(breaking), capacity)

    outcome = isolate(warehouse, ALL, below=below)

    bad = wrong | breaking
    assert sorted(warehouse.done) == sorted(cell for cell in cells(ALL) if cell[0] not in bad)
    assert sorted(set(warehouse.given_up)) == sorted(cell for cell in cells(ALL) if cell[0] in bad)
    assert {part for part, _ in outcome.errors} == bad
