"""Moving windows of attempts, in Redis."""

from __future__ import annotations

from functools import partial

from gonemaster_tasks.broker.attempts import Attempts
from gonemaster_tasks.broker.client import Broker
from tests.support.redis import raw
from tests.support.service import wait_for
from tests.support.threads import together


def taken(attempts: Attempts, client: str = "192.0.2.1", *, most: int = 3, window_s: float = 60.0) -> bool:
    return attempts.take("read", client, most=most, window_s=window_s)


def test_window_has_room_for_so_many(broker: Broker) -> None:
    assert [taken(broker.attempts) for _ in range(5)] == [True, True, True, False, False]
    state = broker.attempts.window("read", "192.0.2.1", most=3, window_s=60.0)
    assert state.number == 3, "what was refused is not counted"
    assert 0 <= state.oldest_s < 60
    assert taken(broker.attempts, "192.0.2.2")
    assert broker.attempts.take("write", "192.0.2.1", most=1, window_s=60.0)
    assert broker.count_rate_limits() == 3


def test_at_the_same_moment_no_more_are_taken(broker: Broker) -> None:
    answers = together(*[partial(taken, broker.attempts, most=7) for _ in range(24)])
    assert (answers.count(True), answers.count(False)) == (7, 17)


def test_there_is_room_again_as_time_goes_by(broker: Broker) -> None:
    assert [taken(broker.attempts, most=2, window_s=0.5) for _ in range(3)] == [True, True, False]
    wait_for(lambda: taken(broker.attempts, most=2, window_s=0.5), what="room in the window")
    wait_for(lambda: not raw(broker).exists("gm:attempts:read:192.0.2.1"), what="end of the window")
    assert broker.attempts.window("read", "192.0.2.1", most=2, window_s=0.5).number == 0


def test_what_was_counted_counts_under_another_limit(broker: Broker) -> None:
    for _ in range(4):
        assert taken(broker.attempts, most=4)
    assert not taken(broker.attempts, most=2)
    assert [taken(broker.attempts, most=6) for _ in range(3)] == [True, True, False]
    assert broker.attempts.window("read", "192.0.2.1", most=6, window_s=60.0).number == 6
