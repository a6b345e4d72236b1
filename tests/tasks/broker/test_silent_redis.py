"""A stopped Redis blocks one thread, not all of them, and is used again when it continues."""

import os
import signal
import threading

import pytest
import redis

from gonemaster_tasks.broker import address
from gonemaster_tasks.broker.circuit_breaker import CircuitBreaker
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.errors import BrokerUnavailable
from tests.support.threads import together

THREADS = 16


def silence_of(broker: Broker) -> CircuitBreaker:
    retry = broker._client.connection_pool.connection_kwargs["retry"]
    silence: CircuitBreaker = retry.breaker
    return silence


def outcome(broker: Broker) -> str:
    try:
        broker.ping()
    except BrokerUnavailable as error:
        return "refused" if "another command" in str(error) else "asked"
    return "answered"


def test_one_command_at_a_time_asks_a_stopped_redis(own_redis: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(address._TIMEOUTS, "socket_timeout", 1.5)
    broker = Broker.open(own_redis.url)
    broker.ping()
    assert own_redis.process is not None
    pid = own_redis.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert outcome(broker) == "asked"  # the thread waited for its whole timeout
        found = together(*[lambda: outcome(broker)] * THREADS)
        assert found.count("asked") <= 2, found  # one after another, while the others waited for half a second
        assert set(found) == {"asked", "refused"}
        assert silence_of(broker).commands <= 2
    finally:
        os.kill(pid, signal.SIGCONT)
    assert outcome(broker) == "answered"
    assert together(*[lambda: outcome(broker)] * THREADS) == ["answered"] * THREADS
    broker.close()


def test_a_redis_that_refuses_and_one_that_answers_an_error_are_not_silent(own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    with pytest.raises(redis.ResponseError):
        broker._client.execute_command("NOSUCH")
    assert not silence_of(broker).is_open
    own_redis.stop()
    assert outcome(broker) == "asked"
    assert not silence_of(broker).is_open
    broker.close()


def test_who_asks_may_ask_again_and_others_wait_for_the_answer() -> None:
    silence = CircuitBreaker()
    silence.note(answered=False)
    assert silence.enter()
    assert not silence.enter()  # the same thread connects before its command
    allowed: list[bool] = []
    other = threading.Thread(target=lambda: allowed.append(silence.enter()))
    other.start()
    silence.note(answered=True)
    silence.leave()
    other.join()
    assert allowed == [False]  # the breaker stays closed: the server answers again
