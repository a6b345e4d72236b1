"""Rdata as objects of dnspython; its class for a type is loaded when the first record of that type is looked into.

dnspython would load it by itself. But it tries that for any class and type that a server may send, and remembers for
the whole process what it found: a record of class ANY, met first, would make all records of its type opaque octets for
every run from then on, and each pair that nobody knows would stay in its table. So it is asked for known pairs only.
"""

from __future__ import annotations

from functools import cache

import dns.rdata
import dns.rdataclass
import dns.rdatatype

from gonemaster_engine.net.wire.rrtypes import IN, TYPE_TEXT, A

_ANY_CLASS = "dns.rdtypes.ANY."  # where types stand that mean the same in each class
_CH = dns.rdataclass.CH  # has addresses of its own


def rdata_of(rdclass: int, rtype: int, wire: bytes, *, start: int, end: int) -> dns.rdata.Rdata:
    """Return the rdata between two positions of a message; opaque octets if the type is unknown in its class.

    Raises:
        Exception: it is malformed, whatever dnspython's parser meets.
    """
    known_class, known_type = dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rtype)
    if not _is_known(rdclass, rtype):
        return dns.rdata.GenericRdata(known_class, known_type, wire[start:end])
    return dns.rdata.from_wire(known_class, known_type, wire, start, end - start)


@cache
def load_all_types() -> None:
    """Load the classes of all types now: before dnspython parses what others sent, and in a process that runs long.

    An upgrade replaces the files of dnspython under a process that runs; it is not to load some of the old, some of the
    new ones.
    """
    dns.rdata.load_all_types()  # type: ignore[no-untyped-call] # dnspython gives it no types


def _is_known(rdclass: int, rtype: int) -> bool:
    if rtype not in TYPE_TEXT:
        return False
    found = _class_in(IN, rtype)
    if found is None or rdclass == IN:
        return found is not None
    return found.__module__.startswith(_ANY_CLASS) or (rdclass == _CH and rtype == A and _class_in(_CH, A) is not None)


@cache  # at most one for each type that dnspython knows
def _class_in(rdclass: int, rtype: int) -> type[dns.rdata.Rdata] | None:
    found: type[dns.rdata.Rdata] | None = dns.rdata.get_rdata_class(  # type: ignore[no-untyped-call] # no types
        dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rtype), False
    )
    return found
