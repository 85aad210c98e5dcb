"""The last date that the rows of each source are there for, as far as it was looked up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Self

# No data source is called so: what the query of enrollments reads, and what the exposure signal is looked for in.
ENROLLMENTS = "(enrollments)"
EXPOSURES = "(exposures)"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The last date that is there, by data source, in the order of their names.

    Of a source that is missing nothing is known: whoever reads it finds out.
    """

    dates: tuple[tuple[str, date], ...] = ()

    @classmethod
    def of(cls, dates: Mapping[str, date]) -> Self:
        """Return the one value for these dates, whatever order they come in."""
        return cls(tuple(sorted(dates.items())))

    def last_date(self, source: str) -> date | None:
        """Return the last date that is there of a source; None if nothing is known of it."""
        return dict(self.dates).get(source)

    @property
    def text(self) -> str:
        """The dates as canonical JSON: an object of dates, keys sorted, without spaces.

        >>> Readiness.of({"search": date(2026, 5, 13), "clients": date(2026, 5, 12)}).text
        '{"clients":"2026-05-12","search":"2026-05-13"}'
        """
        dates = {source: last.isoformat() for source, last in self.dates}
        return json.dumps(dates, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that stand for these dates."""
        return sha256(self.text.encode()).hexdigest()[:16]
