"""Measure a normal run of a clean domain together with batch runs of hostile zones in one worker process.

    python -m benchmarks.beside_hostile [--rounds 50] [--zones 200] [--slots 16] [--without-priority]

The zones are those of tests/hostile: large answers, chains of aliases, policies with a thousand names, and many
servers that refuse. Their DNS and the DNS of the clean domain run in two separate processes. Every slot for batch runs
is always in use, in the event loop of the worker; the normal run has the slot of `reserved_normal_slots`. The output
has the seconds of each normal run and the CPU seconds that the worker uses during it, without and
with the batch runs. On a busy machine only the CPU seconds can be compared; on an idle machine, a run takes about as
long as the CPU time of its worker.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import dns.message
import dns.rcode

from gonemaster_engine.loop_time import LoopTime
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.worker.execute.running import EngineLoop, RunningJob
from tests.hostile._counting import CountingDns, Records, numbered, settings
from tests.hostile._giants import KINDS
from tests.support.engine import loopback_profile

CLEAN = "clean.xa"
REFUSED, SERVERS = "refused", 100
BUSY_S = 2.0  # processor time of batch runs before the first normal run
HOSTILE = [REFUSED, *(kind for kind in KINDS if not kind.startswith("key_trap"))]
KINDS_OF = {f"evil{number}.xa": HOSTILE[number % len(HOSTILE)] for number in range(400)}


class QuickDns(CountingDns):
    """A DNS that composes each response once, so that it keeps the worker busy, not its own process."""

    def __init__(self, zones: dict[str, Records], served: dict[str, list[str]]) -> None:
        super().__init__(zones, served)
        self._known: dict[object, bytes | None] = {}

    def _reply(self, address: str, wire: bytes, *, limit: int) -> bytes | None:
        key = (address, wire[2:], limit)
        if key not in self._known:
            self._known[key] = super()._reply(address, wire, limit=limit)
        reply = self._known[key]
        return reply and wire[:2] + reply[2:]


def world(made_of: type[QuickDns] = QuickDns) -> QuickDns:
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
    made = made_of(zones, served)

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


def start(hints: Path) -> int:
    """Serve the world in a new process until this one ends; return its port."""
    here, there = multiprocessing.Pipe()
    multiprocessing.Process(target=_serve, args=(hints, there), daemon=True).start()
    port: int = here.recv()
    return port


def _serve(hints: Path, control: Connection) -> None:
    with world() as served:
        served.write_hints(hints)
        control.send(served.port)
        threading.Event().wait()


class Taken(NamedTuple):
    """The duration of a run, and the CPU time of its process during the run."""

    seconds: float
    cpu_s: float


class Worker:
    """The loop of a worker with resources that its runs share."""

    def __init__(self, hints: Path, ports: dict[str, int]) -> None:
        self.loop = EngineLoop()
        self.loop.start()
        self._profile = loopback_profile(**settings(timeout_s=3.0, retrans_s=1.0))
        normal, batch = (self.loop.call(self._open(hints, ports[tier])) for tier in (NORMAL, BATCH))
        batch.transport = self.loop.call(self._transport(ports[BATCH], normal.transport.turns))
        self._resources = {NORMAL: normal, BATCH: batch}
        self.ended = 0  # batch runs
        self.stopping = False

    async def _open(self, hints: Path, port: int) -> Resources:
        return Resources.open(root_hints=hints, dns_port=port, hot_cache_ttl_s=0)

    async def _transport(self, port: int, turns: LoopTime) -> Transport:
        return Transport(port=port, turns=turns)

    def test(self, domain: str, tier: str) -> Taken:
        """Test a domain as a job of that tier."""
        begun, cpu_s = time.perf_counter(), time.process_time()
        resources = self._resources[NORMAL if domain == CLEAN else BATCH]
        work = run_test(domain, self._profile, resources=resources, deadline_s=120.0, is_urgent=tier == NORMAL)
        self.loop.run(RunningJob(domain, tier), work)
        return Taken(time.perf_counter() - begun, time.process_time() - cpu_s)

    def keep_busy(self, domains: list[str]) -> None:
        """Test batch domains one after the other."""
        while domains and not self.stopping:
            self.test(domains.pop(), BATCH)
            self.ended += 1

    def close(self) -> None:
        for resources in self._resources.values():
            self.loop.call(resources.close())
        self.loop.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50, help="normal runs, alone and with batch runs")
    parser.add_argument("--zones", type=int, default=200, help="hostile zones")
    parser.add_argument("--slots", type=int, default=16, help="batch runs in progress at the same time")
    parser.add_argument("--without-priority", action="store_true", help="treat all runs as batch runs")
    options = parser.parse_args()
    with TemporaryDirectory() as directory:
        hints = Path(directory) / "root.hints"
        ports = {tier: start(hints) for tier in (NORMAL, BATCH)}
        worker = Worker(hints, ports)
        tier = BATCH if options.without_priority else NORMAL
        worker.test(CLEAN, tier)
        show("alone", [worker.test(CLEAN, tier) for _ in range(options.rounds)], worker)
        domains = list(KINDS_OF)[: options.zones]
        slots = [threading.Thread(target=worker.keep_busy, args=(domains,)) for _ in range(options.slots)]
        for slot in slots:
            slot.start()
        begun = time.process_time()
        while time.process_time() - begun < BUSY_S and any(slot.is_alive() for slot in slots):
            time.sleep(0.05)  # until the batch runs have answers to process
        taken: list[Taken] = []
        while len(taken) < options.rounds and any(slot.is_alive() for slot in slots):
            taken.append(worker.test(CLEAN, tier))
        show("with batch runs", taken, worker)
        worker.stopping = True
        for slot in slots:
            slot.join()
        worker.close()


def show(name: str, taken: list[Taken], worker: Worker) -> None:
    """Print the seconds of the normal runs."""
    for unit, figures in zip(("s", "CPU s"), zip(*taken, strict=True), strict=True):
        ordered = sorted(figures)
        p90, mean = ordered[len(ordered) * 9 // 10], sum(ordered) / len(ordered)
        print(f"{name}: median {median(ordered):.3f} mean {mean:.3f} p90 {p90:.3f} maximum {ordered[-1]:.3f} {unit}")
    print(f"{name}: {len(taken)} normal runs; batch runs ended: {worker.ended}", flush=True)


if __name__ == "__main__":
    main()
