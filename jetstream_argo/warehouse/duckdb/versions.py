"""The version of each date of a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from jetstream_argo.warehouse.duckdb.external import state_of
from jetstream_argo.warehouse.duckdb.integrity import Integrity
from jetstream_argo.warehouse.duckdb.pointer import DataFile, Version
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.duckdb.types import quoted
from jetstream_argo.warehouse.duckdb.views import parquet_rows
from jetstream_argo.warehouse.types import DateVersion, Knowledge, TableVersions

_MOMENTS = ("TIMESTAMP", "DATETIME")


@dataclass(frozen=True, slots=True)
class _Counted:
    etag: str
    dates: Mapping[date, DateVersion]


class Versions:
    """Tells versions from the pointers, and by a query of the rows of tables that are not stored by date."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session
        self._integrity = Integrity()
        self._counted: dict[tuple[TableName, str], _Counted] = {}

    def within(self, table: str, date_column: str, first: date, last: date) -> TableVersions:
        """Return the versions of the table's dates from `first` to `last`.

        A table that is stored by DATE has those of its files, which are written anew when it is replaced, be it by
        equal rows. Of another, rows are counted and hashed by `date_column`; their bytes are not known, and are 0.
        """
        name = self._store.name(table)
        version = self._store.current(name)
        if version is None or version.view_sql is not None:
            what = "there is no such table" if version is None else "it is a view; ask for the tables behind it"
            return TableVersions(table, Knowledge.UNKNOWN, reason=f"{table}: {what}")
        dates = self._dates(name, version, date_column)
        if dates is None:
            return TableVersions(table, Knowledge.NOT_BY_DATE)
        asked = {day: dates[day] for day in sorted(dates) if first <= day <= last}
        return TableVersions(table, Knowledge.BY_DATE, asked, newest=max(dates, default=None))

    def _dates(self, name: TableName, version: Version, date_column: str) -> Mapping[date, DateVersion] | None:
        stored_by = version.layout.partition_by
        column = date_column if stored_by is None else stored_by
        type_ = version.type_of(column)
        if type_ == "DATE" and stored_by is not None:
            return _of_files(version)
        if type_ != "DATE" and type_ not in _MOMENTS:
            return None
        counted = self._counted.get((name, column.lower()))
        state = state_of(version)
        if counted is None or counted.etag != state:
            counted = _Counted(state, self._of_rows(name, version, column))
            self._counted[name, column.lower()] = counted
        return counted.dates

    def _of_rows(self, name: TableName, version: Version, column: str) -> Mapping[date, DateVersion]:
        """Count the rows of each date, and add up their hashes, which no order of the rows changes.

        Another version of DuckDB may hash otherwise; then every date counts as modified, once.
        """
        self._integrity.check(self._store.folder(name), version.files)
        self._session.attach(version)
        rows = parquet_rows(self._store, name, version, version.files)
        columns = ", ".join(quoted(stored.name) for stored in version.columns)
        found = self._session.run(
            f"SELECT CAST({quoted(column)} AS DATE) AS _day, COUNT(*), CAST(SUM(hash({columns})) AS VARCHAR) "
            f"FROM ({rows}) AS _rows WHERE {quoted(column)} IS NOT NULL GROUP BY 1",
            "",
        ).fetchall()
        return {day: DateVersion(count, 0, hashed) for day, count, hashed in found}


def _of_files(version: Version) -> Mapping[date, DateVersion]:
    by_day: dict[str, list[DataFile]] = {}
    for file in version.files:
        if file.partition is not None and file.rows:
            by_day.setdefault(file.partition, []).append(file)
    return {date.fromisoformat(day): _of_day(files) for day, files in by_day.items()}


def _of_day(files: list[DataFile]) -> DateVersion:
    names = ",".join(sorted(file.name for file in files))
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    return DateVersion(rows, size, sha256(names.encode()).hexdigest()[:16])
