"""The common part of DNSSEC08 and 09: each signature over a record set, verified with the keys of the same server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.records import Dnskey, Rrsig, dnskeys, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import type_number
from gonemaster_engine.testcases.dnssec._shared import (
    ADDRESSES,
    ALGORITHM_ADDRESSES,
    KEYTAG_ADDRESSES,
    ServerTally,
    is_usable,
    query_each_type,
)
from gonemaster_engine.zone.zone import Zone


class SignatureTags(NamedTuple):
    """The tags for the signatures over one type."""

    missing: Tag
    valid: Tag
    by_verdict: dict[SignatureVerdict, Tag]

    @classmethod
    def named(cls, prefix: str, rtype: str) -> SignatureTags:
        """Return the tags of a case ("DS08") for a type ("DNSKEY")."""
        return cls(
            missing=Tag(f"{prefix}_MISSING_RRSIG_IN_RESPONSE", Level.ERROR, ADDRESSES),
            valid=Tag(f"{prefix}_{rtype}_RRSIG_VALID", Level.INFO, ADDRESSES),
            by_verdict={
                SignatureVerdict.NOT_YET_VALID: Tag(
                    f"{prefix}_{rtype}_RRSIG_NOT_YET_VALID", Level.ERROR, KEYTAG_ADDRESSES
                ),
                SignatureVerdict.EXPIRED: Tag(f"{prefix}_{rtype}_RRSIG_EXPIRED", Level.ERROR, KEYTAG_ADDRESSES),
                SignatureVerdict.NO_KEY: Tag(f"{prefix}_NO_MATCHING_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES),
                SignatureVerdict.INVALID: Tag(f"{prefix}_RRSIG_NOT_VALID_BY_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES),
                SignatureVerdict.UNSUPPORTED_ALGORITHM: Tag(
                    f"{prefix}_ALGO_NOT_SUPPORTED_BY_ZM", Level.NOTICE, ALGORITHM_ADDRESSES
                ),
                SignatureVerdict.UNSUPPORTED_EXPONENT: Tag(
                    f"{prefix}_RSA_EXPONENT_UNSUPPORTED", Level.NOTICE, KEYTAG_ADDRESSES
                ),
            },
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All tags, in report order."""
        return self.missing, *self.by_verdict.values(), self.valid

    async def judge_servers(self, zone: Zone, servers: Iterable[Nameserver], rtype: str) -> list[Finding]:
        """Return the findings about the signatures over the set of one type, verified with the keys of each server."""
        tally = ServerTally()
        types = dict.fromkeys(("DNSKEY", rtype))
        for server, (keys, *others) in await query_each_type(servers, zone.name, *types):
            await zone.wait_for_turn()
            response = others[0] if others else keys
            if is_usable(keys) and is_usable(response) and response.has(rtype, zone.name):
                await self._judge(zone, tally, server, response=response, rtype=rtype, keys=dnskeys(keys, zone.name))
        return tally.findings(*self.all)

    async def _judge(
        self,
        zone: Zone,
        tally: ServerTally,
        server: Nameserver,
        *,
        response: Response,
        rtype: str,
        keys: Sequence[Dnskey],
    ) -> None:
        if not keys:
            return
        number = type_number(rtype)
        signed, rrsigs = rrset(response, number, zone.name), signatures(response, number, zone.name)
        if not rrsigs:
            tally.add(self.missing, server)
            return
        verdicts = [await zone.verifier.verify(signed, each, keys, now=zone.now, zone=zone.name) for each in rrsigs]
        for signature, verdict in zip(rrsigs, verdicts, strict=True):
            self._add(tally, server, signature, verdict)
        if all(verdict is SignatureVerdict.VALID for verdict in verdicts):
            tally.add(self.valid, server)

    def _add(self, tally: ServerTally, server: Nameserver, signature: Rrsig, verdict: SignatureVerdict) -> None:
        if verdict is SignatureVerdict.VALID:
            return
        tag = self.by_verdict[verdict]
        if verdict is SignatureVerdict.UNSUPPORTED_ALGORITHM:
            known = algorithm(signature.algorithm)
            tally.add(tag, server, keytag=signature.tag, algo_num=known.number, algo_mnemo=known.mnemonic)
        else:
            tally.add(tag, server, keytag=signature.tag)
