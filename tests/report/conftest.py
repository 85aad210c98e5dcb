from pathlib import Path

import pytest

from jetstream_argo.engines.embedded.engine import EmbeddedEngine
from jetstream_argo.engines.protocol import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Return an empty warehouse."""
    return EmbeddedEngine(tmp_path / "warehouse")
