"""Counts the units that enrolled on each date."""

from dataclasses import dataclass
from datetime import date

from jetstream_argo.errors import NotFound
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, fill, table
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class EnrolledDay:
    """The units of a branch that enrolled on a date."""

    day: date
    branch: str
    units: int


def read_enrolled(engine: Engine, owner: names.Owner) -> tuple[EnrolledDay, ...]:
    """Return how many units enrolled, by date and branch; nothing where the enrollments are not there yet."""
    try:
        rows = engine.query(enrolled_query(owner), labels={"experiment": names.place_of(owner).slug}).rows
    except NotFound:
        return ()
    return tuple(EnrolledDay(day, str(branch), int(str(units))) for day, branch, units in rows if isinstance(day, date))


def enrolled_query(owner: names.Owner) -> Sql:
    """Return the query for the units that enrolled: a row for each date and branch that has any."""
    return fill("enrolled_by_date", enrollments=table(names.enrollments(owner)))
