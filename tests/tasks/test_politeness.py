"""The limits for name servers, over processes: the ledger in Redis, and what happens without it."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gonemaster_engine.net.ledger import HELD_S, Ledger, Loans, Terms, Want
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.connection import read_script
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.politeness import Politeness
from gonemaster_tasks.broker.workers import WorkerState
from gonemaster_tasks.worker.execute.lender import RedisLender
from tests.support.redis import raw
from tests.support.workers import wait_until

ADDRESS = "192.0.2.1"
QPS = 100
PROCESSES = 6


SO_TIMESTAMPNS = 35  # asm-generic/socket.h


class Counter:
    """A name server that answers each query at once, and knows when each one came: by the kernel, on Linux."""

    def __init__(self) -> None:
        self.times: list[float] = []  # POSIX seconds
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("127.9.7.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            wire, ancillary, _, peer = self._socket.recvmsg(4096, 64)
            if not wire:
                return
            times = [struct.unpack("qq", data) for _, kind, data in ancillary if kind == SO_TIMESTAMPNS]
            self.times.append(times[0][0] + times[0][1] / 1e9 if times else time.time())
            self._socket.sendto(wire[:2] + bytes([wire[2] | 0x80]) + wire[3:], peer)

    def stop(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def most_within_a_second(self, *, since: float = 0.0) -> int:
        times = [at for at in self.times if at >= since]
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
        return most


@pytest.fixture
def counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.stop()


def register(broker: Broker, number: int) -> None:
    for each in range(number):
        state = WorkerState(f"w{each}", "host", 1, ("normal",), 1, {}, 0.0)
        broker.workers.register(state, timedelta(minutes=5))


@contextmanager
def senders(url: str, counter: Counter, number: int = PROCESSES) -> Iterator[list[subprocess.Popen[str]]]:
    """Let processes query the server as fast as they may."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.sender", url, str(counter.port), f"w{each}", str(QPS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in range(number)
    ]
    try:
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def kill(server: EmbeddedRedis) -> None:
    assert server.process
    server.process.kill()
    server.process.wait()


def sent(counter: Counter, number: int, *, since: float) -> bool:
    return sum(at >= since for at in counter.times) >= number


def test_processes_together_keep_the_limit_whether_one_is_killed_or_redis_goes_and_comes(
    own_redis: EmbeddedRedis, counter: Counter
) -> None:
    broker = Broker.open(own_redis.url)
    register(broker, PROCESSES)
    began = time.time()
    with senders(own_redis.url, counter) as processes:
        wait_until(lambda: sent(counter, 3 * QPS, since=began), what="queries of all processes")
        processes[0].send_signal(signal.SIGKILL)
        killed = time.time()
        wait_until(lambda: sent(counter, 2 * QPS, since=killed), what="the others have what the killed one had")
        kill(own_redis)
        away = time.time()
        wait_until(lambda: sent(counter, QPS, since=away), what="queries without Redis")
        own_redis.start()
        register(broker, PROCESSES)
        back = time.time()
        wait_until(lambda: sent(counter, 3 * QPS, since=back), what="queries with the new Redis")
        assert all(each.poll() is None for each in processes[1:])
    assert counter.most_within_a_second() <= 1.1 * QPS
    broker.close()


def test_limit_that_is_changed_applies_to_all_processes(broker: Broker, counter: Counter) -> None:
    register(broker, 3)
    began = time.time()
    with senders(broker.address.url, counter, 3) as processes:
        wait_until(lambda: sent(counter, QPS, since=began))
        for each in processes:
            assert each.stdin
            each.stdin.write("20\n")
            each.stdin.flush()
        for each in processes:
            assert each.stdout
            assert each.stdout.readline() == "20\n"
        changed = time.time() + 1.0  # what was lent before is used, and the new limit is seen
        wait_until(lambda: sent(counter, 40, since=changed))
    assert counter.most_within_a_second(since=changed) <= 22


