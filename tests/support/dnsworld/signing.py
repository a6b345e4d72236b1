"""Signatures of a test zone, created when they are first needed."""

from __future__ import annotations

import dataclasses
import time
from typing import cast

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from .keys import KSK_FLAGS, ZSK_FLAGS, ZoneKey, zone_key
from .spec import KeySpec, Signing


def keys_of(origin: dns.name.Name, signing: Signing) -> list[ZoneKey]:
    """Return the keys of a zone: one for all, or a key signing and a zone signing key, or the keys described."""
    if signing.keys:
        return [_described_key(origin, signing, spec) for spec in signing.keys]
    roles = {"ksk": KSK_FLAGS} if signing.combined_key else {"ksk": KSK_FLAGS, "zsk": ZSK_FLAGS}
    return [
        zone_key(
            f"{role}/{origin.to_text().lower()}/{signing.key_seed}",
            algorithm=signing.algorithm,
            flags=flags,
            bits=signing.rsa_bits,
            exponent=signing.rsa_exponent,
        )
        for role, flags in roles.items()
    ]


def _described_key(origin: dns.name.Name, signing: Signing, spec: KeySpec) -> ZoneKey:
    key = zone_key(
        f"{spec.label}/{origin.to_text().lower()}/{signing.key_seed}",
        algorithm=spec.algorithm,
        flags=spec.flags,
        bits=signing.rsa_bits,
        exponent=signing.rsa_exponent,
    )
    return dataclasses.replace(key, spec=spec)


def ds_texts(origin: dns.name.Name, signing: Signing) -> list[str]:
    """Return the DS records that the parent needs, as text."""
    policy = dns.dnssec.allow_all_policy
    return [
        dns.dnssec.make_ds(origin, Signer(origin, signing).shown(key.dnskey), DSDigest(digest), policy=policy).to_text()
        for key in keys_of(origin, signing)
        if key.is_in_ds
        for digest in signing.digests
    ]


class Signer:
    """Signs the RRsets of one zone and caches the signatures."""

    def __init__(self, origin: dns.name.Name, signing: Signing) -> None:
        self.origin = origin
        self.signing = signing
        self.keys = keys_of(origin, signing)
        now = time.time() if signing.now is None else signing.now
        self._inception = int(now) + signing.inception_s
        self._expiration = int(now) + signing.expiration_s
        self._unsigned = {dns.rdatatype.from_text(text) for text in signing.unsigned_types}
        self._bogus = {dns.rdatatype.from_text(text) for text in signing.bogus_types}
        self._made: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rdataset.Rdataset] = {}

    def dnskeys(self) -> list[DNSKEY]:
        return [self.shown(key.dnskey) for key in self.keys if key.is_published]

    def shown(self, dnskey: DNSKEY) -> DNSKEY:
        """Return a key as published: with another algorithm number if the zone publishes a wrong one."""
        number = self.signing.shown_algorithm
        if number is None:
            return dnskey
        return cast("DNSKEY", dnskey.replace(algorithm=Algorithm.make(number)))

    def rrsigs(self, owner: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rdataset.Rdataset | None:
        """Sign an RRset under its owner in the zone (an expanded wildcard); None if it must stay unsigned."""
        if rdataset.rdtype in self._unsigned:
            return None
        known = self._made.get((owner, rdataset.rdtype))
        if known is None:
            known = self._made[owner, rdataset.rdtype] = self._sign(owner, rdataset)
        return known or None

    def _sign(self, owner: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rdataset.Rdataset:
        rdtype = dns.rdatatype.to_text(rdataset.rdtype)
        chosen = [key for key in self.keys if key.signs(rdtype)] or ([] if self.signing.keys else self.keys)
        signatures = [self._signature(owner, rdataset, key) for key in chosen]
        if not signatures:
            return dns.rdataset.Rdataset(rdataset.rdclass, dns.rdatatype.RRSIG)
        return dns.rdataset.from_rdata_list(rdataset.ttl, signatures)

    def _signature(self, owner: dns.name.Name, rdataset: dns.rdataset.Rdataset, key: ZoneKey) -> dns.rdata.Rdata:
        made = dns.dnssec.sign(
            (owner, rdataset),
            key.private,
            self.origin,
            key.dnskey,
            inception=self._inception,
            expiration=self._expiration,
            policy=dns.dnssec.allow_all_policy,
        )
        changes: dict[str, object] = {}
        if rdataset.rdtype in self._bogus:
            changes["signature"] = bytes(made.signature[:-4]) + bytes(byte ^ 0xFF for byte in made.signature[-4:])
        if self.signing.shown_algorithm is not None:
            changes["algorithm"] = self.signing.shown_algorithm
            changes["key_tag"] = dns.dnssec.key_id(self.shown(key.dnskey))
        return self._replaced(made, changes)

    @staticmethod
    def _replaced(made: RRSIG, changes: dict[str, object]) -> dns.rdata.Rdata:
        return made.replace(**changes) if changes else made
