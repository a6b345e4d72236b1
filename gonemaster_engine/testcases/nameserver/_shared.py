"""The common part of several NAMESERVER cases: tags, probes, and the format of arguments."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypedDict, TypeVar

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Edns
from gonemaster_engine.zone.zone import Zone

Key = TypeVar("Key", bound=Hashable)

NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, ("ns", "address", "domain"))
NO_EDNS_SUPPORT = Tag("NO_EDNS_SUPPORT", Level.WARNING, ("ns", "address"))
NS_ERROR = Tag("NS_ERROR", Level.WARNING, ("ns", "address"))

PLAIN_EDNS = Edns()


class ServerArgs(TypedDict):
    """The arguments that identify one server."""

    ns: str
    address: str


def server_args(server: Nameserver) -> ServerArgs:
    """Return the arguments that identify a server."""
    return {"ns": server.name, "address": server.address}


def addresses(servers: Iterable[Nameserver]) -> list[str]:
    """Return the distinct addresses of servers, IPv4 first."""
    return sorted({server.address for server in servers}, key=lambda address: (":" in address, address))


def grouped(found: Iterable[tuple[Key, Nameserver]]) -> Mapping[Key, list[Nameserver]]:
    """Return the servers by observation; an observation that was not made has no servers."""
    groups: dict[Key, list[Nameserver]] = defaultdict(list)
    for key, server in found:
        groups[key].append(server)
    return groups


def probe_name(zone: Zone) -> str:
    """Return a name in the zone that is queried in several letter cases; it need not exist."""
    name = names.prepend("www", zone.name)
    return name if len(name) <= names.TEXT_MAX_CHARACTERS else zone.name


def case_variants(name: str, count: int) -> list[str]:
    """Return distinct mixed-case spellings of a name, always the same ones for the same name.

    A name with too few letters is returned unchanged.
    """
    if sum(letter.isalpha() for letter in name) < count:
        return [name] * count
    source = random.Random(name)
    found: list[str] = []
    while len(found) < count:
        spelled = "".join(source.choice((letter.lower(), letter.upper())) for letter in name)
        if spelled not in (name, *found):
            found.append(spelled)
    return found


def escape_octets(data: bytes) -> str:
    r"""Return octets as text; unprintable ones become \DDD (RFC 1035 section 5.1)."""
    return "".join(chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}" for octet in data)
