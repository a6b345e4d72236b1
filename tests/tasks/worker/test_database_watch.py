"""When a worker process considers its database unavailable, by a clock that the test controls."""

import pytest

from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_tasks.process_report.database_watch import TIMEOUT_S, DatabaseWatch


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> DatabaseWatch:
    return DatabaseWatch(clock)


def refuse() -> None:
    raise StoreUnavailable("no")


def answer() -> None:
    pass


def test_a_database_that_answers_is_there(watch: DatabaseWatch) -> None:
    watch.ask(answer)
    assert not watch.is_unavailable()


def test_a_refused_question_counts_at_once_and_an_answer_ends_it(watch: DatabaseWatch, clock: Clock) -> None:
    with pytest.raises(StoreUnavailable):
        watch.ask(refuse)
    clock.now += 7
    assert watch.silent_s() == 7
    watch.ask(answer)
    assert not watch.is_unavailable()


def test_a_question_without_an_answer_counts_after_some_seconds(watch: DatabaseWatch, clock: Clock) -> None:
    def wait() -> None:
        clock.now += TIMEOUT_S
        assert not watch.is_unavailable()
        clock.now += 0.1
        assert watch.silent_s() == pytest.approx(TIMEOUT_S + 0.1)

    watch.ask(wait)
    assert not watch.is_unavailable()


def test_refused_claims_close_the_gate_longer_each_time_even_if_reads_succeed(
    watch: DatabaseWatch, clock: Clock
) -> None:
    def rest() -> float:
        """Fail a claim; return the time until answers count again."""
        began = clock.now
        watch.record_refusal()
        while watch.is_unavailable():
            clock.now += 0.25
            watch.ask(answer)
        return clock.now - began

    assert [rest() for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    watch.record_claim()
    assert rest() == 0.5


def test_a_claim_that_is_answered_opens_the_gate(watch: DatabaseWatch) -> None:
    watch.record_refusal()
    watch.record_claim()
    assert not watch.is_unavailable()
