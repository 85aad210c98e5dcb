"""Posts JSON to a webhook, whose address may be a secret: no message holds more of it than its host."""

from urllib.parse import urlsplit

import urllib3

from jetstream_argo.errors import ConfigError, Problem, Unavailable
from jetstream_argo.storage.http import ask, check_host

_TRIES = 3
_BACKOFF_SECONDS = 0.5
_PASSING = (429, 500, 502, 503, 504)
_GOOD = range(200, 300)


def post(url: str, body: str, *, id: str, tries: int = _TRIES, backoff_seconds: float = _BACKOFF_SECONDS) -> None:
    """Post a JSON text; the header `Idempotency-Key` is its id. Failures that may pass are tried again.

    Raises:
        Unavailable: the server could not be reached, or went on failing.
        ConfigError: the server refuses, or may not be asked.
    """
    where = f"webhook at {_host(url)}"
    if not url.startswith(("http://", "https://")):
        raise ConfigError(where, [Problem("", "is no http(s) address; correct JETSTREAM_NOTIFY")])
    retries = urllib3.Retry(
        total=tries - 1,
        backoff_factor=backoff_seconds,
        status_forcelist=_PASSING,
        allowed_methods=["POST"],
        raise_on_status=False,
    )
    headers = {"Content-Type": "application/json", "User-Agent": "jetstream-argo", "Idempotency-Key": id}
    try:
        check_host(url)
        answer = ask("POST", url, retries=retries, headers=headers, body=body.encode())
    except (ConfigError, urllib3.exceptions.LocationValueError, UnicodeError) as error:
        raise ConfigError(where, [Problem("", "may not be asked, or is no address; see JETSTREAM_HOSTS")]) from error
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(where, [Problem("", f"cannot be reached ({type(error).__name__})")]) from error
    if answer.status in _PASSING:
        raise Unavailable(where, [Problem("", f"answers {answer.status} {answer.reason}; tried {tries} times")])
    if answer.status not in _GOOD:
        raise ConfigError(where, [Problem("", f"answers {answer.status} {answer.reason}; check the address")])


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "an address without a host"
    except ValueError:
        return "an address that cannot be read"
