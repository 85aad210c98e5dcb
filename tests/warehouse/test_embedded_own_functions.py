"""A file of functions of one's own that cannot be used is one clear error."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read: No such file"),
        ("[", "is not valid TOML"),
        ("x = " + "[" * 3000, "too deep to read"),
        ("function = 1", r"write \[\[function\]\] before each"),
        ("[function]\nname = 'a.b'", r"write \[\[function\]\] before each"),
        ("[[function]]\nname = 'a.b'", "has no parameters"),
    ],
)
def test_what_is_no_file_of_functions_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "functions.toml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(ConfigError, match=message):
        load_registry(file)
