"""What a person and Argo see when nobody foresaw what happened."""

import subprocess
import sys

import click
import pytest

from jetstream_argo.cli import main
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.cli.summaries import SUMMARIES


@pytest.fixture
def broken(monkeypatch):
    """A command that fails as nobody foresaw."""

    def fail(*arguments, **options):
        raise ZeroDivisionError("by\n\x1b[31mzero")

    monkeypatch.setattr("jetstream_argo.plan.planner.plan_experiment", fail)
    return ["plan", "x.toml"]


def test_an_exception_that_nobody_foresaw_is_one_line(broken, capsys):
    code = exit_code_of(broken)

    out, err = capsys.readouterr()
    assert code == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "mistake of jetstream-argo's: ZeroDivisionError (by \\x1b[31mzero)" in err
    assert "in jetstream_argo.cli.planning, line" in err
    assert "report it" in err


def test_the_termination_log_has_that_line_too(broken, tmp_path, monkeypatch, capsys):
    log = tmp_path / "termination-log"
    monkeypatch.setenv("JETSTREAM_TERMINATION_LOG", str(log))

    exit_code_of(broken)

    assert log.read_text() == capsys.readouterr().err.strip()


def test_a_termination_log_that_cannot_be_written_hides_nothing(broken, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("JETSTREAM_TERMINATION_LOG", str(tmp_path / "missing" / "log"))

    assert exit_code_of(broken) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_with_v_there_is_a_traceback(broken, caplog):
    exit_code_of(["-v", *broken])

    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (PermissionError(13, "Permission denied", "/w/current.json"), 2, "/w/current.json: Permission denied; check"),
        (OSError(28, "No space left on device", "/w/x\x1b.parquet"), 75, "/w/x\\x1b.parquet: No space left on device"),
        (ConnectionResetError("by whom"), 1, "ConnectionResetError (by whom)"),
    ],
)
def test_a_file_or_folder_that_fails_anywhere_is_named(error, code, message, monkeypatch, capsys):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("jetstream_argo.plan.planner.plan_experiment", fail)

    assert exit_code_of(["plan", "x.toml"]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("argument", ["--\x1b[31m", "\x1b]0;x\x07.toml"])
def test_what_was_typed_does_not_reach_the_terminal_unescaped(argument, capsys):
    code = exit_code_of(["plan", argument])

    assert code == 2
    assert "\x1b" not in capsys.readouterr().err


def test_every_command_is_known(capsys):
    for name in main._COMMANDS:
        assert exit_code_of([name, "--help"]) == 0


def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with():
    context = click.Context(main.commands)
    own = {name: main.commands.get_command(context, name).get_short_help_str(1000) for name in main._COMMANDS}

    assert {**own, **SUMMARIES} == own


def test_the_list_of_commands_loads_none_of_them():
    code = (
        "import sys\n"
        "from jetstream_argo.cli.main import exit_code_of\n"
        "exit_code_of(['--help'])\n"
        "loaded = {'pydantic', 'sqlglot', 'numpy', 'rich', 'jinja2', 'duckdb'} & set(sys.modules)\n"
        "sys.exit(', '.join(loaded) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "  run " in done.stdout
