"""Query a server as fast as the limits allow: `python -m tests.support.sender REDIS PORT NAME QPS`.

Each line on standard input is a new limit; it is repeated on standard output.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from itertools import count

from gonemaster_engine import names
from gonemaster_engine.net.pacing import AddressLimits, Pacing
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import query_body
from gonemaster_tasks.broker.politeness import RedisLeaseClient

HOST = "127.9.7.1"
OUTSTANDING = 50
SLOTS = 20


class Limits:
    """The most recent limit."""

    def __init__(self, qps: int) -> None:
        self.qps = qps

    def __call__(self) -> AddressLimits:
        return AddressLimits(self.qps, OUTSTANDING)

    def follow(self) -> None:
        for line in sys.stdin:
            self.qps = int(line)
            sys.stdout.write(line)
            sys.stdout.flush()


async def send_queries(transport: Transport, name: str) -> None:
    loop = asyncio.get_running_loop()
    for number in count():
        qname = names.to_wire(f"{name}-{number}.xa")
        answer: asyncio.Future[QueryOutcome] = loop.create_future()
        body = query_body(qname, 1, 1, 0, None)
        transport.send_udp(Query(HOST, body, Timing(2.0, 1.0, 2), answer.set_result, question_octets=len(qname) + 4))
        await answer


async def main(url: str, port: int, name: str, limits: Limits) -> None:
    lease_client = RedisLeaseClient(url, name)
    transport = Transport(port=port, pacing=Pacing(lease_client, limits))
    await asyncio.gather(*(send_queries(transport, f"{name}-{slot}") for slot in range(SLOTS)))


if __name__ == "__main__":
    url, port, name, qps = sys.argv[1:]
    limits = Limits(int(qps))
    threading.Thread(target=limits.follow, daemon=True).start()
    asyncio.run(main(url, int(port), name, limits))
