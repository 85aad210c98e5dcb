"""Looks up what BigQuery holds: tables and views, their columns, labels and storage."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from google.api_core.exceptions import Conflict as AlreadyExists
from google.api_core.exceptions import NotFound as Missing
from google.api_core.exceptions import PreconditionFailed
from google.api_core.retry import Retry
from google.cloud.bigquery import Client, Dataset, DatasetReference, Table, TableReference

from jetstream_argo.errors import AccessDenied, Conflict, InvalidQuery, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.calls import retry, translated
from jetstream_argo.warehouse.bigquery.encryption import encryption
from jetstream_argo.warehouse.bigquery.expirations import keep_partitions
from jetstream_argo.warehouse.bigquery.labels import sanitised
from jetstream_argo.warehouse.bigquery.schema import columns_of
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.types import Layout, Listed, TableInfo

Returned = TypeVar("Returned")

_AT_ONCE = 8  # the connections that urllib3 keeps are 10
_PAGE_TABLES = 1000  # the most that tables.list gives


class Tables:
    """The tables of one project, and of others by their full names."""

    def __init__(self, client: Client, settings: BigQuerySettings) -> None:
        self._client = client
        self._settings = settings
        self._retry = retry(settings)
        self._seconds = settings.request_seconds
        self._datasets: dict[DatasetReference, Dataset | None] = {}

    def reference(self, name: str) -> TableReference:
        """Return the table that `dataset.table` or `project.dataset.table` names."""
        parts = name.rsplit(".", 2)
        match parts:
            case [dataset, table]:
                return DatasetReference(self._settings.project, dataset).table(table)
            case [project, dataset, table]:
                return DatasetReference(project, dataset).table(table)
            case _:
                raise InvalidQuery(f"{name!r} does not name a table; write dataset.table")

    def full(self, name: str) -> str:
        """Return the name with its project."""
        reference = self.reference(name)
        return f"{reference.project}.{reference.dataset_id}.{reference.table_id}"

    def dataset(self, name: str) -> DatasetReference:
        """Return the dataset that `dataset` or `project.dataset` names."""
        parts = name.rsplit(".", 1)
        return DatasetReference(self._settings.project if len(parts) == 1 else parts[0], parts[-1])

    def short(self, reference: TableReference) -> str:
        """Return the name as the pipeline writes it: without the project when it is the engine's own."""
        prefix = "" if reference.project == self._settings.project else f"{reference.project}."
        return f"{prefix}{reference.dataset_id}.{reference.table_id}"

    def settings_of_dataset(self, name: str) -> Dataset | None:
        """Return the settings of a table's dataset, asked for once; None if the account may not look at it."""
        reference = DatasetReference(self.reference(name).project, self.reference(name).dataset_id)
        if reference not in self._datasets:
            try:
                with translated():
                    found = self._client.get_dataset(reference, retry=self._retry, timeout=self._seconds)
            except AccessDenied:
                found = None
            self._datasets[reference] = found
        return self._datasets[reference]

    def find(self, name: str) -> Table | None:
        """Return a table or view, or None if there is none of that name."""
        return self._find(self.reference(name))

    def find_all(self, names: Sequence[str]) -> tuple[Table | None, ...]:
        """Return each table or view, or None, in order."""
        references = [self.reference(name) for name in names]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return tuple(pool.map(self._find, references))

    def look_at(self, names: Sequence[str]) -> tuple[Table | AccessDenied | None, ...]:
        """Return each table or view, or None, or that the account may not know of it; in order."""
        references = [self.reference(name) for name in names]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return tuple(pool.map(self._look_at, references))

    def row_policies(self, name: str) -> tuple[str, ...] | None:
        """Return the names of a table's row access policies; None to an account that may not list them."""
        path = f"{self.reference(name).path}/rowAccessPolicies"
        ask = self._client._connection.api_request  # the library has no name for it
        try:
            with translated():
                found = self._retry(ask)(method="GET", path=path, timeout=self._seconds)
        except AccessDenied:
            return None
        except NotFound:
            return ()
        policies = found.get("rowAccessPolicies", [])
        return tuple(policy["rowAccessPolicyReference"]["policyId"] for policy in policies)

    def get(self, name: str) -> Table:
        """Return a table or view.

        Raises:
            NotFound: there is none of that name.
        """
        found = self.find(name)
        if found is None:
            raise NotFound(name)
        return found

    def list(self, dataset: str, *, prefix: str) -> tuple[Listed, ...]:
        """Return every table and view of a dataset, by name: one request for each thousand."""
        reference = self.dataset(dataset)
        with translated():
            items = self._client.list_tables(
                reference, page_size=_PAGE_TABLES, retry=self._retry, timeout=self._seconds
            )
            found = [
                Listed(self.short(item.reference), item.table_type == "VIEW", dict(item.labels))
                for item in items
                if item.table_id.startswith(prefix)
            ]
        return tuple(sorted(found, key=lambda table: table.name))

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of the project, by name."""
        with translated():
            found = self._client.list_datasets(self._settings.project, retry=self._retry, timeout=self._seconds)
            return tuple(sorted(dataset.dataset_id for dataset in found))

    def described(self, table: Table) -> TableInfo:
        """Return a table or view in our words."""
        return TableInfo(
            name=self.short(table.reference),
            columns=columns_of(table.schema),
            rows=table.num_rows or 0,
            bytes=table.num_bytes or 0,
            description=table.description or "",
            labels=dict(table.labels),
            etag=table.etag or "",
            view_sql=table.view_query,
            created=table.created,
        )

    def create_view(self, name: str, sql: Sql, *, description: str, labels: Mapping[str, str]) -> None:
        """Make a view, or change the one of that name; one that is as wanted already is left alone."""
        wanted = Table(self.reference(name))
        wanted.view_query = sql
        wanted.description = description or None
        wanted.labels = sanitised(labels)
        with translated(sql=sql):
            found = self._find_or_create(wanted)
            if found.view_query is None:
                raise Conflict(f"{name!r} is a table, and a view was to be made of that name; delete one of them first")
            if (found.view_query, found.description, found.labels) != (sql, wanted.description, wanted.labels):
                wanted.labels = _replacing(found.labels, wanted.labels)
                self._update(wanted, "view_query", "description", "labels", "expires")
            elif found.expires is not None:
                self._update(wanted, "expires")

    def create(self, wanted: Table) -> Table:
        """Make a table.

        Raises:
            Conflict: there is one of that name.
        """
        wanted.encryption_configuration = encryption(self._settings)
        with translated():
            return self._client.create_table(wanted, retry=self._retry, timeout=self._seconds)

    def expire(self, table: Table, expires: datetime) -> None:
        """Have a table last until then, if it is still as it was found."""
        table.expires = expires
        with translated():
            self._update(table, "expires")

    def set_labels(self, name: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels; a change by another process in between is not overwritten unseen."""

        def change() -> None:
            table = self.get(name)
            table.labels = _replacing(table.labels, sanitised(labels))
            self._update(table, "labels")

        with translated():
            self._while_others_change(change)

    def describe(self, name: str, layout: Layout, *, expires: datetime | None) -> None:
        """Give a table the layout's description and labels, where the layout has any; others of its labels stay.

        It requires a filter on its partitions if the layout says so; it expires then, or never; its partitions stay.
        """

        def change() -> None:
            table = self.get(name)
            fields = keep_partitions(table)
            if not is_described(table, layout):
                table.description = layout.description or table.description
                table.labels = {**table.labels, **sanitised(layout.labels)}
                fields += ("description", "labels")
            if lacks_filter(table, layout):
                table.require_partition_filter = True
                fields += ("require_partition_filter",)
            if not lasts(table, expires):
                table.expires = expires
                fields += ("expires",)
            if fields:
                self._update(table, *fields)

        with translated():
            self._while_others_change(change)

    def delete(self, name: str) -> None:
        """Delete a table or view, if it is there."""
        with translated():
            self._client.delete_table(self.reference(name), not_found_ok=True, retry=self._retry, timeout=self._seconds)

    def _find(self, reference: TableReference) -> Table | None:
        with translated():
            try:
                return self._client.get_table(reference, retry=self._retry, timeout=self._seconds)
            except Missing:
                return None

    def _look_at(self, reference: TableReference) -> Table | AccessDenied | None:
        try:
            return self._find(reference)
        except AccessDenied as error:
            return error

    def _find_or_create(self, wanted: Table) -> Table:
        found = self._find(wanted.reference)
        if found is not None:
            return found
        try:
            return self._client.create_table(wanted, retry=self._retry, timeout=self._seconds)
        except AlreadyExists:  # another process's, or our own whose answer was lost
            return self.get(self.short(wanted.reference))

    def _update(self, table: Table, *fields: str) -> None:
        self._client.update_table(table, list(fields), retry=self._retry, timeout=self._seconds)

    def _while_others_change(self, change: Callable[[], Returned]) -> Returned:
        patience = Retry(
            predicate=lambda error: isinstance(error, PreconditionFailed),
            initial=self._settings.first_delay_seconds,
            maximum=self._settings.longest_delay_seconds,
            timeout=self._settings.retry_seconds,
        )
        changed: Returned = patience(change)()
        return changed


def is_described(table: Table | None, layout: Layout) -> bool:
    """Return whether a table has the layout's description and labels, as far as the layout has any."""
    if table is None:
        return not layout.description and not layout.labels
    described = not layout.description or table.description == layout.description
    return described and bool(sanitised(layout.labels).items() <= table.labels.items())


def lacks_filter(table: Table | None, layout: Layout) -> bool:
    """Return whether a table is to require a filter on its partitions, and does not yet: no job can say so of one."""
    return layout.requires_filter and (table is None or not table.require_partition_filter)


def lasts(table: Table | None, expires: datetime | None) -> bool:
    """Return whether a table expires about then, or never; within a day, so that not every write changes it."""
    if expires is None:
        return table is None or table.expires is None
    return table is not None and table.expires is not None and expires - table.expires < timedelta(days=1)


def _replacing(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str | None]:
    """Return a patch that leaves just `new`: the API keeps a label that a patch does not name, and drops a null."""
    return {**dict.fromkeys(old), **new}
