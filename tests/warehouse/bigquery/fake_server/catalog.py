"""The fake's tables: resources with etags over the embedded engine's, and the writes of jobs to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import EngineError, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, TableInfo, Write
from tests.warehouse.bigquery.fake_server.clock import Clock, millis
from tests.warehouse.bigquery.fake_server.datasets import OWN, Datasets
from tests.warehouse.bigquery.fake_server.filters import check_filters
from tests.warehouse.bigquery.fake_server.partitions import Partition, Partitions, last_expired
from tests.warehouse.bigquery.fake_server.policies import Policies
from tests.warehouse.bigquery.fake_server.rules import check_labels, check_storage
from tests.warehouse.bigquery.fake_server.storage import STORAGE, lasting, layout_of, same_storage, storage_in
from tests.warehouse.bigquery.fake_server.wire import ApiError, Resource, api_error, columns_from, schema_of

_ALSO_KEPT = ("description", "expirationTime", "requirePartitionFilter", "encryptionConfiguration")
_WRITES = {"WRITE_TRUNCATE": Write.TRUNCATE, "WRITE_APPEND": Write.APPEND, "WRITE_EMPTY": Write.EMPTY}


class Catalog:
    """Tables by their full names. What the embedded engine has no place for is in a file for each."""

    def __init__(self, engine: EmbeddedEngine, root: Path, project: str, clock: Clock) -> None:
        self.project = project
        self.engine = engine
        self.datasets = Datasets(lambda name: (root / Path(*name.split("."))).is_dir())
        self.policies = Policies(engine, project)
        self.clock = clock
        self._folder = root / "fake_server"
        self._folder.mkdir(exist_ok=True)
        self._partitions = Partitions(engine, self._folder / "partitions", clock)
        self._extras: dict[str, Resource] = {
            file.stem: json.loads(file.read_text()) for file in self._folder.glob("*.json")
        }

    def resource(self, name: str) -> Resource:
        """Return a table's resource."""
        project, dataset, table = split(name)
        info = self.info(name)
        extras = self._extras.get(name, {})
        resource: Resource = {
            "kind": "bigquery#table",
            "id": f"{project}:{dataset}.{table}",
            "etag": self._etag(name, info),
            "tableReference": {"projectId": project, "datasetId": dataset, "tableId": table},
            "schema": schema_of(info.columns),
            "labels": dict(info.labels),
            "type": "TABLE" if info.view_sql is None else "VIEW",
            "numRows": str(info.rows),
            "numBytes": str(info.bytes),
            "creationTime": self._created(name, info),
            "location": self.datasets[f"{project}.{dataset}"].location,
            "description": info.description or None,
            **{key: extras[key] for key in _ALSO_KEPT if extras.get(key) is not None},
            **{key: value for key, value in self.storage(name, info).items() if key in STORAGE},
        }
        tags = self.policies.tags(name)
        for field in resource["schema"]["fields"]:  # type: ignore[index]  # as it was just made
            if field["name"] in tags:
                field["policyTags"] = {"names": [tags[field["name"]]]}
        if info.view_sql is not None:
            resource["view"] = {"query": info.view_sql, "useLegacySql": False}
        streamed = self._partitions.in_buffer(name)
        if streamed:
            resource["numRows"] = str(info.rows - streamed)
            resource["streamingBuffer"] = {"estimatedRows": str(streamed)}
        return resource

    def storage(self, name: str, info: TableInfo) -> Resource:
        """Return how a table is partitioned and clustered: as it was made here, or behind the fake's back."""
        extras = self._extras.get(name, {})
        kept = {key: extras[key] for key in (*STORAGE, "by") if extras.get(key)}
        return kept if kept or info.view_sql is not None else storage_in(self.engine, name)

    def store(self, name: str, storage: Mapping[str, object]) -> None:
        """Have a table be stored so, whoever made it.

        `by` names the column by whose dates it is partitioned where `timePartitioning` names none (ingestion time).
        """
        kept = {key: value for key, value in self._extras.get(name, {}).items() if key not in (*STORAGE, "by")}
        self._remember(name, {**kept, **storage})

    def check_rights(self, sql: Sql) -> None:
        """Raise what the service says if the account may not read a table, or a column, that a query reads."""
        for name in self.engine.base_tables(sql):
            self.datasets.check_reading(name if name.count(".") > 1 else f"{self.project}.{name}")
        self.policies.check(sql)

    def refusal(self, error: EngineError) -> ApiError:
        """Return how the service says what the embedded engine says: of a table in no dataset, that there is none."""
        if isinstance(error, NotFound):
            dataset = self.full(error.table).rpartition(".")[0]
            if dataset not in self.datasets:
                return ApiError(404, "notFound", f"Not found: Dataset {dataset.replace('.', ':', 1)}")
        return api_error(error, self.project)

    def full(self, name: str) -> str:
        """Return a table's name with its project."""
        return name if name.count(".") > 1 else f"{self.project}.{name}"

    def check_filters(self, sql: Sql) -> None:
        """Raise what the service says of a query without a filter on the partitions of a table that requires one."""
        required = {}
        for name in map(self.full, self.engine.base_tables(sql)):
            extras = self._extras.get(name, {})
            by = extras.get("timePartitioning") or extras.get("rangePartitioning")
            if extras.get("requirePartitionFilter") and isinstance(by, dict):
                required[name] = str(by.get("field") or extras.get("by"))
        if required:
            check_filters(sql, required, view=self._view)

    def _view(self, name: str) -> str | None:
        info = self.engine.info(name)
        return None if info is None else info.view_sql

    def partitions(self, name: str) -> list[Partition]:
        """Return the partitions of a table that have rows; none of a view."""
        return self._partitions.of(name, self.storage(name, self.info(name)))

    def stream(self, name: str, rows: Sequence[Mapping[str, Value]]) -> None:
        """Have rows arrive by streaming: queries see them at once, storage has them after `flush`."""
        info = self.info(name)
        arriving = f"{self.project}.fake_server.arriving"
        self.engine.load(arriving, rows, info.columns, write=Write.TRUNCATE, labels={})
        self._partitions.stream(name, self.storage(name, info), arriving)
        self.engine.load(name, rows, info.columns, write=Write.APPEND, labels={})

    def flush(self, name: str) -> None:
        """Have what was streamed be stored."""
        self._partitions.flush(name)

    def expire(self) -> None:
        """Remove what has expired by now: tables, and partitions by days."""
        now = self.clock.now()
        for name, extras in list(self._extras.items()):
            expiration, lasts = int(str(extras.get("expirationTime") or 0)), lasting(extras)
            if expiration and expiration <= int(millis(now)):
                self.engine.delete(name)
                self._remember(name, {})
            elif lasts is not None and self.engine.info(name) is not None:
                last = last_expired(self.partitions(name), lasts, now)
                if last is not None:
                    self._keep_after(name, last)

    def _keep_after(self, name: str, last: date) -> None:
        layout = layout_of(self._extras[name])
        column = layout.partition_by
        kept = Sql(f"SELECT * FROM `{name}` WHERE {column} IS NULL OR CAST({column} AS DATE) > DATE '{last}'")
        info = self.info(name)
        layout = replace(layout, labels=info.labels, description=info.description)
        self.engine.query_to_table(kept, name, write=Write.TRUNCATE, labels={}, layout=layout)

    def info(self, name: str) -> TableInfo:
        """Return what the embedded engine knows of a table that there must be, in a dataset that there must be."""
        project, dataset, table = split(name)
        self.datasets[f"{project}.{dataset}"]
        info = self.engine.info(name)
        if info is None:
            raise ApiError(404, "notFound", f"Not found: Table {project}:{dataset}.{table}")
        return info

    def insert(self, name: str, body: Mapping[str, object]) -> Resource:
        """Make a table or view."""
        if self.engine.info(name) is not None:
            project, dataset, table = split(name)
            raise ApiError(409, "duplicate", f"Already Exists: Table {project}:{dataset}.{table}")
        check_labels(body.get("labels"))
        check_storage(body)
        self.datasets[name.rpartition(".")[0]]  # there must be one
        view, description, labels = body.get("view"), str(body.get("description") or ""), _labels(body)
        if isinstance(view, dict):
            self.engine.create_view(name, Sql(str(view["query"])), description=description, labels=labels)
        else:
            schema = body.get("schema")
            columns = columns_from(schema if isinstance(schema, dict) else {})
            layout = replace(layout_of(body), description=description, labels=labels)
            self.engine.load(name, [], columns, write=Write.EMPTY, labels={}, layout=layout)
        self._remember(name, self._as_made(name, body))
        return self.resource(name)

    def patch(self, name: str, body: Mapping[str, object], *, if_match: str | None) -> Resource:
        """Change what `body` names of a table, if it is still the one of that etag."""
        info = self.info(name)
        if if_match is not None and if_match != self._etag(name, info):
            raise ApiError(412, "conditionNotMet", "Precondition check failed.")
        patched = body.get("labels")
        check_labels(patched)
        labels = dict(info.labels)
        for key, value in patched.items() if isinstance(patched, dict) else ():
            if value is None:
                labels.pop(key, None)
            else:
                labels[key] = str(value)
        view = body.get("view")
        if isinstance(view, dict):
            description = str(body.get("description") or info.description)
            self.engine.create_view(name, Sql(str(view["query"])), description=description, labels=labels)
        elif labels != dict(info.labels):
            self.engine.set_labels(name, labels)
        kept = {key: body[key] for key in _ALSO_KEPT if key in body}
        extras = self._extras.get(name, {})
        days, partitioning = extras.get("timePartitioning"), body.get("timePartitioning")
        if isinstance(partitioning, dict):
            merged = {**(days if isinstance(days, dict) else {}), **partitioning}
            kept["timePartitioning"] = {key: value for key, value in merged.items() if value is not None}
        if isinstance(view, dict):
            kept.pop("description", None)
        if kept:
            self._remember(name, {key: value for key, value in {**extras, **kept}.items() if value is not None})
        return self.resource(name)

    def delete(self, name: str) -> None:
        """Delete a table or view that there must be."""
        self.info(name)
        self.engine.delete(name)
        self._remember(name, {})

    def names(self, project: str, dataset: str) -> list[str]:
        """Return the full names of a dataset's tables, in order."""
        self.datasets[f"{project}.{dataset}"]
        found = [info.name for info in self.engine.tables(f"{project}.{dataset}")]
        return sorted(name if name.count(".") > 1 else f"{project}.{name}" for name in found)

    def datasets_of(self, project: str) -> list[str]:
        """Return the datasets of the server's own project, in order; of others it has none to list."""
        own = (*self.engine.datasets(), *self.datasets.made(project)) if project == self.project else ()
        return sorted({name for name in own if name != OWN})

    def writing(self, name: str, config: Mapping[str, object], columns: Sequence[Column]) -> tuple[Write, Layout]:
        """Return how a job with this configuration writes to the table, which it may.

        Raises:
            ApiError: it may not: by its disposition, its columns, or how the table is stored.
        """
        info = self.engine.info(name)
        write = _WRITES[str(config.get("writeDisposition", "WRITE_APPEND"))]
        wanted = {key: config[key] for key in STORAGE if config.get(key)}
        key = config.get("destinationEncryptionConfiguration")
        project, dataset, table = split(name)
        if info is None:
            self._remember(name, self._as_made(name, {**wanted, "encryptionConfiguration": key}))
            return (Write.TRUNCATE if write is Write.EMPTY else write), layout_of(wanted)
        if not same_storage(wanted, self.storage(name, info)):
            raise ApiError(400, "invalid", f"Incompatible table partitioning specification for {name}: {wanted}")
        if write is Write.EMPTY and info.rows:
            raise ApiError(409, "duplicate", f"Already Exists: Table {project}:{dataset}.{table}")
        if write is not Write.APPEND:
            self._remember(name, {**self._extras.get(name, {}), "encryptionConfiguration": key})
        elif (key or None) != (self._extras.get(name, {}).get("encryptionConfiguration") or None):
            raise ApiError(400, "invalid", f"Cannot change the encryption key of {name} by appending to it")
        if write is Write.APPEND:
            options = config.get("schemaUpdateOptions")
            may_add = isinstance(options, list) and "ALLOW_FIELD_ADDITION" in options
            problem = _mismatch(info.columns, columns, may_add=may_add)
            if problem:
                raise ApiError(
                    400, "invalid", f"Provided Schema does not match Table {project}:{dataset}.{table}. {problem}"
                )
        else:
            self._partitions.rewritten(name)
        return (Write.TRUNCATE if write is Write.EMPTY else write), layout_of(wanted)

    def _as_made(self, name: str, given: Mapping[str, object]) -> Resource:
        project, dataset, _ = split(name)
        now = self.clock.now()
        inherited = self.datasets[f"{project}.{dataset}"].inherited(given, now)
        kept = {key: given[key] for key in (*STORAGE, *_ALSO_KEPT) if given.get(key)}
        return {**kept, **inherited, "creationTime": millis(now)}

    def _created(self, name: str, info: TableInfo) -> str:
        # The later: a table may be made anew behind the fake's back.
        known = int(str(self._extras.get(name, {}).get("creationTime", 0)))
        return str(max(known, int(millis(info.created or datetime(2026, 1, 1, tzinfo=UTC)))))

    def _etag(self, name: str, info: TableInfo) -> str:
        return f"{info.etag}-{self._extras.get(name, {}).get('changes', 0)}"

    def _remember(self, name: str, extras: Mapping[str, object]) -> None:
        changes = self._extras.get(name, {}).get("changes", 0)
        self._extras[name] = {**extras, "changes": int(str(changes)) + 1}
        (self._folder / f"{name}.json").write_text(json.dumps(self._extras[name]))


def split(name: str) -> tuple[str, str, str]:
    """Return project, dataset and table of a full name."""
    project, dataset, table = name.rsplit(".", 2)
    return project, dataset, table


def _labels(body: Mapping[str, object]) -> dict[str, str]:
    labels = body.get("labels")
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {}


def _mismatch(old: Sequence[Column], new: Sequence[Column], *, may_add: bool) -> str:
    before = {column.name.lower(): column.type for column in old}
    after = {column.name.lower(): column.type for column in new}
    for name, type_ in before.items():
        if name not in after:  # BigQuery is known to say so of REQUIRED columns; the fake is as strict with all
            return f"Field {name} is missing in new schema"
        if after[name] != type_:
            return f"Field {name} has changed type from {type_} to {after[name]}"
    added = [name for name in after if name not in before]
    return f"Cannot add fields (field: {added[0]})" if added and not may_add else ""
