"""The common part of DNSSEC16 and 17: CDS or CDNSKEY records, checked with the keys of the same server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from gonemaster_engine.dnssec.records import DNSKEY, Dnskey, Ds, Rrset, Rrsig, dnskeys, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import type_number
from gonemaster_engine.testcases.dnssec._shared import (
    ADDRESSES,
    KEYTAG_ADDRESSES,
    ServerTally,
    is_usable,
    query_each_type,
)
from gonemaster_engine.zone.zone import Zone


class SignalTags(NamedTuple):
    """The tags for CDS or CDNSKEY records."""

    without_dnskey: Tag
    mixed_delete: Tag
    delete: Tag
    no_match: Tag
    non_zone: Tag
    non_sep: Tag
    dnskey_not_signed: Tag
    not_signed_by_named: Tag
    invalid_signature: Tag
    unsigned: Tag
    unknown_signer: Tag

    @classmethod
    def named(cls, prefix: str, rtype: str, *, non_zone: str, non_sep: str) -> SignalTags:
        """Return the tags of a case ("DS16") for a type ("CDS")."""
        return cls(
            without_dnskey=Tag(f"{prefix}_{rtype}_WITHOUT_DNSKEY", Level.ERROR, ADDRESSES),
            mixed_delete=Tag(f"{prefix}_MIXED_DELETE_{rtype}", Level.ERROR, ADDRESSES),
            delete=Tag(f"{prefix}_DELETE_{rtype}", Level.INFO, ADDRESSES),
            no_match=Tag(f"{prefix}_{rtype}_MATCHES_NO_DNSKEY", Level.WARNING, KEYTAG_ADDRESSES),
            non_zone=Tag(f"{prefix}_{rtype}_{non_zone}", Level.ERROR, KEYTAG_ADDRESSES),
            non_sep=Tag(f"{prefix}_{rtype}_{non_sep}", Level.NOTICE, KEYTAG_ADDRESSES),
            dnskey_not_signed=Tag(f"{prefix}_DNSKEY_NOT_SIGNED_BY_{rtype}", Level.WARNING, KEYTAG_ADDRESSES),
            not_signed_by_named=Tag(f"{prefix}_{rtype}_NOT_SIGNED_BY_{rtype}", Level.NOTICE, KEYTAG_ADDRESSES),
            invalid_signature=Tag(f"{prefix}_{rtype}_INVALID_RRSIG", Level.ERROR, KEYTAG_ADDRESSES),
            unsigned=Tag(f"{prefix}_{rtype}_UNSIGNED", Level.ERROR, ADDRESSES),
            unknown_signer=Tag(f"{prefix}_{rtype}_SIGNED_BY_UNKNOWN_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES),
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All tags, in report order."""
        return (
            self.without_dnskey,
            self.mixed_delete,
            self.delete,
            self.no_match,
            self.non_zone,
            self.non_sep,
            self.dnskey_not_signed,
            self.not_signed_by_named,
            self.invalid_signature,
            self.unsigned,
            self.unknown_signer,
        )


class Published(NamedTuple):
    """The records and keys of one server with their signatures."""

    server: Nameserver
    records: Sequence[Ds | Dnskey]
    rrsigs: Sequence[Rrsig]
    signed: Rrset
    keys: Sequence[Dnskey]
    key_signatures: Sequence[Rrsig]

    @classmethod
    def read(
        cls,
        zone: Zone,
        server: Nameserver,
        rtype: int,
        *,
        records: Sequence[Ds | Dnskey],
        signal: Response,
        keys: Response | None,
    ) -> Published:
        """Return the answers of a server to the queries for `rtype` and DNSKEY."""
        return cls(
            server,
            records,
            signatures(signal, rtype, zone.name),
            rrset(signal, rtype, zone.name),
            dnskeys(keys, zone.name) if is_usable(keys) else [],
            signatures(keys, DNSKEY, zone.name) if is_usable(keys) else [],
        )

    @property
    def wanted(self) -> list[Ds | Dnskey]:
        """The records without deletion requests."""
        return [record for record in self.records if not record.is_delete]

    def named_by(self, record: Ds | Dnskey) -> list[Dnskey]:
        """Return the keys that a record may refer to."""
        return [key for key in self.keys if key.tag == record.tag]

    def judge_delete(self, tally: ServerTally, tags: SignalTags) -> None:
        """Record requests to delete the DS."""
        if len(self.wanted) < len(self.records):
            tally.add(tags.mixed_delete if len(self.records) > 1 else tags.delete, self.server)

    def judge_signer(self, tally: ServerTally, tags: SignalTags, tag: int) -> None:
        """Record whether the key with the tag signed neither the keys nor the records themselves."""
        if all(signature.tag != tag for signature in self.key_signatures):
            tally.add(tags.dnskey_not_signed, self.server, keytag=tag)
        if all(signature.tag != tag for signature in self.rrsigs):
            tally.add(tags.not_signed_by_named, self.server, keytag=tag)

    async def judge_signatures(self, zone: Zone, tally: ServerTally, tags: SignalTags) -> None:
        """Record the verdicts on the signatures over the records."""
        if not self.rrsigs:
            tally.add(tags.unsigned, self.server)
        for signature in self.rrsigs:
            # A separate tag, so that a key that was removed too early is not reported as an invalid signature.
            if all(key.tag != signature.tag for key in self.keys):
                tally.add(tags.unknown_signer, self.server, keytag=signature.tag)
                continue
            verdict = await zone.verifier.verify(self.signed, signature, self.keys, now=zone.now, zone=zone.name)
            if verdict is not SignatureVerdict.VALID and not verdict.is_uncheckable:
                tally.add(tags.invalid_signature, self.server, keytag=signature.tag)


RecordJudge: TypeAlias = Callable[[ServerTally, Published, Any], None]
"""Record the faults of one record, which does not request deletion, using the keys of its server."""


async def judge_servers(
    zone: Zone,
    servers: Iterable[Nameserver],
    tags: SignalTags,
    *,
    rtype: str,
    records_of: Callable[[Response, str], Sequence[Ds | Dnskey]],
    judge: RecordJudge,
) -> list[Finding]:
    """Return the findings about the CDS or CDNSKEY records of each server: the requests, their keys and signatures."""
    tally = ServerTally()
    for server, (signal, keys) in await query_each_type(servers, zone.name, rtype, "DNSKEY"):
        await zone.wait_for_turn()
        if not is_usable(signal) or not (records := records_of(signal, zone.name)):
            continue
        published = Published.read(zone, server, type_number(rtype), records=records, signal=signal, keys=keys)
        published.judge_delete(tally, tags)
        if not published.keys:
            tally.add(tags.without_dnskey, server)
            continue
        for record in published.wanted:
            judge(tally, published, record)
        await published.judge_signatures(zone, tally, tags)
    return tally.findings(*tags.all)
