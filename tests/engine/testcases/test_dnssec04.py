"""DNSSEC04: the lifetime of signatures."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.case_runs import Found, findings
from tests.support.dnssec_worlds import DAY_S, secure, tags, with_fault
from tests.support.dnsworld import Signing, World, faults

KSK, ZSK = tags()
TOLERANCE_S = 60  # between the creation of the signatures and the run
SETS = (("SOA", ZSK), ("DNSKEY", KSK))


def lives(inception_days: float, expiration_days: float) -> World:
    return secure(Signing(inception_s=int(inception_days * DAY_S), expiration_s=int(expiration_days * DAY_S)))


def per_set(*expected: tuple[str, str, float]) -> list[tuple[str, str, int, str, float]]:
    """Return the expected findings for each signature: its end in seconds from now, and tags with seconds."""
    return [(tag, types, keytag, key, seconds) for types, keytag in reversed(SETS) for tag, key, seconds in expected]


SCENARIOS = {
    "good": (lives(-1, 14), per_set(("RRSIG_EXPIRATION", "date", 14 * DAY_S), ("DURATION_OK", "duration", 15 * DAY_S))),
    "expired": (
        lives(-30, -1),
        per_set(("RRSIG_EXPIRATION", "date", -DAY_S), ("RRSIG_EXPIRED", "expiration", -DAY_S)),
    ),
    "ends soon": (
        lives(-1, 0.25),
        per_set(("RRSIG_EXPIRATION", "date", DAY_S / 4), ("REMAINING_SHORT", "duration", DAY_S / 4)),
    ),
    "ends late": (
        lives(-1, 181),
        per_set(
            ("RRSIG_EXPIRATION", "date", 181 * DAY_S),
            ("REMAINING_LONG", "duration", 181 * DAY_S),
            ("DURATION_LONG", "duration", 182 * DAY_S),
        ),
    ),
    "lives long": (
        lives(-170, 14),
        per_set(("RRSIG_EXPIRATION", "date", 14 * DAY_S), ("DURATION_LONG", "duration", 184 * DAY_S)),
    ),
    "no answer": (with_fault(secure(), faults.silence(), qtype="SOA"), []),
}


def seconds_of(key: str, args: dict[str, Any]) -> float:
    """Return a point in time as the seconds from now, and a duration unchanged."""
    if key == "date":
        moment = datetime.strptime(args["date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return moment.timestamp() - time.time()
    return float(args[key]) - (time.time() if key == "expiration" else 0)


def shape(found: list[Found], keys: list[str]) -> list[tuple[str, str, int]]:
    assert [set(args) for _, args in found] == [{"keytag", "types", key} for key in keys]
    return [(tag, args["types"], args["keytag"]) for tag, args in found]


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec04(name: str) -> None:
    world, expected = SCENARIOS[name]
    found = findings(world, "dnssec04")
    keys = [key for _, _, _, key, _ in expected]
    assert shape(found, keys) == [(tag, types, keytag) for tag, types, keytag, _, _ in expected]
    for (_, args), (_, _, _, key, seconds) in zip(found, expected, strict=True):
        assert abs(seconds_of(key, args) - seconds) < TOLERANCE_S
