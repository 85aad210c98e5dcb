"""How the process is connected to BigQuery."""

from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from jetstream_argo.warehouse.bigquery.calls import translated
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings


def client_for(settings: BigQuerySettings) -> Client:
    """Return a client with the environment's credentials, or, for a plain-text endpoint, with none.

    Raises:
        AccessDenied: the environment has no credentials.
    """
    endpoint = settings.api_endpoint
    options = {"api_endpoint": endpoint} if endpoint else {}
    plain = endpoint is not None and endpoint.startswith("http://")
    # Credentials are never sent in plain text: an http:// endpoint is a fake, or a proxy that has its own.
    anonymous = AnonymousCredentials() if plain else None  # type: ignore[no-untyped-call]  # google.auth is
    with translated():
        return Client(
            project=settings.project, location=settings.location, client_options=options, credentials=anonymous
        )
