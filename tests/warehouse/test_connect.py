"""Which warehouse a URL names."""

from pathlib import Path

import pytest

from jetstream_argo.errors import ConfigError
from jetstream_argo.warehouse.connect import Connections, connect


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("bigquerry:project", "did you mean 'bigquery'"),
        ("bigquery:", "names no project"),
        ("embedded:", "names no folder"),
        ("bigquery:p?locaton=EU", "did you mean 'location'"),
        ("bigquery:p?priority=urgent", "cannot be 'urgent'"),
        ("bigquery:p?timeout_seconds=long", "cannot be 'long'"),
    ],
)
def test_a_url_that_names_no_warehouse_is_refused_with_what_is_wrong(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        connect(url, attempt="1")


def test_an_embedded_warehouse_is_opened_once_for_many_nodes_until_it_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = Connections()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    first = connections.connect("embedded:here", attempt="1")

    assert connections.connect("embedded:here", attempt="2") is first
    assert connections.connect("embedded:there", attempt="3") is not first
    assert connections.connect("embedded:here?timeout_seconds=1", attempt="4") is not first
    monkeypatch.chdir(tmp_path / "below")
    assert connections.connect("embedded:here", attempt="5") is not first
    monkeypatch.chdir(tmp_path)
    connections.forget()
    assert connections.connect("embedded:here", attempt="6") is not first
