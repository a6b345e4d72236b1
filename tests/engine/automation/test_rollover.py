"""Rollovers judged from timelines: correct ones have no fault, and each fault is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from gonemaster_engine.automation.rollover import (
    CACHED_TEXTS,
    FAULT_TEXTS,
    CachedSet,
    FaultKind,
    Judgement,
    KeyFacts,
    RolloverVerdict,
    ServerState,
    Span,
    ZoneState,
    judge_timeline,
    read_state,
    state_document,
    state_of,
)
from gonemaster_engine.automation.transfer import TransferLimits
from tests.engine.automation.test_observation import OLD, OLD_DS, ZSK, observed, rolling
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnssec_worlds import ZONE, secure
from tests.support.dnsworld import KeySpec, Signing, delegation
from tests.support.work import at_most_lines

TTL = 100
ALGORITHMS = {"k": 13, "l": 13, "z": 13, "y": 13, "c": 13, "d": 15}
HOSTS = {A1: NS1, A2: NS2}


@dataclass(frozen=True)
class Shown:
    """What all servers show from a time on: keys by letter, K for those that sign."""

    at: int
    keys: str  # published
    zone: str  # sign the zone
    chain: str  # sign the DNSKEY set
    ds: str
    only_first: str = ""  # keys that only the first server has
    orphans: tuple[str, ...] = ()  # signatures without a key in the zone that the first server transfers
    invalid: tuple[str, ...] = ()  # wrong signatures in this zone


def state(shown: Shown) -> ZoneState:
    servers = [
        ServerState(HOSTS[address], address, tuple(shown.keys + more), tuple(shown.chain), tuple(shown.zone), TTL, TTL)
        for address, more in ((A1, shown.only_first), (A2, ""))
    ]
    if shown.orphans or shown.invalid:
        servers[0] = dataclasses.replace(servers[0], is_transferred=True, orphans=shown.orphans, invalid=shown.invalid)
    every = sorted(set(shown.keys + shown.only_first))
    keys = tuple(KeyFacts(name, ord(name), ALGORITHMS[name], name in "klcd", (name,)) for name in every)
    algorithms = tuple(sorted({ALGORITHMS[name] for name in shown.ds}))
    return ZoneState(keys, tuple(shown.ds), algorithms, TTL, tuple(servers))


def judged(*timeline: Shown, interval: int = 10, end: int = 5000) -> Judgement:
    """Sample a timeline at intervals; equal samples become one span."""
    spans: list[Span] = []
    for at in range(0, end, interval):
        seen = state([shown for shown in timeline if shown.at <= at][-1])
        if spans and spans[-1].state == seen:
            spans[-1] = Span(spans[-1].first_at, at, seen)
        else:
            spans.append(Span(at, at, seen))
    return judge_timeline(spans)


START = Shown(0, "kz", "z", "k", "k")
GOOD: dict[str, tuple[str, Sequence[Shown]]] = {
    "ZSK, pre-publication": (
        "zsk",
        [START, Shown(500, "kzy", "z", "k", "k"), Shown(1000, "kzy", "y", "k", "k"), Shown(1500, "ky", "y", "k", "k")],
    ),
    "ZSK, double signature": (
        "zsk",
        [START, Shown(500, "kzy", "zy", "k", "k"), Shown(1000, "ky", "y", "k", "k")],
    ),
    "KSK, double key": (
        "ksk",
        [
            START, Shown(500, "klz", "z", "kl", "k"), Shown(1000, "klz", "z", "kl", "l"),
            Shown(1500, "lz", "z", "l", "l"),
        ],
    ),
    "KSK, double DS": (
        "ksk",
        [START, Shown(500, "kz", "z", "k", "kl"), Shown(1000, "lz", "z", "l", "kl"), Shown(1500, "lz", "z", "l", "l")],
    ),
    "CSK": (
        "csk",
        [
            Shown(0, "k", "k", "k", "k"), Shown(500, "kc", "k", "kc", "k"), Shown(1000, "kc", "c", "kc", "kc"),
            Shown(1500, "kc", "c", "kc", "c"), Shown(2000, "c", "c", "c", "c"),
        ],
    ),
    "algorithm": (
        "algorithm",
        [
            Shown(0, "k", "k", "k", "k"), Shown(500, "kd", "kd", "kd", "k"), Shown(1000, "kd", "kd", "kd", "kd"),
            Shown(1500, "kd", "kd", "kd", "d"), Shown(2000, "d", "d", "d", "d"),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_correct_rollover_has_no_fault_and_is_completed(name: str) -> None:
    kind, timeline = GOOD[name]
    found = judged(*timeline)
    assert (found.kind, found.faults) == (kind, ())
    assert found.completed_at == found.steps[-1].at == timeline[-1].at
    for number in range(1, len(timeline)):
        assert judged(*timeline[:number]).completed_at == 0


def test_the_steps_of_a_rollover_are_named_in_order() -> None:
    found = judged(*GOOD["ZSK, pre-publication"][1])
    assert [(step.at, step.kind.value, chr(step.key.tag)) for step in found.steps] == [
        (500, "key_published", "y"),
        (1000, "key_signs", "y"),
        (1000, "key_stopped", "z"),
        (1500, "key_removed", "z"),
    ]
    steps = [(step.kind.value, chr(step.key.tag)) for step in judged(*GOOD["KSK, double key"][1]).steps]
    assert steps == [("key_published", "l"), ("ds_removed", "k"), ("ds_added", "l"), ("key_removed", "k")]


BROKEN: dict[str, tuple[FaultKind, str, Sequence[Shown]]] = {
    "ZSK that signs before caches have it": (
        FaultKind.SIGNED_TOO_EARLY,
        A1,
        [START, Shown(500, "kzy", "z", "k", "k"), Shown(550, "kzy", "y", "k", "k")],
    ),
    "ZSK removed with signatures in caches": (
        FaultKind.KEY_REMOVED_TOO_EARLY,
        A1,
        [START, Shown(500, "kzy", "z", "k", "k"), Shown(1000, "kzy", "y", "k", "k"), Shown(1050, "ky", "y", "k", "k")],
    ),
    "DS of a key that caches do not have": (
        FaultKind.DS_TOO_EARLY,
        A1,
        [START, Shown(500, "klz", "z", "kl", "k"), Shown(550, "klz", "z", "kl", "l")],
    ),
    "KSK removed with its DS in caches": (
        FaultKind.CHAIN_KEY_REMOVED_TOO_EARLY,
        A1,
        [
            START,
            Shown(500, "klz", "z", "kl", "k"),
            Shown(1000, "klz", "z", "kl", "l"),
            Shown(1050, "lz", "z", "l", "l"),
        ],
    ),
    "KSK removed before the DS changed": (
        FaultKind.CHAIN_BROKEN,
        A1,
        [START, Shown(500, "klz", "z", "kl", "k"), Shown(1000, "lz", "z", "l", "k")],
    ),
    "signatures of the zone are gone": (FaultKind.ZONE_UNSIGNED, A1, [START, Shown(500, "kz", "", "k", "k")]),
    "DS with an algorithm that does not sign the zone": (
        FaultKind.ALGORITHM_INCOMPLETE,
        A1,
        [Shown(0, "k", "k", "k", "k"), Shown(500, "kd", "k", "kd", "k"), Shown(1000, "kd", "k", "kd", "kd")],
    ),
    "a key is removed while names still have its signatures": (
        FaultKind.SIGNATURES_LEFT,
        A1,
        [
            START,
            Shown(500, "kzy", "z", "k", "k"),
            Shown(1000, "kzy", "y", "k", "k"),
            Shown(1500, "ky", "y", "k", "k", orphans=("122/13",)),
        ],
    ),
    "a name has only signatures of a key that are wrong": (
        FaultKind.SIGNATURES_INVALID,
        A1,
        [START, Shown(500, "kz", "z", "k", "k", invalid=("122/13",))],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_is_found_when_it_happens(name: str) -> None:
    kind, address, timeline = BROKEN[name]
    found = judged(*timeline, end=timeline[-1].at + 30)
    assert (kind, address, timeline[-1].at) in {(fault.kind, fault.address, fault.at) for fault in found.faults}
    assert judged(*timeline[:-1]).faults == ()


def test_each_fault_has_a_case_and_a_text() -> None:
    assert {kind for kind, _, _ in BROKEN.values()} == set(FaultKind) == set(FAULT_TEXTS)


def test_samples_between_two_steps_raise_no_false_alarm() -> None:
    """A step may have happened right after the previous sample: 100 seconds are possible between these."""
    timeline = [START, Shown(505, "kzy", "z", "k", "k"), Shown(600, "kzy", "y", "k", "k")]
    assert judged(*timeline, interval=10).faults == ()


def test_a_key_on_one_server_only_is_not_published_yet() -> None:
    found = judged(START, Shown(500, "kz", "z", "k", "k", only_first="y"))
    assert (found.steps, found.completed_at) == ((), 0)


def test_a_zone_without_ds_and_without_changes_has_nothing_to_report() -> None:
    assert judged(Shown(0, "kz", "z", "k", "")) == Judgement("", (), ())


def test_a_state_is_read_from_an_observation_and_stored_as_a_document() -> None:
    found = state_of(observed(rolling(), for_rollover=True))
    assert found is not None
    assert len(found.keys) == 3
    (record,) = found.ds
    (named,) = (key.id for key in found.keys if record in key.ds)
    assert {server.address for server in found.servers} == {A1, A2}
    for server in found.servers:
        assert named in server.signing_keys
        assert len(server.signing_zone) == 1
        assert (server.key_ttl, server.zone_ttl) == (3600, 3600)
    assert read_state(state_document(found)) == found


KEYS_OF_HOSTILE = 40


def hostile_state(number: int) -> ZoneState:
    """Return a state of a zone that shows other keys with each answer, all of them signing."""
    names = tuple(f"{number}-{key}" for key in range(KEYS_OF_HOSTILE))
    keys = tuple(KeyFacts(name, key, 13, True, (f"ds-{name}",)) for key, name in enumerate(names))
    servers = tuple(ServerState(NS1, address, names, names, names, TTL, TTL) for address in (A1, A2))
    return ZoneState(keys, tuple(f"ds-{name}" for name in names), (13,), TTL, servers)


def test_the_work_for_a_zone_that_changes_with_each_sample_is_limited() -> None:
    spans = [Span(number * 10, number * 10 + 5, hostile_state(number)) for number in range(200)]
    with at_most_lines(6_000_000):  # comparing all states with each other needs many times more
        found = judge_timeline(spans)
    assert len(found.steps) == 1000
    assert found.verdict is RolloverVerdict.BROKEN


def test_a_state_keeps_a_limited_number_of_keys_and_those_that_sign() -> None:
    spare = tuple(KeySpec(f"spare{number}", signs=()) for number in range(40))
    signed = Signing(keys=(OLD, ZSK, *spare))
    found = state_of(observed(secure(signed, delegation=delegation(ds=OLD_DS)), for_rollover=True))
    assert found is not None
    assert len(found.keys) == 32
    for server in found.servers:
        assert len(server.signing_keys) == len(server.signing_zone) == 1
        assert {*server.signing_keys, *server.signing_zone} <= {key.id for key in found.keys}


def test_caches_have_a_deadline_after_each_step() -> None:
    found = judged(*GOOD["KSK, double key"][1])
    assert [(each.cached.value, each.since, each.until) for each in found.deadlines] == [
        ("dnskey", 500, 500 + TTL),
        ("ds", 1000, 1000 + TTL),
    ]
    assert set(CACHED_TEXTS) == set(CachedSet)


VERDICTS = {
    RolloverVerdict.UNCHANGED: [START],
    RolloverVerdict.IN_PROGRESS: GOOD["KSK, double key"][1][:2],
    RolloverVerdict.COMPLETED: GOOD["KSK, double key"][1],
    RolloverVerdict.BROKEN: BROKEN["KSK removed before the DS changed"][2],
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_timeline_has_a_verdict(verdict: RolloverVerdict) -> None:
    assert judged(*VERDICTS[verdict]).verdict is verdict


def test_a_server_that_answers_at_times_is_judged_by_the_states_it_showed() -> None:
    """The states alternate; an old one that caches may still have is found behind many newer samples."""
    both = state(Shown(0, "klz", "z", "kl", "k"))
    one = ZoneState(both.keys, both.ds, both.ds_algorithms, both.ds_ttl, both.servers[:1])
    flaky = [Span(at, at, one if at % 20 else both) for at in range(0, 1000, 10)]
    found = judge_timeline([*flaky, Span(1000, 1000, state(Shown(1000, "lz", "z", "l", "k")))])
    assert {fault.kind for fault in found.faults} == {FaultKind.CHAIN_BROKEN, FaultKind.CHAIN_KEY_REMOVED_TOO_EARLY}


def test_a_rollover_ends_when_the_signatures_of_the_former_key_are_gone() -> None:
    _, _, timeline = BROKEN["a key is removed while names still have its signatures"]
    assert judged(*timeline).completed_at == 0
    found = judged(*timeline, dataclasses.replace(timeline[-1], at=2000, orphans=()))
    assert found.completed_at == 1500
    assert found.verdict is RolloverVerdict.BROKEN


def test_states_of_former_releases_have_no_transfers() -> None:
    document = state_document(state(START))
    for server in document["servers"]:
        del server["is_transferred"], server["orphans"], server["invalid"], server["transfer"]
    assert read_state(document) == state(START)


def test_a_sample_reads_the_zone_where_it_is_allowed() -> None:
    world = rolling()
    world.zone_of(ZONE).on(A1, axfr=True)
    found = observed(world, for_rollover=True, transfers=TransferLimits(seconds=10))
    shown = state_of(found)
    assert shown is not None
    assert {server.address: (server.is_transferred, server.orphans, server.transfer) for server in shown.servers} == {
        A1: (True, (), ""), A2: (False, (), "refused"),
    }  # fmt: skip
    (read,) = [server.transfer for server in found.servers if server.address == A1]
    assert read is not None
    assert (read.verified > 3, read.invalid) == (True, ())
    problems = {server.address: server.transfer.problem for server in found.servers if server.transfer}
    assert problems == {A1: "", A2: "REFUSED"}
    without_transfers = state_of(observed(rolling(), for_rollover=True))
    assert without_transfers is not None
    assert not any(server.is_transferred for server in without_transfers.servers)


def test_a_transfer_without_time_does_not_cost_the_sample() -> None:
    world = rolling()
    found = observed(world, for_rollover=True, transfers=TransferLimits(seconds=0.0))
    assert {server.transfer.problem for server in found.servers if server.transfer} == {"not complete after 0 seconds"}
    shown = state_of(found)
    assert shown is not None  # the sample itself is complete
    assert {server.transfer for server in shown.servers} == {"too_slow"}


def test_a_rollover_does_not_end_with_wrong_signatures() -> None:
    _, _, timeline = BROKEN["a key is removed while names still have its signatures"]
    wrong = dataclasses.replace(timeline[-1], orphans=(), invalid=("107/13",))
    found = judged(*timeline[:-1], wrong)
    assert found.completed_at == 0
    assert [(fault.kind, fault.address) for fault in found.faults] == [(FaultKind.SIGNATURES_INVALID, A1)]
