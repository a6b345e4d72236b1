"""Measure normal runs of a clean domain during a batch of hostile zones, in the whole service.

    python -m benchmarks.beside_hostile [--rounds 5] [--zones 200] [--workers 2] [--slots 16] [--delay-ms 20]
        [--without-sharing]

PostgreSQL, Redis, the API and worker processes as in production. The zones are those of tests/hostile: large answers,
chains of aliases, policies with a thousand names, and many servers that refuse. The batch is one POST, without
politeness, so that the workers are as busy as possible. A normal run is measured from its POST until its result is
stored; each starts when the previous one has ended. The DNS has two processes, one of them for the hostile zones. Its
servers answer after a delay, as servers on the Internet do. All processes share the cores of this machine: compare the
normal runs before the batch with those during it. `--workers 1 --without-sharing` shows one worker process alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import dns.message
import dns.rcode

from benchmarks.queue.rig import Rig, open_rig, wait_until
from gonemaster_tasks.worker.execute.engine_resources import LOCK_FILE
from tests.hostile._counting import _IP_PKTINFO, _PKTINFO, ARPA, ROOT, TLD, CountingDns, Records, numbered
from tests.hostile._giants import KINDS

CLEAN = "clean.xa"
REFUSED, SERVERS = "refused", 100
HOSTILE = [REFUSED, *(kind for kind in KINDS if not kind.startswith("key_trap"))]
KINDS_OF = {f"evil{number}.xa": HOSTILE[number % len(HOSTILE)] for number in range(400)}
SHARED = [ROOT, TLD, ARPA, "127.0.0.55", "127.0.0.56", "127.78.0.1", "127.78.0.2"]  # root, TLDs, the clean zone
BUSY_S = 5.0  # processor time of the workers before the first normal run


class QuickDns(CountingDns):
    """A DNS that composes each response once, and sends it over UDP after a delay."""

    def __init__(self, zones: dict[str, Records], served: dict[str, list[str]], delay_s: float) -> None:
        super().__init__(zones, served)
        self._delay_s = delay_s
        self._known: dict[object, bytes | None] = {}

    def _reply(self, address: str, wire: bytes, *, limit: int) -> bytes | None:
        key = (address, wire[2:], limit)
        if key not in self._known:
            self._known[key] = super()._reply(address, wire, limit=limit)
        reply = self._known[key]
        return reply and wire[:2] + reply[2:]

    def _receive(self, udp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(BlockingIOError):
            while True:
                wire, extra, _, peer = udp.recvmsg(4096, 64)
                index, _, destination = _PKTINFO.unpack(extra[0][2][: _PKTINFO.size])
                if reply := self._reply(socket.inet_ntoa(destination), wire, limit=512):
                    control = (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(index, destination, b"\0" * 4))
                    loop.call_later(self._delay_s, udp.sendmsg, [reply], [control], 0, peer)


def world(delay_s: float) -> QuickDns:
    """Return a world with the clean zone and all hostile ones."""
    clean: Records = {(CLEAN, "NS"): [f"ns1.{CLEAN}.", f"ns2.{CLEAN}."]}
    clean |= {(f"ns{number}.{CLEAN}", "A"): [f"127.78.0.{number}"] for number in (1, 2)}
    zones, served = {CLEAN: clean}, {"127.78.0.1": [CLEAN], "127.78.0.2": [CLEAN]}
    refusing = numbered(SERVERS)
    own = [f"127.77.0.{number}" for number in range(1, 9)]
    for zone, kind in KINDS_OF.items():
        addresses = [own[0], *refusing] if kind == REFUSED else own
        records: Records = {(zone, "NS"): []}
        for number, address in enumerate(addresses):
            ns = f"ns{number // 2}.{zone}"
            records.setdefault((ns, "A"), []).append(address)
            if number % 2 == 0:
                records[zone, "NS"].append(f"{ns}.")
        zones[zone] = records
    served |= {address: list(KINDS_OF) for address in own}
    made = QuickDns(zones, served, delay_s)

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        asked = query.question[0].name.to_text(omit_final_dot=True).lower()
        zone = ".".join(asked.split(".")[-2:])
        kind = KINDS_OF.get(zone)
        if address in refusing:
            refusal = dns.message.make_response(query)
            refusal.set_rcode(dns.rcode.REFUSED)
            return refusal
        of_zone = kind in KINDS and address in own
        if (
            of_zone
            and (asked, query.question[0].rdtype.name) not in zones[zone]
            and query.question[0].rdtype.name != "SOA"
        ):
            return KINDS[str(kind)](query) or made.authoritative(address, query)
        return made.authoritative(address, query)

    made.answer = answer
    return made


def start(hints: Path, port: int, delay_s: float, *, bound_to: Sequence[str]) -> None:
    """Serve the world at these addresses in a new process, until this one ends."""
    here, there = multiprocessing.Pipe()
    multiprocessing.Process(target=_serve, args=(hints, port, delay_s, bound_to, there), daemon=True).start()
    there.close()  # so that an error of the process ends this one
    here.recv()


def _serve(hints: Path, port: int, delay_s: float, bound_to: Sequence[str], control: Connection) -> None:
    with contextlib.suppress(PermissionError):
        # Name servers on the Internet do not share the cores of the workers.
        os.nice(-10 if bound_to == SHARED else 0)
    served = world(delay_s)
    served.port, served.bound_to = port, bound_to
    with served:
        served.write_hints(hints)
        control.send(None)
        threading.Event().wait()


def free_port() -> int:
    """Return a port that no process uses."""
    with socket.socket() as tcp:
        tcp.bind(("0.0.0.0", 0))
        return int(tcp.getsockname()[1])


def normal_run(rig: Rig) -> float:
    """Return the seconds of a normal run, from its submission until its result is stored."""
    begun = time.perf_counter()
    job_id = rig.post("/jobs", {"domain": CLEAN})["id"]
    wait_until(lambda: bool(rig.value(f"SELECT count(*) FROM runs WHERE id = '{job_id}'")), within_s=300)
    return time.perf_counter() - begun


def show(name: str, rig: Rig, rounds: int) -> None:
    """Measure and print normal runs."""
    cpu, ended = sum(rig.cpu_s().values()), rig.value("SELECT count(*) FROM runs")
    seconds = [normal_run(rig) for _ in range(rounds)]
    cpu, ended = sum(rig.cpu_s().values()) - cpu, rig.value("SELECT count(*) FROM runs") - ended - rounds
    each = ", ".join(f"{one:.2f}" for one in seconds)
    print(
        f"{name}: {each}; median {median(seconds):.2f} s; CPU of the service {cpu:.1f} s;"
        f" batch runs ended {ended}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="normal runs: before, during and after the batch")
    parser.add_argument("--zones", type=int, default=200, help="hostile zones")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--slots", type=int, default=16, help="slots of each worker process")
    parser.add_argument("--delay-ms", type=int, default=20, help="delay of each DNS answer over UDP")
    parser.add_argument("--without-sharing", action="store_true", help="batch runs rest in the same process only")
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        hints = Path(directory) / "root.hints"
        port = free_port()
        start(hints, port, options.delay_ms / 1000, bound_to=SHARED)
        start(hints, port, options.delay_ms / 1000, bound_to=["0.0.0.0"])
        flags = {
            "root_hints_path": str(hints),
            "dns_port": str(port),
            "allow_non_global": "true",
            "ipv6_mode": "off",
            "nameserver_qps": "0",
        }
        with open_rig(slots=options.slots, **flags) as rig:
            if options.without_sharing:
                (rig.directory / LOCK_FILE).mkdir()  # the path cannot be opened
            rig.start_workers(options.workers, "gonemaster_tasks.worker")
            normal_run(rig)
            show("before", rig, options.rounds)
            busy = rig.cpu_s()["workers"]
            rig.post("/jobs/batch", {"domains": list(KINDS_OF)[: options.zones]})
            wait_until(lambda: rig.cpu_s()["workers"] > busy + BUSY_S, within_s=300)
            show("during", rig, options.rounds)


if __name__ == "__main__":
    main()
