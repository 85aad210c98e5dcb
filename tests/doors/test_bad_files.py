"""A file that cannot be used is one clear error: which file, where in it, what is wrong."""

from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from tests.doors.experiments import BAD, BAD_JSON, GOOD


@pytest.fixture
def plan(tmp_path: Path, capfd, monkeypatch):
    """Return what plans a file of that text, and gives the exit code and what was said of it."""
    for name in ("DEFINITIONS", "EXPERIMENTS", "CONVENTIONS", "DATASET"):
        monkeypatch.delenv(f"JETSTREAM_{name}", raising=False)

    def plan(text: str, name: str) -> tuple[int, str]:
        file = tmp_path / name
        file.write_bytes(text.encode(errors="surrogateescape"))
        code = exit_code_of(["plan", str(file), "--as-of", "2026-03-12"])
        return code, capfd.readouterr().err

    return plan


def test_the_good_experiment_is_planned(plan) -> None:
    assert plan(GOOD, "good.toml") == (0, "")


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_one_clear_error(plan, kind: str) -> None:
    text, message = BAD[kind]

    code, printed = plan(text, "bad.toml")

    assert code == 2
    assert message in printed
    assert "bad.toml" in printed
    assert len(printed) < 2000
    assert "Traceback" not in printed


@pytest.mark.parametrize("kind", BAD_JSON)
def test_a_bad_answer_of_experimenter_is_one_clear_error(plan, kind: str) -> None:
    text, message = BAD_JSON[kind]

    code, printed = plan(text, "bad.json")

    assert code == 2
    assert message in printed
    assert "bad.json" in printed
    assert len(printed) < 2000
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plan", "{folder}", "--as-of", "2026-03-12"], "is a slug: say where experiments are"),
        (["plan", "{folder}/missing.toml"], "there is no such file"),
        (["plan", "{folder}/missing.json"], "cannot be read: No such file"),
        (["plan", "{good}", "--as-of", "2026-03-12", "-o", "{folder}"], "cannot be written: Is a directory"),
        (["plan", "{good}", "--as-of", "2026-03-12", "-o", "{folder}/no/plan.json"], "cannot be written: No such file"),
        (["graph", "{good}", "--as-of", "2026-03-12", "--svg", "{folder}/no/x.svg"], "cannot be written: No such file"),
        (["plan", "--plan", "{folder}/missing.json"], "cannot be read: No such file"),
        (["plan", "--plan", "{good}"], "is not a plan"),
        (["plan", "--plan", "{deep}"], "is not a plan"),
        (["plan", "{good}", "--config", "{folder}"], "cannot be read|is a directory"),
        (["plan", "{good}", "--conventions", "{folder}/missing.toml"], "cannot be read: No such file"),
        (["plan", "{good}", "--definitions", "{good}"], "is not a directory"),
        (["plan", "x" * 5000 + ".toml"], "cannot be read|no such file"),
        (["plan", "{good}", "--as-of", "9999-12-31"], "write a date between"),
        (["plan", "{good}", "--as-of", "0001-01-01"], "write a date between"),
        (["plan", "{good}", "--as-of", "x"], "is not a date"),
        (["plan", "{good}", "--as-of", "2026-03-12", "--dataset", "a`b"], "is not a name: write dataset"),
        (["run", "--manifest", "{folder}"], "cannot be read: Is a directory"),
        (["results", "x", "--warehouse", "embedded:{folder}", "--dataset", "a`b"], "cannot be named|not a table"),
        (["shred", "x", "--ids", "a" * 5000, "--warehouse", "embedded:{folder}"], "there is nothing"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_a_file_or_value_on_the_command_line_is_one_clear_error(
    tmp_path: Path, capfd, arguments: list[str], message: str
) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "deep.json").write_text("[" * 100_000)
    names = {"{folder}": str(tmp_path), "{good}": str(tmp_path / "good.toml"), "{deep}": str(tmp_path / "deep.json")}
    for name, value in names.items():
        arguments = [argument.replace(name, value) for argument in arguments]

    code = exit_code_of(arguments)

    printed = capfd.readouterr().err
    assert code == 2
    assert any(words in printed for words in message.split("|"))
    assert "Traceback" not in printed
