"""Measure the CPU cost of sending one packet under limits: the path through `Pacing`, without any packet or run.

    python -m benchmarks.pacing [--packets 240] [--addresses 40] [--rounds 200] [--at-once 4]

As in a run, a number of packets go to a number of addresses and are answered; `--at-once` packets are sent between two
iterations of the event loop. The cases are: no limits, limits that are never reached (all packets leave immediately,
without a lease), and a lease for each packet. No packet is sent, so the results vary only with the load of the machine,
and the minimum of many rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

from gonemaster_engine.net.pacing import AddressLimits, Pacing
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from tests.support.lease_client import MemoryLeaseClient

_BODY = bytes(10) + b"\x03www\x07example\x02xa\x00\x00\x01\x00\x01"
_TIMING = Timing(timeout_s=5.0, retrans_s=3.0, tries=3)
_KINDS = {
    "no limits": (AddressLimits(), True),
    "limits not near": (AddressLimits(30_000, 10_000), True),
    "all leased": (AddressLimits(30_000), False),
}
_A_RUN_US = 25_000.0  # CPU of a whole run: benchmarks/RESULTS.md


async def measure(limits: AddressLimits, *, has_share: bool, options: argparse.Namespace) -> float:
    """Return the minimum CPU of a packet over many rounds, in microseconds."""
    pacing = Pacing(MemoryLeaseClient(processes=2, has_share=has_share), lambda: limits)
    addresses = [f"127.{number // 250}.{number % 250}.1" for number in range(options.addresses)]
    await begin(pacing, addresses)
    least = float("inf")
    for _ in range(options.rounds):
        queries = [
            Query(addresses[number % len(addresses)], _BODY, _TIMING, _ignore_outcome, question_octets=len(_BODY) - 10)
            for number in range(options.packets)
        ]
        started_at = time.thread_time()
        for start in range(0, len(queries), options.at_once):
            part = queries[start : start + options.at_once]
            for query in part:
                pacing.enter(query, _accept)
            await asyncio.sleep(0)
            for query in part:
                query.release()
        least = min(least, (time.thread_time() - started_at) / len(queries) * 1e6)
        await asyncio.sleep(0.02)
    pacing.close()
    return least


async def begin(pacing: Pacing, addresses: Sequence[str]) -> None:
    """Register the process, because it has no share before its registration."""
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        for address in addresses:
            query = Query(address, _BODY, _TIMING, _ignore_outcome, question_octets=len(_BODY) - 10)
            pacing.enter(query, _accept)
            query.release()
        await asyncio.sleep(0.1)


def _ignore_outcome(_outcome: QueryOutcome) -> None:
    """Act as the callback of a query that never ends."""


def _accept(_query: Query) -> bool:
    return True


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description=__doc__.splitlines()[0])
    parser.add_argument("--packets", type=int, default=240, help="packets per run")
    parser.add_argument("--addresses", type=int, default=40, help="number of target addresses")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=4, help="packets between two iterations of the event loop")
    options = parser.parse_args()
    base = 0.0
    for name, (limits, has_share) in _KINDS.items():
        least = asyncio.run(measure(limits, has_share=has_share, options=options))
        base = base or least
        added_us = (least - base) * options.packets
        print(
            f"{name:16} {least:6.2f} us a packet; of a run {added_us:6.0f} us more, "
            f"{100 * added_us / _A_RUN_US:.2f} % of {_A_RUN_US / 1000:.0f} ms"
        )


if __name__ == "__main__":
    main()
