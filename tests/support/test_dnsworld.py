"""The DNS world answers as an authoritative server must; dnspython is the client and the validator."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.query
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.reversename
import dns.rrset
import dns.zone
import dns.zonefile
import pytest
from dns.edns import OptionType
from dns.exception import ValidationFailure

from tests.support.dnsworld import Nsec3, Signing, World, delegation
from tests.support.dnsworld.demo_world import DOMAINS
from tests.support.dnsworld.demo_world import demo_world as describe_demo_world

NS1, NS2 = "127.9.1.1", "127.9.1.2"
Keys = dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset]
RECORDS = """
@       MX 10 mail
mail    A 192.0.2.7
www     A 192.0.2.1
alias   CNAME www
outside CNAME www.example.net.
loop1   CNAME loop2
loop2   CNAME loop1
*.wild  TXT "synthesized"
a.b.c   A 192.0.2.2
old     DNAME new
x.new   A 192.0.2.3
large   TXT "{0}" "{0}" "{0}" "{0}" "{0}" "{0}"
""".replace("{0}", "x" * 250)

ROOT_SIGNED = Signing(algorithm=15)
SIGNINGS = {
    "nsec": Signing(),
    "nsec3": Signing(nsec3=Nsec3(iterations=2, salt="ab12")),
    "rsa": Signing(algorithm=8, rsa_bits=1024),
    "combined": Signing(algorithm=14, combined_key=True),
}


def described(signed: Signing | bool = False) -> World:
    world = World()
    world.zone(".", ns={"a.root-servers.net": "127.0.0.53"}, signed=ROOT_SIGNED)
    world.zone("xa", ns={"ns1.nic.xa": "127.9.0.1"}, signed=Signing(nsec3=Nsec3(opt_out=True)))
    servers = {"ns1.example.xa": NS1, "ns2.example.xa": NS2}
    world.zone("example.xa", ns=servers, records=RECORDS, signed=signed, axfr=True).on(NS2, axfr=False)
    world.zone("sub.example.xa", ns={"ns1.sub.example.xa": "127.9.2.1"})
    return world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with described() as world:
        yield world


@pytest.fixture(scope="module", params=SIGNINGS)
def signed_world(request: pytest.FixtureRequest) -> Iterator[World]:
    with described(SIGNINGS[request.param]) as world:
        yield world


def ask(world: World, server: str, name: str, rdtype: str, *, tcp: bool = False, **options: Any) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, **options)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, server, timeout=3, port=world.port)


def transferred(world: World, server: str) -> dns.zone.Zone:
    messages = dns.query.xfr(server, "example.xa", port=world.port, lifetime=3, relativize=False)
    return dns.zone.from_xfr(messages, relativize=False)


def texts(section: list[dns.rrset.RRset]) -> set[str]:
    """Return owner, type and data of each record, without signatures."""
    return {
        f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
        for rrset in section
        for rdata in rrset
        if rrset.rdtype != dns.rdatatype.RRSIG
    }


def validate_section(section: list[dns.rrset.RRset], keys: Keys) -> int:
    """Validate each signed RRset of a section; return their number."""
    signatures = {(s.name, s[0].type_covered): s for s in section if s.rdtype == dns.rdatatype.RRSIG}
    for (name, covered), signature in signatures.items():
        rrset = next(rrset for rrset in section if (rrset.name, rrset.rdtype) == (name, covered))
        dns.dnssec.validate(rrset, signature, keys)
    return len(signatures)


def keys_of(world: World, server: str, zone: str) -> Keys:
    answer = ask(world, server, zone, "DNSKEY", want_dnssec=True, tcp=True).answer
    keys: Keys = {answer[0].name: answer[0]}
    assert validate_section(answer, keys) == 1
    return keys


def test_root_refers_with_glue(world: World) -> None:
    response = ask(world, "127.0.0.53", "www.example.xa", "A")
    assert not response.flags & dns.flags.AA
    assert not response.answer
    assert texts(response.authority) == {"xa. NS ns1.nic.xa."}
    assert texts(response.additional) == {"ns1.nic.xa. A 127.9.0.1"}


def test_hints_name_the_root_servers(world: World) -> None:
    rrsets = dns.zonefile.read_rrsets(world.hints_text, rdclass=None)
    assert {text for text in texts(rrsets) if not text.startswith(". DS ")} == {
        ". NS a.root-servers.net.",
        "a.root-servers.net. A 127.0.0.53",
    }


def test_hints_of_a_signed_root_hold_its_trust_anchor() -> None:
    plain, signed = World(), World()
    plain.zone(".")
    signed.zone(".", signed=True)
    assert " DS " not in plain.hints_text
    assert signed.hints_text.count(". 3600000 IN DS ") == 1


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_answer_is_authoritative(world: World, tcp: bool) -> None:
    response = ask(world, NS1, "WWW.example.xa", "A", tcp=tcp)
    assert response.flags & dns.flags.AA
    assert response.rcode() == dns.rcode.NOERROR
    assert texts(response.answer) == {"WWW.example.xa. A 192.0.2.1"}


def test_mx_answer_brings_addresses(world: World) -> None:
    assert texts(ask(world, NS1, "example.xa", "MX").additional) == {"mail.example.xa. A 192.0.2.7"}


def test_name_error_has_the_soa(world: World) -> None:
    response = ask(world, NS1, "nothing.example.xa", "A")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]


@pytest.mark.parametrize("name", ["www.example.xa", "b.c.example.xa"], ids=["other type", "empty non-terminal"])
def test_no_data_has_the_soa(world: World, name: str) -> None:
    response = ask(world, NS1, name, "AAAA")
    assert response.rcode() == dns.rcode.NOERROR
    assert not response.answer
    assert [rrset.rdtype for rrset in response.authority] == [dns.rdatatype.SOA]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alias", {"alias.example.xa. CNAME www.example.xa.", "www.example.xa. A 192.0.2.1"}),
        ("outside", {"outside.example.xa. CNAME www.example.net."}),
        ("loop1", {"loop1.example.xa. CNAME loop2.example.xa.", "loop2.example.xa. CNAME loop1.example.xa."}),
        (
            "x.old",
            {
                "old.example.xa. DNAME new.example.xa.",
                "x.old.example.xa. CNAME x.new.example.xa.",
                "x.new.example.xa. A 192.0.2.3",
            },
        ),
    ],
)
def test_aliases_are_followed_within_the_zone(world: World, name: str, expected: set[str]) -> None:
    assert texts(ask(world, NS1, f"{name}.example.xa", "A").answer) == expected


def test_wildcard_is_expanded(world: World) -> None:
    assert texts(ask(world, NS1, "any.wild.example.xa", "TXT").answer) == {'any.wild.example.xa. TXT "synthesized"'}


def test_child_zone_is_referred_to(world: World) -> None:
    response = ask(world, NS1, "www.sub.example.xa", "A")
    assert texts(response.authority) == {"sub.example.xa. NS ns1.sub.example.xa."}
    assert texts(response.additional) == {"ns1.sub.example.xa. A 127.9.2.1"}


def test_unknown_zone_is_refused(world: World) -> None:
    assert ask(world, NS1, "example.net", "A").rcode() == dns.rcode.REFUSED


def test_large_answer_is_truncated_and_whole_over_tcp(world: World) -> None:
    truncated = ask(world, NS1, "large.example.xa", "TXT")
    assert truncated.flags & dns.flags.TC
    assert not truncated.answer
    whole = ask(world, NS1, "large.example.xa", "TXT", tcp=True)
    assert not whole.flags & dns.flags.TC
    assert len(whole.answer) == 1
    assert len(ask(world, NS1, "large.example.xa", "TXT", use_edns=0, payload=4096).answer) == 1


def test_edns_is_echoed_only_when_asked(world: World) -> None:
    assert ask(world, NS1, "www.example.xa", "A").edns == -1
    assert ask(world, NS1, "www.example.xa", "A", use_edns=0).edns == 0
    unknown = ask(world, NS1, "www.example.xa", "A", use_edns=1)
    assert (unknown.rcode(), unknown.edns) == (dns.rcode.BADVERS, 0)


def test_transfer_is_allowed_per_server(world: World) -> None:
    zone = transferred(world, NS1)
    assert zone.get_rdataset("www.example.xa.", "A") is not None
    assert zone.get_rdataset("ns1.sub.example.xa.", "A") is not None
    with pytest.raises(dns.query.TransferError):
        transferred(world, NS2)


def test_queries_are_logged(world: World) -> None:
    ask(world, NS2, "logged.example.xa", "SOA", want_dnssec=True, payload=1400)
    (logged,) = world.server(NS2).asked("logged.example.xa")
    assert (logged.type, logged.transport, logged.edns, logged.payload, logged.dnssec_ok) == (
        "SOA",
        "udp",
        0,
        1400,
        True,
    )
    assert logged in world.log


def test_chain_of_trust_is_complete(signed_world: World) -> None:
    for parent, child, server in (("127.0.0.53", "xa", "127.9.0.1"), ("127.9.0.1", "example.xa", NS1)):
        ds = ask(signed_world, parent, child, "DS", want_dnssec=True).answer[0]
        (keys,) = keys_of(signed_world, server, child).values()
        made = {dns.dnssec.make_ds(dns.name.from_text(child), key, record.digest_type) for key in keys for record in ds}
        assert set(ds) & made


def test_answers_validate(signed_world: World) -> None:
    keys = keys_of(signed_world, NS1, "example.xa")
    for name, rdtype in (("www", "A"), ("alias", "A"), ("any.wild", "TXT"), ("x.old", "A"), ("large", "TXT")):
        response = ask(signed_world, NS1, f"{name}.example.xa", rdtype, want_dnssec=True, tcp=True)
        assert validate_section(response.answer, keys)


def test_signatures_and_denial_can_be_asked_for(signed_world: World) -> None:
    keys = keys_of(signed_world, NS1, "example.xa")
    nsec = ask(signed_world, NS1, "example.xa", "NSEC", want_dnssec=True, tcp=True)
    param = ask(signed_world, NS1, "example.xa", "NSEC3PARAM", want_dnssec=True, tcp=True)
    assert bool(nsec.answer) != bool(param.answer)
    assert validate_section([*nsec.answer, *param.answer], keys) == 1
    signatures = ask(signed_world, NS1, "www.example.xa", "RRSIG", tcp=True).answer
    assert dns.rdatatype.A in {rdata.type_covered for rrset in signatures for rdata in rrset}


def test_denial_validates_and_denies(signed_world: World) -> None:
    keys = keys_of(signed_world, NS1, "example.xa")
    for name in ("nothing", "deep.below.nothing", "www", "b.c", "any.wild"):
        response = ask(signed_world, NS1, f"{name}.example.xa", "AAAA", want_dnssec=True, tcp=True)
        assert validate_section(response.authority, keys) >= 2, name
        assert denied(response, dns.name.from_text(f"{name}.example.xa")), name


def denied(response: dns.message.Message, qname: dns.name.Name) -> bool:
    """Return whether an NSEC or NSEC3 RRset matches or covers the name, or, if hashed, its next closer name."""
    for rrset in response.authority:
        if rrset.rdtype == dns.rdatatype.NSEC:
            following = rrset[0].next
            if rrset.name <= qname and (qname < following or following <= rrset.name):
                return True
        if rrset.rdtype == dns.rdatatype.NSEC3:
            for labels in range(3, len(qname.labels) + 1):
                ancestor = dns.name.Name(qname.labels[-labels:])
                if hashed_between(rrset, ancestor):
                    return True
    return False


def hashed_between(rrset: dns.rrset.RRset, name: dns.name.Name) -> bool:
    record = rrset[0]
    name_hash = dns.dnssec.nsec3_hash(name, record.salt or None, record.iterations, 1)
    owner = rrset.name.labels[0].decode().upper()
    following = record.next_name(dns.name.root).labels[0].decode().upper()
    if owner < following:
        return bool(owner <= name_hash < following)
    return bool(name_hash >= owner or name_hash < following)


def test_unsigned_delegation_is_proven_insecure(world: World) -> None:
    response = ask(world, "127.9.0.1", "www.example.xa", "A", want_dnssec=True)
    keys = keys_of(world, "127.9.0.1", "xa")
    assert dns.rdatatype.DS not in {rrset.rdtype for rrset in response.authority}
    assert validate_section(response.authority, keys) >= 1


def test_expired_signatures_do_not_validate(loopback_dns: Callable[[World], World]) -> None:
    world = loopback_dns(described(Signing.expired()))
    answer = ask(world, NS1, "www.example.xa", "A", want_dnssec=True).answer
    keys = ask(world, NS1, "example.xa", "DNSKEY", want_dnssec=True).answer[0]
    trusted: Keys = {keys.name: keys}
    dns.dnssec.validate(answer[0], answer[1], trusted, now=time.time() - 10 * 86400)
    with pytest.raises(ValidationFailure):
        dns.dnssec.validate(answer[0], answer[1], trusted)


def test_parts_can_stay_unsigned_or_be_bogus(loopback_dns: Callable[[World], World]) -> None:
    world = loopback_dns(described(Signing(unsigned_types=("SOA",), bogus_types=("A",))))
    keys = keys_of(world, NS1, "example.xa")
    soa = ask(world, NS1, "example.xa", "SOA", want_dnssec=True).answer
    assert [rrset.rdtype for rrset in soa] == [dns.rdatatype.SOA]
    with pytest.raises(ValidationFailure):
        validate_section(ask(world, NS1, "www.example.xa", "A", want_dnssec=True).answer, keys)


def test_transfer_of_a_signed_zone_is_whole(signed_world: World) -> None:
    zone = transferred(signed_world, NS1)
    assert zone.get_rdataset("www.example.xa.", "RRSIG", "A") is not None
    assert zone.get_rdataset("ns1.sub.example.xa.", "RRSIG", "A") is None
    denial = {rdataset.rdtype for _, rdataset in zone.iterate_rdatasets()}
    assert denial & {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}


def test_delegation_can_differ_from_the_zone(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    world.zone(
        "example.xa",
        ns={"ns1.example.xa": NS1},
        delegation=delegation(extra_ns={"ns9.example.xa": "127.9.9.9"}, ds=["1 13 2 " + "00" * 32]),
    )
    world.zone("bare.xa", ns={"ns1.bare.xa": "127.9.3.1"}, delegation=delegation(glue=False))
    world.zone("hidden.xa", ns={"ns1.hidden.xa": "127.9.3.2"}, delegation=False)
    loopback_dns(world)
    extra = ask(world, "127.0.0.53", "example.xa", "NS")
    assert texts(extra.authority) == {"example.xa. NS ns1.example.xa.", "example.xa. NS ns9.example.xa."}
    assert "ns9.example.xa. A 127.9.9.9" in texts(extra.additional)
    assert len(ask(world, "127.0.0.53", "example.xa", "DS").answer) == 1
    assert not ask(world, "127.0.0.53", "bare.xa", "NS").additional
    assert ask(world, "127.0.0.53", "hidden.xa", "NS").rcode() == dns.rcode.NXDOMAIN


def test_servers_can_hold_different_states(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    zone = world.zone("example.xa", ns={"ns1.example.xa": NS1, "ns2.example.xa": NS2}, signed=True)
    zone.on(NS2, serial=7, signed=False, apex_ns=["ns1.example.xa"])
    world.zone("lame.xa", ns={"ns1.example.xa": (), "ns1.lame.xa": "127.9.4.1"}).not_on("127.9.4.1")
    loopback_dns(world)
    assert ask(world, NS2, "example.xa", "SOA").answer[0][0].serial == 7
    assert ask(world, NS1, "example.xa", "SOA").answer[0][0].serial != 7
    assert not ask(world, NS2, "example.xa", "DNSKEY").answer
    assert texts(ask(world, NS2, "example.xa", "NS").answer) == {"example.xa. NS ns1.example.xa."}
    assert ask(world, "127.9.4.1", "lame.xa", "SOA").rcode() == dns.rcode.REFUSED


def test_cname_is_allowed_at_the_apex(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": NS1}, records="@ CNAME www.other.xa.\n@ MX 0 .")
    loopback_dns(world)
    assert texts(ask(world, NS1, "example.xa", "A").answer) == {"example.xa. CNAME www.other.xa."}
    assert len(ask(world, NS1, "example.xa", "SOA").answer) == 1
    assert len(ask(world, NS1, "example.xa", "MX").answer) == 1


def test_server_tells_version_nsid_and_cookie(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": NS1})
    world.server(NS1).set(version="loopback 1", nsid=b"one", cookies=True)
    loopback_dns(world)
    query = dns.message.make_query("version.bind", "TXT", "CH")
    assert '"loopback 1"' in dns.query.udp(query, NS1, timeout=3, port=world.port).answer[0].to_text()
    options = [dns.edns.GenericOption(OptionType.NSID, b""), dns.edns.GenericOption(OptionType.COOKIE, b"12345678")]
    response = ask(world, NS1, "example.xa", "SOA", use_edns=0, options=options)
    values = {int(option.otype): option.to_wire() for option in response.options}
    assert values[3] == b"one"
    assert values[10][:8] == b"12345678"
    assert len(values[10]) == 16


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_loopback_address_of_ipv6_serves(loopback_dns: Callable[[World], World]) -> None:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this host has no ::1")
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": (NS1, "::1")})
    loopback_dns(world)
    assert texts(ask(world, "::1", "example.xa", "NS").additional) == {
        f"ns1.example.xa. A {NS1}",
        "ns1.example.xa. AAAA ::1",
    }


def test_worlds_stand_side_by_side(loopback_dns: Callable[[World], World], world: World) -> None:
    other = loopback_dns(described())
    assert other.port != world.port
    assert ask(other, NS1, "example.xa", "SOA").answer == ask(world, NS1, "example.xa", "SOA").answer


def test_running_world_cannot_be_redescribed(world: World) -> None:
    with pytest.raises(RuntimeError):
        world.zone("late.xa")


def test_demo_world_knows_its_domains() -> None:
    with describe_demo_world() as world:
        for domain in DOMAINS:
            response = ask(world, world.address_of("ns1.nic.xa"), domain, "NS")
            assert (response.rcode() == dns.rcode.NXDOMAIN) == (domain == "missing.xa")


def test_demo_world_knows_origins_and_reverse_names(demo_world: World) -> None:
    address = demo_world.address_of("ns1.good.xa")
    reverse = dns.reversename.from_address(address)
    hosts = demo_world.zone_of("in-addr.arpa").addresses
    assert texts(ask(demo_world, hosts[0], str(reverse), "PTR").answer) == {f"{reverse} PTR ns1.good.xa."}
    origin = str(reverse).replace("in-addr.arpa", "origin.asn.cymru.com")
    hosts = demo_world.zone_of("asn.cymru.com").addresses
    answer = ask(demo_world, hosts[0], origin, "TXT").answer
    assert answer[0][0].strings == (b"64521 | 127.21.0.0/16 | ZZ | loopback | 2026-01-01",)


def test_world_serves_in_a_separate_process(tmp_path: Path) -> None:
    hints = tmp_path / "root.hints"
    command = [sys.executable, "-m", "tests.support.dnsworld", "demo", "--hints", str(hints)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            query = dns.message.make_query("xa", "NS")
            response = dns.query.udp(query, "127.0.0.53", timeout=3, port=ready["port"])
            assert response.authority
            assert "127.0.0.53" in hints.read_text()
        finally:
            process.terminate()
        assert process.wait(5) == 0


def test_malformed_rdata_can_be_published(loopback_dns: Callable[[World], World]) -> None:
    world = World()
    world.zone("example.xa", ns={"ns1.example.xa": NS1}, raw=[("@", "MX", r"\# 1 07")], signed=True)
    loopback_dns(world)
    query = dns.message.make_query("example.xa", "MX").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(3)
        client.sendto(query, (NS1, world.port))
        assert b"\x00\x0f\x00\x01\x00\x00\x0e\x10\x00\x01\x07" in client.recv(512)
