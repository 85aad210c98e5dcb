from pathlib import Path

import pytest

from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an empty warehouse."""
    return EmbeddedEngine(tmp_path / "warehouse")
