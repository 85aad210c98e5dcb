"""What happens when there is no token, for a moment or for good."""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from google.cloud.bigquery import Client

from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY, AccessDenied, EngineError, Transient
from jetstream_argo.sql.text import Sql
from jetstream_argo.storage.tokens import token
from jetstream_argo.warehouse.bigquery.client import client_for
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from tests.warehouse.bigquery.fake_server.faults import Call, Fault
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery

ONE = Sql("SELECT 1 AS one")


def wrapped(message: str = "Compute Engine Metadata server unavailable") -> RefreshError:
    """An error as the metadata server's client raises it."""
    cause = TransportError(message)
    error = RefreshError(cause)
    error.__cause__ = cause
    return error


PASSING = (
    wrapped(),
    wrapped("Failed to retrieve token from the Google Compute Engine metadata service. Status: 404 Response:\nb''"),
    wrapped("Received invalid JSON from the Google Compute Engine metadata service: <html>"),
    RefreshError("Unable to acquire impersonated credentials", '{"error": {"code": 503, "status": "UNAVAILABLE"}}'),
    RefreshError("internal_failure: try again", retryable=True),
    TransportError("Connection reset by peer"),
)
LASTING = (
    RefreshError("invalid_grant: Token has been expired or revoked."),
    wrapped("Failed to retrieve token. Status: 403 Response:\nb'Unable to generate access token; IAM returned 403'"),
)


class Tokens(Credentials):
    """Credentials whose token has to be renewed for every request, which fails for `times` requests after `skip`."""

    def __init__(self, error: Exception, *, skip: int, times: float) -> None:
        super().__init__()
        self.error, self.skip, self.times = error, skip, times
        self.asked: list[str] = []

    def before_request(self, _: object, __: str, url: str, ___: object) -> None:
        """Renew the token."""
        self.asked.append(url)
        if self.skip > 0:
            self.skip -= 1
        elif self.times > 0:
            self.times -= 1
            raise self.error

    def refresh(self, _: object) -> None:
        """Do nothing: the server takes every request."""


def engine_with(settings: BigQuerySettings, tokens: Credentials) -> BigQueryEngine:
    """An engine whose requests are signed."""
    client = Client(settings.project, credentials=tokens, client_options={"api_endpoint": settings.api_endpoint})
    return BigQueryEngine(settings, attempt="attempt-1", job_id_prefix="plan-node", client=client)


@pytest.mark.parametrize("error", PASSING, ids=str)
@pytest.mark.parametrize("skip", [0, 1, 3])
def test_a_token_that_cannot_be_had_for_a_moment_is_asked_for_again(
    fake: FakeBigQuery, settings: BigQuerySettings, error: Exception, skip: int
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, running_polls=3))
    engine = engine_with(replace(settings, retry_seconds=30.0), Tokens(error, skip=skip, times=2))

    result = engine.query(ONE, labels={})

    assert result.rows == ((1,),)
    assert len(fake.jobs.all) == 1
    assert Call.CANCEL not in fake.calls


@pytest.mark.parametrize(
    ("error", "code"), [(wrapped(), EXIT_RETRY), *((error, EXIT_DEFINITION) for error in LASTING)], ids=str
)
def test_a_job_is_left_to_run_whose_token_cannot_be_renewed(
    fake: FakeBigQuery, settings: BigQuerySettings, error: Exception, code: int
) -> None:
    fake.faults.order(Fault(Call.SUBMIT, running_polls=100))
    tokens = Tokens(error, skip=2, times=inf)
    engine = engine_with(replace(settings, retry_seconds=0.1), tokens)

    with pytest.raises(EngineError) as caught:
        engine.query(ONE, labels={})

    assert caught.value.exit_code == code
    assert [job.state for job in fake.jobs.all] == ["RUNNING"]
    assert not any(url.endswith("/cancel") for url in tokens.asked)


class Starting:
    """A machine that has no credentials at first."""

    def __init__(self, times: float) -> None:
        self.times = times

    def __call__(self, **asked: Any) -> Client:
        """Make a client."""
        if self.times > 0:
            self.times -= 1
            raise DefaultCredentialsError("Your default credentials were not found. To set up …")
        return Client(**asked)


@pytest.fixture(params=["in a pod", "elsewhere"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the process runs."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    if request.param == "in a pod":
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    return str(request.param)


def test_credentials_that_come_late_are_waited_for(settings: BigQuerySettings, place: str) -> None:
    client = client_for(replace(settings, retry_seconds=30.0), make=Starting(2))

    assert client.project == settings.project


def test_credentials_that_never_come_end_a_pod_as_worth_a_retry_and_another_process_as_wrong(
    settings: BigQuerySettings, place: str
) -> None:
    expected: type[EngineError] = Transient if place == "in a pod" else AccessDenied

    with pytest.raises(expected, match="credentials"):
        client_for(replace(settings, retry_seconds=0.1), make=Starting(inf))


def test_a_key_file_that_is_wrong_is_refused_at_once(settings: BigQuerySettings, place: str) -> None:
    make: Callable[..., Client] = _raising(DefaultCredentialsError("File key.json is not a valid json file."))

    with pytest.raises(AccessDenied, match=r"key\.json"):
        client_for(replace(settings, retry_seconds=600.0), make=make)


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_a_bucket_asks_again_for_a_token_that_cannot_be_had_for_a_moment(error: Exception) -> None:
    answers: list[Exception | str] = [error, error, "a token"]

    def ask(_: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert token("scope", ask=ask, pauses=(0.0, 0.0)) == "a token"


@pytest.mark.parametrize(
    ("error", "expected"), [(wrapped(), Transient), *((error, AccessDenied) for error in LASTING)], ids=str
)
def test_a_bucket_without_a_token_is_worth_a_retry_if_it_may_have_one_later(
    error: Exception, expected: type[EngineError]
) -> None:
    def ask(_: str) -> str:
        raise error

    with pytest.raises(expected):
        token("scope", ask=ask, pauses=(0.0,))


def _raising(error: Exception) -> Callable[..., Client]:
    def make(**_: object) -> Client:
        raise error

    return make
