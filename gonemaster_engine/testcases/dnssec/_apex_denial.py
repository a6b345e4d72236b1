"""Findings of DNSSEC10 about a NODATA answer for the apex: its NSEC or NSEC3 record, SOA record and signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.denial import Nsec, Nsec3
from gonemaster_engine.dnssec.records import NSEC, NSEC3, Dnskey, Rrset, Rrsig, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.dnssec._shared import ALGORITHM_ADDRESSES, SERVERS, ServerTally
from gonemaster_engine.zone.zone import Zone

ALGORITHM_UNSUPPORTED = Tag("DS10_ALGO_NOT_SUPPORTED_BY_ZM", Level.NOTICE, ALGORITHM_ADDRESSES)
_KEYTAG_SERVERS = ("keytag", "servers")


class DenialTags(NamedTuple):
    """The tags for NSEC or NSEC3, and the required and forbidden types in the bitmap of the apex."""

    rtype: int
    required: tuple[str, ...]
    forbidden: tuple[str, ...]
    multiple: Tag
    type_list: Tag
    not_apex: Tag
    wrong_soa: Tag
    missing_soa: Tag
    missing_signature: Tag
    no_key: Tag
    expired: Tag
    not_yet_valid: Tag
    invalid: Tag
    none_verified: Tag

    @classmethod
    def named(cls, kind: str, rtype: int, *, required: tuple[str, ...], forbidden: tuple[str, ...]) -> DenialTags:
        """Return the tags for "NSEC" or "NSEC3"."""
        prefix = f"DS10_{kind}"
        return cls(
            rtype=rtype,
            required=required,
            forbidden=forbidden,
            multiple=Tag(f"DS10_ERR_MULT_{kind}", Level.ERROR, SERVERS),
            type_list=Tag(f"{prefix}_ERR_TYPE_LIST", Level.ERROR, SERVERS),
            not_apex=Tag(f"{prefix}_MISMATCHES_APEX", Level.ERROR, SERVERS),
            wrong_soa=Tag(f"{prefix}_NODATA_WRONG_SOA", Level.ERROR, ("domain", "servers")),
            missing_soa=Tag(f"{prefix}_NODATA_MISSING_SOA", Level.ERROR, SERVERS),
            missing_signature=Tag(f"{prefix}_MISSING_SIGNATURE", Level.ERROR, SERVERS),
            no_key=Tag(f"{prefix}_RRSIG_NO_DNSKEY", Level.WARNING, _KEYTAG_SERVERS),
            expired=Tag(f"{prefix}_RRSIG_EXPIRED", Level.ERROR, _KEYTAG_SERVERS),
            not_yet_valid=Tag(f"{prefix}_RRSIG_NOT_YET_VALID", Level.ERROR, _KEYTAG_SERVERS),
            invalid=Tag(f"{prefix}_RRSIG_VERIFY_ERROR", Level.ERROR, _KEYTAG_SERVERS),
            none_verified=Tag(f"{prefix}_NO_VERIFIED_SIGNATURE", Level.ERROR, SERVERS),
        )

    @property
    def about_data(self) -> tuple[Tag, ...]:
        """The tags for the records, in report order."""
        return self.multiple, self.type_list, self.not_apex, self.wrong_soa, self.missing_soa, self.missing_signature

    @property
    def about_signatures(self) -> tuple[Tag, ...]:
        """The tags for the signatures, in report order."""
        return self.no_key, self.expired, self.not_yet_valid, self.invalid, self.none_verified

    def tag_for(self, verdict: SignatureVerdict) -> Tag | None:
        """Return the tag for a verdict, or None for a valid or inconclusive one."""
        return {
            SignatureVerdict.NO_KEY: self.no_key,
            SignatureVerdict.EXPIRED: self.expired,
            SignatureVerdict.NOT_YET_VALID: self.not_yet_valid,
            SignatureVerdict.INVALID: self.invalid,
        }.get(verdict)


NSEC_TAGS = DenialTags.named(
    "NSEC",
    NSEC,
    required=("SOA", "NS", "DNSKEY", "NSEC", "RRSIG"),
    forbidden=("NSEC3PARAM", "NSEC3"),
)
NSEC3_TAGS = DenialTags.named(
    "NSEC3",
    NSEC3,
    required=("SOA", "NS", "DNSKEY", "NSEC3PARAM", "RRSIG"),
    forbidden=("NSEC", "NSEC3"),
)


class Denial(NamedTuple):
    """A NODATA answer of one server, with the data needed to check it."""

    zone: Zone
    server: Nameserver
    response: Response
    keys: Sequence[Dnskey]
    tally: ServerTally

    async def judge(
        self, tags: DenialTags, records: Sequence[Nsec] | Sequence[Nsec3], *, with_bitmap: bool = True
    ) -> None:
        """Record the faults of the answer's NSEC or NSEC3 records."""
        self._judge_soa(tags)
        if len(records) > 1:
            self.tally.add(tags.multiple, self.server)
            return
        record = records[0]
        if not await self._is_at_apex(record):
            self.tally.add(tags.not_apex, self.server)
        elif with_bitmap and (not record.has(*tags.required) or record.has_any(*tags.forbidden)):
            self.tally.add(tags.type_list, self.server)
        await self._judge_signatures(tags, record.owner)

    def _judge_soa(self, tags: DenialTags) -> None:
        soa = self.response.records("SOA", section="authority")
        if not soa:
            self.tally.add(tags.missing_soa, self.server)
        elif soa[0].owner != self.zone.name:
            self.tally.add(tags.wrong_soa, self.server, domain=soa[0].owner)

    async def _is_at_apex(self, record: Nsec | Nsec3) -> bool:
        if isinstance(record, Nsec):
            return record.owner == self.zone.name
        return await self.zone.verifier.nsec3_label(self.zone.name, record) == record.label

    async def _judge_signatures(self, tags: DenialTags, owner: str) -> None:
        rrsigs = signatures(self.response, tags.rtype, owner, "authority")
        if not rrsigs:
            self.tally.add(tags.missing_signature, self.server)
            return
        signed = rrset(self.response, tags.rtype, owner, "authority")
        verdicts = [(signature, await self._verdict(signed, signature)) for signature in rrsigs]
        for signature, verdict in verdicts:
            self._add(tags, signature, verdict)
        is_faulty = any(tags.tag_for(verdict) for _, verdict in verdicts)
        if is_faulty and not any(verdict is SignatureVerdict.VALID for _, verdict in verdicts):
            self.tally.add(tags.none_verified, self.server)

    async def _verdict(self, signed: Rrset, signature: Rrsig) -> SignatureVerdict:
        """Return the verdict; here a missing key takes precedence over the validity period."""
        if all(key.tag != signature.tag for key in self.keys):
            return SignatureVerdict.NO_KEY
        return await self.zone.verifier.verify(signed, signature, self.keys, now=self.zone.now, zone=self.zone.name)

    def _add(self, tags: DenialTags, signature: Rrsig, verdict: SignatureVerdict) -> None:
        tag = tags.tag_for(verdict)
        if tag:
            self.tally.add(tag, self.server, keytag=signature.tag)
        elif verdict is SignatureVerdict.UNSUPPORTED_ALGORITHM:
            known = algorithm(signature.algorithm)
            self.tally.add(
                ALGORITHM_UNSUPPORTED,
                self.server,
                keytag=signature.tag,
                algo_num=known.number,
                algo_mnemo=known.mnemonic,
            )
