"""Prints tables on the terminal."""

from collections.abc import Iterable
from typing import IO, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from jetstream_argo.terminal.text import printable


class EscapingConsole(Console):
    """A console that takes text for text: no markup, no emoji codes, no control characters but its own."""

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        # In a notebook rich would show what it is given there and then, in color, whatever file it is to go to.
        is_terminal = None if file is None else False
        super().__init__(
            stderr=stderr, file=file, width=width, markup=False, emoji=False, force_jupyter=False,
            force_terminal=is_terminal,
        )  # fmt: skip

    def render_str(self, text: str, **options: Any) -> Text:
        """Render as usual, escaped before anything is measured."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as usual, with the control characters of the text escaped."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
