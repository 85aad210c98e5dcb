"""What goes wrong in the fake, where, and how often."""

import threading
from dataclasses import dataclass
from enum import StrEnum


class Call(StrEnum):
    """What a client can ask for."""

    SUBMIT = "jobs.insert"
    DRY_RUN = "jobs.insert, dry run"
    UPLOAD = "jobs.insert with rows"
    POLL = "jobs.get"
    JOB_LIST = "jobs.list"
    RESULTS = "jobs.getQueryResults"
    CANCEL = "jobs.cancel"
    TABLE_GET = "tables.get"
    TABLE_INSERT = "tables.insert"
    TABLE_PATCH = "tables.patch"
    TABLE_DELETE = "tables.delete"
    TABLE_LIST = "tables.list"
    DATASET = "datasets"


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls of a kind, after `skip` of them have passed.

    The call is answered with `status`, or its connection is reset; `executed` says that this happens to the answer
    only, after the work is done. With a `job_reason` the call succeeds and the job it starts ends with that error;
    with `never_ends` the job runs, and with `never_begins` it waits, until it is cancelled. `running_polls` is how
    often the job is asked for before it has ended, `delay_seconds` how long the answer takes.
    """

    call: Call
    times: int = 1
    skip: int = 0
    status: int = 0
    reason: str = ""
    message: str = "made to fail"
    reset: bool = False
    executed: bool = False
    job_reason: str = ""
    never_ends: bool = False
    never_begins: bool = False
    running_polls: int = 0
    delay_seconds: float = 0.0


class Faults:
    """The faults on order; many threads ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Have `fault` happen."""
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        """Have nothing more go wrong."""
        with self._lock:
            self._ordered.clear()

    def next(self, call: Call) -> Fault | None:
        """Return what happens to this call, and count it."""
        with self._lock:
            for fault in self._ordered:
                if fault.call is call and fault.times > 0:
                    if fault.skip > 0:
                        fault.skip -= 1
                        return None
                    fault.times -= 1
                    return fault
        return None
