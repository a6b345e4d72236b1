"""Weaknesses that can be computed from a public key, and the number that lists of compromised keys use for it.

Source: RFC 3110 section 2, RFC 2536 section 2, RFC 6605 section 4, RFC 8080 section 3; CVE-2017-15361 (ROCA); Wiener,
"Cryptanalysis of short RSA secret exponents" (1990); Fermat factorisation for primes that are close together.
"""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Iterator
from functools import cache, lru_cache

from gonemaster_engine.dnssec.algorithms import RSA_ALGORITHMS
from gonemaster_engine.dnssec.records import Dnskey
from gonemaster_engine.dnssec.rsa import MODULUS_MAX_BITS, RsaKey, rsa_key

FERMAT_ROUNDS = 100
SMALL_FACTOR_MAX = 65537
_WIENER_MIN_EXPONENT_BITS = 33
_WIENER_MAX_MODULUS_BITS = 4096  # larger moduli take too long, and RFC 3110 does not allow them
_REPEATED_OCTETS = re.compile(rb"(.)\1{15}", re.DOTALL)
_ROCA_GENERATOR = 65537
_ROCA_PRIMES = (
    3,
    5,
    7,
    11,
    13,
    17,
    19,
    23,
    29,
    31,
    37,
    41,
    43,
    47,
    53,
    59,
    61,
    67,
    71,
    73,
    79,
    83,
    89,
    97,
    101,
    103,
    107,
    109,
    113,
    127,
    131,
    137,
    139,
    149,
    151,
    157,
    163,
    167,
)  # fmt: skip - a table
_DSA_ALGORITHMS = frozenset({3, 6})
_POINT_OCTETS = {13: 64, 14: 96}
_RAW_OCTETS = {15: 32, 16: 57}
# Squares have few different remainders: these four moduli rule out 99 of 100 numbers before a root is computed.
_SQUARES = {modulus: {number * number % modulus for number in range(modulus)} for modulus in (64, 63, 65, 11)}


class Weakness(enum.Enum):
    """A weakness of an RSA key."""

    FERMAT = "its primes lie close to each other"
    PATTERN = "its modulus repeats an octet"
    ROCA = "it was made by a library whose keys can be factored"
    INVALID_EXPONENT = "its exponent is below 3"
    EXPONENT_TOO_LARGE = "its exponent is not below its modulus"
    SMALL_FACTORS = "its modulus has a small factor"
    SMALL_PRIVATE_EXPONENT = "its private exponent is short"


@lru_cache(maxsize=256)
def weaknesses(algorithm: int, key: bytes) -> tuple[Weakness, ...]:
    """Return the weaknesses of the public key field of a DNSKEY; none for keys that are malformed or not RSA."""
    found = rsa_key(key) if algorithm in RSA_ALGORITHMS else None
    if found is None or not 0 < found.bits <= MODULUS_MAX_BITS:
        return ()
    return tuple(_rsa_weaknesses(found))


def check_cost_us(algorithm: int, key: bytes) -> int:
    """Return the estimated time, in microseconds, to find the weaknesses of the public key field of a DNSKEY."""
    found = rsa_key(key) if algorithm in RSA_ALGORITHMS else None
    if found is None or found.bits > MODULUS_MAX_BITS:
        return 1
    has_long_exponent = found.exponent_bits >= _WIENER_MIN_EXPONENT_BITS and found.bits <= _WIENER_MAX_MODULUS_BITS
    return 50 + found.bits // 8 + (found.bits * found.exponent_bits // 6_000 if has_long_exponent else 0)


