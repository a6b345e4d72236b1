"""Mutations for dnssec19: keys with one weakness each, on both sides of each limit, generated from a fixed seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cache, partial
from random import Random

import dns.message
import dns.rrset

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2
from tests.support.dnssec_worlds import edit, key_of, secure, with_fault
from tests.support.dnsworld import World, faults

CASE = "dnssec19"
ROCA_PRIMES = [number for number in range(3, 168) if all(number % below for below in range(2, number))]


def rsa(exponent: int, modulus: int, *, algorithm: int = 8) -> bytes:
    """Return the data of a DNSKEY record (RFC 3110 section 2)."""
    length = (exponent.bit_length() + 7) // 8 or 1
    prefix = bytes((length,)) if length < 256 else b"\0" + length.to_bytes(2)
    octets = prefix + exponent.to_bytes(length) + modulus.to_bytes((modulus.bit_length() + 7) // 8 or 1)
    return bytes((1, 1, 3, algorithm)) + octets


def key(algorithm: int, octets: bytes) -> bytes:
    return bytes((1, 0, 3, algorithm)) + octets


def rough(random: Random, bits: int) -> int:
    """Return a number without factors up to 65537 or slightly more."""
    while True:
        number = random.getrandbits(bits) | 1 | (1 << (bits - 1))
        if math.gcd(number, _primorial()) == 1:
            return number


@cache
def _primorial() -> int:
    sieve = [True] * 65600
    product = 1
    for number in range(2, len(sieve)):
        if sieve[number]:
            product *= number
            for multiple in range(number * number, len(sieve), number):
                sieve[multiple] = False
    return product


def strong() -> int:
    random = Random("strong")
    return rough(random, 300) * rough(random, 212)


def close(steps: int) -> int:
    """Return a modulus that Fermat's method factors after exactly this number of steps from the root."""
    random = Random(f"close {steps}")
    while True:
        above = random.getrandbits(300) | (1 << 299)
        beside = math.isqrt(2 * above * steps) + 1 if steps else random.getrandbits(100)
        modulus = above * above - beside * beside
        if modulus % 2 and above - (math.isqrt(modulus - 1) + 1) == steps:
            return modulus


def patterned(run: int) -> int:
    octets = bytearray(Random("pattern").randbytes(64))
    octets[0], octets[-1] = 0x9A, 0x37
    octets[20 : 20 + run] = b"\xab" * run
    octets[19], octets[20 + run] = 0xAC, 0xAC
    return int.from_bytes(octets)


def roca(but: int = 0) -> int:
    """Return a modulus with the fingerprint, or a modulus without it modulo one prime."""
    product = 2 * math.prod(ROCA_PRIMES)
    number = pow(65537, 123456789, product) + product * rough(Random("roca"), 250)
    if but:
        members = {pow(65537, exponent, but) for exponent in range(but)}
        while number % but in members:
            number += product // but
    return number


def telling_primes() -> list[int]:
    """Return the primes for which some numbers are not powers of 65537 modulo the prime."""
    return [prime for prime in ROCA_PRIMES if len({pow(65537, each, prime) for each in range(prime)}) < prime - 1]


def wiener(bits: int) -> tuple[int, int]:
    """Return a modulus of `bits` bits and its public exponent, for which the private exponent is small."""
    random = Random(f"wiener {bits}")
    while True:
        first, second = (_prime(random, bits // 2 + (bits < 100)) for _ in range(2))
        order = (first - 1) * (second - 1)
        private = random.choice((3, 5, 7, 11, 13, 17))
        if first != second and math.gcd(private, order) == 1:
            exponent = pow(private, -1, order)
            if exponent.bit_length() == bits:
                return first * second, exponent


def _prime(random: Random, bits: int) -> int:
    while True:
        number = random.getrandbits(bits) | 1 | (1 << (bits - 1))
        if all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)):
            return number


def with_keys(*first: bytes, second: Iterable[bytes] | None = None) -> World:
    """Let the servers publish these keys."""
    world = secure()
    with_fault(world, shown(first), A1, qtype="DNSKEY")
    return with_fault(world, shown(first if second is None else second), A2, qtype="DNSKEY")


def spoilt(fault: faults.Fault, *addresses: str) -> World:
    return with_fault(secure(), fault, *addresses, qtype="DNSKEY")


