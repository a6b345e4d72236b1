"""Keys, signatures and denials that are costly to process: a run on them ends soon and does not block other runs."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import dns.dnssec
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from dns.rdataclass import IN
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from gonemaster_engine.dnssec import rsa
from gonemaster_engine.dnssec.denial import nsec3_hash
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from tests.support.dnsworld import Nsec3, Signing, World, faults
from tests.support.dnsworld.faults import Fault
from tests.support.engine import loopback_profile

DOMAIN = "costly.xa"
HOST = "127.21.0.1"
TAG = 4711
EXPONENT = b"\x7f" + b"\xff" * 7
MODULUS_OCTETS = 128
KEYS_TRIED_PER_SIGNATURE = 4
MAX_CONSECUTIVE_CHECKS = 2000  # between two iterations of the event loop, which serve other runs
HASHES_PER_RUN = 3  # each with the number of SHA-1 iterations in the zone's NSEC3 records


def described(signing: Signing) -> World:
    world = World()
    world.zone(".", ns={"a.root-servers.net": "127.0.0.53"}, signed=True)
    world.zone("xa", ns={"ns1.nic.xa": "127.20.0.1"}, signed=True)
    world.zone(DOMAIN, ns={f"ns1.{DOMAIN}": HOST, f"ns2.{DOMAIN}": "127.22.0.1"}, signed=signing)
    return world


@dataclass
class Work:
    """The number of costly operations: in total, and the maximum between two iterations of the event loop."""

    total: int = 0
    longest: int = 0
    _at_turn: int = 0

    def turn(self) -> None:
        """The event loop is free for other runs."""
        self.longest = max(self.longest, self.total - self._at_turn)
        self._at_turn = self.total


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts the computed RSA signatures."""
    work, verifies = Work(), rsa.verifies

    def counted(key: rsa.RsaKey, signature: bytes, *, signed: bytes, algorithm: int) -> bool:
        work.total += 1
        return verifies(key, signature, signed=signed, algorithm=algorithm)

    monkeypatch.setattr(rsa, "verifies", counted)
    return work


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Counts the computed NSEC3 iterations."""
    work = Work()

    def counted(name: str, *, salt: bytes, iterations: int) -> str:
        work.total += iterations + 1
        return nsec3_hash(name, salt=salt, iterations=iterations)

    monkeypatch.setattr("gonemaster_engine.dnssec.verify.nsec3_hash", counted)
    return work


def run_on(world: World, hints: Path, *, at_turn: Callable[[], None]) -> RunResult:
    """Test the domain, and call `at_turn` in each iteration of the event loop."""

    async def measure() -> None:
        while True:
            at_turn()
            await asyncio.sleep(0)

    async def whole() -> RunResult:
        profile = loopback_profile(
            timeout_s=20.0, retrans_s=20.0, retry=1
        )  # the servers hash, too, and share the process
        resources = Resources.open(root_hints=world.write_hints(hints), dns_port=world.port)
        meter = asyncio.create_task(measure())
        try:
            return await run_test(DOMAIN, profile, resources=resources, deadline_s=60, with_chain=True)
        finally:
            meter.cancel()
            await resources.close()

    return asyncio.run(whole())


def dnskey(rdata: bytes) -> DNSKEY:
    made = dns.rdata.from_wire(IN, dns.rdatatype.DNSKEY, rdata, 0, len(rdata))
    assert isinstance(made, DNSKEY)
    return made


def rsa_keys_with_one_tag(count: int) -> list[dns.rdata.Rdata]:
    """Return DNSKEY records of plausible RSA keys with a costly exponent and the key tag TAG."""
    random = Random(1)
    head = b"\x01\x01\x03\x08" + bytes([len(EXPONENT)]) + EXPONENT
    place = 2 + len(head) % 2  # a word of the modulus that counts as a word of the tag
    made: list[dns.rdata.Rdata] = []
    while len(made) < count:
        modulus = bytearray(random.randbytes(MODULUS_OCTETS))
        modulus[0] |= 0x80
        modulus[-1] |= 1
        missing = TAG - dns.dnssec.key_id(dnskey(head + modulus))
        word = int.from_bytes(modulus[place : place + 2]) + missing
        modulus[place : place + 2] = (word & 0xFFFF).to_bytes(2)
        key = dnskey(head + modulus)
        if dns.dnssec.key_id(key) == TAG:  # except for the keys whose sum has a carry
            made.append(key)
    return made


def signatures_by_the_tag(count: int, covered: str) -> list[dns.rdata.Rdata]:
    random = Random(2)
    now = int(time.time())
    head = f"{covered} 8 2 3600 {now + 86400} {now - 86400} {TAG} {DOMAIN}."
    octets = [base64.b64encode(random.randbytes(MODULUS_OCTETS)).decode() for _ in range(count)]
    return [dns.rdata.from_text(IN, "RRSIG", f"{head} {signature}") for signature in octets]


def key_trap(*, keys: int, signatures: int) -> Fault:
    """Answer with many keys of one tag and with many signatures that name it (CVE-2023-50387)."""
    dnskeys = rsa_keys_with_one_tag(keys)
    by_type = {covered: signatures_by_the_tag(signatures, covered) for covered in ("DNSKEY", "SOA")}

    def edit(message: dns.message.Message) -> dns.message.Message:
        question = message.question[0]
        covered = dns.rdatatype.to_text(question.rdtype)
        if covered == "DNSKEY":
            message.answer = [dns.rrset.from_rdata_list(question.name, 3600, dnskeys)]
        message.answer.append(dns.rrset.from_rdata_list(question.name, 3600, by_type[covered]))
        return message

    return faults.on_message(edit)


def test_keys_of_one_tag_with_many_signatures_cost_little(tmp_path: Path, checks: Work) -> None:
    world = described(Signing(algorithm=8, rsa_bits=1024))
    signatures = 150
    trap = key_trap(keys=200, signatures=signatures)
    for server in world.zone_of(DOMAIN).servers:
        server.fault(trap, qname=DOMAIN, qtype=["DNSKEY", "SOA"], dnssec_ok=True)
    with world:
        result = run_on(world, tmp_path / "root.hints", at_turn=checks.turn)
    of_the_trap = 2 * signatures * KEYS_TRIED_PER_SIGNATURE  # for the sets of DNSKEY and SOA
    assert 0 < checks.total < 3 * of_the_trap
    assert checks.longest <= MAX_CONSECUTIVE_CHECKS
    assert [entry.args for entry in result.entries if entry.tag == "MODULE_ERROR"] == []
    assert result.unfinished == []
    assert result.chain is not None
    assert (result.chain["status"], result.chain["truncated"]) == ("broken", True)
    assert "DS08_RRSIG_NOT_VALID_BY_DNSKEY" in {entry.tag for entry in result.entries}


@pytest.mark.parametrize("iterations", [2500, pytest.param(65535, marks=pytest.mark.thorough)])
def test_iterations_of_nsec3_cost_little(tmp_path: Path, rounds: Work, iterations: int) -> None:
    world = described(Signing(nsec3=Nsec3(iterations=iterations, salt="ab" * 255)))
    with world:
        result = run_on(world, tmp_path / "root.hints", at_turn=rounds.turn)
    assert 0 < rounds.total <= HASHES_PER_RUN * (iterations + 1)
    assert [entry.args for entry in result.entries if entry.tag == "MODULE_ERROR"] == []
    assert result.unfinished == []
    assert {"DS03_ILLEGAL_ITERATION_VALUE"} <= {entry.tag for entry in result.entries}
