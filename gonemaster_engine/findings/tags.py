"""Tags of findings, declared once with level and argument keys, and findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from gonemaster_engine.entries import Level
from gonemaster_engine.errors import TagArgumentError

SYSTEM = "SYSTEM"

SERVER_KEYS = frozenset(
    {
        "servers",
        "parent_servers",
        "zone_servers",
        "servers_behind",
        "ns_set_servers",
        "child_servers",
        "failing_servers",
    }
)


class NamedServer(Protocol):
    """The part of a name server that a server list needs."""

    @property
    def name(self) -> str:
        """The name, as text."""

    @property
    def address(self) -> str:
        """The address, as text."""


@dataclass(frozen=True)
class Tag:
    """A message tag: calling it with its arguments creates a `Finding`.

    Server lists (`servers` and the other keys in `SERVER_KEYS`) accept name servers, names and ready items. They are
    sorted, because findings must not depend on the order of answers.
    """

    name: str
    level: Level  # default; the profile decides
    keys: tuple[str, ...] = ()  # keys of the arguments
    optional: tuple[str, ...] = ()  # keys that may be absent
    claims_all: bool = False  # whether it is a statement about all name servers, none of which may have been left out
    _server_keys: tuple[str, ...] = field(init=False, repr=False, compare=False)  # the keys that are in `SERVER_KEYS`

    def __post_init__(self) -> None:
        found = tuple(key for key in (*self.keys, *self.optional) if key in SERVER_KEYS)
        object.__setattr__(self, "_server_keys", found)

    def __call__(self, **args: Any) -> Finding:
        """Create a finding.

        Raises:
          TagArgumentError: the keys are not those that the tag declares.
        """
        if tuple(args) != self.keys:
            self._check(args)
        for key in self._server_keys:
            if key in args:
                args[key] = server_items(args[key])
        return Finding(self, args)

    def _check(self, args: Mapping[str, Any]) -> None:
        expected, actual = set(self.keys), set(args)
        if not expected - set(self.optional) <= actual <= expected | set(self.optional):
            raise TagArgumentError(f"{self.name} takes {sorted(expected)}, got {sorted(actual)}")


class Finding(NamedTuple):
    """A finding of a test case; the run sets its level and creates an `Entry` from it."""

    tag: Tag
    args: dict[str, Any]


SUPPLIED = "-"  # item of a server list for data that the user supplied


def server_items(servers: Iterable[NamedServer | str | dict[str, str]]) -> list[dict[str, str] | str]:
    """Return the items of a server list in JSON form, sorted and without duplicates.

    An item is {ns, address}, {ns}, or "-" for data that the user supplied.
    """
    items: dict[tuple[str, ...], dict[str, str] | str] = {}
    for server in servers:
        if isinstance(server, str):
            item: dict[str, str] | str = server if server == SUPPLIED else {"ns": server}
            items[(server,)] = item
        elif isinstance(server, dict):
            items[tuple(server.values())] = server
        else:
            items[(server.name, *_address_order(server.address))] = {
                "ns": server.name,
                "address": server.address,
            }
    return [items[key] for key in sorted(items)]


def _address_order(address: str) -> tuple[str, str]:
    return ("6" if ":" in address else "4", address)


START = Tag("TEST_CASE_START", Level.DEBUG, ("testcase",))


END = Tag("TEST_CASE_END", Level.DEBUG, ("testcase",))
