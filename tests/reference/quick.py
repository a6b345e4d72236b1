"""The mutations of `make test`: each tag once, and each limit on both sides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tests.reference.judge import LEVELS
from tests.reference.mutations import MUTATIONS

MARKERS: Final = {"TEST_CASE_START", "TEST_CASE_END"}
LIMITS: Final = """
    sizes/size-1232 sizes/size-1233 sizes/size-1279 sizes/size-1280 sizes/size-4096 sizes/size-4097 sizes/lost-512
    sizes/lost-513 keys/fermat-99 keys/fermat-100 keys/pattern-15 keys/pattern-16 keys/roca keys/roca-but-one
    keys/factor-65537 keys/factor-65539 keys/exponent-2 keys/exponent-3 keys/exponent-below keys/exponent-equal
    keys/wiener-32 keys/wiener-33 keys/algorithm-3-8 keys/algorithm-3-9 keys/blocked-p-256-among
    keys/blocked-p-256-not servers/cookie-7 servers/cookie-8 servers/cookie-9 servers/cookie-15 servers/cookie-16
    servers/cookie-40 servers/cookie-41 servers/error-text-256 servers/error-text-257 servers/error-text-256-split
    records/csync-minimum-2-equal records/csync-minimum-2-more records/csync-minimum-half-less
    records/csync-minimum-half records/zonemd-hash-0 records/zonemd-hash-2 records/zonemd-hash-3
    records/zonemd-digest-0 spf/spf-a-10 spf/spf-a-11 spf/spf-limit-1 spf/spf-limit-2 signals/name-255
    signals/name-256
""".split()  # noqa: SIM905  # a list of strings would take a page
# Mutations in which the two sides initially differed.
DIFFERED: Final = """
    records/caa-valid-issue-4 records/caa-invalid-23 records/caa-invalid-25 records/caa-iodef-unsettled-4
    spf/spf-two-below denial/denial-hash-over-same-owner parents/key-not-of-zone parents/key-revoked
    chains/key-not-of-zone chains/key-revoked chains/cut-unknown-digest chains/cut-secure-apart chains/cut-hashed-apart
    signals/operator-unknown-digest families/referred-ipv6-off families/parted-zone12
    servers/error-edns-dropped
""".split()  # noqa: SIM905  # a list of strings would take a page


def quick() -> list[str]:
    """Return the names of the chosen mutations, in the order of the table."""
    chosen = {*LIMITS, *DIFFERED}
    chosen |= set(_covering(LEVELS.keys() - MARKERS - _reached(chosen)))
    return [name for name in MUTATIONS if name in chosen]


def _reached(chosen: Iterable[str]) -> set[str]:
    return {tag for name in chosen for tag in MUTATIONS[name].reaches}


def _covering(tags: set[str]) -> Iterable[str]:
    for name, mutation in MUTATIONS.items():
        if found := tags & {*mutation.reaches}:
            tags -= found
            yield name
