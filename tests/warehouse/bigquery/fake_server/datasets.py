"""The fake's datasets: what tables inherit from them, and what the account may not do there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.warehouse.bigquery.fake_server.clock import millis
from tests.warehouse.bigquery.fake_server.wire import ApiError, Resource

GET, GET_DATA, LIST = "bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.list"


OWN = "fake_server"  # where the server keeps what it makes for itself, such as tables of metadata


@dataclass(slots=True)
class Dataset:
    """The settings of a dataset; `denied` are the permissions that the account lacks there."""

    table_expiration: timedelta | None = None
    partition_expiration: timedelta | None = None
    max_time_travel_hours: int = 168
    location: str = "US"
    denied: set[str] = field(default_factory=set)

    def resource(self, project: str, dataset: str) -> Resource:
        """Return the dataset's resource."""
        resource: Resource = {
            "kind": "bigquery#dataset",
            "datasetReference": {"projectId": project, "datasetId": dataset},
            "location": self.location,
            "maxTimeTravelHours": str(self.max_time_travel_hours),
        }
        if self.table_expiration is not None:
            resource["defaultTableExpirationMs"] = _length(self.table_expiration)
        if self.partition_expiration is not None:
            resource["defaultPartitionExpirationMs"] = _length(self.partition_expiration)
        return resource

    def change(self, body: Mapping[str, object]) -> None:
        """Change the default expirations that `body` names."""
        if "defaultTableExpirationMs" in body:
            self.table_expiration = _duration(body["defaultTableExpirationMs"])
        if "defaultPartitionExpirationMs" in body:
            self.partition_expiration = _duration(body["defaultPartitionExpirationMs"])

    def inherited(self, given: Mapping[str, object], now: datetime) -> Resource:
        """Return what a new table that is made with `given` takes from the dataset.

        What is given explicitly counts more, and a partitioned table takes just one of the two:
        https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets
        """
        partitioning = given.get("timePartitioning")
        if isinstance(partitioning, dict) and self.partition_expiration is not None:
            return {"timePartitioning": {"expirationMs": _length(self.partition_expiration), **partitioning}}
        if self.table_expiration is not None and not given.get("expirationTime"):
            return {"expirationTime": millis(now + self.table_expiration)}
        return {}


class Datasets:
    """The datasets that there are, by `project.dataset`: those that were made, or that hold tables from before.

    No job makes one: https://cloud.google.com/bigquery/docs/datasets
    """

    def __init__(self, holds_tables: Callable[[str], bool]) -> None:
        self._holds_tables = holds_tables
        self._all: dict[str, Dataset] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._all or name.endswith(f".{OWN}") or self._holds_tables(name)

    def __getitem__(self, name: str) -> Dataset:
        if name not in self:
            raise ApiError(404, "notFound", f"Not found: Dataset {name.replace('.', ':', 1)}")
        return self.make(name)

    def make(self, name: str) -> Dataset:
        """Return the dataset, which is made with the service's defaults if it is not there."""
        return self._all.setdefault(name, Dataset())

    def made(self, project: str) -> tuple[str, ...]:
        """Return the datasets of a project that were made, without it."""
        return tuple(name.rpartition(".")[2] for name in self._all if name.startswith(f"{project}."))

    def check_location(self, table: str, location: str) -> None:
        """Raise what the service says of a job that runs elsewhere than where a table's dataset is.

        https://cloud.google.com/bigquery/docs/locations#specify_locations
        """
        project, dataset, _ = table.split(".", 2)
        there = self[f"{project}.{dataset}"].location
        if dataset != OWN and there.lower() != location.lower():
            raise ApiError(
                404, "notFound", f"Not found: Dataset {project}:{dataset} was not found in location {location}"
            )

    def check(self, table: str, *permissions: str) -> None:
        """Raise what the service says to an account that lacks one of the permissions on a table, by its full name."""
        project, dataset, name = table.split(".", 2)
        for permission in permissions:
            if permission in self[f"{project}.{dataset}"].denied:
                raise ApiError(
                    403,
                    "accessDenied",
                    f"Access Denied: Table {project}:{dataset}.{name}: Permission {permission} denied on table "
                    f"{project}:{dataset}.{name} (or it may not exist).",
                )

    def check_reading(self, table: str) -> None:
        """Raise what the service says to an account that may not query a table, by its full name."""
        project, dataset, name = table.split(".", 2)
        if GET_DATA in self[f"{project}.{dataset}"].denied:
            raise not_to_be_queried(f"{project}:{dataset}.{name}")


def not_to_be_queried(table: str) -> ApiError:
    """Return what the service says of a table that the account may not query."""
    return ApiError(
        403,
        "accessDenied",
        f"Access Denied: Table {table}: User does not have permission to query table {table}, or perhaps it does not "
        "exist.",
    )


def _duration(length: object) -> timedelta | None:
    return timedelta(milliseconds=int(str(length))) if length else None


def _length(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))
