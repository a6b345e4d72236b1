"""The chain of trust as seen by a run: the status of each link with reasons, from data that the run queried anyway."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, RunResult, run_test
from gonemaster_engine.trustchain.diagram import diagram_of
from gonemaster_engine.trustchain.queries import MAX_QUERIES
from tests.engine.run.test_run import PROFILE, QUICK, run
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnssec_worlds import (
    LATER,
    P1,
    P2,
    ZONE,
    ds_text,
    secure,
    signatures,
    tags,
    with_fault,
    without,
)
from tests.support.dnsworld import Nsec3, Signing, World, delegation, faults

Chain = dict[str, Any]
CASES = ("basic", "dnssec")
BOGUS_DS = ("4711 13 2 " + "ab" * 32,)
EXPIRED = {"inception": 1, "expiration": 1_000_000_000}


def chain(world: World, tmp_path: Path, domain: str = ZONE, **options: Any) -> Chain:
    options.setdefault("tests", CASES)
    result = run(world, tmp_path, domain, with_chain=True, **options)
    assert result.chain is not None
    json.dumps(result.chain)  # the document contains only JSON values
    ET.fromstring(diagram_of(result.chain).standalone())
    return result.chain


def states(found: Chain) -> list[tuple[str, str, list[str]]]:
    return [(zone["zone"], zone["status"], zone["reasons"]) for zone in found["zones"]]


def test_whole_chain_from_the_root_to_the_zone(tmp_path: Path) -> None:
    found = chain(secure(), tmp_path)
    assert (found["version"], found["zone"], found["parent_zone"]) == (3, ZONE, "xa")
    assert (found["delegation"], found["status"], found["reasons"], found["truncated"]) == (
        "normal",
        "secure",
        [],
        False,
    )
    assert states(found) == [(".", "secure", []), ("xa", "secure", []), (ZONE, "secure", [])]
    ksk, zsk = tags()
    (ds,) = found["parent"]["ds"]
    assert (ds["key_tag"], ds["algorithm"], ds["algorithm_name"], ds["digest_type"]) == (ksk, 13, "ECDSAP256SHA256", 2)
    assert len(ds["digest"]) == 64
    assert ds["servers"] == [P1, P2]
    (over_ds,) = found["parent"]["signatures"]
    assert (over_ds["covers"], over_ds["signer"], over_ds["verdict"]) == ("DS", "xa", "valid")
    keys = [(key["key_tag"], key["flags"], key["size"], key["sep"], key["servers"]) for key in found["child"]["keys"]]
    assert keys == [(ksk, 257, 256, True, [A1, A2]), (zsk, 256, 256, False, [A1, A2])]
    made = [(each["covers"], each["key_tag"], each["verdict"]) for each in found["child"]["signatures"]]
    assert made == [("SOA", zsk, "valid"), ("DNSKEY", ksk, "valid")]
    assert all(each["inception"] < found["checked_at"] < each["expiration"] for each in found["child"]["signatures"])
    assert [(link["zone"], link["verdict"], link["signs"]) for link in found["links"]] == [
        (".", "match", True),
        ("xa", "match", True),
        (ZONE, "match", True),
    ]
    assert [(server["address"], server["status"]) for server in found["child"]["servers"]] == [
        (A1, "secure"),
        (A2, "secure"),
    ]
    assert found["ns_names"] == [
        {"name": name, "status": "validates", "signer": None, "key_tag": None, "servers": [A1, A2]}
        for name in (NS1, NS2)
    ]


Make = Callable[[], World]
SCENARIOS: dict[str, tuple[Make, str, str, list[str]]] = {
    # name: world, status of the whole, status and reasons of the last zone
    "not signed": (lambda: secure(False), "unsigned", "insecure", ["ds_missing"]),
    "signed without DS": (lambda: secure(delegation=delegation(ds=False)), "island", "insecure", ["ds_missing"]),
    "TLD not signed": (lambda: secure(xa=False), "island", "insecure", ["parent_insecure"]),
    "denial by NSEC3": (
        lambda: secure(False, xa=Signing(nsec3=Nsec3())),
        "unsigned",
        "insecure",
        ["ds_missing"],
    ),
    "denial by opt-out": (
        lambda: secure(False, xa=Signing(nsec3=Nsec3(opt_out=True))),
        "unsigned",
        "insecure",
        ["ds_missing"],
    ),
    "denial left out": (
        lambda: with_fault(secure(False), without("NSEC", "RRSIG/NSEC"), P1, P2, qtype="DS"),
        "broken",
        "bogus",
        ["denial_missing"],
    ),
    "denial not signed": (
        lambda: with_fault(secure(False), without("RRSIG/NSEC"), P1, P2, qtype="DS"),
        "broken",
        "bogus",
        ["denial_unsigned"],
    ),
    "DS of a key that is not there": (
        lambda: secure(delegation=delegation(ds=BOGUS_DS)),
        "broken",
        "bogus",
        ["ds_matches_no_key"],
    ),
    "DS of an unknown algorithm": (
        lambda: secure(delegation=delegation(ds=(ds_text(4711, 200, 2, "ab" * 32),))),
        "indeterminate",
        "indeterminate",
        ["ds_unsupported"],
    ),
    "DS and no keys": (
        lambda: secure(False, delegation=delegation(ds=BOGUS_DS)),
        "broken",
        "bogus",
        ["dnskey_missing"],
    ),
    "signatures expired": (lambda: secure(Signing.expired()), "broken", "bogus", ["dnskey_signature_expired"]),
    "signatures of the future": (lambda: secure(LATER), "broken", "bogus", ["dnskey_signature_not_yet_valid"]),
    "keys not signed": (
        lambda: with_fault(secure(), without("RRSIG/DNSKEY"), qtype="DNSKEY"),
        "broken",
        "bogus",
        ["dnskey_unsigned"],
    ),
    "data not signed": (
        lambda: with_fault(secure(), without("RRSIG/SOA"), qtype="SOA"),
        "broken",
        "bogus",
        ["soa_unsigned"],
    ),
    "data signed falsely": (
        lambda: secure(Signing(bogus_types=("SOA",))),
        "broken",
        "bogus",
        ["soa_signature_invalid"],
    ),
    "parent's signature expired": (
        lambda: with_fault(secure(), signatures("RRSIG/DS", **EXPIRED), P1, P2, qtype="DS"),
        "broken",
        "bogus",
        ["ds_signature_expired"],
    ),
    "TLD bogus": (lambda: secure(xa=Signing.expired()), "broken", "bogus", ["parent_bogus"]),
    "one server with old signatures": (
        lambda: with_fault(secure(), signatures("RRSIG/DNSKEY", **EXPIRED), A1, qtype="DNSKEY"),
        "partial",
        "secure",
        [],
    ),
    "one server of the parent without DS": (
        lambda: with_fault(secure(), without("DS", "RRSIG/DS"), P1, qtype="DS"),
        "partial",
        "secure",
        [],
    ),
    "one server silent about its keys": (
        lambda: with_fault(secure(), faults.rcode("SERVFAIL"), A1, qtype="DNSKEY"),
        "secure",
        "secure",
        [],
    ),
}


DRAWN = {
    "secure": "Secure",
    "partial": "Partly secure",
    "broken": "Broken",
    "island": "Island of security",
    "unsigned": "Not signed",
    "indeterminate": "Indeterminate",
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_state_of_the_zone(name: str, tmp_path: Path) -> None:
    make, status, of_zone, reasons = SCENARIOS[name]
    found = chain(make(), tmp_path)
    assert (found["status"], states(found)[-1]) == (status, (ZONE, of_zone, reasons))
    assert diagram_of(found).status == DRAWN[status]
    assert reasons or status in {"secure", "partial"}
    drawn = next(node for node in diagram_of(found).facts() if node.kind == "zone" and node.zone == ZONE)
    assert len(drawn.notes) == len(reasons)
    assert not {*drawn.notes} & {*reasons}  # each reason has a sentence


def test_servers_that_differ_are_distinguished(tmp_path: Path) -> None:
    found = chain(with_fault(secure(), signatures("RRSIG/DNSKEY", **EXPIRED), A1, qtype="DNSKEY"), tmp_path)
    assert [(each["address"], each["status"], each["reasons"]) for each in found["child"]["servers"]] == [
        (A1, "bogus", ["dnskey_signature_expired"]),
        (A2, "secure", []),
    ]
    over_keys = [each for each in found["child"]["signatures"] if each["covers"] == "DNSKEY"]
    assert {(each["verdict"], *each["servers"]) for each in over_keys} == {("expired", A1), ("valid", A2)}


def test_verdict_of_each_ds(tmp_path: Path) -> None:
    ksk, zsk = tags()
    texts = (
        ds_text(ksk, 13, 2, "ab" * 32),
        ds_text(ksk, 13, 200, "ab" * 32),
        ds_text(4711, 13, 2, "ab" * 32),
    )
    found = chain(secure(delegation=delegation(ds=texts)), tmp_path)
    verdicts = {
        (link["key_tag"], link["digest_type"]): link["verdict"] for link in found["links"] if link["zone"] == ZONE
    }
    assert verdicts == {(ksk, 2): "digest_mismatch", (ksk, 200): "digest_unsupported", (4711, 2): "no_key"}
    assert zsk not in {tag for tag, _ in verdicts}


def test_names_of_servers_say_what_is_wrong_with_their_addresses(tmp_path: Path) -> None:
    found = chain(with_fault(secure(), signatures("RRSIG/A", **EXPIRED), A1, qtype="A"), tmp_path)
    _, zsk = tags()
    assert {
        (each["name"], each["status"], each["signer"], each["key_tag"], *each["servers"]) for each in found["ns_names"]
    } == {
        (NS1, "rrsig_expired", ZONE, zsk, A1),
        (NS1, "validates", None, None, A2),
        (NS2, "rrsig_expired", ZONE, zsk, A1),
        (NS2, "validates", None, None, A2),
    }


def test_undelegated_zone_stands_by_the_supplied_ds(tmp_path: Path) -> None:
    ksk, _ = tags()
    ds = [DSInfo(ksk, 13, 2, "ab" * 32)]
    found = chain(secure(), tmp_path, nameservers=[(NS1, A1), (NS2, A2)], ds=ds)
    assert (found["delegation"], found["status"], found["parent_zone"]) == ("undelegated", "undelegated", None)
    assert states(found) == [(ZONE, "bogus", ["ds_matches_no_key"])]
    assert [link["verdict"] for link in found["links"]] == ["digest_mismatch"]
    assert found["parent"]["servers"] == []


def test_root_and_top_level_domain_have_a_chain_too(tmp_path: Path) -> None:
    root = chain(secure(), tmp_path, ".")
    assert (root["status"], root["parent_zone"], states(root)) == ("secure", None, [(".", "secure", [])])
    tld = chain(secure(), tmp_path, "xa")
    assert (tld["status"], states(tld)) == ("secure", [(".", "secure", []), ("xa", "secure", [])])


def test_private_root_without_anchor_is_taken_at_its_word(tmp_path: Path) -> None:
    with secure() as world:
        lines = world.write_hints(tmp_path / "hints").read_text().splitlines(keepends=True)
        hints = tmp_path / "hints-without-ds"
        hints.write_text("".join(line for line in lines if " DS " not in f" {' '.join(line.split())} "))

        async def work() -> RunResult:
            resources = Resources.open(root_hints=hints, dns_port=world.port, ipv6=False)
            try:
                return await run_test(ZONE, PROFILE, resources=resources, tests=CASES, with_chain=True)
            finally:
                await resources.close()

        found = asyncio.run(work()).chain
    assert found is not None
    assert found["status"] == "secure"
    assert states(found)[0] == (".", "secure", ["anchor_assumed"])
    assert found["zones"][0]["ds"] == []


def test_servers_of_several_zones_on_one_address(tmp_path: Path) -> None:
    """The server of the TLD also serves the zone between the TLD and the tested zone."""
    world = secure()
    world.zone("deep.xa", ns={"ns1.nic.xa": (), "ns2.nic.xa": ()}, signed=True)
    world.zone_of("deep.xa").on(P1).on(P2)
    world.zone("zone.deep.xa", ns={"ns1.zone.deep.xa": "127.9.5.1"}, signed=True)
    found = chain(world, tmp_path, "zone.deep.xa")
    assert [zone[0] for zone in states(found)] == [".", "xa", "deep.xa", "zone.deep.xa"]
    assert (found["status"], found["parent_zone"]) == ("secure", "deep.xa")


@pytest.mark.parametrize("seed", range(6))
def test_damaged_answers_are_described_and_raise_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    """Octets of answers about keys, DS records and denial are changed on both sides, differently on each server."""
    world = secure(bool(seed % 2), xa=Signing(nsec3=Nsec3()))
    for number, address in enumerate((A1, A2, P1, P2)):
        fault = faults.flipped_octets(4, seed=10 * seed + number)
        world.server(address).fault(fault, qtype=["DNSKEY", "DS", "SOA"], dnssec_ok=True)
    found = chain(world, tmp_path, profile=QUICK, tests=("dnssec",))
    assert found["zones"][-1]["zone"] == ZONE
    assert "was not described" not in caplog.text


def test_queries_are_few_and_shared(tmp_path: Path) -> None:
    alone, described = run(secure(), tmp_path), run(secure(), tmp_path, with_chain=True)
    assert described.chain is not None
    assert alone.queries <= described.queries <= alone.queries + MAX_QUERIES
    few = run(secure(), tmp_path, tests=("dnssec07",)), run(secure(), tmp_path, tests=("dnssec07",), with_chain=True)
    # five for the walk from the root to the parent, without cached data
    assert few[1].queries - few[0].queries <= MAX_QUERIES + 5


def test_entries_are_the_same_with_and_without(tmp_path: Path) -> None:
    found = [
        [(entry.testcase, entry.tag) for entry in result.entries if entry.module != "SYSTEM"]
        for result in (run(secure(), tmp_path), run(secure(), tmp_path, with_chain=True))
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"tests": CASES}, "not asked for"),
        ({"tests": ("basic", "zone"), "with_chain": True}, "no case of DNSSEC"),
        ({"exclude": ("dnssec",), "with_chain": True}, "excluded"),
        ({"domain": "missing.xa", "with_chain": True}, "no such zone"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_chain(tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    assert run(secure(), tmp_path, **options).chain is None, reason


def test_silent_zone_is_indeterminate(tmp_path: Path) -> None:
    found = chain(with_fault(secure(), faults.silence()), tmp_path, profile=QUICK, tests=("dnssec",))
    assert (found["status"], states(found)[-1]) == ("indeterminate", (ZONE, "indeterminate", ["dnskey_no_answer"]))


def test_failure_in_it_leaves_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(zone: object) -> Chain:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("gonemaster_engine.trustchain.build_chain", broken)
    result = run(secure(), tmp_path, tests=CASES, with_chain=True, profile=PROFILE)
    assert result.chain is None
    assert "DS07_SIGNED" in {entry.tag for entry in result.entries}
