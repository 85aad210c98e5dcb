"""Fetches what a URL answers."""

import urllib3

from jetstream_argo.errors import ConfigError, Problem, Unavailable
from jetstream_argo.storage.http import ask, check_host

_TRIES = 4
_BACKOFF_SECONDS = 0.5
_PASSING = (429, 500, 502, 503, 504)
_OK = 200


def fetch(url: str, *, tries: int = _TRIES, backoff_seconds: float = _BACKOFF_SECONDS) -> bytes:
    """Return the body of the answer; failures that may pass are tried again, with growing pauses.

    Raises:
        Unavailable: the server could not be reached, or went on failing.
        ConfigError: the server refuses, or may not be asked; trying again will not help.
    """
    retries = urllib3.Retry(
        total=tries - 1,
        backoff_factor=backoff_seconds,
        status_forcelist=_PASSING,
        allowed_methods=["GET"],
        raise_on_status=False,
    )
    headers = {"Accept": "application/json", "User-Agent": "jetstream-argo"}
    check_host(url)
    try:
        answer = ask("GET", url, retries=retries, headers=headers)
    except (urllib3.exceptions.LocationValueError, UnicodeError) as error:
        raise ConfigError(url, [Problem("", f"is not a URL that can be fetched: {error}")]) from error
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(url, [Problem("", f"cannot be reached ({error}); tried {tries} times")]) from error
    if answer.status in _PASSING:
        raise Unavailable(url, [Problem("", f"answers {answer.status} {answer.reason}; tried {tries} times")])
    if answer.status != _OK:
        raise ConfigError(url, [Problem("", f"answers {answer.status} {answer.reason}; check the address")])
    return answer.data
