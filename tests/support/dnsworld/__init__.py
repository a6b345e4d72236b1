"""A DNS on loopback addresses for tests and the demo: real zones, signatures and packets, scripted faults."""

from . import faults
from .answering import Behaviour
from .faults import Exchange, Fault, Reply
from .server import LoggedQuery, Server
from .spec import Delegation, KeySpec, Nsec3, Signing, ZoneSpec, delegation
from .world import World, Zone

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
