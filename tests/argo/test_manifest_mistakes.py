"""A manifest that is run on this machine is checked by the warehouse's tables as an experiment's file is."""

from pathlib import Path

import pytest

from jetstream_argo.argo.manifest import transport
from jetstream_argo.cli.main import exit_code_of
from tests.run.test_reported_cases import case

_IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64


@pytest.mark.parametrize("largest", [transport.LARGEST_TEXT, 0], ids=["parameter", "ConfigMap"])
def test_nothing_of_a_manifest_is_run_if_its_metrics_cannot_be_computed(
    tmp_path: Path, capfd, monkeypatch, largest: int
) -> None:
    monkeypatch.setattr(transport, "LARGEST_TEXT", largest)
    case(tmp_path, rows="shop.events", date_column="day", metric="COUNT(dday)")
    warehouse, manifest = f"embedded:{tmp_path / 'warehouse'}", tmp_path / "workflow.yaml"
    deployment = ["--warehouse", warehouse, "--image", _IMAGE]
    file = str(tmp_path / "case.toml")
    assert exit_code_of(["workflow", file, "--as-of", "2026-05-19", *deployment, "-o", str(manifest)]) == 0
    capfd.readouterr()

    code = exit_code_of(["run", "--manifest", str(manifest)])

    out, err = capfd.readouterr()
    assert code == 2
    assert err == (
        "error: metrics.n.select_expression: column 'dday' is not among those of [data_sources.events]; "
        "did you mean 'day'?\n"
    )
    assert out == ""