requests = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 60),  # packets wanted
        st.integers(0, 10),  # held
        st.integers(0, 900_000),  # microseconds since the request before
    ),
    min_size=1,
    max_size=40,
)


@given(
    requests=requests,
    terms=st.sampled_from([Terms(100, 50), Terms(10, 0), Terms(0, 7), Terms(1000, 1000), Terms(1, 1)]),
)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
def test_redis_lends_as_the_ledger_in_memory(
    broker: Broker, requests: Sequence[tuple[str, int, int, int]], terms: Terms
) -> None:
    client = raw(broker)
    client.flushall()
    shared, ledger = at_given_time(client), Ledger()
    now_us = 1_000_000_000
    for process, packets, held, pause_us in requests:
        now_us += pause_us
        client.set("seconds", now_us // 1_000_000)
        client.set("microseconds", now_us % 1_000_000)
        want = Want(ADDRESS, packets, held)
        (lent,) = shared.lend([want], terms, process=process).loans
        expected = ledger.lend(want, terms, process=process, now=now_us / 1_000_000)
        assert (lent.ready, lent.spaced, lent.is_shared) == (expected.ready, expected.spaced, expected.is_shared)
        assert lent.retry_s == pytest.approx(expected.retry_s, abs=2e-6)
        if lent.packets:
            assert lent.delay_s == pytest.approx(expected.delay_s, abs=2e-6)


def at_given_time(client: Any) -> Politeness:
    """Give the ledger in Redis with a clock that the test sets; keys then never end by themselves."""
    text = read_script("lend.lua")
    for old, new in (
        ('redis.call("TIME")', '{ redis.call("GET", "seconds"), redis.call("GET", "microseconds") }'),
        ('redis.call("PEXPIRE"', 'redis.call("HEXISTS"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    politeness = Politeness(client)
    politeness._lend = client.register_script(text)
    return politeness


def test_ledger_ends_by_itself_and_several_addresses_take_one_call(broker: Broker) -> None:
    client = raw(broker)
    register(broker, 5)
    wants = [Want(f"192.0.2.{number}", 3, 0) for number in range(200)]
    before = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    loans = broker.politeness.lend(wants, Terms(100, 50), process="w1")
    assert loans.processes == 5
    assert all(loan.packets >= 3 for loan in loans.loans)
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert calls <= 2  # the first one finds out that the server does not have the script yet
    lives_ms = [client.pttl(key) for key in client.keys("gm:address:*")]
    assert len(lives_ms) == 200
    assert all(0 < life_ms <= (HELD_S + 2) * 1000 for life_ms in lives_ms)


def test_addresses_where_packets_wait_are_counted_over_all_processes(broker: Broker) -> None:
    broker.politeness.report([ADDRESS, "192.0.2.2"])
    broker.politeness.report([ADDRESS])
    assert broker.politeness.limited_count() == 2
    wait_until(lambda: broker.politeness.limited_count() == 0)


def test_lender_answers_in_the_loop_and_says_when_redis_is_away(own_redis: EmbeddedRedis) -> None:
    lender = RedisLender(Broker.open(own_redis.url).address, "w1")

    async def asked() -> Loans | None:
        answer: asyncio.Future[Loans | None] = asyncio.get_running_loop().create_future()
        lender.ask([Want(ADDRESS, 2, 0)], Terms(100, 50), answer.set_result)
        return await asyncio.wait_for(answer, 20)

    lender.start()
    loans = asyncio.run(asked())
    assert loans is not None
    assert loans.loans[0].packets >= 2
    kill(own_redis)
    assert asyncio.run(asked()) is None
    lender.stop()


def test_spoiled_ledger_does_not_stop_anything(broker: Broker) -> None:
    client = raw(broker)
    client.hset(f"gm:address:{ADDRESS}", mapping={"at": "soon", "=w2": json.dumps({"a": 1})})
    (loan,) = broker.politeness.lend([Want(ADDRESS, 2, 0)], Terms(100, 50), process="w1").loans
    assert loan.packets >= 2
