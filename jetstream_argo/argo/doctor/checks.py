"""Checks the parts of an installation one by one, and reports what was found of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.errors import JetstreamArgoError


class Condition(StrEnum):
    """What a check has come to."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # it could not be looked at, which need not be a fault


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check has found, in a line; `cure` is what to do where something is wrong."""

    check: str
    state: Condition
    found: str
    cure: str = ""

    @property
    def line(self) -> str:
        """The finding for people."""
        return f"{self.state}: {self.check}: {self.found}{f'; {self.cure}' if self.cure else ''}"


class NotKnownError(JetstreamArgoError):
    """What cannot be found out from here; the message says why, and how to look."""


@dataclass(frozen=True, slots=True)
class DoctorCheck:
    """A question about an installation.

    `look` returns what is there, and raises `NotKnownError`, or any other of our errors for what is wrong. It is not
    asked unless the check that it `requires` was found to be right.
    """

    name: str
    look: Callable[[], str]
    cure: str = ""
    requires: str = ""


def findings(checks: Sequence[DoctorCheck]) -> Iterator[Diagnosis]:
    """Yield the finding of each check as soon as it is there, in their order."""
    states: dict[str, Condition] = {}
    for check in checks:
        finding = _found(check, states)
        states[check.name] = finding.state
        yield finding


def _found(check: DoctorCheck, states: dict[str, Condition]) -> Diagnosis:
    if check.requires and states.get(check.requires) is not Condition.OK:
        return Diagnosis(check.name, Condition.UNKNOWN, f"not looked at, for want of: {check.requires}")
    try:
        return Diagnosis(check.name, Condition.OK, check.look())
    except NotKnownError as error:
        return Diagnosis(check.name, Condition.UNKNOWN, _line(error))
    except JetstreamArgoError as error:
        return Diagnosis(check.name, Condition.WRONG, _line(error), check.cure)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
