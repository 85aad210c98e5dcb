"""Reads and writes files that somebody names: whatever goes wrong says which file, and what."""

from pathlib import Path

from jetstream_argo.errors import ConfigError, Problem

LARGEST = 64 * 1024 * 1024  # bytes


def is_file(path: Path) -> bool:
    """Return whether there is a file of that name; there is none of a name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_file(path: Path, *, largest: int = LARGEST) -> bytes:
    """Return what is in a file.

    Raises:
        ConfigError: it cannot be read, is no file, or has more than `largest` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:  # a name with a zero in it is a ValueError
        raise ConfigError(str(path), [Problem("", f"cannot be read: {_reason(error)}")]) from error
    if len(content) > largest:
        raise ConfigError(str(path), [Problem("", f"has more than {largest:,} bytes, which is more than is read")])
    return content


def read_text(path: Path, *, largest: int = LARGEST) -> str:
    """Return the text in a file.

    Raises:
        ConfigError: as for `read_file`; or it is not UTF-8.
    """
    try:
        return read_file(path, largest=largest).decode()
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), [Problem("", f"is not UTF-8 text: {error.reason} at byte {error.start}")]
        ) from error


def write_file(path: Path, content: str | bytes) -> None:
    """Put `content` into a file.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), [Problem("", f"cannot be written: {_reason(error)}")]) from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), [Problem("", f"cannot be made: {_reason(error)}")]) from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
