"""Connects the process to BigQuery."""

from collections.abc import Callable

from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from jetstream_argo.storage.tokens import are_missing, in_a_pod
from jetstream_argo.warehouse.bigquery.calls import translated, worth_trying_now
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings

_ELSEWHERE_SECONDS = 5.0  # a machine without credentials stays so


def client_for(settings: BigQuerySettings, *, make: Callable[..., Client] = Client) -> Client:
    """Return a client with the environment's credentials, or, for a plain-text endpoint, with none.

    On a node that has just started, the metadata server, which gives pods their credentials, may not answer yet: a pod
    waits for it.

    Raises:
        AccessDenied: the environment has no credentials.
        Transient: a pod has none yet.
    """
    endpoint = settings.api_endpoint
    options = {"api_endpoint": endpoint} if endpoint else {}
    plain = endpoint is not None and endpoint.startswith("http://")
    # Credentials are never sent in plain text: an http:// endpoint is a fake, or a proxy that has its own.
    anonymous = AnonymousCredentials() if plain else None  # type: ignore[no-untyped-call]  # google.auth is
    patience = Retry(
        predicate=lambda error: are_missing(error) or worth_trying_now(error),
        initial=settings.first_delay_seconds,
        maximum=settings.longest_delay_seconds,
        timeout=settings.retry_seconds if in_a_pod() else min(settings.retry_seconds, _ELSEWHERE_SECONDS),
    )
    with translated():
        client: Client = patience(make)(
            project=settings.project, location=settings.location, client_options=options, credentials=anonymous
        )
    return client
