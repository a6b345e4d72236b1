"""Decisions about CDS and CDNSKEY requests: each rule alone, and the hold-down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gonemaster_engine.automation.cds import REASON_TEXTS, CdsAction, CdsHistory, CdsVerdict, Reason, judge, settle
from gonemaster_engine.automation.observation import Observation, ObservedParent, ObservedServer, SeenSet
from gonemaster_engine.dnssec.digests import ds_digest
from gonemaster_engine.dnssec.records import CDNSKEY, CDS, DNSKEY, dnskey, ds

ZONE = "example.xa"
DAY_S = 86_400
DELETE_CDS, DELETE_CDNSKEY = bytes(5), bytes([0, 0, 3, 0, 0])
READY = ({"tag": "DS24_BOOTSTRAP_READY", "args": {}},)
SILENT = ({"tag": "DS24_SIGNAL_ZONE_UNREACHABLE", "args": {}},)


def key(seed: int, *, algorithm: int = 13) -> bytes:
    return bytes([1, 1, 3, algorithm]) + bytes([seed]) * 64


def ds_for(rdata: bytes, digest_type: int = 2) -> bytes:
    found = dnskey(rdata)
    assert found
    digest = ds_digest(ZONE, digest_type, rdata) or b"\1" * 32
    return found.tag.to_bytes(2) + bytes([found.algorithm, digest_type]) + digest


OLD, NEW, OTHER = key(1), key(2), key(3)
OLD_SHA1, NEW_WEAK = key(4, algorithm=5), key(5, algorithm=5)
UNKNOWN = key(6, algorithm=200)


@dataclass(frozen=True)
class Server:
    """The answers of a server; by default it requests that the key NEW replaces OLD."""

    cds: Sequence[bytes] | None = (ds_for(NEW),)
    cdnskey: Sequence[bytes] | None = (NEW,)
    keys: Sequence[bytes] | None = (OLD, NEW)
    signers: Sequence[bytes] = (OLD, NEW)  # of the DNSKEY set
    requested_by: Sequence[bytes] = (OLD,)  # the signers of the CDS and CDNSKEY sets

    def view(self, number: int) -> ObservedServer:
        sets = {
            CDS: self._seen(CDS, self.cds, self.requested_by),
            CDNSKEY: self._seen(CDNSKEY, self.cdnskey, self.requested_by),
            DNSKEY: self._seen(DNSKEY, self.keys, self.signers),
        }
        return ObservedServer(f"ns{number}.{ZONE}", f"127.9.{number}.1", sets)

    @staticmethod
    def _seen(rtype: int, records: Sequence[bytes] | None, signers: Sequence[bytes]) -> SeenSet | None:
        return None if records is None else SeenSet(rtype, tuple(records), 60, tuple(signers) if records else ())


CHANGE = Server()
NOTHING = Server((), ())
DELETION = Server((DELETE_CDS,), (DELETE_CDNSKEY,))
STRONG = (ds_for(OLD),)


def seen(
    *servers: Server, ds: Sequence[bytes] | None = STRONG, others: Sequence[Sequence[bytes]] = (), **fields: Any
) -> Observation:
    parents = [None if ds is None else tuple(ds), *map(tuple, others)]
    views = tuple(ObservedParent(f"ns{n}.nic.xa", f"127.8.{n}.1", each) for n, each in enumerate(parents))
    zone = tuple(server.view(number) for number, server in enumerate(servers or (CHANGE, CHANGE)))
    return Observation(ZONE, 1_000_000, views, zone, **fields)


def on_both(**fields: Any) -> tuple[Server, Server]:
    return replace(CHANGE, **fields), replace(CHANGE, **fields)


RULES: dict[str, tuple[Observation, CdsAction, Reason]] = {
    "the deadline ended it": (seen(is_complete=False), CdsAction.WAIT, Reason.INCOMPLETE),
    "no server is known": (replace(seen(), servers=()), CdsAction.WAIT, Reason.SERVER_SILENT),
    "one server gives no CDS": (seen(CHANGE, Server(cds=None)), CdsAction.WAIT, Reason.SERVER_SILENT),
    "one server gives no CDNSKEY": (seen(CHANGE, Server(cdnskey=None)), CdsAction.WAIT, Reason.SERVER_SILENT),
    "one server gives no DNSKEY": (seen(CHANGE, Server(keys=None)), CdsAction.WAIT, Reason.SERVER_SILENT),
    "no request": (seen(NOTHING, NOTHING), CdsAction.KEEP, Reason.NOTHING_REQUESTED),
    "no server of the parent answers": (seen(ds=None), CdsAction.WAIT, Reason.PARENT_SILENT),
    "servers of the parent differ": (seen(others=[(ds_for(OTHER),)]), CdsAction.WAIT, Reason.PARENT_DIFFERS),
    "one server without the request": (seen(CHANGE, NOTHING), CdsAction.REFUSE, Reason.SERVERS_DIFFER),
    "one server with another key": (
        seen(CHANGE, Server((ds_for(OTHER),), (OTHER,))),
        CdsAction.REFUSE,
        Reason.SERVERS_DIFFER,
    ),
    "servers differ in a deprecated digest only": (
        seen(CHANGE, Server((ds_for(NEW), ds_for(NEW, 1)))),
        CdsAction.REPLACE,
        Reason.ROLLOVER,
    ),
    "CDS and CDNSKEY for different keys": (
        seen(*on_both(cdnskey=(OTHER,))),
        CdsAction.REFUSE,
        Reason.CDS_CDNSKEY_DIFFER,
    ),
    "CDNSKEY with one key more": (
        seen(*on_both(cdnskey=(NEW, OTHER))),
        CdsAction.REFUSE,
        Reason.CDS_CDNSKEY_DIFFER,
    ),
    "digest of the wrong length": (seen(*on_both(cds=(ds_for(NEW)[:-1],))), CdsAction.REFUSE, Reason.MALFORMED),
    "CDS without a digest": (seen(*on_both(cds=(b"\0\1\15",))), CdsAction.REFUSE, Reason.MALFORMED),
    "CDNSKEY too short": (seen(*on_both(cdnskey=(b"\1",))), CdsAction.REFUSE, Reason.MALFORMED),
    "more records than a zone needs": (
        seen(*on_both(cds=tuple(ds_for(key(number)) for number in range(65)), cdnskey=())),
        CdsAction.REFUSE,
        Reason.MALFORMED,
    ),
    "removal and a key": (seen(*on_both(cds=(DELETE_CDS, ds_for(NEW)))), CdsAction.REFUSE, Reason.MIXED_DELETE),
    "removal in CDS only": (seen(*on_both(cds=(DELETE_CDS,))), CdsAction.REFUSE, Reason.MIXED_DELETE),
    "no keys": (seen(*on_both(keys=(), signers=())), CdsAction.REFUSE, Reason.NO_DNSKEY),
    "removal": (seen(DELETION, DELETION), CdsAction.REMOVE, Reason.DELETE_REQUESTED),
    "removal without DS": (seen(DELETION, DELETION, ds=()), CdsAction.KEEP, Reason.NO_DS),
    "removal that the chain does not sign": (
        seen(DELETION, replace(DELETION, requested_by=(NEW,))),
        CdsAction.REFUSE,
        Reason.NOT_SIGNED,
    ),
    "as requested": (seen(ds=(ds_for(NEW),)), CdsAction.KEEP, Reason.IN_SYNC),
    "as requested, and a deprecated digest": (seen(ds=(ds_for(NEW), ds_for(NEW, 1))), CdsAction.KEEP, Reason.IN_SYNC),
    "as requested by CDNSKEY": (seen(*on_both(cds=()), ds=(ds_for(NEW, 4),)), CdsAction.KEEP, Reason.IN_SYNC),
    "signed by the new key only": (seen(*on_both(requested_by=(NEW,))), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "not signed": (seen(*on_both(requested_by=())), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "the key of the DS does not sign the keys": (seen(*on_both(signers=(NEW,))), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "DS for another zone's key": (seen(ds=(ds_for(OTHER),)), CdsAction.REFUSE, Reason.NOT_SIGNED),
    "deprecated algorithm": (
        seen(*on_both(cds=(ds_for(NEW_WEAK),), cdnskey=(), keys=(OLD, NEW_WEAK), signers=(OLD, NEW_WEAK))),
        CdsAction.REFUSE,
        Reason.DOWNGRADE,
    ),
    "deprecated algorithm beside a good one": (
        seen(*on_both(cds=(ds_for(NEW), ds_for(NEW_WEAK)), cdnskey=(), signers=(OLD, NEW, NEW_WEAK))),
        CdsAction.REFUSE,
        Reason.DOWNGRADE,
    ),
    "deprecated digest only": (seen(*on_both(cds=(ds_for(NEW, 1),), cdnskey=())), CdsAction.REFUSE, Reason.DOWNGRADE),
    "deprecated digest only, without DS": (
        seen(*on_both(cds=(ds_for(NEW, 1),), cdnskey=()), ds=(), signals=READY),
        CdsAction.REFUSE,
        Reason.UNSUPPORTED,
    ),
    "unknown algorithm, without DS": (
        seen(*on_both(cds=(ds_for(UNKNOWN),), cdnskey=()), ds=(), signals=READY),
        CdsAction.REFUSE,
        Reason.UNSUPPORTED,
    ),
    "a deprecated algorithm that stays during its rollover": (
        seen(
            *on_both(
                cds=(ds_for(OLD_SHA1), ds_for(NEW)),
                cdnskey=(OLD_SHA1, NEW),
                keys=(OLD_SHA1, NEW),
                signers=(OLD_SHA1, NEW),
                requested_by=(OLD_SHA1,),
            ),
            ds=(ds_for(OLD_SHA1),),
        ),
        CdsAction.REPLACE,
        Reason.ROLLOVER,
    ),
    "the new key signs nothing": (seen(*on_both(signers=(OLD,))), CdsAction.REFUSE, Reason.BREAKS_CHAIN),
    "the new key signs on one server only": (
        seen(CHANGE, Server(signers=(OLD,))),
        CdsAction.REFUSE,
        Reason.BREAKS_CHAIN,
    ),
    "one of two algorithms without a signature": (
        seen(*on_both(cds=(ds_for(NEW), ds_for(key(7, algorithm=15))), cdnskey=())),
        CdsAction.REFUSE,
        Reason.BREAKS_CHAIN,
    ),
    "rollover": (seen(), CdsAction.REPLACE, Reason.ROLLOVER),
    "rollover by CDS only": (seen(*on_both(cdnskey=())), CdsAction.REPLACE, Reason.ROLLOVER),
    "rollover by CDNSKEY only": (seen(*on_both(cds=())), CdsAction.REPLACE, Reason.ROLLOVER),
    "bootstrap with signals": (seen(ds=(), signals=READY), CdsAction.ADD, Reason.BOOTSTRAPPED),
    "bootstrap without signals": (seen(ds=()), CdsAction.REFUSE, Reason.NO_SIGNAL),
    "bootstrap, a signal is unreachable": (seen(ds=(), signals=SILENT), CdsAction.WAIT, Reason.SIGNAL_SILENT),
}


@pytest.mark.parametrize("name", RULES)
def test_one_observation_is_judged_by(name: str) -> None:
    found, action, reason = RULES[name]
    verdict = judge(found)
    assert (verdict.action, verdict.reason) == (action, reason)
    is_change = action in (CdsAction.ADD, CdsAction.REPLACE)
    wanted = {ds_for(NEW), ds_for(OLD_SHA1)} if "stays" in name else {ds_for(NEW)}
    assert {record.rdata for record in verdict.ds} == (wanted if is_change else set())


def test_every_reason_has_a_rule_and_a_text() -> None:
    assert {reason for _, _, reason in RULES.values()} == set(Reason) == set(REASON_TEXTS)


ROLL = judge(seen())
REFUSAL = CdsVerdict(CdsAction.REFUSE, Reason.SERVERS_DIFFER)
WAIT = CdsVerdict(CdsAction.WAIT, Reason.SERVER_SILENT)
KEEP = CdsVerdict(CdsAction.KEEP, Reason.IN_SYNC)


def reported(*observed: tuple[int, CdsVerdict], hold_down_s: int = 3 * DAY_S) -> list[tuple[int, Reason]]:
    """Return the days and reasons of the reported decisions, of observations on these days."""
    history, found = CdsHistory(), []
    for day, verdict in observed:
        settled = settle(verdict, history, now=1_000_000 + day * DAY_S, hold_down_s=hold_down_s)
        history = settled.history
        if settled.decision:
            found.append((day, settled.decision.reason))
    return found


OTHER_ROLL = CdsVerdict(CdsAction.REPLACE, Reason.ROLLOVER, tuple(filter(None, [ds(ds_for(OTHER))])))
STORIES: dict[str, tuple[list[tuple[int, CdsVerdict]], list[tuple[int, Reason]]]] = {
    "a change after the hold-down, once": ([(0, ROLL), (2, ROLL), (3, ROLL), (4, ROLL)], [(3, Reason.ROLLOVER)]),
    "another change starts again": ([(0, OTHER_ROLL), (2, ROLL), (3, ROLL), (5, ROLL)], [(5, Reason.ROLLOVER)]),
    "a refusal ends the hold-down": (
        [(0, ROLL), (1, REFUSAL), (2, REFUSAL), (3, ROLL), (6, ROLL)],
        [(1, Reason.SERVERS_DIFFER), (6, Reason.ROLLOVER)],
    ),
    "silence does not end the hold-down": ([(0, ROLL), (1, WAIT), (3, ROLL)], [(3, Reason.ROLLOVER)]),
    "silence for its length is refused, once": ([(0, WAIT), (2, WAIT), (3, WAIT), (9, WAIT)], [(3, WAIT.reason)]),
    "the request was met or withdrawn": ([(0, ROLL), (1, KEEP), (3, ROLL), (6, ROLL)], [(6, Reason.ROLLOVER)]),
    "requested again later": (
        [(0, ROLL), (3, ROLL), (4, KEEP), (5, ROLL), (8, ROLL)],
        [(3, Reason.ROLLOVER), (8, Reason.ROLLOVER)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_decisions_are_reported_in_time(name: str) -> None:
    observed, expected = STORIES[name]
    assert reported(*observed) == expected


def test_without_a_hold_down_a_change_is_reported_at_once() -> None:
    assert reported((0, ROLL), hold_down_s=0) == [(0, Reason.ROLLOVER)]


def test_a_candidate_says_when_it_is_due() -> None:
    settled = settle(ROLL, CdsHistory(), now=1_000_000, hold_down_s=DAY_S)
    assert (settled.due_at, settled.decision) == (1_000_000 + DAY_S, None)
