"""Mutations for dnssec24: signals of operators outside of the zone, and the chain of trust to them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import dns.name

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.dnssec_worlds import signatures, with_fault, without
from tests.support.dnsworld import Fault, KeySpec, Nsec3, Signing, World, delegation, faults
from tests.support.dnsworld.signing import Signer, ds_texts

CASE = "dnssec24"
ZONE = "example.xa"
H1, H2 = "ns1.op.xb", "ns2.op.xb"
B1, B2 = "127.8.3.1", "127.8.4.1"
OP1, OP2 = "127.7.1.1", "127.7.2.1"
SIGNED = Signing(publish_cds=True)
DELETE = "CDS 0 0 0 00", "CDNSKEY 0 3 0 AA=="


def texts(kinds: str = "CDS CDNSKEY", signing: Signing = SIGNED) -> list[str]:
    """Return the data that the zone publishes for its parent."""
    origin = dns.name.from_text(ZONE)
    ksk = [key.to_text() for key in Signer(origin, signing).dnskeys() if key.flags & 1]
    found = [f"CDS {text}" for text in ds_texts(origin, signing)] + [f"CDNSKEY {text}" for text in ksk]
    return [text for text in found if text.split()[0] in kinds.split()]


def at(host: str, lines: list[str], *, zone: str = ZONE) -> str:
    return "\n".join(f"_dsboot.{zone}._signal.{host}. {line}" for line in lines)


def bootstrapping(
    *,
    first: list[str] | None = None,
    second: list[str] | None = None,
    signing: Any = SIGNED,
    operator: Any = True,
    xb: Any = True,
    root: Any = True,
    hosts: tuple[str, ...] = (H1, H2),
    signal_zones: bool = False,
    signal_signing: Any = True,
    op_ds: Any = True,
    records: str = "",
    more: str = "",
) -> World:
    """Describe a signed zone without DS whose operator publishes signals, in its zone or in zones of signals."""
    world = World()
    world.zone(".", signed=root)
    world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1", "ns2.nic.xa": "127.8.2.1"}, signed=True)
    world.zone("xb", ns={"ns1.nic.xb": B1, "ns2.nic.xb": B2}, signed=xb)
    own = {H1: texts() if first is None else first, H2: texts() if second is None else second}
    inside = "\n".join(at(host, lines) for host, lines in own.items()) if not signal_zones else ""
    world.zone(
        "op.xb",
        ns={H1: OP1, H2: OP2},
        signed=operator,
        records=f"{inside}\n{more}",
        delegation=delegation(ds=op_ds),
    )
    if signal_zones:
        for host, lines in own.items():
            ns = {H1: OP1, H2: OP2}
            zone = f"_signal.{host}"
            world.zone(zone, ns=dict.fromkeys(ns, ()), signed=signal_signing, records=at(host, lines))
            world.zone_of(zone).on(OP1).on(OP2)
    in_zone: dict[str, Any] = {host: "127.9.9.1" for host in hosts if host.endswith(f".{ZONE}")}
    ns = {host: in_zone.get(host, ()) for host in hosts}
    world.zone(ZONE, ns=ns, signed=signing, delegation=delegation(ds=False), records=records)
    world.zone_of(ZONE).on(OP1).on(OP2)
    return world


def one(*reaches: str, without_tags: tuple[str, ...] = (), **fields: Any) -> Mutation:
    return Mutation(CASE, partial(bootstrapping, **fields), names("DS24_", " ".join(reaches)), without_tags)


def spoilt(fault: Fault, *addresses: str, fields: dict[str, Any] | None = None, **conditions: Any) -> World:
    return with_fault(bootstrapping(**(fields or {})), fault, *(addresses or (OP1, OP2)), **conditions)


def also(place: str, lines: list[str]) -> dict[str, Any]:
    return {place: lines}


READY = names("DS24_", "BOOTSTRAP_READY")


def _contents() -> Iterator[tuple[str, Mutation]]:
    yield "ready", one("BOOTSTRAP_READY", "SIGNAL_VALIDATED")
    yield "ready-zones", one("BOOTSTRAP_READY", signal_zones=True)
    for name, signing in (("hashed", Signing(nsec3=Nsec3())), ("opt-out", Signing(nsec3=Nsec3(opt_out=True)))):
        yield f"ready-{name}", one("BOOTSTRAP_READY", operator=signing, xb=signing)
        yield f"ready-{name}-zones", one("BOOTSTRAP_READY", operator=signing, signal_signing=signing, signal_zones=True)
    for algorithm in (8, 14, 15, 16):
        yield f"ready-{algorithm}", one("BOOTSTRAP_READY", operator=Signing(algorithm=algorithm))
    yield "no-records", one("NO_CDS_CDNSKEY", signing=True)
    yield "unsigned", one("NO_CDS_CDNSKEY", signing=False)
    yield "delete", one("DELETE_REQUESTED", signing=True, records="\n".join(f"@ {text}" for text in DELETE))
    yield "delete-cds", one("DELETE_REQUESTED", signing=True, records=f"@ {DELETE[0]}")
    yield "delete-and-more", one("SIGNAL_MISMATCH", records=f"@ {DELETE[0]}")
    yield "secure", Mutation(CASE, secure_delegation, names("DS24_", "DELEGATION_SECURE"))
    yield "no-signal", one("NO_SIGNAL", first=[], second=[])
    for place in ("first", "second"):
        yield f"no-{place}", one("SIGNAL_MISSING", "SIGNAL_VALIDATED", **also(place, []), without_tags=READY)
        for kind in ("CDS", "CDNSKEY"):
            yield f"{place}-only-{kind}", one("SIGNAL_MISMATCH", **also(place, texts(kind)), without_tags=READY)
        other = texts(signing=Signing(key_seed="other"))
        yield f"{place}-other", one("SIGNAL_MISMATCH", **also(place, other), without_tags=READY)
        yield f"{place}-more", one("SIGNAL_MISMATCH", **also(place, [*texts(), *other]), without_tags=READY)
        yield f"{place}-text", one("SIGNAL_MISSING", **also(place, ["TXT here"]), without_tags=READY)
        yield f"{place}-alias", one("SIGNAL_MISSING", **also(place, ["CNAME op.xb."]), without_tags=READY)
        yield f"{place}-other-ttl", one("BOOTSTRAP_READY", **also(place, [f"60 {text}" for text in texts()]))
    only_cds = "\n".join(f"@ {text}" for text in texts("CDS"))
    yield "apex-only-cds", one("SIGNAL_MISMATCH", signing=True, records=only_cds, without_tags=READY)
    fits: dict[str, Any] = {"first": texts("CDS"), "second": texts("CDS")}
    yield "apex-and-signals-only-cds", one("BOOTSTRAP_READY", signing=True, records=only_cds, **fits)


def secure_delegation() -> World:
    world = bootstrapping()
    spec = world.zones[dns.name.from_text(ZONE)].spec
    world.zone(ZONE, ns={H1: (), H2: ()}, signed=spec.signed, delegation=delegation())
    world.zone_of(ZONE).on(OP1).on(OP2)
    return world


def _hosts() -> Iterator[tuple[str, Mutation]]:
    inside = f"ns1.{ZONE}"
    yield "in-domain", one("ONLY_IN_DOMAIN_NS", hosts=(inside,))
    yield "in-domain-too", one("BOOTSTRAP_READY", hosts=(inside, H1, H2))
    for length in (254, 255, 256, 257):
        reached = ("SIGNAL_NAME_TOO_LONG",) if length > 255 else ()
        yield f"name-{length}", one(*reached, hosts=(H1, H2, long_host(length)))
    yield "missing-host", one("SIGNAL_MISSING", hosts=(H1, H2, "ns1.lame.xb"), more="")
    yield "missing-tld", one(hosts=(H1, H2, "ns1.missing"))
    yield "unsigned-host", Mutation(CASE, unsigned_host, ())
    yield (
        "supplied-ds",
        Mutation(
            CASE,
            bootstrapping,
            names("DS24_", "DELEGATION_SECURE"),
            options={"supplied": {H1: [OP1], H2: [OP2]}, "ds": True},
        ),
    )
    yield "supplied", Mutation(CASE, bootstrapping, READY, options={"supplied": {H1: [OP1], H2: [OP2]}})


def long_host(length: int) -> str:
    """Return a host whose signalling name has this number of octets."""
    rest = length - sum(len(label) + 1 for label in dns.name.from_text(f"_dsboot.{ZONE}._signal.op.xb").labels)
    labels = []
    while rest:
        size = min(rest, 64) if rest != 65 else 60
        labels.append("a" * (size - 1))
        rest -= size
    return ".".join([*labels, "op.xb"])


def unsigned_host() -> World:
    world = bootstrapping(hosts=(H1, "ns1.other.xb"))
    world.zone("other.xb", ns={"ns1.other.xb": "127.7.5.1"}, records=at("ns1.other.xb", texts()))
    world.zone_of(ZONE).on("127.7.5.1")
    return world


def _chains() -> Iterator[tuple[str, Mutation]]:
    broken, insecure = "SIGNAL_CHAIN_BROKEN", "SIGNAL_ZONE_INSECURE"
    wrong = ["1 13 2 " + "ab" * 32]
    yield "operator-unsigned", one(insecure, operator=False, without_tags=READY)
    yield "operator-without-ds", one(insecure, op_ds=False)
    yield "operator-wrong-ds", one(broken, op_ds=wrong)
    yield "operator-unknown-ds", one(op_ds=["1 17 2 " + "ab" * 32])
    yield "operator-unknown-digest", one(op_ds=["1 13 99 " + "ab" * 32])
    yield "operator-expired", one(operator=Signing.expired())
    yield "operator-later", one(operator=Signing(inception_s=86400))
    yield "operator-17", one(operator=Signing(shown_algorithm=17))
    yield "operator-253", one(operator=Signing(shown_algorithm=253))
    for kind in ("DNSKEY", "CDS", "CDNSKEY", "DS", "SOA"):
        yield f"operator-bogus-{kind}", one(operator=Signing(bogus_types=(kind,)))
        yield f"operator-bare-{kind}", one(operator=Signing(unsigned_types=(kind,)))
        yield f"zones-bogus-{kind}", one(signal_zones=True, signal_signing=Signing(bogus_types=(kind,)))
        yield f"zones-bare-{kind}", one(signal_zones=True, signal_signing=Signing(unsigned_types=(kind,)))
        yield f"operator-bogus-{kind}-zones", one(signal_zones=True, operator=Signing(bogus_types=(kind,)))
    yield "zones-unsigned", one("SIGNAL_UNSIGNED", signal_zones=True, signal_signing=False)
    yield "zones-expired", one(signal_zones=True, signal_signing=Signing.expired())
    yield "zones-17", one(signal_zones=True, signal_signing=Signing(shown_algorithm=17))
    yield "tld-unsigned", one(insecure, xb=False)
    yield "tld-bogus-ds", one(broken, xb=Signing(bogus_types=("DS",)))
    yield "tld-bogus-keys", one(broken, xb=Signing(bogus_types=("DNSKEY",)))
    yield "tld-17", one(xb=Signing(shown_algorithm=17))
    yield "root-bogus-keys", one(broken, root=Signing(bogus_types=("DNSKEY",)))
    yield "root-bogus-ds", one(broken, root=Signing(bogus_types=("DS",)))
    yield "root-expired", one(broken, root=Signing.expired())
    for name, flags in (("not-of-zone", 0), ("revoked", 257 + 128)):
        yield f"operator-key-{name}", one(operator=keys_with(flags))


def keys_with(flags: int) -> Signing:
    return Signing(
        keys=(
            KeySpec("ksk", signs=("DNSKEY",)),
            KeySpec("zsk", flags, signs=("SOA", "NS", "CDS", "CDNSKEY", "DS", "NSEC", "A")),
        )
    )


def _spoilt() -> Iterator[tuple[str, Mutation]]:
    spoilers = {
        "refused": faults.rcode("REFUSED"),
        "servfail": faults.rcode("SERVFAIL"),
        "nxdomain": faults.rcode("NXDOMAIN"),
        "not-aa": faults.no_aa(),
        "silent": faults.silence(),
        "empty": faults.empty_answer(),
        "upward": faults.refer_upward(),
    }
    signal: dict[str, Any] = {"below": "_signal.ns1.op.xb"}
    for name, fault in spoilers.items():
        for kind in ("CDS", "CDNSKEY"):
            for place, addresses in (("", (OP1, OP2)), ("-one", (OP1,)), ("-two", (OP2,))):
                build = partial(spoilt, fault, *addresses, qtype=kind, **signal)
                yield f"signal-{kind}-{name}{place}", Mutation(CASE, build, ())
                build = partial(spoilt, fault, *addresses, qtype=kind, qname=ZONE)
                reached = names("DS24_", "APEX_UNAVAILABLE" if (name, place) == ("refused", "-one") else "")
                yield f"apex-{kind}-{name}{place}", Mutation(CASE, build, reached)
        for zone, addresses in (("op.xb", (OP1, OP2)), ("op.xb", (OP1,)), ("xb", (B1, B2)), ("xb", (B1,))):
            build = partial(spoilt, fault, *addresses, qtype="DNSKEY", qname=zone)
            yield f"keys-{zone}-{name}-{len(addresses)}", Mutation(CASE, build, ())
        for addresses in ((B1, B2), (B1,)):
            build = partial(spoilt, fault, *addresses, qtype="CDS")
            reached = names("DS24_", "SIGNAL_ZONE_UNREACHABLE" if (name, len(addresses)) == ("refused", 2) else "")
            yield f"tld-{name}-{len(addresses)}", Mutation(CASE, build, reached)
        for fields in ({"signal_zones": True}, {"signal_zones": True, "signal_signing": False}):
            build = partial(spoilt, fault, OP1, OP2, qtype="DS", fields=fields)
            yield f"ds-{name}-{len(fields)}", Mutation(CASE, build, ())
    here = "_dsboot.example.xa._signal.ns1.op.xb"
    cut = faults.refer(f"{here}.", {f"{H1}.": OP1})
    yield "cut", Mutation(CASE, partial(spoilt, cut, qname=here), names("DS24_", "SIGNAL_AT_ZONE_CUT"))
    own = partial(signatures, signer=dns.name.from_text(here))
    yield (
        "cut-signer",
        Mutation(
            CASE, partial(spoilt, own("RRSIG/CDS"), qname=here, qtype="CDS"), names("DS24_", "SIGNAL_AT_ZONE_CUT")
        ),
    )
    below = faults.refer(f"a.{here}.", {f"{H1}.": OP1})
    yield "cut-below", Mutation(CASE, partial(spoilt, below, qname=here), ())
    aside = faults.refer("other.xb.", {f"{H1}.": OP1})
    yield "cut-aside", Mutation(CASE, partial(spoilt, aside, qname=here), ())
    again = faults.refer("op.xb.", {f"{H1}.": OP1})
    yield "cut-again", Mutation(CASE, partial(spoilt, again, qname=here), ())
    yield from _signers(here)


def _signers(here: str) -> Iterator[tuple[str, Mutation]]:
    for kind in ("CDS", "CDNSKEY"):
        gone = without(f"RRSIG/{kind}")
        yield f"bare-{kind}", Mutation(CASE, partial(spoilt, gone, qname=here), names("DS24_", "SIGNAL_UNSIGNED"))
        changed = signatures(f"RRSIG/{kind}", signature=b"\1" * 64)
        yield f"changed-{kind}", Mutation(CASE, partial(spoilt, changed, qname=here), names("DS24_", "SIGNAL_UNSIGNED"))
        for signer in ("xb", ".", "_signal.ns1.op.xb", "ns1.op.xb", "other.xb", "a.xa"):
            fault = signatures(f"RRSIG/{kind}", signer=dns.name.from_text(signer))
            yield f"signer-{kind}-{signer}", Mutation(CASE, partial(spoilt, fault, qname=here), ())
            fields = {"signal_zones": True}
            yield (
                f"signer-{kind}-{signer}-zones",
                Mutation(CASE, partial(spoilt, fault, qname=here, fields=fields), ()),
            )
        yield (
            f"unknown-{kind}",
            Mutation(CASE, partial(spoilt, signatures(f"RRSIG/{kind}", algorithm=17), qname=here), ()),
        )


MUTATIONS = numbered((*_contents(), *_hosts(), *_chains(), *_spoilt()))
