"""Finds the files of a metric-hub checkout, or of directories laid out like one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from jetstream_argo.config.files.reading import read_outcome, read_spec
from jetstream_argo.config.layers import merge_specs
from jetstream_argo.config.schema import FunctionSpec, OutcomeSpec, Spec
from jetstream_argo.errors import ConfigError, Problem

_FUNCTIONS = "functions"
_Key = TypeVar("_Key")
_Content = TypeVar("_Content")


class Definitions:
    """What the files say about applications, outcomes and experiments. Files are read when asked for, and once.

    A root holds `definitions/<app>.toml`, `definitions/functions.toml`, `defaults/<app>.toml`,
    `outcomes/<app>/<outcome>.toml` and `<experiment>.toml`. Of several roots the later wins.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(roots)
        self._specs: dict[str, Spec | None] = {}
        self._outcomes: dict[tuple[str, str], OutcomeSpec | None] = {}

    @classmethod
    def load(cls, paths: Sequence[Path]) -> "Definitions":
        """Return the definitions in `paths`; of a metric-hub checkout, its own and those of its `jetstream`.

        Raises:
            ConfigError: a path is not a directory.
        """
        roots: list[Path] = []
        for path in paths:
            if not path.is_dir():
                raise ConfigError(str(path), [Problem("", "is not a directory; name a checkout of metric-hub")])
            roots.append(path)
            if (path / "jetstream").is_dir():
                roots.append(path / "jetstream")
        return cls(roots)

    def application(self, app_name: str) -> Spec:
        """Return the definitions for an application; empty if it has none."""
        return self._layered(f"definitions/{app_name}.toml") or Spec(file=f"definitions/{app_name}.toml")

    def defaults(self, app_name: str) -> Spec:
        """Return what every experiment of an application starts from; empty if it has no defaults."""
        return self._layered(f"defaults/{app_name}.toml") or Spec(file=f"defaults/{app_name}.toml")

    def experiment_file(self, slug: str) -> Spec | None:
        """Return what the experiment's own file says, or None if it has none."""
        return self._layered(f"{slug}.toml")

    def outcome(self, slug: str, app_name: str) -> OutcomeSpec | None:
        """Return what the outcome's file says, or None if the application has no such outcome."""
        return _once(self._outcomes, (app_name, slug), lambda: self._read_outcome(slug, app_name))

    def functions(self) -> Mapping[str, FunctionSpec]:
        """Return the functions that templates may call."""
        spec = self._layered(f"definitions/{_FUNCTIONS}.toml")
        return spec.functions if spec else {}

    def outcomes(self, app_name: str) -> tuple[str, ...]:
        """Return the slugs of the outcomes that an application has."""
        return self._stems(f"outcomes/{app_name}/*.toml")

    def experiments(self) -> tuple[str, ...]:
        """Return the slugs of the experiments that have a file."""
        return self._stems("*.toml")

    def applications(self) -> tuple[str, ...]:
        """Return the names of the applications that have definitions or defaults."""
        names = self._stems("definitions/*.toml") + self._stems("defaults/*.toml")
        return tuple(sorted({*names} - {_FUNCTIONS}))

    def _layered(self, name: str) -> Spec | None:
        return _once(self._specs, name, lambda: self._read_layers(name))

    def _read_layers(self, name: str) -> Spec | None:
        merged: Spec | None = None
        for root in self.roots:
            if (root / name).is_file():
                spec = read_spec(root / name)
                merged = merge_specs(merged, spec) if merged else spec
        return merged

    def _read_outcome(self, slug: str, app_name: str) -> OutcomeSpec | None:
        for root in reversed(self.roots):
            path = root / "outcomes" / app_name / f"{slug}.toml"
            if path.is_file():
                return read_outcome(path)
        return None

    def _stems(self, pattern: str) -> tuple[str, ...]:
        return tuple(sorted({path.stem for root in self.roots for path in root.glob(pattern)}))


def _once(kept: dict[_Key, _Content], key: _Key, read: Callable[[], _Content]) -> _Content:
    if key not in kept:
        kept[key] = read()
    return kept[key]
