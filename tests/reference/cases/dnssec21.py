"""DNSSEC21: does the parent's signature over the DS RRset verify? RFC 4035 sections 2.4, 3.1.1, 5.3."""

from __future__ import annotations

from collections.abc import Iterator

import dns.dnssec
import dns.flags
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdatatype import DS
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from tests.reference.messages import Reply
from tests.reference.network import do
from tests.reference.proofs import Verdict, keys_in, mnemonic, set_of, signatures, timing, verify_by
from tests.reference.subject import Findings, Notes, Subject, by_address, text_of


def dnssec21(subject: Subject) -> Findings:
    if subject.is_undelegated:
        return
    parent = subject.parent
    if parent is None:
        yield "DS21_NO_PARENT_ZONE", {"zone": subject.text}
        return
    servers, tags = subject.open_servers(by_address(parent.servers), "DS", "DNSKEY")
    yield from tags
    notes = Notes()
    unverifiable = []
    for address, names in servers:
        reply = subject.ask(address, do(subject.zone, DS))
        if reply is None or not is_signed_answer(reply) or set_of(reply.answer, subject.zone, DS) is None:
            continue
        keys = keys_in(subject.ask(address, do(parent.zone, DNSKEY_TYPE)), parent.zone)
        found = signatures(reply.answer, subject.zone, DS)
        if not keys:
            notes.add("DS21_PARENT_DNSKEY_MISSING", names, parent_zone=text_of(parent.zone))
        elif not found:
            notes.add("DS21_NO_DS_RRSIG", names)
        else:
            good = False
            for one in found:
                if one.signer == parent.zone:
                    for tag, more in _judge(subject, reply, one, keys):
                        notes.add(tag, names, keytag=one.key_tag, **more)
                        good = good or tag == "DS21_DS_RRSIG_VERIFIED"
            unverifiable += [] if good else names
    if unverifiable and "DS21_DS_RRSIG_VERIFIED" not in notes:
        notes.add("DS21_DS_RRSIG_NOT_VERIFIABLE", unverifiable)
    yield from notes.with_addresses()


def is_signed_answer(reply: Reply) -> bool:
    """Return whether a reply is authoritative and supports DNSSEC."""
    message = reply.message
    return reply.usable and message.edns >= 0 and bool(message.ednsflags & dns.flags.DO)


def _judge(subject: Subject, reply: Reply, one: RRSIG, keys: list[DNSKEY]) -> Iterator[tuple[str, dict[str, object]]]:
    rrset = set_of(reply.answer, subject.zone, DS)
    when = timing(one)
    fitting = [key for key in keys if dns.dnssec.key_id(key) == one.key_tag]
    if rrset is None:
        return
    if when is Verdict.FUTURE:
        yield "DS21_DS_RRSIG_NOT_YET_VALID", {}
    elif when is Verdict.EXPIRED:
        yield "DS21_DS_RRSIG_EXPIRED", {}
    elif not fitting:
        yield "DS21_NO_DNSKEY_FOR_DS_RRSIG", {}
    for key in fitting if when is Verdict.GOOD else ():
        verdict = verify_by(rrset, one, key)
        if verdict is Verdict.UNSUPPORTED:
            number = int(one.algorithm)
            yield "DS21_ALGO_NOT_SUPPORTED", {"algo_num": number, "algo_mnemo": mnemonic(number)}
        elif verdict is Verdict.GOOD:
            yield "DS21_DS_RRSIG_VERIFIED", {}
        else:
            yield "DS21_DS_RRSIG_NOT_VALID_BY_DNSKEY", {}
