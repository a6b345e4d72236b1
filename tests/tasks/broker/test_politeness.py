"""The limits for name servers across processes: leases in Redis, and the behaviour without Redis."""

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

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gonemaster_engine.net.pacing import AddressLimits, Lease, LeaseRequest, Leases
from gonemaster_engine.net.pacing.limits import LIFE_S
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.connection import read_script
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.politeness import RedisLeaseClient
from gonemaster_tasks.broker.processes.workers import WorkerState
from tests.support.examples import examples
from tests.support.redis import raw
from tests.support.workers import wait_until

ADDRESS = "192.0.2.1"
QPS = 100
PROCESSES = 6
LEASED = AddressLimits(100, 50).leased(PROCESSES)
HORIZON_S, HELD_S = 0.4, 1.5  # constants of the script


SO_TIMESTAMPNS = 35  # asm-generic/socket.h


class Counter:
    """A name server that answers each query immediately and records its arrival, on Linux by the kernel's clock."""

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
    """Let processes query the server as fast as their limits allow."""
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


def test_processes_together_keep_the_limit_when_one_is_killed_or_redis_restarts(
    own_redis: EmbeddedRedis, counter: Counter
) -> None:
    broker = Broker.open(own_redis.url)
    register(broker, PROCESSES)
    started_at = time.time()
    with senders(own_redis.url, counter) as processes:
        wait_until(lambda: sent(counter, 3 * QPS, since=started_at), what="queries of all processes")
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
    started_at = time.time()
    with senders(broker.address.url, counter, 3) as processes:
        wait_until(lambda: sent(counter, QPS, since=started_at))
        for each in processes:
            assert each.stdin
            each.stdin.write("20\n")
            each.stdin.flush()
        for each in processes:
            assert each.stdout
            assert each.stdout.readline() == "20\n"
        changed = time.time() + 1.0  # earlier leases have ended, and the new limit has been read
        wait_until(lambda: sent(counter, 40, since=changed))
    assert counter.most_within_a_second(since=changed) <= 22


requests = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.integers(0, 60),  # packets requested
        st.integers(0, 400_000),  # microseconds since the previous request
    ),
    min_size=1,
    max_size=40,
)


