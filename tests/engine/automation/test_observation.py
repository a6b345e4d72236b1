"""Observations of zones on real servers, and what the rules for CDS requests make of them."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dns.name
import pytest

from gonemaster_engine.automation.cds import CdsAction, Reason, judge
from gonemaster_engine.automation.observation import Observation, observe
from gonemaster_engine.dnssec.records import CDS
from gonemaster_engine.resources import Resources
from tests.engine.testcases.test_dnssec24 import DELETE, SIGNAL1, operated, signal_of
from tests.support.case_runs import A1, A2
from tests.support.dnssec_worlds import DAY_S, P2, ZONE, secure, with_fault, without
from tests.support.dnsworld import KeySpec, Signing, World, delegation, faults
from tests.support.dnsworld.signing import ds_texts
from tests.support.engine import loopback_profile

ZSK = KeySpec("zsk", flags=256)
OLD, NEW = KeySpec("old"), KeySpec("new")
OLD_DS = ds_texts(dns.name.from_text(ZONE), Signing(keys=(OLD, ZSK)))


def observed(world: World, **options: Any) -> Observation:
    """Serve a world and observe its zone."""

    async def whole() -> Observation:
        with TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0)
        try:
            profile = loopback_profile(timeout_s=3.0, retry=1, retrans_s=1)
            return await observe(ZONE, profile, resources=resources, **options)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


def rolling(**changes: Any) -> World:
    """Describe a zone that requests DS records for a second key."""
    signed = Signing(**{"keys": (OLD, NEW, ZSK), "publish_cds": True, **changes})
    return secure(signed, delegation=delegation(ds=OLD_DS))


def without_new_key_on_one_server() -> World:
    world = rolling()
    world.zone_of(ZONE).on(A2, signed=Signing(keys=(OLD, ZSK), publish_cds=True))
    return world


OTHER_DS = f"4711 13 2 {'AB' * 32}"
KEY_OF_OTHER = f"@ CDNSKEY 257 3 13 {base64.b64encode(bytes(64)).decode()}"
MANY_CDS = "\n".join(f"@ CDS {tag} 13 2 {tag:064X}" for tag in range(1, 1001))


def parents_differ() -> World:
    world = rolling()
    world.zone_of("xa").on(P2, records=f"{ZONE}. DS {OTHER_DS}")
    return world


SCENARIOS: dict[str, tuple[World, CdsAction, Reason]] = {
    "no records": (secure(), CdsAction.KEEP, Reason.NOTHING_REQUESTED),
    "as requested": (secure(Signing(publish_cds=True)), CdsAction.KEEP, Reason.IN_SYNC),
    "a second key": (rolling(), CdsAction.REPLACE, Reason.ROLLOVER),
    "removal": (secure(records=DELETE), CdsAction.REMOVE, Reason.DELETE_REQUESTED),
    "removal, without DS": (secure(records=DELETE, delegation=delegation(ds=False)), CdsAction.KEEP, Reason.NO_DS),
    "removal beside a key": (
        secure(Signing(publish_cds=True), records=DELETE),
        CdsAction.REFUSE,
        Reason.MIXED_DELETE,
    ),
    "not signed": (rolling(unsigned_types=("CDS",)), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "signature does not verify": (rolling(bogus_types=("CDNSKEY",)), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "signatures expired": (
        rolling(inception_s=-30 * DAY_S, expiration_s=-DAY_S),
        CdsAction.REFUSE,
        Reason.NOT_SIGNED,
    ),
    "one server has another request": (without_new_key_on_one_server(), CdsAction.REFUSE, Reason.SERVERS_DIFFER),
    "one server refuses": (with_fault(rolling(), faults.rcode("REFUSED"), A2), CdsAction.WAIT, Reason.SERVER_SILENT),
    "bootstrap": (operated(), CdsAction.ADD, Reason.BOOTSTRAPPED),
    "bootstrap without signals": (operated(""), CdsAction.REFUSE, Reason.NO_SIGNAL),
    "bootstrap, one server without a signal": (operated(signal_of(SIGNAL1)), CdsAction.REFUSE, Reason.NO_SIGNAL),
    "bootstrap, the signals have no valid signature": (
        operated(op=Signing.expired()),
        CdsAction.REFUSE,
        Reason.NO_SIGNAL,
    ),
    "bootstrap, the chain of the signals is broken": (
        operated(op_ds=(OTHER_DS,)),
        CdsAction.REFUSE,
        Reason.NO_SIGNAL,
    ),
    "bootstrap, the signals are in an insecure zone": (operated(op_ds=False), CdsAction.REFUSE, Reason.NO_SIGNAL),
    "bootstrap, the servers of the signals are silent": (
        with_fault(operated(), faults.silence(), qname=SIGNAL1),
        CdsAction.WAIT,
        Reason.SIGNAL_SILENT,
    ),
    "removal with another algorithm": (
        secure(records="@ CDNSKEY 0 3 0 AA==", raw=[("@", "CDS", r"\# 5 0000080200")]),
        CdsAction.REFUSE,
        Reason.MALFORMED,
    ),
    "removal in CDS and a key in CDNSKEY": (
        secure(records=f"@ CDS 0 0 0 00\n{KEY_OF_OTHER}"),
        CdsAction.REFUSE,
        Reason.MIXED_DELETE,
    ),
    "CDS and CDNSKEY for different keys": (
        secure(Signing(publish_cds=True), records=KEY_OF_OTHER),
        CdsAction.REFUSE,
        Reason.CDS_CDNSKEY_DIFFER,
    ),
    "one server without signatures": (
        with_fault(rolling(), without("RRSIG/CDS", "RRSIG/CDNSKEY"), A2),
        CdsAction.REFUSE,
        Reason.NOT_SIGNED,
    ),
    "the servers of the parent differ": (parents_differ(), CdsAction.WAIT, Reason.PARENT_DIFFERS),
    "a thousand records": (
        secure(Signing(publish_cds=True), records=MANY_CDS),
        CdsAction.REFUSE,
        Reason.MALFORMED,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_zone_is_observed_and_judged(name: str) -> None:
    world, action, reason = SCENARIOS[name]
    found = observed(world)
    verdict = judge(found)
    assert (verdict.action, verdict.reason) == (action, reason), json.dumps(found.document(), indent=1)


def test_requests_are_read_over_tcp_and_nothing_else_without_one() -> None:
    world = secure()
    assert observed(world).is_complete
    sent = {(one.type, one.transport) for one in world.log if str(one.name) == f"{ZONE}."}
    assert {each for each in sent if each[0] not in {"NS", "SOA"}} == {("CDS", "tcp"), ("CDNSKEY", "tcp")}


def test_the_evidence_names_each_server_with_records_and_signers() -> None:
    found = observed(rolling()).document()
    assert [view["address"] for view in found["servers"]] == [A1, A2]
    sets = found["servers"][0]["sets"]
    assert len(sets["CDS"]["records"]) == len(sets["CDNSKEY"]["records"]) == 2
    old = found["parents"][0]["ds"][0].split()[0]
    assert old in map(str, sets["CDS"]["signed_by"])
    assert json.loads(json.dumps(found)) == found


def test_a_huge_request_has_bounded_evidence_and_few_queries() -> None:
    found = observed(secure(Signing(publish_cds=True), records=MANY_CDS))
    assert len(found.servers[0].records(CDS)) == 128
    assert len(json.dumps(found.document())) < 50_000
    assert found.queries < 40


def test_an_observation_ends_at_its_deadline() -> None:
    found = observed(with_fault(rolling(), faults.silence()), deadline_s=0.5)
    assert not found.is_complete
    assert judge(found).reason is Reason.INCOMPLETE
