"""A file of effects is read whole or refused with all that is wrong."""

from pathlib import Path

import pytest

from jetstream_argo.errors import ConfigError
from jetstream_argo.synthetic.effects import Effect, read_effects, uplift


def test_each_branch_of_an_entry_is_an_effect_and_others_have_none(tmp_path: Path) -> None:
    file = tmp_path / "effects.toml"
    file.write_text('[[effects]]\ntable = "a.b"\ncolumn = "x"\nuplifts = { one = 0.1, two = -0.2 }\n', encoding="utf-8")

    effects = read_effects(file)

    assert effects == (Effect("a.b", "x", "one", 0.1), Effect("a.b", "x", "two", -0.2))
    assert uplift(effects, table="a.b", column="x", branch="three") == 0


def test_a_misspelt_key_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "effects.toml"
    file.write_text('[[effects]]\ntable = "a.b"\ncolumn = "x"\nuplift = { one = 0.1 }\n', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"effects\.0\.uplift"):
        read_effects(file)
