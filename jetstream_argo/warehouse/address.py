"""Reads the address of a warehouse: which kind, what of it, and with which options."""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from jetstream_argo.errors import ConfigError, Problem, nearest

DEFAULT_WAREHOUSE = "embedded:.jetstream"
_MOST_BYTES = "maximum_bytes_billed"

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Address:
    """`SCHEME:NAME[?OPTION=VALUE&…]`: `name` is taken as it is written, the values of options may hold %XX."""

    url: str
    scheme: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def known_options(self, known: Collection[str]) -> Mapping[str, str]:
        """Return the options, all of which must be `known`.

        Raises:
            ConfigError: there is another.
        """
        problems = [
            Problem(name, f"is no setting{nearest(name, sorted(known))}") for name in self.options if name not in known
        ]
        if problems:
            raise ConfigError(self.url, problems)
        return self.options


def parse_address(url: str) -> Address:
    """Return the parts of an address, none of which is dropped or changed on the way.

    Raises:
        ConfigError: it holds a control character such as a tab, or its options cannot be read.
    """
    if found := _CONTROL.search(url):
        raise _refused(url, f"holds the control character {found[0]!r}; write the address without it")
    scheme, colon, rest = url.partition(":")
    name, mark, query = rest.partition("?")
    if not colon:
        return Address(url, "", url)
    options: dict[str, str] = {}
    for part in query.split("&") if mark else ():
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise _refused(url, f"has {part!r} after '?', where options stand, as NAME=VALUE; no name may hold a '?'")
        if key in options:
            raise _refused(url, f"sets {key!r} twice; leave one of them out")
        options[key] = unquote(value)
    return Address(url, scheme.lower(), name, options)


def with_most_bytes(url: str, most: int) -> str:
    """Return the address of BigQuery with a limit on what a query may bill, unless it has one; another as it is.

    >>> with_most_bytes("bigquery:p?location=EU", 10), with_most_bytes("bigquery:p?maximum_bytes_billed=5", 10)
    ('bigquery:p?location=EU&maximum_bytes_billed=10', 'bigquery:p?maximum_bytes_billed=5')
    """
    address = parse_address(url)
    if address.scheme != "bigquery" or _MOST_BYTES in address.options:
        return url
    return f"{url}{'&' if address.options else '?'}{_MOST_BYTES}={most}"


def _refused(url: str, what: str) -> ConfigError:
    return ConfigError(url, [Problem("", what)])


def warehouse_argument(warehouse: str) -> str:
    """Return the option that names this warehouse to the next command; nothing where that finds it by itself."""
    return "" if warehouse == DEFAULT_WAREHOUSE else f" --warehouse {shlex.quote(warehouse)}"
