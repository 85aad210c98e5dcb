"""Reads and writes bytes outside of the warehouse: in a file, on a web server, or in Google Cloud Storage."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

import urllib3

from jetstream_argo.errors import AccessDenied, ConfigError, EngineError, NotFound, Problem, Transient
from jetstream_argo.storage.http import ask, check_host
from jetstream_argo.storage.tokens import token

_STORAGE = "https://storage.googleapis.com"
_EMULATOR = "STORAGE_EMULATOR_HOST"  # by which all clients of Google Cloud Storage find an emulator
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_PASSING = (429, 500, 502, 503, 504)
_TRIES = urllib3.Retry(total=4, backoff_factor=0.5, status_forcelist=_PASSING, raise_on_status=False)

_OK = 200
_EXISTS_ALREADY = 412
_NOT_FOUND = 404
_DENIED = (401, 403)


def get(url: str) -> bytes:
    """Return the bytes behind a path or a file://, http(s):// or gs:// address.

    Raises:
        NotFound, AccessDenied, Transient: the storage says so, or does not answer.
    """
    parts = urlsplit(url)
    match parts.scheme:
        case "" | "file":
            return _read(_path(url))
        case "http" | "https":
            check_host(url)
            return _request("GET", url, {}, where=url)
        case "gs":
            address = f"{_storage()}/storage/v1/b/{parts.netloc}/o/{_object(parts)}?alt=media"
            return _request("GET", address, _google_headers(), where=url)
        case _:
            raise _no_storage(url)


def keep(url: str, data: bytes) -> None:
    """Write `data` to a path or a file:// or gs:// address. What is there already stays, for its name is its hash.

    Raises:
        AccessDenied, Transient: the storage says so, or does not answer.
    """
    _put(url, data, "application/gzip", condition="&ifGenerationMatch=0")


def replace_if_changed(url: str, data: bytes, content_type: str) -> bool:
    """Write `data` to a path or a file:// or gs:// address at one instant, and return whether it was not there yet.

    Raises:
        AccessDenied, Transient: the storage says so, or does not answer.
    """
    try:
        if get(url) == data:
            return False
    except NotFound:
        pass
    _put(url, data, content_type)
    return True


def within(folder: str, name: str) -> str:
    """Return the address of the file `name` in a folder, which is a path or an address itself."""
    return f"{folder.rstrip('/')}/{name}"


def absolute(folder: str) -> str:
    """Return the address of a folder that means the same in every process, whatever that has mounted."""
    return folder if not folder or urlsplit(folder).scheme else Path(folder).absolute().as_uri()


def _put(url: str, data: bytes, content_type: str, *, condition: str = "") -> None:
    parts = urlsplit(url)
    match parts.scheme:
        case "" | "file":
            _write(_path(url), data)
        case "gs":
            query = f"uploadType=media&name={_object(parts)}{condition}"
            address = f"{_storage()}/upload/storage/v1/b/{parts.netloc}/o?{query}"
            headers = {**_google_headers(), "Content-Type": content_type}
            _request("POST", address, headers, where=url, body=data)
        case _:
            raise _no_storage(url)


def _path(url: str) -> Path:
    parts = urlsplit(url)
    if not parts.scheme:
        return Path(url)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise ConfigError(url, [Problem("", "is not the address of a file: write file:///FOLDER/FILE, ? and # as %XX")])
    return Path(unquote(parts.path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise NotFound(str(path)) from error
    except OSError as error:
        raise AccessDenied(f"{path}: cannot be read: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except (OSError, ValueError) as error:
        raise AccessDenied(f"{path}: cannot be written: {error}") from error


def _object(parts: SplitResult) -> str:
    return quote(parts.path.lstrip("/"), safe="")


def _storage() -> str:
    host = os.environ.get(_EMULATOR, "")
    if not host:
        return _STORAGE
    return host if "://" in host else f"http://{host}"


def _request(method: str, address: str, headers: Mapping[str, str], *, where: str, body: bytes | None = None) -> bytes:
    try:
        answer = ask(method, address, retries=_TRIES, headers=headers, body=body)
    except urllib3.exceptions.HTTPError as error:
        raise Transient(f"{where}: does not answer: {error}; try again") from error
    if answer.status == _OK or (method == "POST" and answer.status == _EXISTS_ALREADY):
        return answer.data
    if answer.status == _NOT_FOUND:
        raise NotFound(where)
    reply = answer.data[:200].decode(errors="replace")
    if answer.status in _DENIED:
        raise AccessDenied(f"{where}: the account may not use it ({answer.status} {reply}); grant it object access")
    if answer.status in _PASSING:
        raise Transient(f"{where}: answers {answer.status} {reply}; try again")
    raise EngineError(f"{where}: answers {answer.status} {reply}")


def _google_headers() -> Mapping[str, str]:
    """Return the authorisation of the account that this process runs as; an emulator gets none."""
    if _EMULATOR in os.environ:
        return {}
    return {"Authorization": f"Bearer {token(_SCOPE)}"}


def _no_storage(url: str) -> ConfigError:
    return ConfigError(url, [Problem("", "is neither a path nor a file://, http(s):// or gs:// address")])
