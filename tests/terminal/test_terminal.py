"""What comes from a file is shown by a terminal, and never obeyed."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from jetstream_argo.terminal.console import EscapingConsole
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import deliver, printable, say

_HOSTILE = "a\x1b]0;title\x07b\x9b31m\u202ec\ud800\rd"


def test_a_character_that_a_terminal_obeys_is_written_as_an_escape(capsys) -> None:
    say(_HOSTILE)

    assert capsys.readouterr().out == "a\\x1b]0;title\\x07b\\x9b31m\\u202ec\\ud800\\rd\n"


@pytest.mark.parametrize("text", ["tab\tand\nnewline", "ä 🦊 ✔ –", ""])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert printable(text) == text


def test_a_table_shows_markup_and_control_characters_as_text() -> None:
    table = Table("[red]heading", title="[bold]title")
    table.add_row("[link=http://x]\x1b[31m:smile:")
    shown = io.StringIO()

    console = EscapingConsole(file=shown, width=100)
    console.print(table)
    console.print("[green]line\x07")
    console.print(Text("b\x1b[32m"))

    for text in ("[red]heading", "[bold]title", "[link=http://x]\\x1b[31m:smile:", "[green]line\\x07", "b\\x1b[32m"):
        assert text in shown.getvalue()
    assert "\x1b" not in shown.getvalue()


def test_what_goes_to_a_program_is_left_as_it_is(capsys) -> None:
    deliver("a\x9bb")

    assert capsys.readouterr().out == "a\x9bb"


def test_what_goes_to_a_terminal_is_escaped_even_if_it_is_data(capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)

    deliver(b"a\xc2\x9bb\xff")

    assert capsys.readouterr().out == "a\\x9bb\\xff"


def test_a_console_writes_to_its_file_in_a_notebook_too(monkeypatch):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()

    EscapingConsole(file=file, width=80).print(Text("shown", style="bold"))

    assert file.getvalue() == "shown\n"


def test_text_without_color_has_no_codes_for_one_wherever_it_is_shown(monkeypatch, capsys):
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)

    say("plain")

    assert capsys.readouterr().out == "plain\n"


@pytest.mark.parametrize(("number", "text"), [(0, "0 queries"), (1, "1 query"), (24_485, "24,485 queries")])
def test_numbers_of_things_are_written_as_people_read_them(number: int, text: str) -> None:
    assert counted(number, "query") == text
