"""Every command's help is complete in itself, and fits a terminal of 80 columns."""

import click
import pytest
from click.testing import CliRunner

from jetstream_argo.cli.main import commands
from jetstream_argo.cli.summaries import SUMMARIES

NAMES = commands.list_commands(click.Context(commands))


def command(name: str) -> click.Command:
    found = commands.get_command(click.Context(commands), name)
    assert found is not None
    return found


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(commands, [*arguments, "--help"], prog_name="jetstream-argo", terminal_width=80)
    assert done.exit_code == 0
    return done.output


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_a_terminal_and_ends_with_an_example(name: str) -> None:
    lines = printed(name).splitlines()

    assert [line for line in lines if len(line) > 80] == []
    last = "\n".join(lines).rpartition("\n\n")[2]
    assert last.strip().startswith(f"Example: jetstream-argo {name}") or f"$(jetstream-argo {name}" in last


@pytest.mark.parametrize("name", NAMES)
def test_help_says_of_every_option_and_argument_what_it_is_for(name: str) -> None:
    found = command(name)
    help_text = " ".join((found.help or "").split())

    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"
        else:
            shown = parameter.make_metavar(click.Context(found)).strip("[].")
            assert shown.partition("...")[0].strip("[]") in help_text, f"{name} does not say what {shown} is"


@pytest.mark.parametrize("name", NAMES)
def test_the_example_is_a_call_that_the_command_takes(name: str) -> None:
    import shlex

    epilog = (command(name).epilog or "").partition("Example: ")[2]
    line = epilog.partition(" | ")[0].partition('"$(')[2].rstrip(')"') or epilog.partition(" | ")[0]
    program, called, *arguments = shlex.split(line)

    assert (program, called) == ("jetstream-argo", name)
    command(name).make_context(name, arguments)


def test_the_list_of_commands_fits_and_says_what_each_does() -> None:
    text = printed()

    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert set(SUMMARIES) == set(NAMES)
    assert all(f"  {name} " in text for name in NAMES)
    assert "Example: jetstream-argo demo" in text
