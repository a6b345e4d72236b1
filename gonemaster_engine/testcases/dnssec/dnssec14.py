"""DNSSEC14: the sizes of RSA keys, and of their public exponents.

Specification: Zonemaster DNSSEC14. RFC 3110, RFC 5155, RFC 5702, RFC 8624.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.dnssec.records import Dnskey, dnskeys
from gonemaster_engine.dnssec.rsa import rsa_key
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone


class _Sizes(NamedTuple):
    """Limits of the modulus in bits."""

    minimum: int
    maximum: int
    recommended: int = 2048


_SIZES = {5: _Sizes(512, 4096), 7: _Sizes(512, 4096), 8: _Sizes(512, 4096), 10: _Sizes(1024, 4096)}
_EXPONENT_MAX_BITS = 31  # the limit of some validators: 2**31 - 1

_SIZE_KEYS = ("algo_num", "algo_descr", "keytag", "keysize", "keysizemin", "keysizemax", "keysizerec")
_SERVER = ("ns", "address")
NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, _SERVER)
NO_DNSKEY = Tag("NO_RESPONSE_DNSKEY", Level.ERROR, _SERVER)
TOO_SMALL = Tag("DNSKEY_TOO_SMALL_FOR_ALGO", Level.ERROR, _SIZE_KEYS)
SMALL = Tag("DNSKEY_SMALLER_THAN_REC", Level.WARNING, _SIZE_KEYS)
TOO_LARGE = Tag("DNSKEY_TOO_LARGE_FOR_ALGO", Level.ERROR, _SIZE_KEYS)
SIZE_OK = Tag("KEY_SIZE_OK", Level.INFO)
EXPONENT_LARGE = Tag("DNSKEY_RSA_EXPONENT_LARGE", Level.NOTICE, ("algo_num", "algo_descr", "keytag", "exponent_bits"))


@case(
    "dnssec14",
    NO_RESPONSE,
    NO_DNSKEY,
    TOO_SMALL,
    SMALL,
    TOO_LARGE,
    EXPONENT_LARGE,
    SIZE_OK,
    query_types=("DNSKEY",),
)
async def dnssec14(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the sizes of RSA keys and of their public exponents are within the limits."""
    servers = usable(await zone.all_servers())
    keys: dict[tuple[int, int, bytes], Dnskey] = {}
    for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True):
        await zone.wait_for_turn()
        if response is None:
            yield NO_RESPONSE(ns=server.name, address=server.address)
        elif found := dnskeys(response, zone.name):
            keys.update(((key.algorithm, key.tag, key.key), key) for key in found)
        else:
            yield NO_DNSKEY(ns=server.name, address=server.address)
    size_findings = [finding for _, key in sorted(keys.items()) for finding in _judge_size(key)]
    for finding in size_findings:
        yield finding
    for _, key in sorted(keys.items()):
        for finding in _judge_exponent(key):
            yield finding
    if keys and not size_findings:
        yield SIZE_OK()


def _judge_size(key: Dnskey) -> Iterator[Finding]:
    limits = _SIZES.get(key.algorithm)
    if limits is None:
        return
    rsa = rsa_key(key.key)
    size = rsa.bits if rsa else 0
    args = {
        "algo_num": key.algorithm,
        "algo_descr": algorithm(key.algorithm).description,
        "keytag": key.tag,
        "keysize": size,
        "keysizemin": limits.minimum,
        "keysizemax": limits.maximum,
        "keysizerec": limits.recommended,
    }
    if size < limits.minimum:
        yield TOO_SMALL(**args)
    if size < limits.recommended:
        yield SMALL(**args)
    if size > limits.maximum:
        yield TOO_LARGE(**args)


def _judge_exponent(key: Dnskey) -> Iterator[Finding]:
    rsa = rsa_key(key.key) if key.algorithm in _SIZES else None
    if rsa and rsa.exponent_bits > _EXPONENT_MAX_BITS:
        yield EXPONENT_LARGE(
            algo_num=key.algorithm,
            algo_descr=algorithm(key.algorithm).description,
            keytag=key.tag,
            exponent_bits=rsa.exponent_bits,
        )