def _rsa_weaknesses(key: RsaKey) -> Iterator[Weakness]:
    if _has_close_factors(key.modulus):
        yield Weakness.FERMAT
    if _REPEATED_OCTETS.search(key.modulus.to_bytes((key.bits + 7) // 8)):
        yield Weakness.PATTERN
    if _has_roca_fingerprint(key.modulus):
        yield Weakness.ROCA
    if key.exponent < 3:
        yield Weakness.INVALID_EXPONENT
    elif key.exponent >= key.modulus:
        yield Weakness.EXPONENT_TOO_LARGE
    if math.gcd(key.modulus, _product_of_small_primes()) != 1:
        yield Weakness.SMALL_FACTORS
    # A private exponent can be short only if the public one is long.
    if key.exponent_bits >= _WIENER_MIN_EXPONENT_BITS and _has_short_private_exponent(key):
        yield Weakness.SMALL_PRIVATE_EXPONENT


def is_square(number: int) -> bool:
    """Return whether a number is a perfect square; most others are ruled out by a few remainders."""
    if number < 0 or any(number % modulus not in squares for modulus, squares in _SQUARES.items()):
        return False
    return math.isqrt(number) ** 2 == number


def _has_close_factors(modulus: int) -> bool:
    # Fermat: a modulus is the difference of two squares, a² - b², with the primes a + b and a - b. If the primes are
    # close, b is found within few steps upwards from the root of the modulus; well-chosen primes are never found.
    root = math.isqrt(modulus)
    if root * root < modulus:
        root += 1
    difference = root * root - modulus
    for _ in range(FERMAT_ROUNDS):
        if is_square(difference):
            return True
        difference += 2 * root + 1
        root += 1
    return False


def _has_roca_fingerprint(modulus: int) -> bool:
    # Both primes of an affected key are powers of 65537 modulo each small prime, and so is their product. Other keys
    # match by chance with a probability of 2^-28.
    return all(modulus % prime in powers for prime, powers in _roca_powers().items())


@cache
def _roca_powers() -> dict[int, frozenset[int]]:
    """Return the remainders of the powers of the generator, by prime."""
    return {
        prime: frozenset(pow(_ROCA_GENERATOR, exponent, prime) for exponent in range(prime - 1))
        for prime in _ROCA_PRIMES
    }


@cache
def _product_of_small_primes() -> int:
    sieve = bytearray([1]) * (SMALL_FACTOR_MAX + 1)
    for number in range(2, math.isqrt(SMALL_FACTOR_MAX) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, SMALL_FACTOR_MAX + 1, number)))
    return math.prod(number for number in range(2, SMALL_FACTOR_MAX + 1) if sieve[number])


def _has_short_private_exponent(key: RsaKey) -> bool:
    """Return whether a convergent of exponent / modulus reveals the private exponent (Wiener's attack)."""
    if key.bits > _WIENER_MAX_MODULUS_BITS or key.exponent >= key.modulus:
        return False
    for multiple, private in _convergents(key.exponent, key.modulus):
        # Convergents grow, and the attack only works up to a quarter of the modulus's length.
        if private.bit_length() > key.bits // 4 + 1:
            return False
        if multiple == 0 or (key.exponent * private - 1) % multiple:
            continue
        sum_of_primes = key.modulus + 1 - (key.exponent * private - 1) // multiple
        if is_square(sum_of_primes * sum_of_primes - 4 * key.modulus):
            return True
    return False


def _convergents(numerator: int, denominator: int) -> Iterator[tuple[int, int]]:
    before, current = (0, 1), (1, 0)
    while denominator:
        quotient, remainder = divmod(numerator, denominator)
        before, current = current, (quotient * current[0] + before[0], quotient * current[1] + before[1])
        yield current
        numerator, denominator = denominator, remainder


def key_number(key: Dnskey) -> int | None:
    """Return the number that lists of compromised keys use for a key; None for malformed or unknown keys."""
    if key.algorithm in RSA_ALGORITHMS:
        rsa = rsa_key(key.key)
        return rsa.modulus if rsa else None
    if key.algorithm in _DSA_ALGORITHMS:
        return _dsa_number(key.key)
    if len(key.key) == _POINT_OCTETS.get(key.algorithm):
        return int.from_bytes(key.key[: len(key.key) // 2])
    return int.from_bytes(key.key) if len(key.key) == _RAW_OCTETS.get(key.algorithm) else None


def _dsa_number(key: bytes) -> int | None:
    """Return Y of a DSA key: after T, Q (20 octets), P and G (64 + 8 T octets each, as Y itself)."""
    if not key or key[0] > 8:
        return None
    octets = 64 + 8 * key[0]
    return int.from_bytes(key[21 + 2 * octets :]) if len(key) == 21 + 3 * octets else None
