"""Errors: they say the same in another process."""

import pickle

import pytest

from jetstream_argo import errors
from jetstream_argo.errors import (
    ConfigError,
    Damaged,
    EstimateError,
    JetstreamArgoError,
    NewerRecord,
    NodeError,
    NotFound,
    NotLoaded,
    Problem,
    Unavailable,
    UnknownReference,
)

_MADE_OF_MORE = (
    ConfigError("a.toml", [Problem("metrics.x", "is no table"), Problem("", "is empty")]),
    Unavailable("https://example.com/a.json", [Problem("", "answers 503")]),
    UnknownReference("metric", "clics", known=["clicks"], used_by="a.toml"),
    EstimateError("no_units", "nobody has a value"),
    NodeError("2 of 3 columns failed", exit_code=75),
    NotLoaded("2026-03-01 is not there"),
    NewerRecord("an-experiment", found=9, known=3),
    NotFound("clcks", ["clicks"], about="it is looked for in telemetry"),
    Damaged("values.parquet", "is cut short", whole_table=True),
)


def _defined() -> list[type[JetstreamArgoError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, JetstreamArgoError)]


def _of(kind: type[JetstreamArgoError]) -> JetstreamArgoError:
    return next((error for error in _MADE_OF_MORE if type(error) is kind), None) or kind("what, and where")


@pytest.mark.parametrize("kind", _defined())
def test_an_error_is_the_same_in_another_process(kind: type[JetstreamArgoError]) -> None:
    error = _of(kind)
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is kind
    assert str(there) == str(error)
    assert vars(there) == vars(error)
    assert there.exit_code == error.exit_code
