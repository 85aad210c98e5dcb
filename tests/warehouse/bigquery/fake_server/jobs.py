"""The fake's jobs: begun once per id, run when they have been polled as often as a fault says, with cost and end."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import EngineError
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.types import Job
from tests.warehouse.bigquery.fake_server.catalog import Catalog
from tests.warehouse.bigquery.fake_server.faults import Fault
from tests.warehouse.bigquery.fake_server.limits import Limits
from tests.warehouse.bigquery.fake_server.metadata import (
    BILLED_BYTES,
    asks_for_jobs,
    asks_for_partitions,
    referenced,
    with_jobs,
    with_partitions,
)
from tests.warehouse.bigquery.fake_server.rules import (
    check_key,
    check_labels,
    check_lines,
    check_schema_update,
    check_storage,
)
from tests.warehouse.bigquery.fake_server.rules import page as page_size
from tests.warehouse.bigquery.fake_server.sizes import Sizes
from tests.warehouse.bigquery.fake_server.wire import (
    ApiError,
    Resource,
    columns_from,
    loaded,
    rows_of,
    schema_of,
)
from tests.warehouse.bigquery.fake_server.writes import SECONDS_OF_A_JOB, Writes


@dataclass(slots=True)
class FakeJob:
    """One job. `cost` is None until it has run."""

    reference: Mapping[str, object]
    configuration: dict[str, dict[str, object]]
    polls: float  # that it takes until it has ended
    upload: str = ""
    state: str = "RUNNING"
    error: Resource | None = None
    cost: Job | None = None
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Value, ...], ...] = ()
    created: float = 0.0
    ended: float = 0.0
    applied: Resource = field(default_factory=dict)  # what restricted its rows and values

    @property
    def id(self) -> str:
        return str(self.reference["jobId"])

    @property
    def is_query(self) -> bool:
        return "query" in self.configuration

    def fail(self, reason: str, message: str, *, now: float) -> None:
        """End the job with an error."""
        self.state, self.ended = "DONE", now
        self.error = {"reason": reason, "message": message, "location": "query"}

    def resource(self) -> Resource:
        """Return the job's resource."""
        status: Resource = {"state": self.state}
        if self.error is not None:
            status |= {"errorResult": self.error, "errors": [self.error]}
        statistics: Resource = {"creationTime": _millis(self.created), "startTime": _millis(self.created)}
        if self.state == "DONE":
            statistics["endTime"] = _millis(self.ended)
        if self.state == "RUNNING" and self.is_query:
            timeline = [{"elapsedMs": "1", "completedUnits": "2", "activeUnits": "1", "pendingUnits": "7"}]
            statistics |= {"totalSlotMs": "5", "query": {"totalSlotMs": "5", "timeline": timeline}}
        statistics |= self.applied
        if self.cost is not None:
            done, rows = str(self.cost.bytes), str(self.cost.rows)
            statistics["totalBytesProcessed"] = done
            if self.is_query:
                statistics |= {"query": {"totalBytesProcessed": done, "totalSlotMs": "7", "statementType": "SELECT"}}
                statistics["totalSlotMs"] = "7"
            else:
                statistics["load"] = {"outputRows": rows, "inputFileBytes": str(len(self.upload))}
        return {
            "kind": "bigquery#job",
            "id": f"{self.reference['projectId']}:US.{self.id}",
            "jobReference": dict(self.reference),
            "configuration": self.configuration,
            "status": status,
            "statistics": statistics,
        }


