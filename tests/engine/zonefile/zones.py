"""Zone files for the tests: texts, also signed ones, and their checks."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import dns.name

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.zonefile.check import ZoneCheck, check_zone_file
from gonemaster_engine.zonefile.reading import FileLimits
from tests.support.dnsworld.answering import transfer_sets
from tests.support.dnsworld.spec import Nsec3, Signing, ZoneSpec, normalized
from tests.support.dnsworld.zonedata import ZoneData

ORIGIN = dns.name.from_text("example.org.")
SOA = "@ 3600 IN SOA ns1 hostmaster 2026010101 14400 3600 1209600 3600\n"
GOOD = f"""\
$TTL 3600
{SOA}@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT "v=spf1 mx -all"
ns1 A 9.9.9.9
ns1 AAAA 2620:fe::9
ns2 A 149.112.112.112
ns2 AAAA 2620:fe:1::9
mail A 9.9.9.10
www CNAME @
"""
RECORDS = """\
@ MX 10 mail
@ TXT "v=spf1 mx -all"
mail A 9.9.9.10
www CNAME mail
out CNAME www.example.net.
*.wild A 9.9.9.11
*.wild TXT "wild"
deep.empty.nonterminal A 9.9.9.12
old DNAME new
new A 9.9.9.13
x.new A 9.9.9.14
sub NS ns.sub
sub DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000
ns.sub A 9.9.9.15
open NS ns.open
ns.open A 9.9.9.16
big TXT "{long}"
""".format(long='" "'.join(["x" * 250] * 8))
NSEC, NSEC3, OPT_OUT = (
    Signing(),
    Signing(nsec3=Nsec3(iterations=3, salt="AB")),
    Signing(nsec3=Nsec3(opt_out=True)),
)


def zone_data(signing: Signing | None, records: str = RECORDS) -> ZoneData:
    """Return the zone as the test world has it."""
    servers = {"ns1.example.org": ("9.9.9.9", "2620:fe::9"), "ns2.example.org": ("149.112.112.112", "2620:fe:1::9")}
    fields = normalized({"ns": servers, "records": records, "signed": signing})
    return ZoneData(ZoneSpec(ORIGIN, **fields))


def zone_text(data: ZoneData) -> str:
    """Return a zone with its signatures as a zone file."""
    return "\n".join(rrset.to_text() for rrset in [*transfer_sets(data)][:-1]) + "\n"


def signed_text(signing: Signing | None, records: str = RECORDS) -> str:
    return zone_text(zone_data(signing, records))


def changed(signing: Signing, **changes: Any) -> Signing:
    return dataclasses.replace(signing, **changes)


def check(text: str, *, limits: FileLimits | None = None, domain: str = "example.org", **options: Any) -> ZoneCheck:
    """Test a zone file."""
    return asyncio.run(check_zone_file(text, domain, default_profile(), limits=limits or FileLimits(), **options))


def tags(found: ZoneCheck, *, level: str = "WARNING") -> set[str]:
    """Return the tags of a level or above."""
    from gonemaster_engine.entries import Level

    return {entry.tag for entry in found.result.entries if entry.level >= Level.parse(level)}
