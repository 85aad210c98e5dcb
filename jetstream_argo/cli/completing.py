"""Completion of commands and options in a shell."""

import click
from click.shell_completion import get_completion_class

from jetstream_argo.terminal.text import deliver

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_JETSTREAM_ARGO_COMPLETE"  # what click looks for by the program's name


@click.command(epilog='Example: eval "$(jetstream-argo completion bash)"')
@click.argument("shell", type=click.Choice(_SHELLS), metavar="SHELL")
def completion(shell: str) -> None:
    """Print what makes SHELL (bash, zsh or fish) complete the commands and options of jetstream-argo.

    It goes into ~/.bashrc or ~/.zshrc, as in the example; that of fish into a file of its own,
    ~/.config/fish/completions/jetstream-argo.fish.
    """
    parent = click.get_current_context().find_root().command
    found = get_completion_class(shell)
    assert found is not None  # click knows all of these
    made = found(parent, {}, "jetstream-argo", _VARIABLE)
    # As `made.source()`, which for bash runs it to see how old it is: whoever asks need not have it on this machine.
    deliver(made.source_template % made.source_vars())