class JobStore:
    """All jobs by id. `executed` holds, in order, the ids of those that have run."""

    def __init__(self, catalog: Catalog, limits: Limits) -> None:
        self._catalog = catalog
        self._limits = limits
        self._jobs: dict[str, FakeJob] = {}
        self.writes = Writes(catalog.clock)
        self._sizes = Sizes(catalog.engine, limits)
        self.executed: list[str] = []

    @property
    def all(self) -> tuple[FakeJob, ...]:
        return tuple(self._jobs.values())

    def begin(self, body: Mapping[str, object], *, upload: str = "", fault: Fault | None) -> FakeJob:
        """Begin a job, unless there is one of its id."""
        reference, configuration = body["jobReference"], body["configuration"]
        assert isinstance(reference, dict)
        assert isinstance(configuration, dict)
        job_id = str(reference["jobId"])
        check_labels(configuration.get("labels"))
        for kind in ("query", "load"):
            check_schema_update(configuration.get(kind, {}))
            check_storage(configuration.get(kind, {}))
            if self._limits.requires_key and configuration.get(kind):
                check_key(configuration[kind].get("destinationEncryptionConfiguration"))
        if job_id in self._jobs:
            raise ApiError(409, "duplicate", f"Already Exists: Job {reference['projectId']}:US.{job_id}")
        polls = fault.running_polls if fault else 0
        job = FakeJob({"location": "US", **reference}, configuration, polls, upload, created=self._now())
        if fault and (fault.never_ends or fault.never_begins):
            job.polls = inf
            job.state = "PENDING" if fault.never_begins else "RUNNING"
        if fault and fault.job_reason:
            job.fail(fault.job_reason, fault.message, now=self._now())
        self._jobs[job_id] = job
        as_begun = replace(job)  # BigQuery answers before the job has ended
        self._settle(job)
        return as_begun

    def get(self, job_id: str) -> FakeJob:
        """Return a job as it is now."""
        if job_id not in self._jobs:
            raise ApiError(404, "notFound", f"Not found: Job {job_id}")
        job = self._jobs[job_id]
        self._settle(job)
        job.polls -= 1
        return job

    def cancel(self, job_id: str) -> FakeJob:
        """End a job that is still running."""
        job = self.get(job_id)
        if job.state != "DONE":
            job.fail("stopped", "Job execution was cancelled: User requested cancellation", now=self._now())
        return job

    def dry_run(self, body: Mapping[str, object]) -> Resource:
        """Return the resource of a job that only says what it would do."""
        configuration = body["configuration"]
        assert isinstance(configuration, dict)
        query, reference = configuration["query"], body["jobReference"]
        assert isinstance(reference, dict)
        sql = with_partitions(self._catalog, Sql(str(query["query"])), str(reference.get("location", "US")))
        try:
            dry = self._catalog.engine.dry_run(sql)
            self._check_place(self._catalog.engine.base_tables(sql), str(reference.get("location", "US")))
            self._catalog.check_rights(sql)
            self._catalog.check_filters(sql)
        except EngineError as error:
            raise self._catalog.refusal(error) from error
        read = str(dry.bytes)
        tables = referenced(self._catalog, sql, self._limits)
        return {
            "kind": "bigquery#job",
            "jobReference": {"projectId": "dry-run", "location": "US"},
            "configuration": configuration,
            "status": {"state": "DONE"},
            "statistics": {
                "totalBytesProcessed": read,
                "query": {
                    "totalBytesProcessed": read,
                    "schema": schema_of(dry.columns),
                    "referencedTables": tables,
                },
            },
        }

    def results(self, job: FakeJob, *, start: int, most: int) -> Resource:
        """Return a page of a query's rows."""
        if job.state != "DONE":
            return {"jobComplete": False, "jobReference": dict(job.reference)}
        if job.error is not None:
            raise ApiError(400, str(job.error["reason"]), str(job.error["message"]))
        rows = rows_of(job.columns, job.rows[start : start + most])
        most = page_size(rows, most=most, largest=self._limits.largest_page)
        page: Resource = {
            "kind": "bigquery#getQueryResultsResponse",
            "jobComplete": True,
            "jobReference": dict(job.reference),
            "totalRows": str(job.cost.rows if job.cost else 0),
            "schema": schema_of(job.columns),
            "totalBytesProcessed": str(job.cost.bytes if job.cost else 0),
        }
        if rows:
            page["rows"] = rows[:most]
        if most and start + most < len(job.rows):
            page["pageToken"] = str(start + most)
        return page

    def _now(self) -> float:
        return self._catalog.clock.seconds()

    def _settle(self, job: FakeJob) -> None:
        if job.state == "DONE" or job.polls > 0:
            return
        try:
            self._run(job)
        except ApiError as error:
            job.fail(error.reason, error.message, now=self._now())
        except EngineError as error:
            answer = self._catalog.refusal(error)
            job.fail(answer.reason, answer.message, now=self._now())
        else:
            job.state, job.ended = "DONE", self._now()
            self.executed.append(job.id)

    def _run(self, job: FakeJob) -> None:
        self._catalog.clock.spend(SECONDS_OF_A_JOB)
        if job.is_query:
            self._query(job, job.configuration["query"])
        else:
            self._load(job, job.configuration["load"])

    def _query(self, job: FakeJob, config: Mapping[str, object]) -> None:
        engine, text = self._catalog.engine, Sql(str(config["query"]))
        self._sizes.check_text(text)
        sql = with_partitions(self._catalog, text, str(job.reference["location"]))
        if asks_for_jobs(text):
            sql = with_jobs(self._catalog, sql, str(job.reference["location"]), map(_listed, self.all))
        dry = engine.dry_run(sql)
        self._check_place(engine.base_tables(sql), str(job.reference["location"]))
        self._catalog.check_rights(sql)
        self._catalog.check_filters(sql)
        job.applied = self._catalog.policies.applied(map(self._catalog.full, engine.base_tables(sql)))
        self._sizes.check_sorts(sql)
        read = BILLED_BYTES if asks_for_partitions(text) else dry.bytes
        cap = config.get("maximumBytesBilled")
        if cap is not None and read > int(str(cap)):
            raise ApiError(
                400,
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {cap}. {read} or higher required.",
            )
        destination = config.get("destinationTable")
        if isinstance(destination, dict):
            name = ".".join(str(destination[key]) for key in ("projectId", "datasetId", "tableId"))
            self._check_place([name], str(job.reference["location"]))
            self.writes.count(name, config)
            self._sizes.check_written(sql, dry.bytes)
            write, layout = self._catalog.writing(name, config, dry.columns)
            job.cost = engine.query_to_table(sql, name, write=write, labels={}, layout=layout)
            job.columns = dry.columns
        else:
            result = engine.query(sql, labels={})
            job.cost, job.columns, job.rows = result.job, result.columns, result.rows
            self._sizes.check_rows(map(str, job.rows))
            if asks_for_partitions(text):
                job.cost = replace(job.cost, bytes=read)

    def _load(self, job: FakeJob, config: Mapping[str, object]) -> None:
        destination, schema = config["destinationTable"], config["schema"]
        assert isinstance(destination, dict)
        assert isinstance(schema, dict)
        name = ".".join(str(destination[key]) for key in ("projectId", "datasetId", "tableId"))
        columns = columns_from(schema)
        self.writes.count(name, config)
        check_lines(job.upload, largest=self._limits.largest_row)
        self._check_place([name], str(job.reference["location"]))
        rows = loaded(job.upload, columns)
        write, layout = self._catalog.writing(name, config, columns)
        job.cost = self._catalog.engine.load(name, rows, columns, write=write, labels={}, layout=layout)

    def _check_place(self, tables: Iterable[str], location: str) -> None:
        for name in tables:
            self._catalog.datasets.check_location(self._catalog.full(name), location)

    def count_change(self, name: str) -> None:
        """Count a change of a table's resource, which the service does together with jobs that write to it."""
        info = self._catalog.engine.info(name)
        if info is not None and info.view_sql is None:
            self.writes.count(name, self._catalog.storage(name, info))


def _listed(job: FakeJob) -> dict[str, Value]:
    """Return what `INFORMATION_SCHEMA.JOBS_BY_PROJECT` says of a job; no query is billed less than 10 MB."""
    labels = job.configuration.get("labels", {})
    return {
        "creation_time": datetime.fromtimestamp(job.created, UTC),
        "labels": [{"key": key, "value": str(value)} for key, value in labels.items()],
        "total_bytes_billed": max(job.cost.bytes, BILLED_BYTES) if job.cost is not None and job.is_query else 0,
        "total_slot_ms": 7 if job.is_query else 0,
    }


def _millis(seconds: float) -> str:
    return str(int(seconds * 1000))
