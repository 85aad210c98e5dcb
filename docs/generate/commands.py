"""The reference of commands, made from the commands themselves."""

import inspect
from collections.abc import Iterator

import click

from jetstream_argo.cli.main import commands

# In the order in which a person comes upon them.
GROUPS = {
    "Data": ("load", "tables", "init", "synthesize", "demo"),
    "Before a run": ("list", "plan", "explain", "size", "graph", "validate"),
    "A run and its results": ("run", "results", "report", "compare", "status"),
    "Upkeep": ("check", "restate", "delete", "shred"),
    "Argo": ("doctor", "workflow", "submit", "submit-due", "watch", "retry", "task"),
    "The shell": ("completion",),
}

_BEGINNING = """# Commands

Every command ends with 0 when it is done, 2 when something is wrong with what it was told, 75 when running it again is
worth it, and 1 after a mistake of this program (`jetstream-argo -v COMMAND` gives the traceback). What is shown here is
also what `jetstream-argo COMMAND --help` prints."""


def page() -> str:
    """Return the page: each command with its options, what they mean, and an example."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _BEGINNING
    names = commands.list_commands(click.Context(commands))
    grouped = [name for group in GROUPS.values() for name in group]
    others = tuple(name for name in names if name not in grouped)
    for title, group in ({**GROUPS, "Others": others} if others else GROUPS).items():
        yield f"\n## {title}"
        for name in group:
            yield from _command(name)


def _command(name: str) -> Iterator[str]:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    context = click.Context(command, info_name=f"jetstream-argo {name}")
    yield f"\n### `{name}` {{ #{name} }}\n"
    yield f"```text\n{' '.join(command.get_usage(context).removeprefix('Usage: ').split())}\n```\n"
    yield inspect.cleandoc(command.help or "").replace("\b\n", "")
    options = [each for each in command.params if isinstance(each, click.Option)]
    if options:
        yield "\n| option | what it does |\n|---|---|"
        yield from (f"| {_names(option)} | {_help(option)} |" for option in options)
    if command.epilog:
        yield f"\n```sh\n{command.epilog.removeprefix('Example: ')}\n```"


def _names(option: click.Option) -> str:
    taken = "" if option.is_flag or option.count else f" {_metavar(option)}"
    return ", ".join(f"`{name}{taken}`".replace("|", "\\|") for name in (*option.opts, *option.secondary_opts))


def _metavar(option: click.Option) -> str:
    return option.make_metavar(click.Context(commands))


def _help(option: click.Option) -> str:
    parts = [(option.help or "").replace("|", "\\|")]
    if option.required:
        parts.append("Required.")
    if option.show_default and option.default not in (None, False, ()):
        parts.append(f"Default: `{option.default}`.")
    if option.envvar:
        parts.append(f"Environment: `{option.envvar}`.")
    return " ".join(part for part in parts if part)
