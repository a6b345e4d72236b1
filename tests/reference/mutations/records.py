"""Mutations for zone12 to zone15: records at the apex, on both servers or on one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, S1, example_world
from tests.support.dnssec_worlds import with_fault
from tests.support.dnsworld import World, faults

SERIAL = 2026112501
Raw = tuple[str, str, str]


def generic(kind: str, data: bytes) -> Raw:
    """Return a record at the apex in the generic format (RFC 3597 section 5)."""
    return "@", kind, rf"\# {len(data)} {data.hex()}"


def served(first: Sequence[Raw], second: Sequence[Raw] | None = None, **fields: Any) -> World:
    """Serve records at the apex; the second server may have others."""
    world = example_world(raw=first, **fields)
    if second is not None:
        world.zone_of("example.xa").on(A2, raw=tuple(second))
    return world


def csync(serial: int = SERIAL, flags: int = 1, types: bytes = b"\0\1\x62") -> Raw:
    return generic("CSYNC", serial.to_bytes(4) + flags.to_bytes(2) + types)


def _csync() -> Iterator[tuple[str, Mutation]]:
    def one(*first: Raw, second: Sequence[Raw] | None = None, reaches: str = "", without: str = "") -> Mutation:
        return Mutation("zone12", partial(served, first, second), names("Z12_", reaches), names("Z12_", without))

    wrong, found = "SERIAL_MISMATCH", "CSYNC_FOUND"
    yield "csync-none", one(reaches="NO_CSYNC")
    yield "csync", one(csync(), reaches=found, without=wrong)
    for name, serial in (("less", SERIAL - 1), ("more", SERIAL + 1), ("zero", 0)):
        yield f"csync-{name}", one(csync(serial), reaches=wrong)
    far = (SERIAL + (1 << 31)) % (1 << 32)
    for flags in (2, 3, 6):
        yield f"csync-minimum-{flags}-equal", one(csync(SERIAL, flags), without=wrong)
        yield f"csync-minimum-{flags}-less", one(csync(SERIAL - 1, flags), without=wrong)
        yield f"csync-minimum-{flags}-more", one(csync(SERIAL + 1, flags), reaches=wrong)
    for name, serial in (("half-less", far - 1), ("half", far), ("half-more", far + 1), ("last", (1 << 32) - 1)):
        yield f"csync-minimum-{name}", one(csync(serial, 2))
    for flags in (0, 4, 0xFFFD, 0xFFFF):
        yield f"csync-flags-{flags}", one(csync(SERIAL, flags), reaches=found)
    yield "csync-no-types", one(csync(types=b""), reaches=found)
    yield "csync-many-types", one(csync(types=b"\0\1\x62\1\1\x40\xff\1\x01"), reaches=found)
    yield "csync-two", one(csync(), csync(flags=2), reaches="MULTIPLE_CSYNC", without="CSYNC_FOUND NO_CSYNC")
    yield "csync-two-and-one", one(csync(), csync(flags=2), second=[csync()], reaches="MULTIPLE_CSYNC CSYNC_FOUND")
    yield "csync-two-and-none", one(csync(), csync(flags=2), second=[], reaches="MULTIPLE_CSYNC NO_CSYNC")
    yield "csync-one-and-none", one(csync(), second=[], reaches="MIXED_PRESENCE CSYNC_FOUND NO_CSYNC")
    yield "csync-others", one(csync(), second=[csync(flags=2)], reaches="INCONSISTENT_CSYNC")
    yield "csync-other-types", one(csync(), second=[csync(types=b"\0\1\x60")], reaches="INCONSISTENT_CSYNC")
    yield "csync-other-serial", one(csync(), second=[csync(SERIAL - 1, 3)], reaches="INCONSISTENT_CSYNC")
    yield from _faults("zone12", "CSYNC", csync())


SPOILT = {("CAA", "silent"): "NO_RESPONSE_CAA_QUERY", ("CAA", "refused"): "UNEXPECTED_RCODE_CAA"}


def _faults(case: str, kind: str, record: Raw) -> Iterator[tuple[str, Mutation]]:
    """Let queries for a type, or for SOA, fail on one server and on both."""
    spoilt = {
        "refused": faults.rcode("REFUSED"),
        "nxdomain": faults.rcode("NXDOMAIN"),
        "silent": faults.silence(),
        "not-aa": faults.no_aa(),
        "empty": faults.empty_answer(),
        "truncated": faults.truncated(),
    }
    for name, fault in spoilt.items():
        for asked in (kind, "SOA"):
            for place, addresses in (("one", (A1,)), ("both", (A1, A2))):
                build = partial(lambda fault, asked, at: with_fault(served([record]), fault, *at, qtype=asked), fault)
                reached = SPOILT.get((kind, name)) if asked == kind else None
                found = names("Z15_", reached or "")
                yield f"{kind}-{name}-{asked}-{place}", Mutation(case, partial(build, asked, addresses), found)


def zonemd(serial: int = SERIAL, scheme: int = 1, kind: int = 1, digest: bytes | None = None) -> Raw:
    length = {1: 48, 2: 64}.get(kind, 20)
    return generic(
        "ZONEMD", serial.to_bytes(4) + bytes((scheme, kind)) + (bytes(range(length)) if digest is None else digest)
    )


def _zonemd() -> Iterator[tuple[str, Mutation]]:
    def one(*first: Raw, second: Sequence[Raw] | None = None, reaches: str = "", without: str = "") -> Mutation:
        return Mutation("zone14", partial(served, first, second), names("Z14_", reaches), names("Z14_", without))

    yield "zonemd-none", one(reaches="NO_ZONEMD")
    wrong, unknown, twice = "SERIAL_MISMATCH", "UNSUPPORTED_HASH", "DUPLICATE_SCHEME_HASH"
    for kind in (1, 2):
        yield f"zonemd-hash-{kind}", one(zonemd(kind=kind), reaches="ZONEMD_FOUND", without=unknown)
    for kind in (0, 3, 240, 255):
        yield f"zonemd-hash-{kind}", one(zonemd(kind=kind), reaches=unknown)
    for scheme in (0, 2, 255):
        yield f"zonemd-scheme-{scheme}", one(zonemd(scheme=scheme), reaches="ZONEMD_FOUND")
    for serial in (SERIAL - 1, SERIAL + 1, 0, (1 << 32) - 1):
        yield f"zonemd-serial-{serial}", one(zonemd(serial), reaches=wrong)
    yield "zonemd-two", one(zonemd(), zonemd(kind=2), reaches="ZONEMD_FOUND", without=f"{twice} INCONSISTENT_ZONEMD")
    yield "zonemd-twice", one(zonemd(), zonemd(digest=bytes(48)), reaches=twice)
    yield "zonemd-twice-serial", one(zonemd(), zonemd(SERIAL - 1), reaches=f"{twice} {wrong}")
    yield "zonemd-thrice", one(*(zonemd(digest=bytes((each,)) * 48) for each in range(3)), reaches=twice)
    yield "zonemd-schemes", one(zonemd(), zonemd(scheme=2), without=twice)
    yield "zonemd-unknown-twice", one(zonemd(kind=9), zonemd(kind=9, scheme=2), zonemd(kind=8), reaches=unknown)
    for length in (0, 11, 12, 47, 49):
        yield f"zonemd-digest-{length}", one(zonemd(digest=bytes(length)))
    yield "zonemd-one-and-none", one(zonemd(), second=[], reaches="MIXED_PRESENCE", without="INCONSISTENT_ZONEMD")
    yield "zonemd-others", one(zonemd(), second=[zonemd(kind=2)], reaches="INCONSISTENT_ZONEMD")
    yield "zonemd-other-digest", one(zonemd(), second=[zonemd(digest=bytes(48))], reaches="INCONSISTENT_ZONEMD")
    yield "zonemd-subset", one(zonemd(), zonemd(kind=2), second=[zonemd()], reaches="INCONSISTENT_ZONEMD")
    yield from _faults("zone14", "ZONEMD", zonemd())


def caa(prop: str, value: str | bytes = "ca.example.net", flags: int = 0) -> Raw:
    octets = value if isinstance(value, bytes) else value.encode()
    return generic("CAA", bytes((flags, len(prop))) + prop.encode("latin-1") + octets)


VALID_ISSUE = (
    "",
    ";",
    " ",
    " ; ",
    "\t;",
    "ca",
    "ca.net",
    "ca-1.example.net",
    "a--b.net",
    "1.2",
    "CA.NET",
    "ca.net;",
    "ca.net ; ",
    "  ca.net  ",
    "ca.net;a=b",
    "ca.net; a=b",
    "ca.net ;a=b;c=d",
    "ca.net; a=b ; c=d ",
    "ca.net;a=",
    "ca.net; a = b",
    "ca.net; a-1=b=c",
    "ca.net; a=!\"#$%&'()*+,-./:<=>?@[]^_`{|}~",
    ";a=b",
    "; policy=ev",
    "ca.net;validationmethods=dns-01",
    "ca.net; accounturi=https://a.example/1",
)
INVALID_ISSUE = (
    "ca.net.",
    ".ca.net",
    "ca..net",
    "*.ca.net",
    "_ca.net",
    "ca_1.net",
    "-ca.net",
    "ca-.net",
    "ca net",
    "ca.net a=b",
    "ca.net;a",
    "ca.net;a=b;",
    "ca.net;;",
    ";;",
    "ca.net;=b",
    "ca.net;a=b c",
    "ca.net; a=b,;c=d e",
    "ca.net;-a=b",
    "ca.net;a-=b",
    "ca.net;a_b=c",
    "%%%%%",
    "ca.net\n",
    "\nca.net",
    "ca.net; a=b\x7f",
    "ca.n\u00e9t",
    "ca.net; a=\u00e9",
    "ca.net,other.net",
    "https://ca.net",
    "ca.net;a=b; ;c=d",
    "ca.net\0",
    "\x0bca.net",
)
VALID_IODEF = (
    "mailto:a@example.net",
    "MAILTO:a@example.net",
    "http://example.net",
    "https://example.net/a?b=c",
    "HTTPS://example.net:8443/",
    "http://192.0.2.1/",
    "https://[2001:db8::1]/",
    "mailto:a@example.net?subject=x",
)
INVALID_IODEF = (
    "",
    "a@example.net",
    "mailto:",
    "http:",
    "https://",
    "http:///path",
    "ftp://example.net",
    "https:example.net",
    "//example.net",
    "tel:+123",
    " mailto:a@example.net",
    "https://exa mple.net/",
    "mailto:a@example.net b",
    "https://?x",
    "https://:443/",
)
UNSETTLED_IODEF = (
    "mailto:a",
    "mailto:@",
    "mailto:a@",
    "mailto:@example.net",
    "https://example.net:port/",
    "http://a@",
    "https://[::1/",
    "https://-",
    "mailto:a,b@example.net",
    "mailto:a@b,c@d",
    "https://ex\u00e4mple.net/",
    "https://example.net/\u00e4",
    "https://example.net\n",
)


def _caa() -> Iterator[tuple[str, Mutation]]:
    def one(*first: Raw, second: Sequence[Raw] | None = None, reaches: str = "", without: str = "") -> Mutation:
        return Mutation("zone15", partial(served, first, second), names("Z15_", reaches), names("Z15_", without))

    yield "caa-none", one(reaches="NO_CAA")
    yield "caa-tld", Mutation("zone15", example_world, names("Z15_", "NO_CAA_TLD"), zone="xa")
    yield "caa-root", Mutation("zone15", example_world, names("Z15_", "NO_CAA_TLD"), zone=".")
    for number, value in enumerate(VALID_ISSUE):
        for prop in ("issue", "issuewild", "IssueMail"):
            yield (
                f"caa-valid-{prop}-{number}",
                one(caa(prop, value), reaches="CAA_FOUND", without="INVALID_ISSUE_VALUE"),
            )
    for number, value in enumerate(INVALID_ISSUE):
        yield f"caa-invalid-{number}", one(caa("issue", value), reaches="INVALID_ISSUE_VALUE")
    for number, value in enumerate(VALID_IODEF):
        yield f"caa-iodef-{number}", one(caa("iodef", value), without="INVALID_IODEF_VALUE")
    for number, value in enumerate(INVALID_IODEF):
        yield f"caa-iodef-bad-{number}", one(caa("iodef", value), reaches="INVALID_IODEF_VALUE")
    for number, value in enumerate(UNSETTLED_IODEF):
        yield f"caa-iodef-unsettled-{number}", one(caa("Iodef", value), reaches="CAA_FOUND")
    yield from _properties(one)
    yield from _policies(one)
    yield from _faults("zone15", "CAA", caa("issue"))


def _properties(one: Any) -> Iterator[tuple[str, Mutation]]:
    for prop in ("contactemail", "contactphone", "issuevmc", "ISSUE"):
        yield f"caa-known-{prop}", one(caa(prop, flags=128), without="UNKNOWN_PROPERTY UNKNOWN_PROPERTY_CRITICAL")
    for prop in ("auth", "path", "policy", "tbs", "Issue2", "a"):
        yield f"caa-unknown-{prop}", one(caa(prop), reaches="UNKNOWN_PROPERTY")
        yield f"caa-critical-{prop}", one(caa(prop, flags=128), reaches="UNKNOWN_PROPERTY_CRITICAL")
    for number, prop in enumerate(("", "is-sue", "issue ", "iss\u00e9", "a_b", "\0")):
        yield f"caa-tag-{number}", one(caa(prop), reaches="INVALID_PROPERTY_TAG", without="UNKNOWN_PROPERTY")
        critical = "INVALID_PROPERTY_TAG UNKNOWN_PROPERTY_CRITICAL"
        yield f"caa-tag-critical-{number}", one(caa(prop, flags=128), reaches=critical)
    for flags in (1, 64, 127, 129, 255):
        yield f"caa-flags-{flags}", one(caa("issue", flags=flags), reaches="RESERVED_FLAGS")
    yield "caa-flags-128", one(caa("issue", flags=128), without="RESERVED_FLAGS")
    yield "caa-octets", one(caa("issue", b"\xff\xfe\0"), reaches="INVALID_ISSUE_VALUE")
    yield "caa-quotes", one(caa("contactemail", 'a "b" \\c'), reaches="CAA_FOUND")
    yield "caa-unknown-twice", one(caa("tbs", "a"), caa("tbs", "b"), reaches="UNKNOWN_PROPERTY")
    yield "caa-unknown-cases", one(caa("tbs", "a"), caa("TBS", "b"), reaches="UNKNOWN_PROPERTY")
    yield "caa-short", one(generic("CAA", b"\0"))
    yield "caa-tag-too-long", one(generic("CAA", b"\0\x20issue"))
    yield "caa-no-octets", one(generic("CAA", b""))


def _policies(one: Any) -> Iterator[tuple[str, Mutation]]:
    deny, allow, wild, no_wild = caa("issue", ";"), caa("issue"), caa("issuewild"), caa("issuewild", ";")
    forbidden, clash = "ISSUANCE_FORBIDDEN", "ISSUE_CONTRADICTION"
    yield "policy-deny", one(deny, reaches=forbidden, without=clash)
    yield "policy-broken", one(caa("issue", "%"), reaches=forbidden)
    yield "policy-deny-parameters", one(caa("issue", ";a=b"), reaches=forbidden)
    yield "policy-allow", one(allow, without=forbidden)
    yield "policy-deny-wild", one(deny, wild, without=forbidden)
    yield "policy-deny-both", one(deny, no_wild, reaches=forbidden)
    yield "policy-only-wild-denied", one(no_wild, without=forbidden)
    yield "policy-clash", one(deny, allow, reaches=clash, without=forbidden)
    yield "policy-clash-wild", one(deny, wild, no_wild, reaches=clash, without=forbidden)
    yield "policy-clash-mail", one(caa("issuemail", ";"), caa("issuemail"), reaches=clash)
    yield "policy-clash-case", one(caa("ISSUE", ";"), allow, reaches=clash)
    yield "policy-two-denials", one(deny, caa("issue", ""), reaches=forbidden, without=clash)
    yield "policy-mail-only", one(caa("issuemail", ";"), without=forbidden)
    yield "policy-critical-tag", one(deny, caa("tbs", flags=128), reaches=forbidden)
    yield "policy-inconsistent", one(deny, second=[allow], reaches="INCONSISTENT_CAA", without=f"{clash} {forbidden}")
    yield "policy-case-differs", one(allow, second=[caa("ISSUE")], reaches="INCONSISTENT_CAA")
    yield "policy-mixed", one(deny, second=[], reaches=f"MIXED_PRESENCE {forbidden}", without="INCONSISTENT_CAA")
    yield "policy-subset", one(deny, no_wild, second=[deny], reaches="INCONSISTENT_CAA")
    for zone, records in (("xa", '@ CAA 0 issue ";"'), (".", '@ CAA 0 issue ";"')):
        yield (
            f"policy-{zone}",
            Mutation("zone15", partial(_above, zone, records), names("Z15_", "CAA_FOUND"), zone=zone),
        )


def _above(zone: str, text: str) -> World:
    world = World()
    world.zone(".", records=text if zone == "." else "")
    world.zone("xa", records=text if zone == "xa" else "")
    world.zone("example.xa", ns={S1["ns"]: A1})
    return world


MUTATIONS = numbered((*_csync(), *_zonemd(), *_caa()))