class ClockedLeases:
    """The leases of one address, by a clock that the test moves; keys never expire on their own."""

    def __init__(self, broker: Broker) -> None:
        script = read_script("grant_leases.lua")
        for old, new in (
            ('redis.call("TIME")', '{ redis.call("GET", "seconds"), redis.call("GET", "microseconds") }'),
            ('redis.call("PEXPIRE"', 'redis.call("HEXISTS"'),
        ):
            assert script.count(old) == 1
            script = script.replace(old, new)
        self._redis = raw(broker)
        self.reset()
        self._clients: dict[str, RedisLeaseClient] = {}
        self._broker = broker
        self._script = script
        self._runner = asyncio.Runner()

    def reset(self) -> None:
        self.now = 1000.0
        self._redis.flushall()

    def close(self) -> None:
        for client in self._clients.values():
            self._runner.run(client.close())
        self._runner.close()

    def grant(self, process: str, packets: int, unanswered: int, limits: AddressLimits) -> Lease:
        now_us = round(self.now * 1_000_000)
        self._redis.mset({"seconds": now_us // 1_000_000, "microseconds": now_us % 1_000_000})
        if process not in self._clients:
            self._clients[process] = RedisLeaseClient(self._broker.address.url, process, script=self._script)
        want = LeaseRequest(ADDRESS, packets, unanswered)
        reply = self._runner.run(self._clients[process].request([want], limits.leased(PROCESSES)))
        assert reply
        return reply.leases[0]


@pytest.fixture
def clocked(broker: Broker) -> Iterator[ClockedLeases]:
    clocked = ClockedLeases(broker)
    yield clocked
    clocked.close()


settings = hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=examples(6, 25)
)


@given(requests=requests, qps=st.sampled_from([1, 7, 20, 100, 400]))
@settings
def test_no_second_has_more_leased_packets_than_the_shares_leave(
    clocked: ClockedLeases, requests: Sequence[tuple[str, int, int]], qps: int
) -> None:
    clocked.reset()
    limits = AddressLimits(qps)
    sent: list[tuple[float, float, int]] = []  # the first and the last time at which a lease can be used
    for process, packets, pause_us in requests:
        clocked.now += pause_us / 1_000_000
        lease = clocked.grant(process, packets, 0, limits)
        assert (lease.packets > 0 or lease.delay_s > 0) if packets else not lease.packets
        if lease.packets:
            assert 0 <= lease.delay_s <= HORIZON_S + 1e-6
            start = clocked.now + lease.delay_s
            sent.append((start, start + LIFE_S, lease.packets))
    most = max(
        (sum(count for first, last, count in sent if first < start + 1 and last >= start) for start, _, _ in sent),
        default=0,
    )
    shares = limits.half_share(PROCESSES).packets * PROCESSES
    assert most + shares <= 1.1 * qps + 1  # both ends of the second


@given(requests=requests, outstanding=st.integers(1, 50))
@settings
def test_no_more_packets_are_in_flight_than_the_limit(
    clocked: ClockedLeases, requests: Sequence[tuple[str, int, int]], outstanding: int
) -> None:
    clocked.reset()
    limits = AddressLimits(0, outstanding)
    held: dict[str, tuple[int, float]] = {}
    for process, packets, pause_us in requests:
        clocked.now += pause_us / 1_000_000
        before, until = held.get(process, (0, 0.0))
        count = before if until > clocked.now else 0
        lease = clocked.grant(process, packets, count, limits)
        held[process] = (count + lease.packets, clocked.now + HELD_S)
        assert sum(number for number, until in held.values() if until > clocked.now) <= outstanding


def test_processes_that_want_much_get_about_the_same(clocked: ClockedLeases) -> None:
    limits = AddressLimits(100, 50)
    started_at = clocked.now
    got, due = dict.fromkeys("abcd", 0), dict.fromkeys("abcd", clocked.now)
    while (at := min(due.values())) < started_at + 10:
        clocked.now = at
        process = min(due, key=lambda each: due[each])
        lease = clocked.grant(process, 50, 0, limits)
        got[process] += lease.packets
        due[process] = at + (lease.delay_s) + 0.02
    assert sum(got.values()) == pytest.approx(10 * limits.leased(PROCESSES).qps, rel=0.1)
    assert min(got.values()) * 2 > max(got.values())


def test_process_that_holds_all_leaves_room_once_another_one_asks(clocked: ClockedLeases) -> None:
    limits = AddressLimits(0, 20)
    assert clocked.grant("a", 30, 0, limits).packets == 14  # the remaining requests get shares
    refused = clocked.grant("b", 5, 0, limits)
    assert (refused.packets, refused.delay_s > 0) == (0, True)
    assert clocked.grant("a", 12, 6, limits).packets == 1
    assert clocked.grant("b", 9, 0, limits).packets == 7


def test_what_a_killed_process_held_comes_back(clocked: ClockedLeases) -> None:
    limits = AddressLimits(0, 10)
    assert clocked.grant("a", 20, 0, limits).packets == 10
    clocked.now += HELD_S - 0.1
    assert not clocked.grant("b", 1, 0, limits).packets
    clocked.now += 0.2
    assert clocked.grant("b", 10, 0, limits).packets == 10


def ask(url: str, *wants: LeaseRequest, worker: str | None = "w1", times: int = 1) -> list[Leases | None]:
    """Request the same leases several times in one event loop."""

    async def whole() -> list[Leases | None]:
        client = RedisLeaseClient(url, worker)
        replies = [await asyncio.wait_for(client.request(wants, LEASED), 20) for _ in range(times)]
        await client.close()
        return replies

    return asyncio.run(whole())


def test_leases_end_by_themselves_and_several_addresses_take_one_call(broker: Broker) -> None:
    client = raw(broker)
    register(broker, 5)
    before = client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
    (reply,) = ask(broker.address.url, *(LeaseRequest(f"192.0.2.{number}", 3, 0) for number in range(200)))
    assert reply
    assert (reply.processes, reply.has_share) == (5, True)
    assert all(lease.packets >= 3 for lease in reply.leases)
    calls = client.info("commandstats")["cmdstat_evalsha"]["calls"] - before
    assert calls <= 2  # the first request finds that the server does not have the script yet
    lives_ms = [client.pttl(key) for key in client.keys("gm:address:*")]
    assert len(lives_ms) == 200
    assert all(0 < life_ms <= (HELD_S + 2) * 1000 for life_ms in lives_ms)


def test_process_that_is_not_a_worker_has_no_share(broker: Broker) -> None:
    register(broker, 5)
    (reply,) = ask(broker.address.url, LeaseRequest(ADDRESS, 3, 0), worker=None)
    assert reply
    assert (reply.processes, reply.has_share) == (5, False)


def test_addresses_where_packets_wait_are_counted_over_all_processes(broker: Broker) -> None:
    wants = [LeaseRequest(f"192.0.2.{number}", 3, 0, is_limited=number < 2) for number in range(3)]
    ask(broker.address.url, *wants, times=2)
    assert broker.limited_addresses.count() == 2
    wait_until(lambda: broker.limited_addresses.count() == 0)


def test_unavailable_redis_leases_nothing(own_redis: EmbeddedRedis) -> None:
    url, want = own_redis.url, LeaseRequest(ADDRESS, 2, 0)
    (reply,) = ask(url, want)
    assert reply
    assert reply.leases[0].packets >= 2
    kill(own_redis)
    assert ask(url, want, times=2) == [None, None]


def test_spoiled_address_does_not_stop_anything(broker: Broker) -> None:
    client = raw(broker)
    client.hset(f"gm:address:{ADDRESS}", mapping={"tat": "soon", "=w2": json.dumps({"a": 1})})
    (reply,) = ask(broker.address.url, LeaseRequest(ADDRESS, 2, 0))
    assert reply
    assert reply.leases[0].packets >= 2
