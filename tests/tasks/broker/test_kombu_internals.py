"""The internals of kombu and Celery that the service overrides, calls or reads still have the expected form.

A version that fails one of these tests may still start, and then pause nothing, or wait while a slot is free.
docs/explanation/queue-maintenance.md lists the features that depend on each of them.
"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from celery.worker import state
from celery.worker.control import control_command
from kombu.connection import Connection
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.scheduling import priority_cycle

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.queues import ORDER
from gonemaster_tasks.worker.consume import transport
from gonemaster_tasks.worker.consume.tier_order import TierOrder


@pytest.fixture
def broker_url(broker: Broker) -> str:
    return broker.address.url


SIGNATURES: dict[str, tuple[Callable[..., Any], list[str]]] = {
    "asked before each BRPOP": (priority_cycle.consume, ["self", "n"]),
    "told of the queues consumed": (priority_cycle.update, ["self", "it"]),
    "told of the queue that gave": (priority_cycle.rotate, ["self", "last_used"]),
    "BRPOP is sent": (kombu_redis.Channel._brpop_start, ["self", "timeout"]),
    "BRPOP is read": (kombu_redis.Channel._brpop_read, ["self", "options"]),
    "a broadcast is read": (kombu_redis.Channel._receive, ["self"]),
    "a client for a command": (kombu_redis.Channel._create_client, ["self", "asynchronous"]),
    "a channel closes": (kombu_redis.Channel.close, ["self"]),
    "a message is noted as taken": (kombu_redis.QoS.append, ["self", "message", "delivery_tag"]),
    "a message is noted as taken, in memory": (virtual.QoS.append, ["self", "message", "delivery_tag"]),
    "a message is removed from both keys": (kombu_redis.QoS._remove_from_indices, ["self", "delivery_tag", "pipe"]),
    "timers of the event loop": (kombu_redis.Transport.register_with_event_loop, ["self", "connection", "loop"]),
    "old messages are put back": (kombu_redis.QoS.restore_visible, ["self", "start", "num", "interval"]),
    "a message is acknowledged": (virtual.Channel.basic_ack, ["self", "delivery_tag", "multiple"]),
    "the next URL after a failure": (Connection.maybe_switch_next, ["self"]),
    "a connection is tried": (Connection.ensure_connection, ["self", "args", "kwargs"]),
    "a connection at another URL": (Connection.switch, ["self", "conn_str"]),
}


@pytest.mark.parametrize(("method", "parameters"), SIGNATURES.values(), ids=list(SIGNATURES))
def test_methods_that_are_overridden_or_relied_on_take_what_they_took(
    method: Callable[..., Any], parameters: list[str]
) -> None:
    assert list(inspect.signature(method).parameters) == parameters


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (transport.Channel, kombu_redis.Channel),
        (transport.SentinelChannel, kombu_redis.SentinelChannel),
        (transport.RedisTransport, kombu_redis.Transport),
        (transport.SentinelTransport, kombu_redis.SentinelTransport),
        (TierOrder, priority_cycle),
    ],
)
def test_each_override_overrides_something(ours: type, theirs: type) -> None:
    own = {
        "partial",
        "has_more",
        "refused",
        "requested",
        "accepted",
        "_order",
        "_wanted",
        "_is_lost",
        "_read_client_id",
        "_blocked",
        "_shared",
    }
    own |= {
        "_valid_reply",
        "received",
        "_reject",
        "_identified",
        "_identify_server",
        "needs_server",
        "connected",
        "_quarantine_wrong_types",
        "_popped",
        "_unblock",
        "_is_unblocked",
        "_record_refusal",
    }
    classes = [base for base in ours.__mro__ if base.__module__.startswith("gonemaster_tasks")]
    names = {name for base in classes for name in vars(base) if not name.startswith("__")} - own
    assert names
    assert {name for name in names if not hasattr(theirs, name)} == set()


def test_attributes_of_a_channel_that_are_read(broker_url: str) -> None:
    options = {"queue_order_strategy": f"{TierOrder.__module__}:TierOrder", "priority_steps": [0]}
    with Connection(broker_url, transport_options=options) as connection:
        channel = connection.default_channel
        assert isinstance(channel._queue_cycle, TierOrder)
        assert channel._in_poll is False
        assert list(channel.active_queues) == []
        assert channel.pool is channel.pool
        assert channel.do_restore is True
        assert channel.connection.client is connection
        assert connection.default_channel.client.connection_pool is not channel.pool  # BRPOP has a separate connection
        for queue in ORDER:
            channel.queue_declare(queue)
            channel.basic_consume(queue, no_ack=False, callback=print, consumer_tag=queue)
        assert channel._queue_cycle.items == list(ORDER)


def test_a_closed_channel_has_no_connection(broker_url: str) -> None:
    with Connection(broker_url) as connection:
        channel = connection.default_channel
    assert channel.connection is None or channel.connection.client is None


def test_celery_tells_which_requests_were_received() -> None:
    assert len(state.reserved_requests) == 0
    assert list(inspect.signature(state.task_reserved).parameters)[:1] == ["request"]
    assert list(inspect.signature(control_command).parameters) == ["kwargs"]
