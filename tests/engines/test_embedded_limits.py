"""A statement on the embedded engine ends, one way or the other."""

import pytest

from jetstream_argo.engines.embedded.engine import EmbeddedEngine
from jetstream_argo.engines.embedded.limits import Limits
from jetstream_argo.errors import TooBig
from jetstream_argo.sql.text import Sql

_ENDLESS = Sql(
    "WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT MOD(n + 1, 10) FROM numbers)\n"
    "SELECT COUNT(*) AS n FROM numbers"
)


def test_a_statement_that_never_ends_is_stopped_and_the_next_one_runs(tmp_path) -> None:
    engine = EmbeddedEngine(tmp_path, limits=Limits(timeout_seconds=0.2))

    with pytest.raises(TooBig, match=r"longer than 0\.2 seconds .* timeout_seconds"):
        engine.query(_ENDLESS, labels={})

    assert engine.query(Sql("SELECT 1 AS n"), labels={}).rows == ((1,),)
