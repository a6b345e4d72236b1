"""DNSSEC19: weak or compromised keys. RFC 3110, RFC 2536, RFC 6605, RFC 8080; CVE-2017-15361, CVE-2008-0166."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import dns.dnssec
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.reference.network import do
from tests.reference.proofs import RSA, keys_in, rsa_numbers
from tests.reference.subject import Findings, Notes, Server, Subject

DSA: Final = {3, 6}
FERMAT_ROUNDS: Final = 100
RUN_OCTETS: Final = 16
SMALL_PRIMES_TO: Final = 65537
LONG_EXPONENT_BITS: Final = 33
HASH_OCTETS: Final = 15
DESCRIPTIONS: Final = {
    1: "RSA/MD5",
    3: "DSA/SHA1",
    5: "RSA/SHA1",
    6: "DSA-NSEC3-SHA1",
    7: "RSASHA1-NSEC3-SHA1",
    8: "RSA/SHA-256",
    10: "RSA/SHA-512",
    13: "ECDSA Curve P-256 with SHA-256",
    14: "ECDSA Curve P-384 with SHA-384",
    15: "Ed25519",
    16: "Ed448",
}


def dnssec19(subject: Subject) -> Findings:
    servers, tags = subject.open_servers(subject.both, "DNSKEY")
    yield from tags
    notes, with_keys, without, ignored = Notes(), set[Server](), set[Server](), set[Server]()
    names = blocked(subject.options.badkeys)
    for address, known in servers:
        reply = subject.ask(address, do(subject.zone, DNSKEY_TYPE))
        if reply is None or not reply.usable:
            ignored |= {*known}
            continue
        keys = keys_in(reply, subject.zone)
        (with_keys if keys else without).update(known)
        for key in keys:
            for tag, more in findings_of(key, names):
                arguments = {"keytag": dns.dnssec.key_id(key), "algo_num": int(key.algorithm)}
                notes.add(tag, known, **arguments, algo_descr=DESCRIPTIONS[key.algorithm], **more)
    if names is None and subject.options.badkeys:  # without a block list, keys are not compared with one
        yield "DS19_BLOCKLIST_NOT_FOUND", {}
    if without and not with_keys:
        notes.add("DS19_NO_DNSKEY", without)
    elif ignored and not with_keys:
        notes.add("DS19_NO_RESPONSE", ignored)
    yield from notes


def findings_of(key: DNSKEY, names: Callable[[bytes], str | None] | None) -> list[tuple[str, dict[str, Any]]]:
    """Return the findings about a key; none, not even a positive one, for a key that cannot be parsed."""
    number = number_of(key)
    if number is None:
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    if key.algorithm in RSA:
        modulus, exponent = rsa_numbers(key) or (0, 0)
        found += rsa_findings(modulus, exponent)
    if names is not None:
        octets = number.to_bytes((number.bit_length() + 7) // 8)
        listed_as = names(hashlib.sha256(octets).digest()[:HASH_OCTETS])
        found += [("DS19_BADKEY_BLOCKLIST", {"blocklist_name": listed_as})] if listed_as is not None else []
    return found or [("DS19_KEY_OK", {})]


def number_of(key: DNSKEY) -> int | None:
    """Return the number that the block list contains."""
    data = key.key
    if key.algorithm in RSA:
        numbers = rsa_numbers(key)
        return numbers[0] if numbers else None
    if key.algorithm in DSA:
        size = 64 + 8 * data[0] if data else 0
        return int.from_bytes(data[-size:]) if data and data[0] <= 8 and len(data) == 21 + 3 * size else None
    lengths = {13: (64, 32), 14: (96, 48), 15: (32, 32), 16: (57, 57)}
    length, taken = lengths.get(key.algorithm, (-1, 0))
    return int.from_bytes(data[:taken]) if len(data) == length else None


def rsa_findings(modulus: int, exponent: int) -> Iterator[tuple[str, dict[str, Any]]]:
    if is_fermat(modulus):
        yield "DS19_BADKEY_FERMAT", {}
    octets = modulus.to_bytes((modulus.bit_length() + 7) // 8)
    if re.search(rb"(.)\1{%d}" % (RUN_OCTETS - 1), octets, re.DOTALL):
        yield "DS19_BADKEY_PATTERN", {}
    if is_roca(modulus):
        yield "DS19_BADKEY_ROCA", {}
    if exponent < 3:
        yield "DS19_BADKEY_RSA_INVALID", {"subtest": "invalid_e"}
    if exponent >= modulus:
        yield "DS19_BADKEY_RSA_INVALID", {"subtest": "e_too_large"}
    if math.gcd(modulus, small_primes()) != 1:
        yield "DS19_BADKEY_SMALL_FACTORS", {}
    if exponent.bit_length() >= LONG_EXPONENT_BITS and is_wiener(modulus, exponent):
        yield "DS19_BADKEY_SMALL_D", {}


def is_fermat(modulus: int) -> bool:
    start = math.isqrt(max(modulus - 1, 0)) + 1
    return any(math.isqrt(a * a - modulus) ** 2 == a * a - modulus for a in range(start, start + FERMAT_ROUNDS))


@cache
def small_primes() -> int:
    sieve = bytearray([1]) * (SMALL_PRIMES_TO + 1)
    product = 1
    for number in range(2, SMALL_PRIMES_TO + 1):
        if sieve[number]:
            product *= number
            sieve[number * number :: number] = bytes(len(sieve[number * number :: number]))
    return product


@cache
def powers(prime: int) -> frozenset[int]:
    """Return the powers of 65537 modulo a prime."""
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime - 1))


def is_roca(modulus: int) -> bool:
    """Return whether a modulus is a power of 65537 modulo each odd prime up to 167 (CVE-2017-15361)."""
    primes = [number for number in range(3, 168) if all(number % below for below in range(2, number))]
    return all(modulus % prime in powers(prime) for prime in primes)


def is_wiener(modulus: int, exponent: int) -> bool:
    """Search the private exponent among the denominators of the convergents of exponent/modulus."""
    above, below = exponent, modulus
    k_before, k, d_before, d = 0, 1, 1, 0
    while below:
        quotient = above // below
        above, below = below, above - quotient * below
        k_before, k = k, quotient * k + k_before
        d_before, d = d, quotient * d + d_before
        if k and d and (exponent * d - 1) % k == 0:
            total = modulus - (exponent * d - 1) // k + 1  # of the two factors
            square = total * total - 4 * modulus
            if square >= 0 and math.isqrt(square) ** 2 == square and (total + math.isqrt(square)) % 2 == 0:
                return True
    return False


def blocked(directory: str) -> Callable[[bytes], str | None] | None:
    """Search a list of compromised keys: sorted hashes, each followed by the number of a list."""
    where = Path(directory) if directory else None
    if where is None or not (where / "blocklist.dat").exists():
        return None
    data = (where / "blocklist.dat").read_bytes()
    known = {data[at : at + HASH_OCTETS]: data[at + HASH_OCTETS] for at in range(0, len(data), HASH_OCTETS + 1)}
    lists = json.loads((where / "badkeysdata.json").read_text(encoding="utf-8"))["blocklists"]
    names = {one["id"]: str(one["name"]) for one in lists}
    return lambda digest: names.get(known[digest], "") if digest in known else None
