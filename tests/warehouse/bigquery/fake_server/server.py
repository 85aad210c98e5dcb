"""The fake's HTTP: which request is which call, and what goes wrong with it."""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from jetstream_argo.errors import EngineError
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.catalog import Catalog
from tests.warehouse.bigquery.fake_server.clock import Clock
from tests.warehouse.bigquery.fake_server.datasets import GET, LIST
from tests.warehouse.bigquery.fake_server.exchange import CUT, Answer, Request
from tests.warehouse.bigquery.fake_server.faults import Call, Fault, Faults
from tests.warehouse.bigquery.fake_server.jobs import JobStore
from tests.warehouse.bigquery.fake_server.limits import Limits
from tests.warehouse.bigquery.fake_server.rules import check_key
from tests.warehouse.bigquery.fake_server.wire import ApiError, Resource
from tests.warehouse.bigquery.fake_server.writes import SECONDS_OF_A_CALL

PROJECT = "fake-project"


class FakeBigQuery:
    """The fake: its tables, jobs, and what goes wrong. `calls` holds every call that was made, in order.

    `datasets` are there from the start, beside those that have tables in `root`; `engine_type` is of what runs the
    queries.
    """

    def __init__(
        self,
        root: Path,
        *,
        project: str = PROJECT,
        datasets: Iterable[str] = (),
        engine_type: type[EmbeddedEngine] = EmbeddedEngine,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.project = project
        self.faults = Faults()
        self.limits = Limits()
        self.calls: list[Call] = []
        self.page_rows = 1000  # at most, whatever is asked for
        self.clock = Clock()
        engine = engine_type(root, project=project, clock=self.clock.seconds)
        self.catalog = Catalog(engine, root, project, self.clock)
        for name in datasets:
            self.catalog.datasets.make(name if "." in name else f"{project}.{name}")
        self.jobs = JobStore(self.catalog, self.limits)
        self._uploads: dict[str, tuple[dict[str, object], bytes, Fault | None]] = {}
        self._lock = threading.RLock()  # one request at a time does work; answers may be slow beside each other

    def answer(self, call: Call, handle: "Handler", request: Request) -> Answer:
        """Do what is asked, unless a fault is on order, and return the answer."""
        fault = self.faults.next(call)
        self.calls.append(call)
        refusal = None
        if fault is not None:
            time.sleep(fault.delay_seconds)
            refusal = _refusal(fault)
            if refusal is not None and not fault.executed:
                return refusal
        with self._lock:
            try:
                self.catalog.expire()
                self.clock.spend(SECONDS_OF_A_CALL)
                answer = handle(self, request, fault)
            except ApiError as error:
                answer = Answer(error.status, error.body())
            except EngineError as error:
                problem = self.catalog.refusal(error)
                answer = Answer(problem.status, problem.body())
        return answer if refusal is None else refusal

    def submit(self, request: Request, fault: Fault | None) -> Answer:
        body = request.json
        if _is_dry(request):
            return Answer(body=self.jobs.dry_run(body))
        return Answer(body=self.jobs.begin(body, fault=fault).resource())

    def upload(self, request: Request, fault: Fault | None) -> Answer:
        if request.query["uploadType"] == "multipart":
            message = BytesParser().parsebytes(
                b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n" + request.body
            )
            metadata, content = (part.get_payload(decode=True) for part in message.walk() if not part.is_multipart())
            return self._load(json.loads(bytes(metadata)), bytes(content).decode(), fault)
        upload_id = str(len(self._uploads) + 1)
        self._uploads[upload_id] = (request.json, b"", fault)
        return Answer(headers=(("Location", f"http://{request.headers['host']}/resumable/{upload_id}"),))

    def resume(self, request: Request, _: Fault | None) -> Answer:
        upload_id = request.parts["upload"]
        metadata, before, fault = self._uploads[upload_id]
        content = before + request.body
        self._uploads[upload_id] = (metadata, content, fault)
        if request.headers["content-range"].endswith("*"):
            return Answer(308, headers=(("Range", f"bytes=0-{len(content) - 1}"),))
        return self._load(metadata, content.decode(), fault)

    def _load(self, metadata: dict[str, object], content: str, fault: Fault | None) -> Answer:
        return Answer(body=self.jobs.begin(metadata, upload=content, fault=fault).resource())

    def poll(self, request: Request, _: Fault | None) -> Answer:
        return Answer(body=self.jobs.get(request.parts["job"]).resource())

    def list_jobs(self, request: Request, _: Fault | None) -> Answer:
        state = request.query["stateFilter"].upper()
        jobs = [job.resource() for job in self.jobs.all if job.state == state]
        return Answer(body={"kind": "bigquery#jobList", "jobs": [{**job, "state": state} for job in jobs]})

    def cancel(self, request: Request, _: Fault | None) -> Answer:
        return Answer(body={"job": self.jobs.cancel(request.parts["job"]).resource()})

    def results(self, request: Request, _: Fault | None) -> Answer:
        job = self.jobs.get(request.parts["job"])
        most = min(self.page_rows, int(request.query.get("maxResults", self.page_rows)))
        return Answer(body=self.jobs.results(job, start=int(request.query.get("pageToken", 0)), most=most))

    def get_table(self, request: Request, _: Fault | None) -> Answer:
        self.catalog.datasets.check(request.table, GET)
        return Answer(body=self.catalog.resource(request.table))

    def row_policies(self, request: Request, _: Fault | None) -> Answer:
        self.catalog.datasets.check(request.table, GET)
        if not self.catalog.policies.may_list_row_policies:
            raise ApiError(403, "accessDenied", f"Permission bigquery.rowAccessPolicies.list denied on {request.table}")
        names = ["own_rows"] if request.table in self.catalog.policies.row_policies else []
        found = [{"rowAccessPolicyReference": {"policyId": name}} for name in names]
        return Answer(body={"rowAccessPolicies": found} if found else {})

    def insert_table(self, request: Request, _: Fault | None) -> Answer:
        body = request.json
        reference = body["tableReference"]
        assert isinstance(reference, dict)
        if self.limits.requires_key and "view" not in body:
            check_key(body.get("encryptionConfiguration"))
        return Answer(
            body=self.catalog.insert(
                f"{request.parts['project']}.{request.parts['dataset']}.{reference['tableId']}", body
            )
        )

    def patch_table(self, request: Request, _: Fault | None) -> Answer:
        self.jobs.count_change(request.table)
        return Answer(body=self.catalog.patch(request.table, request.json, if_match=request.headers.get("if-match")))

    def delete_table(self, request: Request, _: Fault | None) -> Answer:
        self.catalog.delete(request.table)
        return Answer(204)

    def list_tables(self, request: Request, _: Fault | None) -> Answer:
        self.catalog.datasets.check(f"{request.parts['project']}.{request.parts['dataset']}.*", LIST)
        names = self.catalog.names(request.parts["project"], request.parts["dataset"])
        start, most = int(request.query.get("pageToken", 0)), int(request.query.get("maxResults", 50))
        items = [
            {key: value for key, value in self.catalog.resource(name).items() if key in _LISTED}
            for name in names[start : start + most]
        ]
        page: Resource = {"kind": "bigquery#tableList", "tables": items, "totalItems": len(names)}
        if start + most < len(names):
            page["nextPageToken"] = str(start + most)
        return Answer(body=page)

    def list_datasets(self, request: Request, _: Fault | None) -> Answer:
        project = request.parts["project"]
        references = [{"projectId": project, "datasetId": name} for name in self.catalog.datasets_of(project)]
        found: Resource = {
            "kind": "bigquery#datasetList",
            "datasets": [{"kind": "bigquery#dataset", "datasetReference": reference} for reference in references],
        }
        return Answer(body=found)

    def make_dataset(self, request: Request, fault: Fault | None) -> Answer:
        reference = request.json["datasetReference"]
        assert isinstance(reference, dict)
        project, dataset = request.parts["project"], str(reference["datasetId"])
        return Answer(body=self.catalog.datasets.make(f"{project}.{dataset}").resource(project, dataset))

    def dataset(self, request: Request, _: Fault | None) -> Answer:
        project, dataset = request.parts["project"], request.parts["dataset"]
        found = self.catalog.datasets[f"{project}.{dataset}"]
        found.change(request.json)  # which says nothing where it is only asked for
        return Answer(body=found.resource(project, dataset))

    def order_fault(self, request: Request, _: Fault | None) -> Answer:
        order = request.json
        self.faults.order(Fault(**{**order, "call": Call(str(order["call"]))}))  # type: ignore[arg-type]  # by name
        return Answer(body={})


Handler = Callable[[FakeBigQuery, Request, Fault | None], Answer]

_LISTED = ("kind", "id", "tableReference", "type", "labels", "view", *("timePartitioning", "clustering"))
_PROJECT = r"/bigquery/v2/projects/(?P<project>[^/]+)"
_TABLES = rf"{_PROJECT}/datasets/(?P<dataset>[^/]+)/tables"
_TABLE = rf"{_TABLES}/(?P<table>[^/]+)"

_ROUTES: tuple[tuple[str, str, Call | None, Handler], ...] = (
    ("POST", rf"{_PROJECT}/jobs", Call.SUBMIT, FakeBigQuery.submit),
    ("GET", rf"{_PROJECT}/jobs", Call.JOB_LIST, FakeBigQuery.list_jobs),
    ("GET", rf"{_PROJECT}/jobs/(?P<job>[^/]+)", Call.POLL, FakeBigQuery.poll),
    ("POST", rf"{_PROJECT}/jobs/(?P<job>[^/]+)/cancel", Call.CANCEL, FakeBigQuery.cancel),
    ("GET", rf"{_PROJECT}/queries/(?P<job>[^/]+)", Call.RESULTS, FakeBigQuery.results),
    ("POST", rf"(?:/resumable)?/upload{_PROJECT}/jobs", Call.UPLOAD, FakeBigQuery.upload),
    ("PUT", r"/resumable/(?P<upload>\d+)", Call.UPLOAD, FakeBigQuery.resume),
    ("GET", _TABLE, Call.TABLE_GET, FakeBigQuery.get_table),
    ("GET", rf"{_TABLE}/rowAccessPolicies", Call.TABLE_GET, FakeBigQuery.row_policies),
    ("PATCH", _TABLE, Call.TABLE_PATCH, FakeBigQuery.patch_table),
    ("PUT", _TABLE, Call.TABLE_PATCH, FakeBigQuery.patch_table),
    ("DELETE", _TABLE, Call.TABLE_DELETE, FakeBigQuery.delete_table),
    ("POST", _TABLES, Call.TABLE_INSERT, FakeBigQuery.insert_table),
    ("GET", _TABLES, Call.TABLE_LIST, FakeBigQuery.list_tables),
    ("GET", rf"{_PROJECT}/datasets/(?P<dataset>[^/]+)", Call.DATASET, FakeBigQuery.dataset),
    ("PATCH", rf"{_PROJECT}/datasets/(?P<dataset>[^/]+)", Call.DATASET, FakeBigQuery.dataset),
    ("POST", rf"{_PROJECT}/datasets", Call.DATASET, FakeBigQuery.make_dataset),
    ("GET", rf"{_PROJECT}/datasets", Call.DATASET, FakeBigQuery.list_datasets),
    ("POST", r"/faults", None, FakeBigQuery.order_fault),
)


def _is_dry(request: Request) -> bool:
    configuration = request.json["configuration"]
    assert isinstance(configuration, dict)
    return bool(configuration.get("dryRun"))


def _refusal(fault: Fault) -> Answer | None:
    if fault.reset:
        return CUT
    if fault.status:
        return Answer(fault.status, ApiError(fault.status, fault.reason, fault.message).body())
    return None


class _Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections stay open
    wbufsize = -1  # headers and body in one packet
    fake: FakeBigQuery

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        for method, pattern, call, handle in _ROUTES:
            match = re.fullmatch(pattern, url.path)
            if match and method == self.command:
                request = Request(
                    {key: unquote(value) for key, value in match.groupdict().items()},
                    {key: values[-1] for key, values in parse_qs(url.query).items()},
                    {key.lower(): value for key, value in self.headers.items()},
                    body,
                )
                if call is None:
                    self._write(handle(self.fake, request, None))
                else:
                    dry = call is Call.SUBMIT and _is_dry(request)
                    self._write(self.fake.answer(Call.DRY_RUN if dry else call, handle, request))
                return
        self._write(Answer(501, ApiError(501, "notImplemented", f"{self.command} {url.path}").body()))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  # names that http.server looks for

    def _write(self, answer: Answer) -> None:
        if answer is CUT:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, not FIN
            self.close_connection = True
            return
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


def http_server(fake: FakeBigQuery, port: int = 0) -> ThreadingHTTPServer:
    """Return an HTTP server for `fake` on loopback, not yet serving; port 0 is any that is free."""
    handler = type("Handler", (_Http,), {"fake": fake})
    return _Server(("127.0.0.1", port), handler)


@contextmanager
def serving(fake: FakeBigQuery) -> Iterator[str]:
    """Serve `fake` from another thread, and give the URL to call."""
    server = http_server(fake)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
