"""The ledger of packets: whatever processes want, together they never get more than the limits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine.net.ledger import HELD_S, HORIZON_S, Ledger, Loan, Terms, Want

ADDRESS = "192.0.2.1"
PROCESSES = ("a", "b", "c", "d")

requests = st.lists(
    st.tuples(st.sampled_from(PROCESSES), st.integers(0, 60), st.floats(0.0, 0.4)), min_size=1, max_size=80
)


def times(loan: Loan, terms: Terms, now: float) -> list[float]:
    """When the packets of a loan are due."""
    return [now] * loan.ready + [now + loan.delay_s + number * terms.interval_s for number in range(loan.spaced)]


def most_within_a_second(sent: Iterable[tuple[float, float]]) -> int:
    """Return how many packets may fall into one second, if each is sent at any time between the two that it has."""
    spans = sorted(sent)
    return max((sum(early < last + 1 and late >= last for early, late in spans) for _, last in spans), default=0)


@given(requests=requests, qps=st.sampled_from([1, 7, 20, 100, 400]))
def test_no_second_has_more_packets_than_the_limit_less_those_that_are_free(
    requests: list[tuple[str, int, float]], qps: int
) -> None:
    ledger, terms, sent = Ledger(), Terms(qps), list[tuple[float, float]]()
    for now, (process, packets, _) in zip(accumulate(pause for _, _, pause in requests), requests, strict=True):
        loan = ledger.lend(Want(ADDRESS, packets, 0), terms, process=process, now=now)
        assert (loan.packets > 0 or loan.retry_s > 0) if packets else not loan.packets
        sent += [(max(now, at - loan.early_s), at) for at in times(loan, terms, now)]
        assert all(now <= at <= now + HORIZON_S + terms.interval_s for at in times(loan, terms, now))
    free = terms.free(1).per_second
    assert most_within_a_second(sent) + free <= qps + 1 + qps * 0.07  # both ends of the second


@given(requests=requests, outstanding=st.integers(1, 50))
def test_no_more_packets_are_without_answer_than_the_limit(
    requests: list[tuple[str, int, float]], outstanding: int
) -> None:
    ledger, terms = Ledger(), Terms(0, outstanding)
    held: dict[str, tuple[int, float]] = {}
    now = 0.0
    for process, packets, pause in requests:
        now += pause
        before, until = held.get(process, (0, 0.0))
        count = before if until > now else 0
        loan = ledger.lend(Want(ADDRESS, packets, count), terms, process=process, now=now)
        held[process] = (count + loan.packets, now + HELD_S)
        assert sum(number for number, until in held.values() if until > now) <= outstanding


def test_processes_that_want_much_get_about_the_same() -> None:
    ledger, terms = Ledger(), Terms(100, 50)
    got, due = dict.fromkeys(PROCESSES, 0), dict.fromkeys(PROCESSES, 0.0)
    while (now := min(due.values())) < 10:
        process = min(due, key=lambda each: due[each])
        loan = ledger.lend(Want(ADDRESS, 50, 0), terms, process=process, now=now)
        got[process] += loan.packets
        due[process] = now + (loan.retry_s or loan.delay_s + loan.spaced * terms.interval_s + 0.01)
    assert sum(got.values()) == pytest.approx(10 * 50, rel=0.1)
    assert min(got.values()) * 2 > max(got.values())


def test_holder_who_keeps_all_leaves_room_once_another_one_asks() -> None:
    ledger, terms = Ledger(), Terms(0, 20)
    first = ledger.lend(Want(ADDRESS, 30, 0), terms, process="a", now=0.0)
    assert first.packets == 18
    refused = ledger.lend(Want(ADDRESS, 5, 0), terms, process="b", now=0.1)
    assert (refused.packets, refused.is_shared, refused.retry_s > 0) == (0, True, True)
    again = ledger.lend(Want(ADDRESS, 12, 6), terms, process="a", now=0.2)
    assert 6 + again.packets == 9
    assert ledger.lend(Want(ADDRESS, 5, 0), terms, process="b", now=0.3).packets == 9


def test_what_a_killed_process_held_comes_back_and_idle_addresses_are_forgotten() -> None:
    ledger, terms = Ledger(), Terms(100, 10)
    assert ledger.lend(Want(ADDRESS, 20, 0), terms, process="a", now=0.0).packets == 9
    assert not ledger.lend(Want(ADDRESS, 1, 0), terms, process="b", now=1.0).packets
    assert ledger.lend(Want(ADDRESS, 1, 0), terms, process="b", now=1.0 + HELD_S).packets == 9
    ledger.lend(Want("192.0.2.2", 1, 0), terms, process="b", now=60.0)
    assert len(ledger) == 1


@pytest.mark.parametrize(
    ("terms", "processes", "free"),
    [
        (Terms(100, 50), 1, (50, 25)),
        (Terms(100, 50), 4, (12, 6)),
        (Terms(100, 50), 60, (0, 0)),
        (Terms(100), 4, (12, math.inf)),
        (Terms(0, 40), 4, (math.inf, 5)),
        (Terms(20, 10), 1, (2, 1)),
    ],
)
def test_some_packets_are_free_and_all_processes_share_them(
    terms: Terms, processes: int, free: tuple[float, float]
) -> None:
    assert terms.free(processes) == free


@pytest.mark.parametrize("terms", [Terms(100, 50), Terms(20, 10)])
def test_shares_of_all_processes_are_not_more_than_the_limit(terms: Terms) -> None:
    share = terms.share(5)
    assert 5 * (1 / share.interval_s + terms.free(5).per_second) <= terms.qps
    assert 5 * (share.slots_lent + terms.free(5).at_once) <= terms.outstanding


def test_share_of_one_process_is_never_nothing() -> None:
    assert Terms(8, 4).share(16)[:2] == (0.5, 1)
    assert not Terms().share(16).outstanding
