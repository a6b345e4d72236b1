"""The trust anchors of the root zone, as published by IANA.

Source: https://data.iana.org/root-anchors/root-anchors.xml, RFC 9718.
"""

from __future__ import annotations

from gonemaster_engine.dnssec.records import Ds, make_ds

_RSASHA256 = 8
_SHA256 = 2

ROOT_ANCHORS: tuple[Ds, ...] = tuple(
    make_ds(tag=tag, algorithm=_RSASHA256, digest_type=_SHA256, digest=bytes.fromhex(digest))
    for tag, digest in (
        (20326, "e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"),  # since 2017
        (38696, "683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"),  # since 2025
    )
)
