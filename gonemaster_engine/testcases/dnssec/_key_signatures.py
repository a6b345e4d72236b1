"""What DNSSEC08 and 09 have in common: each signature over a set of each server, judged by the server's keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.records import Dnskey, Rrset, Rrsig
from gonemaster_engine.dnssec.verify import Verdict
from gonemaster_engine.entries import Level
from gonemaster_engine.findings import Finding, Tag
from gonemaster_engine.net.nameserver import Nameserver
from gonemaster_engine.testcases.dnssec._shared import ADDRESSES, ALGORITHM_ADDRESSES, KEYTAG_ADDRESSES, Tally
from gonemaster_engine.zone import Zone


@dataclass(frozen=True, slots=True)
class SignatureTags:
    """The tags about the signatures over one type."""

    missing: Tag
    valid: Tag
    by_verdict: dict[Verdict, Tag]

    @classmethod
    def named(cls, prefix: str, rtype: str) -> SignatureTags:
        """Return the tags of a case ("DS08") about a type ("DNSKEY")."""
        return cls(
            missing=Tag(f"{prefix}_MISSING_RRSIG_IN_RESPONSE", Level.ERROR, ADDRESSES),
            valid=Tag(f"{prefix}_{rtype}_RRSIG_VALID", Level.INFO, ADDRESSES),
            by_verdict={
                Verdict.NOT_YET_VALID: Tag(f"{prefix}_{rtype}_RRSIG_NOT_YET_VALID", Level.ERROR, KEYTAG_ADDRESSES),
                Verdict.EXPIRED: Tag(f"{prefix}_{rtype}_RRSIG_EXPIRED", Level.ERROR, KEYTAG_ADDRESSES),
                Verdict.NO_KEY: Tag(f"{prefix}_NO_MATCHING_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES),
                Verdict.INVALID: Tag(f"{prefix}_RRSIG_NOT_VALID_BY_DNSKEY", Level.ERROR, KEYTAG_ADDRESSES),
                Verdict.UNSUPPORTED_ALGORITHM: Tag(
                    f"{prefix}_ALGO_NOT_SUPPORTED_BY_ZM", Level.NOTICE, ALGORITHM_ADDRESSES
                ),
                Verdict.UNSUPPORTED_EXPONENT: Tag(f"{prefix}_RSA_EXPONENT_UNSUPPORTED", Level.NOTICE, KEYTAG_ADDRESSES),
            },
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All of them, in the order in which they are reported."""
        return self.missing, *self.by_verdict.values(), self.valid

    def judge(
        self,
        zone: Zone,
        tally: Tally,
        server: Nameserver,
        *,
        signed: Rrset,
        made: Sequence[Rrsig],
        keys: Iterable[Dnskey],
    ) -> None:
        """Note what the signatures of one server over one set are worth."""
        if not made:
            tally.add(self.missing, server)
            return
        keys = list(keys)
        verdicts = [zone.verifier.verify(signed, each, keys, now=zone.now, zone=zone.name) for each in made]
        for signature, verdict in zip(made, verdicts, strict=True):
            self._add(tally, server, signature, verdict)
        if all(verdict is Verdict.VALID for verdict in verdicts):
            tally.add(self.valid, server)

    def _add(self, tally: Tally, server: Nameserver, signature: Rrsig, verdict: Verdict) -> None:
        if verdict is Verdict.VALID:
            return
        tag = self.by_verdict[verdict]
        if verdict is Verdict.UNSUPPORTED_ALGORITHM:
            known = algorithm(signature.algorithm)
            tally.add(tag, server, keytag=signature.tag, algo_num=known.number, algo_mnemo=known.mnemonic)
        else:
            tally.add(tag, server, keytag=signature.tag)

    def findings(self, tally: Tally) -> Iterator[Finding]:
        """Yield what was noted."""
        return tally.findings(*self.all)