def shown(keys: Iterable[bytes]) -> faults.Fault:
    def change(message: dns.message.Message) -> None:
        owner = message.question[0].name
        made = [key_of(one) for one in keys]
        message.answer = [dns.rrset.from_rdata_list(owner, 60, made)] if made else []

    return edit(change)


def one(name: str, key_data: bytes, *tags: str, without: tuple[str, ...] = ()) -> tuple[str, Mutation]:
    return name, Mutation(CASE, lambda: with_keys(key_data), names("DS19_", " ".join(tags)), without)


BAD = names("DS19_BADKEY_", "FERMAT PATTERN ROCA RSA_INVALID SMALL_FACTORS SMALL_D")


def _weak() -> Iterator[tuple[str, Mutation]]:
    yield one("strong", rsa(65537, strong()), "KEY_OK", without=BAD)
    for steps in (0, 1, 50, 98, 99):
        yield one(f"fermat-{steps}", rsa(65537, close(steps)), "BADKEY_FERMAT")
    for steps in (100, 101, 102):
        yield one(f"fermat-{steps}", rsa(65537, close(steps)), without=names("DS19_", "BADKEY_FERMAT"))
    yield one("square", rsa(65537, rough(Random("square"), 256) ** 2), "BADKEY_FERMAT")
    yield one("pattern-15", rsa(65537, patterned(15)), without=names("DS19_", "BADKEY_PATTERN"))
    yield one("pattern-16", rsa(65537, patterned(16)), "BADKEY_PATTERN")
    yield one("roca", rsa(65537, roca()), "BADKEY_ROCA")
    almost = [rsa(65537, roca(but=prime)) for prime in telling_primes()]
    yield "roca-but-one", Mutation(CASE, lambda: with_keys(*almost), (), names("DS19_", "BADKEY_ROCA"))
    big = rough(Random("big"), 480)
    yield one("factor-65537", rsa(3, 65537 * big), "BADKEY_SMALL_FACTORS")
    yield one("factor-65539", rsa(3, 65539 * big), "KEY_OK")
    yield one("factor-2", rsa(3, 2 * big), "BADKEY_SMALL_FACTORS")
    for exponent in (0, 1, 2):
        yield one(f"exponent-{exponent}", rsa(exponent, strong()), "BADKEY_RSA_INVALID")
    yield one("exponent-3", rsa(3, strong()), "KEY_OK")
    yield one("exponent-below", rsa(strong() - 1, strong()), without=names("DS19_", "BADKEY_RSA_INVALID"))
    yield one("exponent-equal", rsa(strong(), strong()), "BADKEY_RSA_INVALID")
    yield one("exponent-above", rsa(strong() + 2, strong()), "BADKEY_RSA_INVALID")
    for bits, reached in ((31, ()), (32, ()), (33, ("BADKEY_SMALL_D",)), (34, ("BADKEY_SMALL_D",))):
        modulus, exponent = wiener(bits)
        yield one(f"wiener-{bits}", rsa(exponent, modulus), *reached, without=() if reached else BAD[-1:])
    modulus, exponent = wiener(300)
    yield one("wiener-300", rsa(exponent, modulus), "BADKEY_SMALL_D")
    yield one("many-faults", rsa(1, 2 * patterned(20)), "BADKEY_PATTERN", "BADKEY_SMALL_FACTORS", "BADKEY_RSA_INVALID")
    yield one("modulus-1", rsa(3, 1), "BADKEY_RSA_INVALID")
    yield one("long-exponent-form", key(8, b"\0\0\3\1\0\1" + strong().to_bytes(64)), "KEY_OK")


