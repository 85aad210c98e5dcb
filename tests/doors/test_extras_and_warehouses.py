"""What is not installed, and a warehouse that is none, is said before anything runs."""

import sys
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from tests.doors.experiments import GOOD

_IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64
_EXTRAS = {"argo": ("hera", "kubernetes", "yaml"), "bigquery": ("google.cloud.bigquery",)}


@pytest.fixture
def good(tmp_path: Path) -> str:
    file = tmp_path / "good.toml"
    file.write_text(GOOD)
    return str(file)


@pytest.mark.parametrize(
    ("extra", "command"),
    [
        ("argo", "workflow GOOD --as-of 2026-03-12 --warehouse bigquery:p --image IMAGE"),
        ("argo", "submit GOOD --as-of 2026-03-12 --warehouse bigquery:p --image IMAGE"),
        ("argo", "submit-due --date 2026-03-12 --experiments GOOD --warehouse bigquery:p --image IMAGE"),
        ("argo", "watch"),
        ("argo", "watch NAME"),
        ("argo", "retry NAME"),
        ("argo", "run --manifest GOOD"),
        ("bigquery", "run GOOD --as-of 2026-03-12 --warehouse bigquery:p"),
        ("bigquery", "results micro --warehouse bigquery:p"),
        ("bigquery", "status micro --warehouse bigquery:p"),
        ("bigquery", "delete micro --warehouse bigquery:p"),
        ("bigquery", "validate GOOD --as-of 2026-03-12 --warehouse bigquery:p"),
        ("bigquery", "task --plan PLAN --node enrollments --warehouse bigquery:p"),
    ],
)
def test_a_command_says_which_extra_to_install(
    good: str, tmp_path, extra: str, command: str, monkeypatch, capfd
) -> None:
    exit_code_of(["plan", good, "--as-of", "2026-03-12", "-o", str(tmp_path / "plan.json")])
    for module in _EXTRAS[extra]:
        monkeypatch.setitem(sys.modules, module, None)
    words = {"GOOD": good, "IMAGE": _IMAGE, "PLAN": str(tmp_path / "plan.json")}
    capfd.readouterr()

    code = exit_code_of([words.get(word, word) for word in command.split()])

    assert code == 2
    assert f"pip install 'jetstream-argo[{extra}]'" in capfd.readouterr().err


@pytest.mark.parametrize("warehouse", ["snowflake:x", "embedded:", "embedded:a\tb", "embedded:what?", "folder"])
def test_a_warehouse_that_is_none_fails_before_the_first_node(good: str, tmp_path, warehouse: str, capfd) -> None:
    manifest = tmp_path / "w.yaml"
    deployment = ["--warehouse", "embedded:x", "--image", _IMAGE]
    exit_code_of(["workflow", good, "--as-of", "2026-03-12", *deployment, "-o", str(manifest)])
    capfd.readouterr()

    codes = [
        exit_code_of(["run", good, "--as-of", "2026-03-12", "--warehouse", warehouse]),
        exit_code_of(["workflow", good, "--as-of", "2026-03-12", "--warehouse", warehouse, "--image", _IMAGE]),
        exit_code_of(["run", "--manifest", str(manifest), "-p", f"warehouse={warehouse}"]),
    ]

    out, err = capfd.readouterr()
    assert codes == [2, 2, 2]
    assert out == ""
    assert "enrollments" not in err
