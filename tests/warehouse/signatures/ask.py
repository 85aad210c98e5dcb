"""Ask ZetaSQL all questions that have no answer yet, and write down the answers: `make signatures`."""

import sys
from collections import defaultdict
from collections.abc import Iterable

from jetstream_argo.dialect.zetasql.checker import Checker, start
from jetstream_argo.errors import EngineError
from jetstream_argo.warehouse.duckdb.signatures.catalog import FILES, entries
from tests.warehouse.signatures import kept
from tests.warehouse.signatures.questions import Question, questions

_AT_ONCE = 25
_REFUSED = "refused"


def ask(wanted: Iterable[Question]) -> dict[str, list[object]]:
    """Return the answers of ZetaSQL's evaluator to questions, by their keys."""
    service = start()
    tables: dict[str, list[Question]] = defaultdict(list)
    for question in wanted:
        tables[question.table].append(question)
    found: dict[str, list[object]] = {}
    for asked in tables.values():
        records = asked[0].records()
        rows = {f"d.{asked[0].table}": records}
        checker = Checker({f"d.{asked[0].table}": asked[0].columns}, service=service)
        try:
            if asked[0].grouped:
                for question in asked:
                    found[question.key] = [
                        _alone(checker, question, rows, f"g = {group}") for group in question.groups()
                    ]
            else:
                for first in range(0, len(asked), _AT_ONCE):
                    found |= _together(checker, asked[first : first + _AT_ONCE], rows)
        finally:
            checker.close()
    return found


def _together(
    checker: Checker, asked: list[Question], rows: dict[str, list[dict[str, object]]]
) -> dict[str, list[object]]:
    parts = [
        f"ISERROR({question.expression}) AS e{n}, IFERROR({question.expression}, NULL) AS v{n}"
        if " OVER " not in question.expression
        else f"FALSE AS e{n}, {question.expression} AS v{n}"
        for n, question in enumerate(asked)
    ]
    try:
        result = checker.evaluate(f"SELECT id, {', '.join(parts)} FROM d.{asked[0].table} ORDER BY id", rows)  # type: ignore[arg-type]  # values they are
    except EngineError:
        if len(asked) > 1:
            middle = len(asked) // 2
            return _together(checker, asked[:middle], rows) | _together(checker, asked[middle:], rows)
        return {asked[0].key: [_REFUSED]}
    return {
        question.key: [kept.FAILED if row[1 + 2 * n] else kept.encoded(row[2 + 2 * n]) for row in result]
        for n, question in enumerate(asked)
    }


def _alone(checker: Checker, question: Question, rows: dict[str, list[dict[str, object]]], where: str) -> object:
    try:
        return kept.encoded(checker.evaluate(question.sql(question.expression, where=where), rows)[0][-1])  # type: ignore[arg-type]  # values they are
    except EngineError as error:
        text = str(error)
        return _REFUSED if "[at " in text else kept.FAILED


def main() -> None:
    """Bring the files of answers up to date; with `--all`, ask everything anew."""
    known = {} if "--all" in sys.argv else dict(kept.read())
    asked = questions()
    missing = [question for group in asked.values() for question in group if question.key not in known]
    known |= ask(missing)
    for file in FILES:
        wanted = [question.key for entry in entries(file) for question in asked.get(entry.name, [])]
        kept.write(file, {key: known[key] for key in wanted})
    print(f"{len(missing)} questions asked, {len(known)} answers kept")  # noqa: T201  # it is a program


if __name__ == "__main__":
    main()
