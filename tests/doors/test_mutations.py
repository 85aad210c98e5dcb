"""A file that is a little wrong is planned or refused; `benchmarks/fuzz.py` tries thousands of them."""

import json
import random
from pathlib import Path

import pytest

from benchmarks.mutations import mutated
from jetstream_argo.cli.main import exit_code_of
from tests.doors.experiments import GOOD, experimenter

_DATA = {"toml": GOOD.encode(), "json": json.dumps(experimenter()).encode()}


@pytest.mark.parametrize("kind", _DATA)
@pytest.mark.parametrize("seed", range(20))
def test_a_file_that_is_a_little_wrong_is_planned_or_refused(tmp_path: Path, capfd, kind: str, seed: int) -> None:
    file = tmp_path / f"mutated.{kind}"
    file.write_bytes(mutated(_DATA[kind], kind, random.Random(seed)))

    code = exit_code_of(["plan", str(file), "--as-of", "2026-03-12"])

    printed = capfd.readouterr().err
    assert code in (0, 2)
    assert "Traceback" not in printed
    assert "mistake of jetstream-argo" not in printed
