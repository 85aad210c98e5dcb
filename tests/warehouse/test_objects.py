"""Files, web servers and Google Cloud Storage as places for bytes; a server of ours speaks the last one's API."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from jetstream_argo.errors import AccessDenied, ConfigError, NotFound
from jetstream_argo.storage import objects

WEB = {"/plans/x": b"bytes"}


class Storage(ThreadingHTTPServer):
    """Answers as Google Cloud Storage does, for one bucket; `refuse` makes it deny everything."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.writes = 0
        self.refuse = False

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Storage

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if self.server.refuse:
            self._answer(403, b"no")
        elif parts.path in WEB:
            self._answer(200, WEB[parts.path])
        elif (name := unquote(parts.path.rpartition("/o/")[2])) in self.server.objects and "alt=media" in parts.query:
            self._answer(200, self.server.objects[name][0])
        else:
            self._answer(404, b"")

    def do_POST(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        data = self.rfile.read(int(self.headers["Content-Length"]))
        name = query["name"][0]
        if "ifGenerationMatch" in query and name in self.server.objects:
            self._answer(412, b"exists")
            return
        self.server.objects[name] = (data, self.headers["Content-Type"])
        self.server.writes += 1
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    server = Storage()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.address)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["gs://bucket/a folder", "file"])
def folder(request: pytest.FixtureRequest, storage: Storage, tmp_path) -> str:
    return str(tmp_path / "a folder") if request.param == "file" else request.param


def test_what_was_written_is_read_again(folder: str):
    url = objects.within(folder, "statistics/x.json")

    written = objects.replace_if_changed(url, b"[1]", "application/json")

    assert written
    assert objects.get(url) == b"[1]"


def test_a_path_is_taken_as_it_is_and_an_address_decoded(tmp_path):
    objects.replace_if_changed(f"{tmp_path}/50%25 #1", b"path", "text/plain")

    assert (tmp_path / "50%25 #1").read_bytes() == b"path"
    assert objects.get((tmp_path / "50%25 #1").as_uri()) == b"path"


def test_a_folder_has_one_address_for_all_processes(tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert objects.absolute("out") == (tmp_path / "out").as_uri()
    assert [objects.absolute(root) for root in ("gs://bucket", "")] == ["gs://bucket", ""]


def test_what_says_the_same_already_is_not_written(folder: str, storage: Storage):
    url = objects.within(f"{folder}/", "x.json")
    objects.replace_if_changed(url, b"[1]", "application/json")
    before = storage.writes

    assert not objects.replace_if_changed(url, b"[1]", "application/json")
    assert storage.writes == before
    assert objects.replace_if_changed(url, b"[2]", "application/json")
    assert objects.get(url) == b"[2]"


def test_an_object_named_by_its_hash_is_written_once(storage: Storage):
    objects.keep("gs://bucket/plans/abc.json.gz", b"first")
    objects.keep("gs://bucket/plans/abc.json.gz", b"second")

    assert storage.objects == {"plans/abc.json.gz": (b"first", "application/gzip")}


def test_a_missing_object_is_an_error_that_names_it(folder: str):
    with pytest.raises(NotFound, match=r"gone\.json"):
        objects.get(objects.within(folder, "gone.json"))


def test_a_storage_that_refuses_says_what_to_grant(storage: Storage):
    storage.refuse = True

    with pytest.raises(AccessDenied, match=r"gs://bucket/x: the account may not use it .*; grant it object access"):
        objects.get("gs://bucket/x")


def test_an_object_is_read_from_a_web_server(storage: Storage):
    assert objects.get(f"http://{storage.address}/plans/x") == b"bytes"
    with pytest.raises(NotFound):
        objects.get(f"http://{storage.address}/plans/y")


def test_an_address_of_no_known_storage_is_refused():
    with pytest.raises(ConfigError, match="is neither a path nor"):
        objects.get("ftp://example.org/plan")
