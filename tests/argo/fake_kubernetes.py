"""A stand-in for the Kubernetes API: it keeps objects, and refuses what Kubernetes would refuse."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_PATH = re.compile(
    r"/(?:api/v1|apis/argoproj\.io/v1alpha1)/namespaces/(?P<namespace>[^/]+)/(?P<kind>[a-z]+)(?:/(?P<name>.+))?"
)


class FakeKubernetes:
    """One API server on this machine; `objects` are by kind and name, `broken` is answered instead of anything."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.broken: tuple[int, str] | None = None
        self.requests: list[tuple[str, str]] = []
        self.argo_resources: tuple[str, ...] = (
            "workflows",
            "workflowtemplates",
            "cronworkflows",
            "workflowtaskresults",
        )
        self.controller_image = "quay.io/argoproj/workflow-controller:v4.1.2"
        self.refused: set[tuple[str, str]] = set()  # verbs and resources
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> "FakeKubernetes":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def kubeconfig(self, file: Path) -> str:
        """Write the file that leads to this server."""
        server = f"http://127.0.0.1:{self._server.server_port}"
        file.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "fake",
                    "contexts": [{"name": "fake", "context": {"cluster": "c", "user": "u", "namespace": "analysis"}}],
                    "clusters": [{"name": "c", "cluster": {"server": server}}],
                    "users": [{"name": "u", "user": {}}],
                }
            )
        )
        return str(file)

    def names(self, kind: str) -> list[str]:
        """Return the names of all objects of a kind, such as `workflows`."""
        return sorted(name for found, name in self.objects if found == kind)

    def answer(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of an answer."""
        parts = urlsplit(path)
        found = _PATH.fullmatch(parts.path)
        if self.broken:
            return self.broken[0], _status(self.broken[1])
        if found is None or found["namespace"] != "analysis" or (method.lower(), found["kind"]) in self.refused:
            return 403, _status(f"no access to {path}")
        self.requests.append((method, found["kind"]))
        key = (found["kind"], found["name"] or "")
        match method:
            case "POST":
                return self._create(found["kind"], body or {})
            case "GET" if found["name"] is None:
                selector = parse_qs(parts.query).get("labelSelector", [""])[0]
                return 200, {"metadata": {}, "items": self._selected(found["kind"], selector)}
            case _ if key not in self.objects:
                return 404, _status(f"{key[0]} {key[1]!r} not found")
            case "PUT" if (body or {})["metadata"]["resourceVersion"] != self._version(key):
                return 409, _status("the object has been modified")
            case "PUT":
                self._store(key, body or {})
            case "PATCH":
                self.objects[key]["metadata"] |= (body or {})["metadata"]
            case "DELETE":
                return 200, self.objects.pop(key)
        return 200, self.objects[key]

    def around(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """Return the answer to a question about the cluster itself; None where it is about something else."""
        match path:
            case "/version/":
                return 200, dict.fromkeys(_VERSION, "")
            case "/apis/argoproj.io/v1alpha1" if self.argo_resources:
                return 200, {"groupVersion": "", "resources": [_resource(name) for name in self.argo_resources]}
            case "/apis/argoproj.io/v1alpha1":
                return 404, _status("the server could not find the requested resource")
            case "/apis/apps/v1/namespaces/argo/deployments/workflow-controller" if self.controller_image:
                container = {"name": "workflow-controller", "image": self.controller_image}
                template = {"spec": {"containers": [container]}}
                return 200, {"spec": {"selector": {}, "template": template}}
            case "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
                asked = body["spec"]["resourceAttributes"]
                part = asked.get("subresource")
                resource = f"{asked['resource']}/{part}" if part else asked["resource"]
                return 201, body | {"status": {"allowed": (asked["verb"], resource) not in self.refused}}
        return None

    def _create(self, kind: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = body["metadata"]["name"]
        if (kind, name) in self.objects:
            return 409, _status(f"{kind} {name!r} already exists")
        body["metadata"]["uid"] = f"uid-{name}"
        self._store((kind, name), body)
        return 201, body

    def _store(self, key: tuple[str, str], body: dict[str, Any]) -> None:
        version = int(self._version(key)) + 1 if key in self.objects else 1
        body["metadata"]["resourceVersion"] = str(version)
        self.objects[key] = body

    def _version(self, key: tuple[str, str]) -> str:
        return str(self.objects[key]["metadata"]["resourceVersion"])

    def _selected(self, kind: str, selector: str) -> list[dict[str, Any]]:
        wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
        return [
            found_object
            for (found, _), found_object in sorted(self.objects.items())
            if found == kind and wanted.items() <= found_object["metadata"].get("labels", {}).items()
        ]


_OF_ARGO = ["workflows", "workflowtemplates", "cronworkflows", "workflowtaskresults"]
_VERSION = (
    "buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion", "goVersion", "major", "minor", "platform",
)  # fmt: skip


def _resource(name: str) -> dict[str, Any]:
    return {"name": name, "kind": name, "namespaced": True, "singularName": name, "verbs": ["get"]}


def _status(message: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message}


def _handler(server: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            around = server.around(urlsplit(self.path).path, body or {})
            status, answer = server.answer(self.command, self.path, body) if around is None else around
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815  # names of the standard library

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
