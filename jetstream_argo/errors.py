"""The errors that this package raises.

    JetstreamArgoError
    ├── ConfigError             a file cannot be used; carries every problem found in it
    │   ├── UnknownReference    a name that nothing defines
    │   └── Unavailable         a configuration that could not be fetched just now
    ├── PlanError               a valid configuration that cannot be analysed
    │   └── NotRunnable         an experiment that is not to be analysed (skipped, private, rollout, not enrolled)
    ├── EstimateError           numbers from which no estimate follows
    ├── NodeError               a node that did not do all it was asked to
    │   └── NotLoaded           telemetry that the node needs is not there yet
    ├── NewerRecord             the record of an experiment was written by a later version
    └── EngineError             the warehouse refused or failed
        ├── NotFound            no such table
        ├── Conflict            the table exists already, or another process changed it
        ├── InvalidQuery        the warehouse cannot run this SQL
        ├── Unsupported         this engine does not implement what the SQL asks for
        ├── AccessDenied        the account may not read or write this
        │   └── PartDenied      of what the query names the account may not use some columns or functions
        ├── CostExceeded        the query would cost more than allowed
        ├── Damaged             a file of the warehouse is missing or is not what was written
        ├── TooBig              resources exceeded or timed out: smaller pieces may succeed
        └── Transient           worth retrying as it is

A message says where, what, and what to do; the facts are attributes.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

EXIT_DONE = 0
EXIT_UNFORESEEN = 1
EXIT_DEFINITION = 2
EXIT_RETRY = 75  # EX_TEMPFAIL of sysexits.h

_LONGEST = 300  # of what an exception says
_LONGEST_NAME = 200  # that is compared with others
_SHORTEST_PREFIX = 3


class JetstreamArgoError(Exception):
    """The root: everything that this package raises on purpose."""

    exit_code: int = EXIT_DEFINITION

    def __reduce__(self) -> tuple[Callable[..., "JetstreamArgoError"], tuple[object, ...]]:
        """Let another process have the error as it is: exceptions are else made anew from their message alone."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(
    kind: type[JetstreamArgoError], args: tuple[object, ...], facts: Mapping[str, object]
) -> JetstreamArgoError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file: `where` is a key path such as `metrics.active_hours.data_source`."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class ConfigError(JetstreamArgoError):
    """A configuration file that cannot be used, with all of its problems."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"{file}:\n{lines}")


class UnknownReference(ConfigError):
    """A name that is used and that nothing defines."""

    def __init__(self, kind: str, name: str, *, known: Iterable[str], used_by: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(
            used_by, [Problem("", f"refers to {kind} {name!r}, which is not defined{nearest(name, known)}")]
        )


class Unavailable(ConfigError):
    """A configuration that could not be fetched just now; it is worth trying again."""

    exit_code = EXIT_RETRY


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean '…'?` for the known name closest to `name`, or nothing when none is close.

    >>> nearest("weekley", ["daily", "weekly"]), nearest("end", ["end_date", "start_date"]), nearest("x", ["y"])
    ("; did you mean 'weekly'?", "; did you mean 'end_date'?", '')
    """
    candidates = [candidate for candidate in known if len(candidate) <= _LONGEST_NAME]
    if len(name) > _LONGEST_NAME:
        return ""
    begun = [
        candidate
        for candidate in candidates
        if len(name) >= _SHORTEST_PREFIX and candidate.lower().startswith(name.lower())
    ]
    match = begun or difflib.get_close_matches(name, candidates, n=1)
    return f"; did you mean {' or '.join(map(repr, match[:3]))}?" if match else ""


def unforeseen(error: BaseException) -> str:
    """Return a line about an unforeseen exception: what, where in this package, and what to do."""
    at = ""
    trace = error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "")
        if module.partition(".")[0] == __package__:
            at = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    what = " ".join(str(error).split())[:_LONGEST]
    kind = type(error).__name__
    return (
        f"this is a mistake of jetstream-argo's: {kind}{f' ({what})' if what else ''}{at}; "
        "run it again with `jetstream-argo -v` for the traceback, and report it with the file that led to it"
    )


def brief(value: object) -> str:
    """Return `value` as Python writes it, cut after some 200 characters.

    >>> brief("a" * 1000) == "'" + "a" * 199 + "…"
    True
    """
    try:
        text = repr(value[:_LONGEST_NAME] if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # a number of thousands of digits, lists in thousands of lists
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


class PlanError(JetstreamArgoError):
    """A configuration that reads well and that cannot be analysed."""


class NotRunnable(PlanError):
    """An experiment that must not, or not yet, be analysed."""


class EstimateError(JetstreamArgoError):
    """Numbers from which no estimate follows; `reason` is a short code for the result row."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class NodeError(JetstreamArgoError):
    """A node that did part or none of its work; `exit_code` is that of its worst failure."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class NotLoaded(NodeError):
    """Dates of telemetry that are not there yet; the message names them."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=EXIT_RETRY)


class NewerRecord(JetstreamArgoError):
    """An experiment's record has a format that this version does not know; writing to it could spoil it."""

    def __init__(self, slug: str, *, found: int, known: int) -> None:
        self.found = found
        self.known = known
        super().__init__(
            f"{slug}: its record has format {found}, and this version knows up to {known}; "
            f"use the image of the version that wrote it, or a later one"
        )


class EngineError(JetstreamArgoError):
    """The warehouse refused or failed."""


class NotFound(EngineError):
    """There is no such table; `about` says where it was looked for, and how it gets there."""

    def __init__(self, table: str, known: Iterable[str] = (), *, about: str = "") -> None:
        self.table = table
        hint = nearest(table, known)
        super().__init__(
            f"table {table!r} does not exist{hint}{' ' if hint and about else '; ' if about else ''}{about}"
        )


class Conflict(EngineError):
    """The table exists already, or another process changed it first."""

    exit_code = EXIT_RETRY


class InvalidQuery(EngineError):
    """The warehouse cannot run this SQL; the message holds its line where that is known."""


class Unsupported(EngineError):
    """The SQL is valid and this engine does not implement it."""


class AccessDenied(EngineError):
    """The account may not read or write this."""


class PartDenied(AccessDenied):
    """The account may not use some columns or functions that the query names; without them it may be run."""


class CostExceeded(EngineError):
    """The query would read more bytes than allowed."""


class Damaged(EngineError):
    """A file of the warehouse is missing or is not what was written; `cure` is the command that mends it.

    `whole_table` says that nothing of the table can be read without the file.
    """

    cure = "jetstream-argo check EXPERIMENT --repair"

    def __init__(self, file: str, what: str, *, whole_table: bool = False) -> None:
        self.file = file
        self.whole_table = whole_table
        super().__init__(f"{file}: {what}; run `{self.cure}`, or load the table again if it is a data source's")


class TooBig(EngineError):
    """The warehouse ran out of resources or time for this query; a smaller one may succeed."""

    exit_code = EXIT_RETRY


class Transient(EngineError):
    """The warehouse failed for a passing reason."""

    exit_code = EXIT_RETRY
