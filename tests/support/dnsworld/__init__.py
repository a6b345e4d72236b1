"""A DNS on loopback addresses for tests and the demo: real zones, signatures and packets, scripted faults."""

from tests.support.dnsworld import faults
from tests.support.dnsworld.answering import Behaviour
from tests.support.dnsworld.faults import Exchange, Fault, Reply
from tests.support.dnsworld.server import LoggedQuery, Server
from tests.support.dnsworld.spec import Delegation, KeySpec, Nsec3, Signing, ZoneSpec, delegation
from tests.support.dnsworld.world import World, Zone

__all__ = [
    "Behaviour",
    "Delegation",
    "Exchange",
    "Fault",
    "KeySpec",
    "LoggedQuery",
    "Nsec3",
    "Reply",
    "Server",
    "Signing",
    "World",
    "Zone",
    "ZoneSpec",
    "delegation",
    "faults",
]
