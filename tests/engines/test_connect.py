"""Which warehouse a URL names."""

import pytest

from jetstream_argo.engines.connect import connect
from jetstream_argo.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("bigquerry:project", "did you mean 'bigquery'"),
        ("bigquery:", "names no project"),
        ("embedded:", "names no folder"),
        ("bigquery:p?locaton=EU", "did you mean 'location'"),
        ("bigquery:p?priority=urgent", "cannot be 'urgent'"),
        ("bigquery:p?timeout_seconds=long", "cannot be 'long'"),
    ],
)
def test_a_url_that_names_no_warehouse_is_refused_with_what_is_wrong(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connect(url, attempt="1")
