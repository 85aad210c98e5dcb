"""Asks web servers: those that the deployment names, where it names any, and no longer than is sensible."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import urllib3

from jetstream_argo.errors import ConfigError, Problem

HOSTS = "JETSTREAM_HOSTS"  # hosts, or host:port, parted by commas; any may be asked where it is not set
LARGEST = 256 * 1024 * 1024  # bytes of an answer
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_TIMEOUT = urllib3.Timeout(connect=10, read=60)

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered."""

    status: int
    reason: str
    data: bytes


def ask(
    method: str, url: str, *, retries: urllib3.Retry, headers: Mapping[str, str], body: bytes | None = None
) -> Response:
    """Return the answer to a request. The caller has checked the host; hosts of redirects are checked here.

    Raises:
        ConfigError: the request is sent on to a host that may not be asked, or too often; the answer is too large.
        urllib3.exceptions.HTTPError: there is no answer.
    """
    with urllib3.PoolManager(timeout=_TIMEOUT, retries=retries) as pool:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = pool.request(method, url, headers=dict(headers), body=body, redirect=False, preload_content=False)
            data = answer.read(LARGEST + 1, decode_content=True)
            answer.release_conn()
            if len(data) > LARGEST:
                raise ConfigError(url, [Problem("", f"answers more than {LARGEST:,} bytes, too many to be read")])
            place = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or place is None:
                return Response(answer.status, answer.reason or "", bytes(data))
            before, url = url, urljoin(url, place)
            check_host(url)
            if urlsplit(url).netloc != urlsplit(before).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
    raise ConfigError(url, [Problem("", f"sends on more than {_MOST_REDIRECTS} times")])


def check_host(url: str) -> None:
    """Do nothing if the host of an http(s) address may be asked.

    Raises:
        ConfigError: it may not, or the address names none.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme.lower(), 0)
    except ValueError as error:
        raise ConfigError(url, [Problem("", f"is not an address: {error}")]) from error
    allowed = os.environ.get(HOSTS)
    if allowed is not None and not any(_is(host, port, entry) for entry in _entries(allowed)):
        what = f"is of host {host!r}, which may not be asked here; {HOSTS} names those that may"
        raise ConfigError(url, [Problem("", what)])


def _entries(text: str) -> Iterable[str]:
    return (entry.strip().lower() for entry in text.split(",") if entry.strip())


def _is(host: str, port: int, entry: str) -> bool:
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit():
        return host == name and port == int(number)
    return host == entry and port in _PORTS.values()
