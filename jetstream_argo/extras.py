"""The parts of this package that need more than was installed with it."""

from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType

from jetstream_argo.errors import ConfigError, Problem

# By extra: the modules that it installs and that are loaded without looking.
_MODULES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "argo": ("hera", "kubernetes", "yaml"),
        "bigquery": ("google.cloud.bigquery",),
    }
)


class MissingExtra(ConfigError):
    """A part of this package that was not installed."""

    def __init__(self, extra: str, wanted_by: str) -> None:
        self.extra = extra
        what = f"needs an extra that is not installed: pip install 'jetstream-argo[{extra}]'"
        super().__init__(wanted_by, [Problem("", what)])


def require(extra: str, *, wanted_by: str) -> None:
    """Do nothing if an extra is installed.

    Raises:
        MissingExtra: it is not.
    """
    if not all(is_installed(module) for module in _MODULES[extra]):
        raise MissingExtra(extra, wanted_by)


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # not even what it is a part of
        return False