def _kinds() -> Iterator[tuple[str, Mutation]]:
    octets = Random("kinds").randbytes(400)
    for algorithm, length in ((13, 64), (14, 96), (15, 32), (16, 57)):
        yield one(f"algorithm-{algorithm}", key(algorithm, octets[:length]), "KEY_OK")
        for wrong in (length - 1, length + 1):
            yield (
                f"algorithm-{algorithm}-{wrong}",
                Mutation(CASE, partial(with_keys, key(algorithm, octets[:wrong])), (), ("DS19_KEY_OK",)),
            )
    for algorithm in (1, 5, 7, 10):
        yield one(f"algorithm-{algorithm}", rsa(65537, strong(), algorithm=algorithm), "KEY_OK")
    for algorithm in (3, 6):
        yield one(f"algorithm-{algorithm}", key(algorithm, b"\0" + octets[: 20 + 3 * 64]), "KEY_OK")
        yield one(f"algorithm-{algorithm}-8", key(algorithm, b"\x08" + octets[:20] + octets[:384]), "KEY_OK")
        yield one(f"algorithm-{algorithm}-9", key(algorithm, b"\x09" + octets[:20] + octets[:408] * 2))
        yield one(f"algorithm-{algorithm}-short", key(algorithm, b"\0" + octets[: 19 + 3 * 64]))
    for algorithm in (0, 2, 4, 9, 11, 12, 17, 23, 200, 253, 255):
        yield one(f"algorithm-{algorithm}", key(algorithm, octets[:64]), without=("DS19_KEY_OK",))
    for name, data in (
        ("empty", b""),
        ("octet", b"\3"),
        ("no-modulus", b"\3\1\0\1"),
        ("no-exponent", b"\0\0\0" + octets),
    ):
        yield one(f"rsa-{name}", key(8, data))


def _answers() -> Iterator[tuple[str, Mutation]]:
    some = rsa(65537, strong())
    yield "no-keys", Mutation(CASE, lambda: with_keys(), names("DS19_", "NO_DNSKEY"))
    yield "keys-on-one", Mutation(CASE, lambda: with_keys(some, second=()), names("DS19_", "KEY_OK"))
    yield "other-keys", Mutation(CASE, lambda: with_keys(some, second=[rsa(2, strong())]), names("DS19_", "KEY_OK"))
    for name, fault in (
        ("refused", faults.rcode("REFUSED")),
        ("not-aa", faults.no_aa()),
        ("silent", faults.silence()),
        ("nxdomain", faults.rcode("NXDOMAIN")),
    ):
        yield (
            f"keys-{name}",
            Mutation(
                CASE,
                partial(spoilt, fault),
                names("DS19_", "NO_RESPONSE"),
            ),
        )
        yield (
            f"keys-{name}-on-one",
            Mutation(
                CASE,
                partial(spoilt, fault, A1),
                names("DS19_", "KEY_OK"),
                names("DS19_", "NO_RESPONSE"),
            ),
        )
    yield (
        "keys-none-and-refused",
        Mutation(
            CASE,
            lambda: with_fault(with_keys(), faults.rcode("REFUSED"), A1, qtype="DNSKEY"),
            names("DS19_", "NO_DNSKEY"),
        ),
    )


def _blocked() -> Iterator[tuple[str, Mutation]]:
    octets = Random("blocked").randbytes(200)
    kinds = {
        "rsa": (rsa(65537, strong()), strong()),
        "dsa": (key(3, b"\0" + octets[:20] + octets[:192]), int.from_bytes(octets[128:192])),
        "p-256": (key(13, octets[70:134]), int.from_bytes(octets[70:102])),
        "p-384": (key(14, octets[80:176]), int.from_bytes(octets[80:128])),
        "ed25519": (key(15, octets[:32]), int.from_bytes(octets[:32])),
        "ed448": (key(16, octets[:57]), int.from_bytes(octets[:57])),
        "zeros": (key(15, bytes(3) + octets[:29]), int.from_bytes(octets[:29])),
    }
    none = names("DS19_", "BLOCKLIST_NOT_FOUND")
    everything = tuple((number, name) for name, (_, number) in kinds.items())
    for name, (data, number) in kinds.items():
        for where, numbers in (
            ("alone", ((number, "one"),)),
            ("among", everything),
            ("last", (*everything, (7, "seven"))),
        ):
            reached = names("DS19_", "BADKEY_BLOCKLIST")
            build = partial(with_keys, data)
            yield f"blocked-{name}-{where}", Mutation(CASE, build, reached, none, blocked=numbers)
        others = tuple(each for each in everything if each[1] != name)
        yield (
            f"blocked-{name}-not",
            Mutation(CASE, partial(with_keys, data), (), names("DS19_", "BADKEY_BLOCKLIST"), blocked=others),
        )
    weak = rsa(2, strong())
    both = names("DS19_BADKEY_", "BLOCKLIST RSA_INVALID")
    yield "blocked-and-weak", Mutation(CASE, partial(with_keys, weak), both, blocked=everything)
    yield "no-list", Mutation(CASE, partial(with_keys, weak), none, options={"badkeys": "/no/such/directory"})


MUTATIONS = numbered((*_weak(), *_kinds(), *_answers(), *_blocked()))
