"""Explains a refusal of BigQuery's to a person: which job, what it said, where in the SQL, and what to do."""

import re

from jetstream_argo.errors import EngineError, NotFound
from jetstream_argo.warehouse.bigquery.errors import Failure, rule_for

_PLACE = re.compile(r"(?:\[|\b)at (?:line )?(\d+):(\d+)\]?|at line (\d+),? column (\d+)", re.IGNORECASE)
_MISSING = re.compile(r"not found:? (?:table|dataset|view|model) `?([\w.:$*-]+[\w$*-])", re.IGNORECASE)
_FOOTER = re.compile(r"\n\s*Location: .*", re.DOTALL)  # google-cloud-bigquery's own, which names the job once more
_REQUEST = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) https?://\S+: ")

CONTEXT_LINES = 2
_WIDEST = 160


def engine_error(failure: Failure, *, job_id: str = "", sql: str = "", after: str = "") -> EngineError:
    """Return the error of ours that `failure` is; `after` says how long it was tried."""
    rule = rule_for(failure)
    message = _REQUEST.sub("", _FOOTER.sub("", failure.message)).strip() or "no reason was given"
    source = f"job {job_id}" if job_id else "BigQuery"
    facts = ", ".join(fact for fact in (failure.reason, f"HTTP {failure.code}" if failure.code else "", after) if fact)
    text = f"{source}: {message}{f' ({facts})' if facts else ''}"
    place = place_in(sql, message)
    text += f"\n{place}" if place else ""
    text += f"\n{rule.hint}" if rule.hint else ""
    if rule.error is NotFound:
        missing = _MISSING.search(message)
        error = NotFound(missing[1].replace(":", ".") if missing else message)
        error.args = (text,)
        return error
    return rule.error(text)


def place_in(sql: str, message: str) -> str:
    """Return the lines of `sql` around the `[3:14]` that `message` names with a caret under the column, or nothing.

    >>> print(place_in("SELECT\\n  x,\\n  y", "Unrecognized name: y at [3:3]"))
      1 | SELECT
      2 |   x,
      3 |   y
        |   ^
    """
    found = _PLACE.search(message.replace("at [", "at "))
    lines = sql.splitlines()
    if not found:
        return ""
    line, column = (int(number) for number in found.groups() if number)
    if not 1 <= line <= len(lines):
        return ""
    width = len(str(line))
    start = max(0, column - _WIDEST // 2)  # generated SQL has long lines
    shown = [
        f"  {number:>{width}} | {lines[number - 1][start : start + _WIDEST]}"
        for number in range(max(1, line - CONTEXT_LINES), line + 1)
    ]
    return "\n".join([*shown, f"  {'':>{width}} | {'':>{column - 1 - start}}^"])
