"""Rdata as dnspython objects; the class for a type is loaded when its first record is decoded.

dnspython loads classes automatically, but for any class and type that a server sends, and caches the result for the
whole process: a record of class ANY would turn all later records of its type into generic rdata, and each unknown pair
would stay in the table. So dnspython is only called for known pairs.
"""

from __future__ import annotations

from functools import cache

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from gonemaster_engine.limits import RDATA_MAX_STRINGS, RDATA_OF_BITMAPS_MAX_OCTETS, RDATA_OF_LISTS_MAX_OCTETS
from gonemaster_engine.net.wire.rrtypes import IN, TYPE_TEXT, A

_ANY_CLASS = "dns.rdtypes.ANY."  # module of types that mean the same in each class
_CH = dns.rdataclass.CH  # defines A differently
# dnspython makes an object of each element: 60,000 octets of one HIP or OPT record take a fifth of a second.
_LISTS = frozenset({41, 42, 55, 64, 65})  # OPT, APL, HIP, SVCB, HTTPS
_BITMAPS = frozenset({47, 50, 62})  # NSEC, NSEC3, CSYNC
_MAX_OCTETS = dict.fromkeys(_LISTS, RDATA_OF_LISTS_MAX_OCTETS) | dict.fromkeys(_BITMAPS, RDATA_OF_BITMAPS_MAX_OCTETS)
_STRINGS = frozenset({16, 56, 99, 258, 261, 262})  # TXT, NINFO, SPF, AVC, RESINFO, WALLET


def rdata_of(rdclass: int, rtype: int, wire: bytes, *, start: int, end: int) -> dns.rdata.Rdata:
    """Return the rdata between two positions of a message; generic rdata if the type is unknown in its class.

    Raises:
      Exception: the rdata is malformed; dnspython's parsers raise various types.
    """
    known_class, known_type = dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rtype)
    if not _is_known(rdclass, rtype):
        return dns.rdata.GenericRdata(known_class, known_type, wire[start:end])
    if end - start > _MAX_OCTETS.get(rtype, end):
        raise ValueError("longer than its type allows")
    if rtype in _STRINGS and _has_too_many_strings(wire, start, end):
        raise ValueError(f"more than {RDATA_MAX_STRINGS} strings")
    return dns.rdata.from_wire(known_class, known_type, wire, start, end - start)


def _has_too_many_strings(wire: bytes, start: int, end: int) -> bool:
    count = 0
    while start < end and count <= RDATA_MAX_STRINGS:
        start += 1 + wire[start]
        count += 1
    return count > RDATA_MAX_STRINGS


@cache
def load_all_types() -> None:
    """Load the classes of all types now: before dnspython parses foreign messages, and in long-running processes.

    An upgrade replaces dnspython's files while the process runs; it must not mix old and new modules.
    """
    dns.rdata.load_all_types()  # type: ignore[no-untyped-call] # dnspython gives it no types


def _is_known(rdclass: int, rtype: int) -> bool:
    if rtype not in TYPE_TEXT:
        return False
    found = _class_in(IN, rtype)
    if found is None or rdclass == IN:
        return found is not None
    return found.__module__.startswith(_ANY_CLASS) or (rdclass == _CH and rtype == A and _class_in(_CH, A) is not None)


@cache  # at most one entry per type that dnspython knows
def _class_in(rdclass: int, rtype: int) -> type[dns.rdata.Rdata] | None:
    found: type[dns.rdata.Rdata] | None = dns.rdata.get_rdata_class(  # type: ignore[no-untyped-call] # no types
        dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rtype), False
    )
    return found
