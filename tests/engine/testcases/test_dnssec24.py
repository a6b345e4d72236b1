"""DNSSEC24: bootstrapping signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dns.name
import dns.rdata
import pytest

from gonemaster_engine.context import DSInfo
from tests.support.case_runs import A1, A2, Scenario, findings
from tests.support.dnssec_worlds import PARENTS, ZONE, secure, with_fault
from tests.support.dnsworld import Nsec3, Signing, World, delegation, faults
from tests.support.dnsworld.signing import ds_texts, keys_of

OPERATOR = {"ns1.op.xb": A1, "ns2.op.xb": A2}
PUBLISHED = Signing(publish_cds=True)
NO_DS = delegation(ds=False)
SIGNAL1 = f"_dsboot.{ZONE}._signal.ns1.op.xb"
SIGNAL2 = f"_dsboot.{ZONE}._signal.ns2.op.xb"
LONG_HOST = ".".join(["a" * 60] * 3 + ["b" * 40, "op.xb"])
DELETE = "@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA=="


def signal_of(owner: str, *, cdnskey: bool = True) -> str:
    """Return the records of a signal in zone file format."""
    origin = dns.name.from_text(ZONE)
    lines = [f"{owner}. CDS {text}" for text in ds_texts(origin, PUBLISHED)]
    if cdnskey:
        lines += [f"{owner}. CDNSKEY {key.dnskey.to_text()}" for key in keys_of(origin, PUBLISHED) if key.is_ksk]
    return "\n".join(lines)


BOTH_SIGNALS = f"{signal_of(SIGNAL1)}\n{signal_of(SIGNAL2)}"


def operated(
    records: str = BOTH_SIGNALS,
    *,
    xb: Signing | bool = True,
    op: Signing | bool = True,
    op_ds: bool | Sequence[str] = True,
    nameservers: Sequence[str] = tuple(OPERATOR),
) -> World:
    """Describe a zone without DS records that is served by an operator with a separate zone, op.xb."""
    world = secure(PUBLISHED, ns=nameservers, delegation=NO_DS)
    world.zone_of(ZONE).on(A1).on(A2)
    world.zone("xb", ns={"ns1.nic.xb": "127.10.1.1"}, signed=xb)
    world.zone("op.xb", ns=OPERATOR, records=records, signed=op, delegation=delegation(ds=op_ds))
    return world


def signal_in_zone(zone: str, server: str, *, ds: bool = True, delegated: bool = True) -> World:
    """Put the first signal into a signed zone at or below op.xb, served by A1 or by a separate server."""
    world = operated(signal_of(SIGNAL2))
    world.zone(
        zone,
        ns={f"ns.{zone}": server},
        records=signal_of(SIGNAL1),
        signed=True,
        delegation=delegation(ds=ds) if delegated else False,
    )
    return world


def shared(zone: str, **options: bool) -> World:
    """Let both servers of the operator serve the zone of the signals."""
    world = signal_in_zone(zone, A1, **options)
    world.zone_of(zone).on(A2)
    return world


def broken(*conditions: Any, server: str = "127.10.1.1", **options: Any) -> World:
    return with_fault(operated(), *conditions, server, **options)


SCENARIOS: dict[str, Scenario] = {
    "DS record": (secure(PUBLISHED), [("DS24_DELEGATION_SECURE", {"servers": PARENTS})]),
    "supplied DS data": (
        secure(PUBLISHED),
        [("DS24_DELEGATION_SECURE", {"servers": ["-"]})],
        {"ds": (DSInfo(4711, 13, 2, "ab" * 32),)},
    ),
    "no CDS and CDNSKEY records": (secure(delegation=NO_DS), [("DS24_NO_CDS_CDNSKEY", {})]),
    "request to delete": (secure(records=DELETE, delegation=NO_DS), [("DS24_DELETE_REQUESTED", {})]),
    "name servers in the zone": (
        secure(PUBLISHED, delegation=NO_DS),
        [("DS24_ONLY_IN_DOMAIN_NS", {"servers": [{"ns": "ns1.example.xa"}, {"ns": "ns2.example.xa"}]})],
    ),
    "ready": (
        operated(),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
            ("DS24_BOOTSTRAP_READY", {}),
        ],
    ),
    "apex not available on one server": (
        with_fault(operated(), faults.rcode("REFUSED"), A1, qname=ZONE, qtype="CDS"),
        [
            ("DS24_APEX_UNAVAILABLE", {"servers": [{"ns": "ns1.op.xb", "address": "127.9.1.1"}]}),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "no signal": (operated(""), [("DS24_NO_SIGNAL", {"servers": [{"ns": "ns1.op.xb"}, {"ns": "ns2.op.xb"}]})]),
    "signal of one server": (
        operated(signal_of(SIGNAL1)),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
            ("DS24_SIGNAL_MISSING", {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb"}),
        ],
    ),
    "signal without CDNSKEY": (
        operated(f"{signal_of(SIGNAL1)}\n{signal_of(SIGNAL2, cdnskey=False)}"),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
            (
                "DS24_SIGNAL_MISMATCH",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "query_type": "CDNSKEY"},
            ),
        ],
    ),
    "name too long": (
        operated(nameservers=("ns1.op.xb", LONG_HOST)),
        [
            (
                "DS24_SIGNAL_NAME_TOO_LONG",
                {
                    "ns": LONG_HOST,
                    "query_name": f"_dsboot.{ZONE}._signal.{LONG_HOST}",
                },
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "signals that do not verify": (
        operated(op=Signing(bogus_types=("CDS",))),
        [
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns1.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns1.op.xb",
                    "query_type": "CDS",
                    "zone": "op.xb",
                },
            ),
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns2.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns2.op.xb",
                    "query_type": "CDS",
                    "zone": "op.xb",
                },
            ),
        ],
    ),
    "signals without signature": (
        operated(op=Signing(unsigned_types=("CDS", "CDNSKEY"))),
        [
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns1.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns1.op.xb",
                    "query_type": "CDS",
                    "zone": "op.xb",
                },
            ),
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns1.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns1.op.xb",
                    "query_type": "CDNSKEY",
                    "zone": "op.xb",
                },
            ),
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns2.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns2.op.xb",
                    "query_type": "CDS",
                    "zone": "op.xb",
                },
            ),
            (
                "DS24_SIGNAL_UNSIGNED",
                {
                    "ns": "ns2.op.xb",
                    "query_name": "_dsboot.example.xa._signal.ns2.op.xb",
                    "query_type": "CDNSKEY",
                    "zone": "op.xb",
                },
            ),
        ],
    ),
    "operator's zone without DS record": (
        operated(op_ds=False),
        [
            ("DS24_SIGNAL_ZONE_INSECURE", {"ns": "ns1.op.xb", "zone": "op.xb"}),
            ("DS24_SIGNAL_ZONE_INSECURE", {"ns": "ns2.op.xb", "zone": "op.xb"}),
        ],
    ),
    "operator's zone with a wrong DS record": (
        operated(op_ds=("4711 13 2 " + "ab" * 32,)),
        [
            ("DS24_SIGNAL_CHAIN_BROKEN", {"ns": "ns1.op.xb", "zone": "op.xb"}),
            ("DS24_SIGNAL_CHAIN_BROKEN", {"ns": "ns2.op.xb", "zone": "op.xb"}),
        ],
    ),
    "DS record of the operator's zone is not signed well": (
        operated(xb=Signing(bogus_types=("DS",))),
        [
            ("DS24_SIGNAL_CHAIN_BROKEN", {"ns": "ns1.op.xb", "zone": "op.xb"}),
            ("DS24_SIGNAL_CHAIN_BROKEN", {"ns": "ns2.op.xb", "zone": "op.xb"}),
        ],
    ),
    "algorithm that is not known": (operated(op=Signing(shown_algorithm=17)), []),
    "TLD of the operator does not answer": (
        broken(faults.silence(), qtype="CDS"),
        [
            (
                "DS24_SIGNAL_ZONE_UNREACHABLE",
                {"ns": "ns1.op.xb", "zone": "xb", "servers": [{"ns": "ns1.nic.xb", "address": "127.10.1.1"}]},
            ),
            (
                "DS24_SIGNAL_ZONE_UNREACHABLE",
                {"ns": "ns2.op.xb", "zone": "xb", "servers": [{"ns": "ns1.nic.xb", "address": "127.10.1.1"}]},
            ),
        ],
    ),
    "no keys of the operator's TLD": (
        broken(faults.rcode("SERVFAIL"), qtype="DNSKEY"),
        [
            (
                "DS24_SIGNAL_ZONE_UNREACHABLE",
                {"ns": "ns1.op.xb", "zone": "xb", "servers": [{"ns": "ns1.nic.xb", "address": "127.10.1.1"}]},
            ),
            (
                "DS24_SIGNAL_ZONE_UNREACHABLE",
                {"ns": "ns2.op.xb", "zone": "xb", "servers": [{"ns": "ns1.nic.xb", "address": "127.10.1.1"}]},
            ),
        ],
    ),
    "zone of signals on a server of its own": (
        signal_in_zone("_signal.ns1.op.xb", "127.11.1.1"),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "_signal.ns1.op.xb"},
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
            ("DS24_BOOTSTRAP_READY", {}),
        ],
    ),
    "zone of signals on the operator's server": (
        shared("_signal.ns1.op.xb"),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "_signal.ns1.op.xb"},
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
            ("DS24_BOOTSTRAP_READY", {}),
        ],
    ),
    "zone of signals without DS record": (
        shared("_signal.ns1.op.xb", ds=False),
        [
            ("DS24_SIGNAL_ZONE_INSECURE", {"ns": "ns1.op.xb", "zone": "_signal.ns1.op.xb"}),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "zone of signals that is not delegated": (
        shared("_signal.ns1.op.xb", delegated=False),
        [
            ("DS24_SIGNAL_CHAIN_BROKEN", {"ns": "ns1.op.xb", "zone": "_signal.ns1.op.xb"}),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "zone cut at the signal": (
        signal_in_zone(SIGNAL1, "127.11.1.1"),
        [
            ("DS24_SIGNAL_AT_ZONE_CUT", {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb"}),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "zone cut at the signal, on the operator's server": (
        shared(SIGNAL1),
        [
            ("DS24_SIGNAL_AT_ZONE_CUT", {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb"}),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
        ],
    ),
    "NSEC3": (
        operated(op=Signing(nsec3=Nsec3())),
        [
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns1.op.xb", "query_name": "_dsboot.example.xa._signal.ns1.op.xb", "zone": "op.xb"},
            ),
            (
                "DS24_SIGNAL_VALIDATED",
                {"ns": "ns2.op.xb", "query_name": "_dsboot.example.xa._signal.ns2.op.xb", "zone": "op.xb"},
            ),
            ("DS24_BOOTSTRAP_READY", {}),
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec24(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec24", **(options[0] if options else {})) == expected
