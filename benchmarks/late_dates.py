"""When a date of telemetry is there, and when it is read again, by the rules alone: the product's code is not used.

Tables of telemetry are lists of rows by date. A date is *not there* while it has no rows, no later date has any, and it
is no older than `SETTLE` days. It is *provisional* for as many days, and read again whenever it was rewritten. Then it
is *settled*: looked at 1, 3 and 7 days later, and read again if it has more rows than were read. It is *sealed* from a
deletion run on, and while it has fewer rows than were read: then it is not read again. Whatever is seen to have been
written and is not read is told, also if the date has as many rows as before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

SETTLE = 2
LOOKS = (1, 3, 7)

Row = tuple[object, ...]


@dataclass(frozen=True)
class Seen:
    """What a date held when it was read on the day `at`: `written` counts how often its rows were written."""

    at: date
    rows: tuple[Row, ...]
    written: int


@dataclass
class Upstream:
    """A table of telemetry; the unit comes first in a row."""

    name: str
    rows: dict[date, list[Row]] = field(default_factory=dict)
    written: dict[date, int] = field(default_factory=dict)

    def touch(self, days: Iterable[date]) -> None:
        """Say that the rows of these dates were written."""
        for day in days:
            self.written[day] = self.written.get(day, 0) + 1

    def seen(self, day: date, at: date) -> Seen:
        """Return what a date holds now."""
        rows = tuple(self.rows.get(day, ()))
        return Seen(at, rows, self.written.get(day, 0) if rows else 0)

    def is_awaited(self, day: date, today: date) -> bool:
        """Whether the rows of a date are not there yet."""
        newest = max((day for day, rows in self.rows.items() if rows), default=None)
        return not self.rows.get(day) and (newest is None or newest < day) and (today - day).days <= SETTLE


@dataclass
class Looks:
    """When the dates of a table were last looked at, and what was told of them; `unread` are those that must stay."""

    table: Upstream
    last: dict[date, date] = field(default_factory=dict)
    announced: set[tuple[str, date, int]] = field(default_factory=set)
    unread: set[date] = field(default_factory=set)

    def is_due(self, day: date, read: Seen, today: date) -> bool:
        """Whether a date that was read has to be looked at."""
        settles = day + timedelta(days=SETTLE)
        last = max(read.at, self.last.get(day, read.at))
        return last < settles or any(last < settles + timedelta(days=after) <= today for after in LOOKS)

    def verdict(self, day: date, read: Seen, today: date, deletions: Sequence[date]) -> str:
        """Return `same`, `again`, or `stays`: changed, and not to be read by itself."""
        now = self.table.seen(day, today)
        if (now.written, now.rows) == (read.written, read.rows):
            return "same"
        more = len(now.rows) - len(read.rows)
        if more < 0 or any(day < run <= today for run in deletions):
            return "stays" if more else "same"
        return "again" if read.at < day + timedelta(days=SETTLE) or more else "same"

    def looked(self, day: date, read: Seen, today: date) -> None:
        """Note that a date was looked at and not read again."""
        settled = today >= day + timedelta(days=SETTLE)
        if settled:
            self.last[day] = today
        now = self.table.seen(day, today)
        more = len(now.rows) - len(read.rows)
        if (now.written, now.rows) != (read.written, read.rows):
            self.announced.add((self.table.name, day, more))
        if more:
            self.unread.add(day)
        elif settled:
            self.unread.discard(day)
