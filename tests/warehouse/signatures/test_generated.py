"""Every signature of the embedded engine means what ZetaSQL says, on values chosen to hurt."""

from collections import Counter
from pathlib import Path

import pytest

from jetstream_argo.errors import EngineError, InvalidQuery, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.signatures.catalog import by_name
from jetstream_argo.warehouse.duckdb.signatures.listing import page
from jetstream_argo.warehouse.types import Write
from tests.warehouse.signatures.kept import FAILED, alike, encoded, read
from tests.warehouse.signatures.questions import UNPROVEN, Question, questions

pytestmark = pytest.mark.slow
_ERRORS_TRIED = 3  # of the rows for which a question has no answer but an error
NOT_HERE = "is not implemented by the embedded engine"


class Asker:
    """Asks the embedded engine; a table is loaded when it is first asked."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self._loaded: set[str] = set()
        self.counts: Counter[str] = Counter()

    def rows(self, question: Question, expression: str, where: str) -> list[tuple[int, object]]:
        """Return the ids of rows with the expression's values."""
        if question.table not in self._loaded:
            self._engine.load(
                f"d.{question.table}", question.records(), question.columns, write=Write.TRUNCATE, labels={}
            )
            self._loaded.add(question.table)
        result = self._engine.query(Sql(question.sql(expression, where=where)), labels={})
        return [(int(str(row[0])), encoded(row[1])) for row in result.rows]

    def value(self, question: Question, expression: str, where: str) -> object:
        """Return the one value that there is, or that it failed, or was not tried."""
        try:
            return self.rows(question, expression, where)[0][1]
        except InvalidQuery as error:
            return NOT_HERE if NOT_HERE in str(error) else FAILED


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(EmbeddedEngine(tmp_path_factory.mktemp("warehouse")))


@pytest.mark.parametrize("name", questions())
def test_a_signature_gives_what_zetasql_gives(name: str, asker: Asker) -> None:
    known = read()
    wrong: list[str] = []
    for question in questions()[name]:
        assert question.key in known, f"{question.key} was never asked; run `make signatures`"
        expected = known[question.key]
        if question.strange:
            wrong += _strange(asker, question, expected)
            continue
        if _is_refused(expected):
            wrong.append(f"{question.signature}: {question.expression}: {expected[0]}")
            continue
        check = _grouped if question.grouped else _row_by_row
        wrong += [f"{question.signature}: {question.expression}: {what}" for what in check(asker, question, expected)]

    assert wrong == [], "\n".join(wrong[:40])


def test_every_function_of_the_list_is_asked_about() -> None:
    assert set(by_name()) == set(questions()) | UNPROVEN


def _is_refused(expected: list[object]) -> bool:
    return any(str(answer).startswith("refused") for answer in expected)


def _strange(asker: Asker, question: Question, expected: list[object]) -> list[str]:
    """Return what is wrong with a call that may be refused; if it is not, it is right."""
    try:
        asker.rows(question, question.expression, "FALSE")
    except EngineError:
        return []
    what = f"{question.expression} of {', '.join(question.kinds)}"
    if _is_refused(expected):
        return [f"{what} is accepted here, {expected[0]} there"]
    check = _grouped if question.grouped else _row_by_row
    return [f"{what}: {different}" for different in check(asker, question, expected)]


def _grouped(asker: Asker, question: Question, expected: list[object]) -> list[str]:
    found = [asker.value(question, question.expression, f"g = {group}") for group in range(len(expected))]
    return _different(question, list(enumerate(expected)), dict(enumerate(found)))


def _row_by_row(asker: Asker, question: Question, expected: list[object]) -> list[str]:
    good = [number for number, answer in enumerate(expected) if answer != FAILED]
    bad = [number for number, answer in enumerate(expected) if answer == FAILED]
    if " OVER " in question.expression:
        return _different(question, list(enumerate(expected)), dict(asker.rows(question, question.expression, "TRUE")))
    found = _values(asker, question, question.expression, good)
    for number in bad[:_ERRORS_TRIED]:
        found[number] = asker.value(question, question.expression, f"id = {number}")
    tried = [(number, answer) for number, answer in enumerate(expected) if number in found]
    wrong = _different(question, tried, found)
    if question.safe and bad:
        quiet = [None if answer == FAILED else answer for answer in expected]
        try:
            found = _values(asker, question, question.safe, list(range(len(expected))))
        except Unsupported:
            return wrong
        wrong += [f"SAFE: {what}" for what in _different(question, list(enumerate(quiet)), found)]
    return wrong


def _values(asker: Asker, question: Question, expression: str, numbers: list[int]) -> dict[int, object]:
    """Return what an expression gives in rows; one by one where all together fail."""
    if not numbers:
        return {}
    try:
        return dict(asker.rows(question, expression, f"id IN ({', '.join(map(str, numbers))})"))
    except InvalidQuery:
        return {number: asker.value(question, expression, f"id = {number}") for number in numbers}


def _different(question: Question, expected: list[tuple[int, object]], found: dict[int, object]) -> list[str]:
    records = question.rows if not question.grouped else ()
    return [
        f"{records[number] if records else number}: {answer} there, {found.get(number)} here"
        for number, answer in expected
        if found.get(number) != NOT_HERE and not alike(answer, found.get(number))
    ]


def test_the_page_of_the_docs_is_the_list() -> None:
    docs = Path(__file__).parents[3] / "docs" / "signatures.md"

    assert docs.read_text(encoding="utf-8") == page(), "run `make signatures`"


def test_of_a_line_without_a_proof_nothing_is_allowed() -> None:
    asked = {question.signature for group in questions().values() for question in group if not question.strange}
    listed = {str(signature) for entry in by_name().values() for signature in entry.signatures()}

    assert {line for line in listed - asked if line.partition("(")[0] not in UNPROVEN} == set()
