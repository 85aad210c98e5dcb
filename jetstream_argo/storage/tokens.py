"""Gets a token of the account that the process runs as, and says whether a refusal may pass soon."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence

import urllib3

from jetstream_argo.errors import AccessDenied, ConfigError, Problem, Transient

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds between tries
_TIMEOUT = urllib3.Timeout(connect=10, read=60)

# Kubernetes sets it in every container: https://kubernetes.io/docs/tutorials/services/connect-applications-service/
_IN_A_POD = "KUBERNETES_SERVICE_HOST"

# What the metadata server or an exchange of tokens answers that has trouble of its own, or is not ready yet.
_TROUBLE = re.compile(r"\b(status|code)\W{1,4}(404|408|429|5\d\d)\b|unavailable|timed? ?out", re.IGNORECASE)
_REFUSED = re.compile(r"\bstatus\W{1,4}40[013]\b", re.IGNORECASE)


def in_a_pod() -> bool:
    """Return whether the process runs in a cluster, where the node's metadata server gives it its credentials."""
    return _IN_A_POD in os.environ


def are_missing(error: BaseException) -> bool:
    """Return whether nothing says whose credentials to use: so it is while a node's metadata server starts."""
    from google.auth.exceptions import DefaultCredentialsError

    return isinstance(error, DefaultCredentialsError) and "credentials were not found" in str(error)


def may_pass(error: BaseException) -> bool:
    """Return whether another try may give a token.

    The metadata server's client wraps whatever went wrong on its way in an error that it does not call retryable:
    https://github.com/googleapis/google-auth-library-python/blob/main/google/auth/compute_engine/credentials.py
    """
    from google.auth.exceptions import RefreshError, TransportError

    if are_missing(error):
        return in_a_pod()
    if isinstance(error, TransportError):
        return _REFUSED.search(str(error)) is None
    if not isinstance(error, RefreshError):
        return False
    wrapped = [cause for cause in (error.__cause__, *error.args) if isinstance(cause, TransportError)]
    return bool(error.retryable or any(map(may_pass, wrapped)) or _TROUBLE.search(str(error)))


def token(scope: str, *, ask: Callable[[str], str] | None = None, pauses: Sequence[float] = _PAUSES) -> str:
    """Return a new token for a scope; failures that may pass are tried again, with growing pauses.

    Raises:
        ConfigError: the extra with Google's client is not installed.
        AccessDenied: there is no account, or it is refused.
        Transient: the token could not be had in time.
    """
    try:
        from google.auth.exceptions import GoogleAuthError  # comes with the warehouse's client
    except ImportError as error:
        raise ConfigError("gs://", [Problem("", "needs the extra: pip install 'jetstream-argo[bigquery]'")]) from error
    left = iter(pauses)
    while True:
        try:
            return (_ask if ask is None else ask)(scope)
        except GoogleAuthError as error:
            _wait(error, left)


def _wait(error: Exception, pauses: Iterator[float]) -> None:
    if not may_pass(error):
        raise AccessDenied(f"gs://: no Google account is at hand: {error}; set one up for this process") from error
    pause = next(pauses, None)
    if pause is None:
        raise Transient(f"gs://: the account's token could not be had: {error}; try again") from error
    time.sleep(pause)


def _ask(scope: str) -> str:
    import google.auth
    from google.auth.transport.urllib3 import Request

    credentials, _ = google.auth.default(scopes=[scope])
    with urllib3.PoolManager(timeout=_TIMEOUT) as pool:
        credentials.refresh(Request(pool))  # type: ignore[no-untyped-call]  # the library has no types here
    return str(credentials.token)
