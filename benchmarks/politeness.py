"""Measure whether all processes together respect the limit of a name server, and what the limit costs.

    python -m benchmarks.politeness shared [--zones 300] [--processes 16] [--slots 16] [--qps 300] [--outstanding 100]
    python -m benchmarks.politeness cost [--zones 100] [--rounds 6]

`shared` tests zones that are all on the same four servers, with a number of processes and a private Redis, and counts
packets at the servers by the clock of the kernel (as root on Linux; otherwise by the clock of the servers, which shows
evenly spaced packets as bursts on a busy machine). `cost` tests zones with separate servers in one process,
alternately with and without limits, and compares CPU seconds per zone. The name servers run in Python in this process,
so elapsed times include theirs; on a machine with other load they answer late, and queries time out.
`--qps 0 --outstanding 0` has no limits and shows the effect of the load alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from gonemaster_engine.net.pacing import AddressLimits, Pacing
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.politeness import RedisLeaseClient
from gonemaster_tasks.broker.processes.workers import WorkerState
from tests.support.dnsworld import World
from tests.support.dnsworld.extras import add_reverse_zone

SHARED = tuple(f"127.60.{number}.53" for number in (1, 2, 3, 4))
DEADLINE_S = 900.0
_SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 33, 35  # asm-generic/socket.h
_ETH_P_IP, _PACKET_HOST = 0x0800, 0  # linux/if_ether.h, linux/if_packet.h


def shared_world(zones: int) -> tuple[World, list[str]]:
    """Create zones that are all on the same four servers, below a TLD that has two others."""
    world = World()
    servers = {f"ns{number}.hoster.xa": address for number, address in enumerate(SHARED, 1)}
    world.zone("xa", ns={"ns1.nic.xa": "127.61.0.1", "ns2.nic.xa": "127.61.1.1"})
    world.zone("hoster.xa", ns=servers)
    names = [f"zone{number}.xa" for number in range(zones)]
    for name in names:
        zone = world.zone(name, ns=dict.fromkeys(servers, ()), records="www A 192.0.2.1")
        for address in SHARED:
            zone.on(address)
    return world, names


def separate_world(zones: int) -> tuple[World, list[str]]:
    """Create zones with two separate servers each; their TLDs and root do not reach a limit either."""
    world = World()
    world.zone(".", ns={f"{letter}.root-servers.net": f"127.62.{at}.1" for at, letter in enumerate("abcdefghijklm")})
    tlds = [f"x{number}" for number in range(max(1, zones // 3))]
    for at, tld in enumerate(tlds):
        world.zone(tld, ns={f"ns{number}.nic.{tld}": f"127.{70 + number}.{at}.1" for number in range(3)})
    names = [f"zone{number}.{tlds[number % len(tlds)]}" for number in range(zones)]
    for name in names:
        world.zone(name, records="www A 192.0.2.1")
    add_reverse_zone(world, ns={f"ns{number}.in-addr.arpa": f"127.63.{number}.1" for number in range(13)})
    return world, names


async def run_all(names: Sequence[str], hints: str, port: int, *, slots: int, pacing: Pacing | None) -> list[RunResult]:
    """Test zones with limited concurrency."""
    profile = default_profile().merge({"net": {"allow_non_global_targets": True}})
    resources = Resources.open(root_hints=hints, dns_port=port, ipv6=False, pacing=pacing)
    free = asyncio.Semaphore(slots)

    async def one(name: str) -> RunResult:
        async with free:
            return await run_test(name, profile, resources=resources, deadline_s=DEADLINE_S)

    try:
        return await asyncio.gather(*map(one, names))
    finally:
        await resources.close()


def work(options: argparse.Namespace) -> None:
    """Run as one of the processes: read zone names from standard input, write figures to standard output."""

    async def whole() -> list[RunResult]:
        lease_client = RedisLeaseClient(options.redis, options.worker)
        pacing = Pacing(lease_client, lambda: AddressLimits(options.qps, options.outstanding))
        results = await run_all(json.load(sys.stdin), options.hints, options.port, slots=options.slots, pacing=pacing)
        await lease_client.close()
        return results

    results = asyncio.run(whole())
    timeouts = sum(timing.timeouts for result in results for timing in result.timings)
    unfinished = sum(bool(result.unfinished) for result in results)
    print(json.dumps({"zones": len(results), "timeouts": timeouts, "unfinished": unfinished}))


def register(broker: Broker, processes: int) -> None:
    """Register the processes in Redis as live workers."""
    for number in range(processes):
        state = WorkerState(f"w{number}", "host", 1, ("batch",), 1, {}, 0.0)
        broker.workers.register(state, timedelta(hours=1))


class Arrivals:
    """The times at which packets to a port reached the loopback interface, by the clock of the kernel."""

    def __init__(self, port: int) -> None:
        self.times: dict[str, list[float]] = {}
        self._port = port
        self._is_over = False
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", _ETH_P_IP))
        self._socket.settimeout(0.5)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._is_over:
            with suppress(TimeoutError):
                packet, ancillary, _, origin = self._socket.recvmsg(128, 64)
                if origin[2] == _PACKET_HOST:  # skip the outgoing copy of the packet
                    self._note(packet, ancillary)

    def _note(self, packet: bytes, ancillary: Sequence[tuple[int, int, bytes]]) -> None:
        start = 4 * (packet[0] & 0xF)
        if int.from_bytes(packet[start + 2 : start + 4]) != self._port:
            return
        is_connection = packet[9] == socket.IPPROTO_TCP and packet[start + 13] & 0x12 == 0x02  # SYN without ACK
        if packet[9] == socket.IPPROTO_UDP or is_connection:
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            address = socket.inet_ntoa(packet[16:20])
            self.times.setdefault(address, []).append(seconds + nanoseconds / 1e9)

    def stop(self) -> None:
        self._is_over = True
        self._thread.join()
        self._socket.close()


def most_within_a_second(times: Sequence[float]) -> int:
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def shared(options: argparse.Namespace, directory: Path, redis: EmbeddedRedis) -> None:
    """Let many processes test zones on the same servers."""
    broker = Broker.open(redis.url)
    register(broker, options.processes)
    world, names = shared_world(options.zones)
    with world:
        hints = world.write_hints(directory / "hints")
        arguments = [
            "--redis",
            redis.url,
            "--hints",
            str(hints),
            "--port",
            str(world.port),
            "--slots",
            str(options.slots),
        ]
        arguments += ["--qps", str(options.qps), "--outstanding", str(options.outstanding)]
        arrivals = Arrivals(world.port) if os.geteuid() == 0 and sys.platform == "linux" else None
        started_at = time.monotonic()
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.politeness", "work", "--worker", f"w{number}", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(options.processes)
        ]
        for number, process in enumerate(processes):
            assert process.stdin
            process.stdin.write(json.dumps(names[number :: options.processes]))
            process.stdin.close()
        found = [json.loads(process.stdout.read()) for process in processes if process.stdout]
        for process in processes:
            process.wait()
        elapsed_s = time.monotonic() - started_at
        if arrivals:
            arrivals.stop()
        totals = {key: sum(one[key] for one in found) for key in ("zones", "timeouts", "unfinished")}
        print(f"{totals} in {elapsed_s:.0f} s, limit {options.qps} a second")
        for address, server in sorted(world.servers.items()):
            times = sorted(query.time for query in server.log)
            if arrivals:
                times = sorted(arrivals.times.get(address, ()))
            if times:
                rate = len(times) / max(1.0, times[-1] - times[0])
                print(
                    f"{address:14} {len(times):6} packets, {rate:6.1f} a second, at most {most_within_a_second(times)}"
                )
    broker.close()


def cost(options: argparse.Namespace, directory: Path, redis: EmbeddedRedis) -> None:
    """Compare CPU seconds per zone with and without limits, alternately in one process for each."""
    world, names = separate_world(options.zones)
    broker = Broker.open(redis.url)
    register(broker, 2)
    figures: dict[str, list[float]] = {"off": [], "on": []}
    with world:
        hints = world.write_hints(directory / "hints")
        for _ in range(options.rounds):
            for kind, terms in (("off", (0, 0)), ("on", (options.qps, options.outstanding))):
                arguments = ["--redis", redis.url, "--hints", str(hints), "--port", str(world.port)]
                arguments += ["--slots", str(options.slots), "--qps", str(terms[0]), "--outstanding", str(terms[1])]
                started_at = time.monotonic()
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.politeness", "measure", "--worker", "w0", *arguments],
                    input=json.dumps(names),
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                cpu_s = float(done.stdout)
                figures[kind].append(cpu_s / len(names))
                elapsed_s = time.monotonic() - started_at
                print(f"{kind:4} {1000 * cpu_s / len(names):7.2f} ms CPU a zone, {elapsed_s:5.1f} s")
    off, on = (statistics.median(figures[kind]) for kind in ("off", "on"))
    ratios = [one / other for one, other in zip(figures["on"], figures["off"], strict=True)]
    print(f"median {1000 * off:.2f} and {1000 * on:.2f} ms: {100 * (on / off - 1):+.1f} %", end="; ")
    print(f"pairs {[f'{100 * (ratio - 1):+.1f} %' for ratio in sorted(ratios)]}")
    broker.close()


def measure(options: argparse.Namespace) -> None:
    """Test zones and print their CPU seconds, including those of the lease client."""
    names = json.load(sys.stdin)

    async def whole() -> float:
        lease_client = RedisLeaseClient(options.redis, options.worker)
        limits = AddressLimits(options.qps, options.outstanding)
        pacing = None if limits.is_unlimited else Pacing(lease_client, lambda: limits)
        started_at = time.process_time()
        await run_all(names, options.hints, options.port, slots=options.slots, pacing=pacing)
        cpu_s = time.process_time() - started_at
        await lease_client.close()
        return cpu_s

    print(asyncio.run(whole()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.politeness", description=__doc__)
    parser.add_argument("what", choices=("shared", "cost", "work", "measure"))
    parser.add_argument("--zones", type=int, default=300)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--slots", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--qps", type=int, default=300)
    parser.add_argument("--outstanding", type=int, default=100)
    for name in ("--redis", "--hints", "--worker"):
        parser.add_argument(name, default="", help="value for the processes that this one starts")
    parser.add_argument("--port", type=int, default=0, help="port for the processes that this one starts")
    options = parser.parse_args()
    if options.what in {"work", "measure"}:
        {"work": work, "measure": measure}[options.what](options)
        return
    with tempfile.TemporaryDirectory(prefix="politeness-") as directory:
        redis = EmbeddedRedis(Path(directory))
        redis.start()
        try:
            {"shared": shared, "cost": cost}[options.what](options, Path(directory), redis)
        finally:
            redis.stop()


if __name__ == "__main__":
    main()
