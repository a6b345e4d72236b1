"""Stored public tests for the result pages."""

from __future__ import annotations

from typing import Any

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run
from tests.support.rows import make_run, record

SERVERS = [{"ns": "ns1.example", "address": "192.0.2.1"}, {"ns": "ns2.example", "address": "2001:db8::1"}]


def entry(tag: str, module: str, testcase: str, level: str, **args: Any) -> EntryRecord:
    return EntryRecord(0.5, module, testcase, tag, level, args)


ENTRIES = [
    entry("B01_CHILD_FOUND", "BASIC", "basic01", "INFO", domain="a.example"),
    entry("REMAINING_SHORT", "DNSSEC", "dnssec04", "WARNING", duration=31400, types_covered=["SOA"], keytag=18032),
    entry("DS07_SIGNED", "DNSSEC", "dnssec07", "INFO"),
    entry("IPV4_DIFFERENT_ASN", "CONNECTIVITY", "connectivity03", "INFO", asns=[64500, 64511]),
    entry("NO_RESPONSE", "NAMESERVER", "nameserver02", "ERROR", ns="ns2.example", address="2001:db8::1"),
    entry("NO_RESPONSE", "NAMESERVER", "nameserver02", "ERROR", ns="ns3.example", address="2001:db8::2"),
    entry("REFRESH_MINIMUM_VALUE_LOWER", "ZONE", "zone02", "NOTICE", refresh=3600, required_refresh=14400),
]


def timing(nameserver: str, address: str, status: str = "ok", *, median: float | None = 14.0) -> dict[str, Any]:
    times = {"median_ms": median, "min_ms": median and median - 3, "max_ms": median and median * 4}
    return {"nameserver": nameserver, "address": address, "status": status, "count": 12, "timeouts": 0} | times


TIMINGS = [
    timing("ns1.example", "192.0.2.1"),
    timing("ns2.example", "2001:db8::1", "unreachable", median=None),
    timing("ns3.example", "", "unresolved", median=None),
]


def public_run(
    store: Store, domain: str = "a.example", *, config: Any = None, profile_name: str = "", **fields: Any
) -> Run:
    """Store a finished public test; `fields` are fields of its record."""
    values: dict[str, Any] = {"entries": ENTRIES, "nameserver_timings": TIMINGS} | fields
    order: dict[str, Any] = {
        "public_id": new_public_id(),
        "config": {"origin": "public"} | (config or {}),
        "profile_name": profile_name,
    }
    return make_run(store, domain, record(**values), **order)
