"""Prints text on the terminal."""

import re
import sys

import click

# Control characters but tab and newline, marks that turn the direction of writing, other ends of lines, and halves of
# surrogate pairs, which no encoding can write.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def printable(text: str) -> str:
    r"""Return `text` with every character that a terminal would obey, and not show, written as an escape.

    >>> printable("a\x1b[31mb\n")
    'a\\x1b[31mb\n'
    """
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def say(text: str, *, err: bool = False, color: str | None = None, end: str = "\n") -> None:
    """Print a line for people; to standard error with `err`, in color on a terminal."""
    shown = printable(text) + end
    click.echo(shown if color is None else click.style(shown, fg=color), nl=False, err=err)


def warn(text: str) -> None:
    """Print a warning to standard error."""
    say(f"warning: {text}", err=True, color="yellow")


def deliver(content: str | bytes) -> None:
    """Print what is meant for another program, exactly as it is; escaped if a terminal is what it goes to."""
    if sys.stdout.isatty():
        text = content if isinstance(content, str) else content.decode(errors="backslashreplace")
        click.echo(printable(text), nl=False)
        return
    click.echo(content, nl=False)
