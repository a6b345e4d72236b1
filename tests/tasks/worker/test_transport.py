"""Which messages the transport of workers takes, acknowledges and requeues, and how a wait in Redis is ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

import pytest
from kombu.connection import Connection
from kombu.entity import Queue

from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.queues import BATCH, ORDER
from gonemaster_tasks.worker.consume import tier_order
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.consume.transport import transport_settings

SLOTS = 8


@dataclass
class Taker:
    """A consumer like that of a worker, without a pool: messages that it takes stay unprocessed."""

    connection: Any
    gate: Gate
    messages: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channel = self.connection.default_channel
        queues = [Queue(name, routing_key=name) for name in ORDER]
        self.consumer = self.connection.Consumer(queues, self.channel, on_message=self._take)

    def _take(self, message: Any) -> None:
        self.messages.append(message)
        self.gate.acquire(message.headers["id"], message.delivery_info["routing_key"])

    def take(self, count: int = 1) -> list[str]:
        """Wait for a number of messages; return the jobs."""
        before = len(self.messages)
        for _ in range(count):
            self.connection.drain_events(timeout=20)
        return [message.headers["id"] for message in self.messages[before:]]


MakeTaker = Callable[..., Taker]


@pytest.fixture
def make_taker(broker: Broker) -> Iterator[MakeTaker]:
    """Create consumers: `make_taker(reserved=1)` consumes from all queues."""
    app = make_app(broker.address.url, transport=transport_settings)
    opened: list[Connection] = []

    def make(**limits: int) -> Taker:
        gate = Gate(slots=SLOTS, reserved_normal=limits.get("reserved", 1), min_batch=limits.get("min_batch", 0))
        gate.update(Controls({}), None)
        tier_order.install(gate)
        opened.append(app.connection_for_read())
        taker = Taker(opened[-1], gate)
        taker.consumer.consume()
        return taker

    yield make
    tier_order.install(None)
    for connection in opened:
        connection.close()
    app.close()


def fill(broker: Broker, tier: str, count: int) -> list[str]:
    ids = [f"job_{tier}{number:04}" for number in range(count)]
    broker.lists.enqueue_many(ids, tier)
    return ids


def unblocks(client: Any) -> int:
    """Return how often clients have ended a wait in this server."""
    return int(client.info("commandstats").get("cmdstat_client|unblock", {"calls": 0})["calls"])


def test_what_was_taken_goes_back_in_bytes_that_are_found_again(broker: Broker, make_taker: MakeTaker) -> None:
    ids = fill(broker, BATCH, 20)
    taker = make_taker()
    taker.take(SLOTS - 1)
    taker.channel.qos.restore_unacked()
    assert broker.unacked.count() == 0
    assert sorted(broker.lists.waiting_ids(BATCH)) == ids
    assert broker.lists.remove(ids[: SLOTS - 1], BATCH) == ids[: SLOTS - 1]


def test_a_job_message_is_only_in_the_index(broker: Broker, make_taker: MakeTaker) -> None:
    fill(broker, BATCH, 1)
    broker.lists.call_operate()
    taker = make_taker()
    taker.take(2)
    client = taker.channel._create_client()
    assert (client.hlen("unacked"), client.zcard("unacked_index")) == (1, 2)
    for message in taker.messages:
        message.ack()
    assert client.exists("unacked", "unacked_index") == 0


def test_an_acknowledged_message_has_left_redis(broker: Broker, make_taker: MakeTaker) -> None:
    ids = fill(broker, BATCH, 3)
    taker = make_taker()
    taker.take(2)
    taker.messages[0].ack()
    assert broker.unacked.held(ids) == {ids[1]}
    assert [*broker.unacked.held_since()] == [ids[1]]


def test_a_slot_that_becomes_free_ends_the_wait_of_a_consumer_at_its_limit(
    broker: Broker, make_taker: MakeTaker
) -> None:
    fill(broker, BATCH, SLOTS)
    taker = make_taker()
    taker.take(SLOTS - 1)  # the last slot is reserved for normal, so BRPOP waits only for the other queues
    client = taker.channel._create_client()
    before = unblocks(client)
    taker.channel._brpop_start()
    taker.gate.release(taker.messages[0].headers["id"])
    taker.messages[0].ack()
    with pytest.raises(Empty):
        taker.channel._brpop_read()
    assert unblocks(client) == before + 1
    assert taker.take() == [f"job_{BATCH}{SLOTS - 1:04}"]


def test_a_channel_that_closes_gives_back_what_was_not_acknowledged(broker: Broker, make_taker: MakeTaker) -> None:
    ids = fill(broker, BATCH, 20)
    taker = make_taker()
    taken = taker.take(SLOTS - 1)
    for message in taker.messages[:4]:
        message.ack()
    taker.connection.close()
    assert broker.unacked.count() == 0
    assert {*broker.lists.waiting_ids(BATCH)} == {*ids} - {*taken[:4]}
