"""Which warehouse an address names: the one that is written there, or none."""

from pathlib import Path

import pytest

from jetstream_argo.errors import ConfigError
from jetstream_argo.warehouse.connect import EmbeddedSettings, settings


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("embedded:a#b", "a#b"),
        ("embedded:a%20b", "a%20b"),
        ("embedded:a;b&c=d", "a;b&c=d"),
        ("embedded:/tmp/ä ö", "/tmp/ä ö"),
        ("embedded:C:x", "C:x"),
        ("EMBEDDED:x?project=p", "x"),
        ("embedded:///tmp/x", "///tmp/x"),
    ],
)
def test_a_folder_is_taken_as_it_is_written(url: str, folder: str) -> None:
    found = settings(url)

    assert isinstance(found, EmbeddedSettings)
    assert found.folder == Path(folder)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("embedded:a\tb", r"control character '\\t'"),
        ("embedded:a\nb", r"control character '\\n'"),
        ("embedded:a\x00b", r"control character '\\x00'"),
        ("embedded:what?", "after '\\?', where options stand"),
        ("embedded:what?now", "has 'now' after '\\?'"),
        ("embedded:a?project=x&project=y", "sets 'project' twice"),
        ("embedded:a?projekt=x", "projekt: is no setting; did you mean 'project'"),
        ("embedded:a?project=../x", "project: cannot be '../x'"),
        ("embedded:a?project=", "project: cannot be ''"),
        ("embedded://server/folder", "begins with '//'"),
        ("embedded:a?timeout_seconds=0", "timeout_seconds: cannot be '0'"),
        ("embedded:a?timeout_seconds=nan", "timeout_seconds: cannot be 'nan'"),
        ("bigquery:p#x", "'p#x' is not the name of a project"),
        ("bigquery:p/x", "'p/x' is not the name of a project"),
        ("bigquery:p?timeout_seconds=inf", "timeout_seconds: cannot be 'inf'"),
        ("bigquery:p?expire_days=-1", "expire_days: cannot be '-1'"),
        ("bigquery:p?maximum_bytes_billed=0", "maximum_bytes_billed: cannot be '0'"),
        ("bigquery:p?maximum_bytes_billed=" + "9" * 5000, "maximum_bytes_billed: cannot be"),
        ("bigquery:p?reservation=experiments", "reservation: cannot be 'experiments'"),
        ("bigquery:p?kms_key=projects/p/locations/us/keyRings/r", "kms_key: cannot be"),
        (
            "bigquery:p?location=EU&reservation=projects/p/locations/US/reservations/r",
            "is in 'US', and jobs",
        ),
        (
            "bigquery:p?kms_key=projects/p/locations/eu/keyRings/r/cryptoKeys/k",
            "is in 'eu', and jobs run in 'US'",
        ),
        ("snowflake:x", "neither embedded: nor bigquery:"),
        (".jetstream", "neither embedded: nor bigquery:"),
        ("", "neither embedded: nor bigquery:"),
    ],
)
def test_an_address_that_could_mean_another_folder_is_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(url)


def test_the_value_of_an_option_may_be_escaped_and_a_plus_is_a_plus() -> None:
    found = settings("bigquery:p?location=a%26b+c")

    assert found.location == "a&b+c"  # type: ignore[union-attr]  # a bigquery: address
