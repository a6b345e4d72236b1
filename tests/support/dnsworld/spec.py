"""The description of a zone of a world: its servers, records, delegation and signatures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dns.name

NameserverSet = Mapping[dns.name.Name, tuple[str, ...]]
"""Addresses by name server name; no addresses if the name lies in another zone."""

DAY_S: Final = 86400


@dataclass(frozen=True)
class Nsec3:
    """Parameters of hashed denial (RFC 5155)."""

    iterations: int = 0
    salt: str = ""
    opt_out: bool = False


@dataclass(frozen=True)
class KeySpec:
    """One key of a zone that does not have the usual two.

    `signs` are the types that it signs. None means the usual types: a key with the SEP flag signs DNSKEY, CDS and
    CDNSKEY, any other key signs all other types. If `in_ds` is None, the DS set includes keys with the SEP flag.
    """

    label: str
    flags: int = 257
    algorithm: int = 13
    signs: tuple[str, ...] | None = None
    published: bool = True
    in_ds: bool | None = None


@dataclass(frozen=True)
class Signing:
    """How a zone is signed; times are seconds relative to the start of the world, or to `now`."""

    algorithm: int = 13
    nsec3: Nsec3 | None = None
    inception_s: int = -DAY_S
    expiration_s: int = 14 * DAY_S
    now: float | None = None
    combined_key: bool = False
    rsa_bits: int = 2048
    rsa_exponent: int = 65537
    digests: tuple[int, ...] = (2,)
    unsigned_types: tuple[str, ...] = ()
    bogus_types: tuple[str, ...] = ()
    publish_cds: bool = False
    shown_algorithm: int | None = None
    key_seed: str = ""
    keys: tuple[KeySpec, ...] = ()

    @classmethod
    def expired(cls, **changes: Any) -> Signing:
        """Return parameters for signatures that expired yesterday."""
        return cls(inception_s=-30 * DAY_S, expiration_s=-DAY_S, **changes)


@dataclass(frozen=True)
class Delegation:
    """The delegation as the parent publishes it; None uses the data of the zone itself."""

    ns: NameserverSet | None = None
    extra_ns: NameserverSet = field(default_factory=dict)
    glue: bool = True
    ds: bool | tuple[str, ...] = True


@dataclass(frozen=True)
class ZoneSpec:
    """One zone, as served by all its servers or by one of them."""

    origin: dns.name.Name
    ns: NameserverSet
    records: str = ""
    raw: tuple[tuple[str, str, str], ...] = ()  # owner, type and rdata that a zone file reader would reject
    serial: int = 2026112501
    soa: str | None = None
    apex_ns: tuple[str, ...] | None = None
    addresses: bool = True
    ttl: int = 3600
    signed: Signing | None = None
    delegation: Delegation | None = field(default_factory=Delegation)
    axfr: bool = False

    def changed(self, **changes: Any) -> ZoneSpec:
        """Return the same zone with some fields changed, in the forms that World.zone() accepts."""
        return dataclasses.replace(self, **normalized(changes))


def nameserver_set(names: Mapping[str, str | Sequence[str]] | Sequence[str]) -> NameserverSet:
    """Parse `{"ns1.example.xa": "127.9.1.1", "ns.other.xa": ()}` or a list of names without addresses."""
    if not isinstance(names, Mapping):
        names = dict.fromkeys(names, ())
    return {
        dns.name.from_text(name): (addresses,) if isinstance(addresses, str) else tuple(addresses)
        for name, addresses in names.items()
    }


def delegation(
    *,
    ns: Mapping[str, str | Sequence[str]] | Sequence[str] | None = None,
    extra_ns: Mapping[str, str | Sequence[str]] | Sequence[str] = (),
    glue: bool = True,
    ds: bool | Sequence[str] = True,
) -> Delegation:
    """Describe how the parent differs from the zone: `ds` is a switch or the text of the records."""
    return Delegation(
        ns=None if ns is None else nameserver_set(ns),
        extra_ns=nameserver_set(extra_ns),
        glue=glue,
        ds=ds if isinstance(ds, bool) else tuple(ds),
    )


def normalized(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the short forms of World.zone() to the values of ZoneSpec."""
    result = dict(fields)
    if "raw" in result:
        result["raw"] = tuple(result["raw"])
    if "ns" in result:
        result["ns"] = nameserver_set(result["ns"])
    if result.get("apex_ns") is not None:
        result["apex_ns"] = tuple(result["apex_ns"])
    if isinstance(result.get("signed"), bool):
        result["signed"] = Signing() if result["signed"] else None
    if isinstance(result.get("delegation"), bool):
        result["delegation"] = Delegation() if result["delegation"] else None
    return result
