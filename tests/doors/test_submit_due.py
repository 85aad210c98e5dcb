"""Thirty experiments, ten of them bad: twenty are submitted and ten reported, in one run."""

import json
from pathlib import Path

import yaml

from jetstream_argo.cli.main import exit_code_of
from tests.doors.experiments import BAD, BAD_JSON, GOOD

_IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64
_CHOSEN = (
    "never-ends", "jinja-loop", "jinja-memory", "jinja-recursion", "jinja-date", "long-chain", "sql-subqueries",
    "large-number", "fox",
)  # fmt: skip


def test_ten_bad_experiments_of_thirty_stop_none_of_the_others(tmp_path: Path, capfd, monkeypatch) -> None:
    for name in ("DEFINITIONS", "EXPERIMENTS", "CONVENTIONS", "DATASET", "DEFINITIONS_ARCHIVE"):
        monkeypatch.delenv(f"JETSTREAM_{name}", raising=False)
    folder, manifests = tmp_path / "experiments", tmp_path / "manifests"
    folder.mkdir()
    for number in range(20):
        (folder / f"good-{number:02}.toml").write_text(GOOD.replace('"micro"', f'"good-{number:02}"'))
    for kind in _CHOSEN:
        (folder / f"bad-{kind}.toml").write_text(BAD[kind][0], errors="surrogateescape")
    (folder / "bad.json").write_text(json.dumps([json.loads(BAD_JSON["long-application"][0])]))
    (folder / "notes.toml").write_text("[metrics.x]\n")

    deployment = ["--image", _IMAGE, "--warehouse", "bigquery:project"]
    code = exit_code_of(
        ["submit-due", "--date", "2026-03-12", "--experiments", str(folder), "--output", str(manifests), *deployment]
    )

    lines = capfd.readouterr().out.splitlines()
    assert code == 2
    assert lines[-1].startswith("20 submitted, 0 exists already, 0 not due, 10 failed: ")
    assert sum(line.startswith("submitted: good-") for line in lines) == 20
    assert sum(line.startswith("failed: ") for line in lines) == 10
    for kind in _CHOSEN:
        assert any(f"bad-{kind}.toml" in line for line in lines)
    written = sorted(manifests.iterdir())
    assert len(written) == 20
    assert {yaml.safe_load(file.read_text())["kind"] for file in written} == {"Workflow"}


def test_a_folder_of_files_without_an_experiment_is_an_error(tmp_path: Path, capfd) -> None:
    (tmp_path / "notes.toml").write_text("[metrics.x]\n")
    deployment = ["--image", _IMAGE, "--warehouse", "bigquery:project"]

    code = exit_code_of(
        ["submit-due", "--date", "2026-03-12", "--experiments", str(tmp_path), "-o", str(tmp_path / "out"), *deployment]
    )

    assert code == 2
    assert "holds no experiment" in capfd.readouterr().err
