"""A Redis transport of kombu for workers: a free slot is used immediately, and all commands share one client.

Differences from kombu's own transport (measured by `python -m benchmarks.queue`): BRPOP ends as soon as a slot is free,
which multiplies the rate of short jobs; one client per pool saves CPU time; and an error reply, an invalid message or a
lost connection does not end the worker.
"""

import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import cycle
from queue import Empty
from typing import Any
from urllib.parse import urlsplit

from kombu.transport import redis as kombu_redis
from kombu.transport import virtual
from kombu.utils.json import dumps

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import is_job_id
from gonemaster_tasks.broker.address import BrokerAddress
from gonemaster_tasks.broker.connection import CLIENT_ERRORS, NOT_ALLOWED, ErrorReply, error_text, is_out_of_memory
from gonemaster_tasks.broker.queue.messages import build_message, fault_of
from gonemaster_tasks.broker.queue.rejected_items import RejectedItems
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import ORDER
from gonemaster_tasks.repeating import FailureLog
from gonemaster_tasks.worker.consume.tier_order import TierOrder

log = logging.getLogger(__name__)

_broadcasts = FailureLog("broadcast")
_unrecorded = FailureLog("record of a message that was taken")
_refused = FailureLog("request for messages")
_LOGGED = 200  # bytes of an item in the log
_REPLICATION_ID = re.compile(rb"master_replid:(\w+)")
_BLIND_WAIT_S = 0.05  # Used if BRPOP cannot be unblocked.
_PARTIAL_WAIT_S = 0.3  # Also bounds the delay until a resumption or a higher limit is noticed.


class SharedTimeQoS(kombu_redis.QoS):
    """The unacknowledged messages, with the time that all processes share, and with one command for a job message.

    kombu records delivery times by the clock of this host, and other hosts compare them with theirs: a host whose clock
    is ahead would consider messages lost that another host has just received.

    kombu stores the content of each message in a hash, and its delivery time in a sorted set. A job message can be
    built again from its ID, so it is only in the sorted set. This saves two commands for each job.
    """

    def append(self, message: Any, delivery_tag: str) -> None:
        """Record a received message."""
        pipe = self._pipeline().zadd(self.unacked_index_key, {delivery_tag: utcnow().timestamp()})
        if not is_job_id(delivery_tag):
            about, content = message.delivery_info, message._raw  # noqa: SLF001 - as kombu stores it
            pipe.hset(self.unacked_key, delivery_tag, dumps([content, about["exchange"], about["routing_key"]]))
        try:
            pipe.execute()
        except ErrorReply as error:
            if not is_out_of_memory(error):
                raise
            _unrecorded.failed(error)  # BRPOP has removed the message: the job runs, and the claim protects it.
            self._remove_from_indices(delivery_tag).execute()  # Redis may have accepted one of the two commands.
        else:
            _unrecorded.succeeded()
        virtual.QoS.append(self, message, delivery_tag)

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Put back a message that was not acknowledged."""
        if not is_job_id(tag):
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]  # of kombu
            return
        if tag not in self._delivered:
            return  # Another process has it. The reaper and the reconciler requeue its job if that process ends.
        tier = self._delivered[tag].delivery_info["routing_key"]

        def restore(pipe: Any) -> None:
            is_held = pipe.zscore(self.unacked_index_key, tag) is not None
            pipe.multi()
            if is_held:
                pipe.zrem(self.unacked_index_key, tag)
                (pipe.lpush if leftmost else pipe.rpush)(tier, build_message(tag, tier, redelivered=True))

        with self.channel.conn_or_acquire(client) as connected:
            connected.transaction(restore, self.unacked_index_key)

    def _remove_from_indices(self, delivery_tag: str, pipe: Any = None) -> Any:
        """Return a pipeline that removes a message, within the transaction of the caller if there is one."""
        if pipe is not None:
            return super()._remove_from_indices(delivery_tag, pipe)  # type: ignore[no-untyped-call]  # of kombu
        # The index comes last: a message that is only there counts as stale and is removed.
        pipe = self._pipeline()
        if not is_job_id(delivery_tag):
            pipe.hdel(self.unacked_key, delivery_tag)
        return pipe.zrem(self.unacked_index_key, delivery_tag)

    def _pipeline(self) -> Any:
        with self.channel.conn_or_acquire() as client:
            return client.pipeline(transaction=False)

    def restore_visible(self, *arguments: Any, **options: Any) -> None:
        """Put back messages received before the visibility timeout."""
        # kombu subtracts this value from the clock of the host.
        self.visibility_timeout = self.channel.visibility_timeout + time.time() - utcnow().timestamp()
        super().restore_visible(*arguments, **options)  # type: ignore[no-untyped-call]  # of kombu


class _UnblockingChannel:
    """Mixin for kombu's channels.

    While slots are busy or tiers are closed, BRPOP waits in the server for the other queues only. A slot that becomes
    free in the meantime would stay idle until that wait ends. Therefore an acknowledgement ends the wait with CLIENT
    UNBLOCK, which BRPOP treats as a timeout.
    """

    QoS = SharedTimeQoS
    _queue_cycle: TierOrder
    _in_poll: Any
    client: Any
    active_queues: Any
    pool: Any
    connection: Any
    do_restore: bool
    _blocked: tuple[object, int | None] | None = None  # The socket of BRPOP and its client id, None if unknown.
    _is_unblocked = False  # CLIENT UNBLOCK has ended the current wait.
    _identified: object = None  # The socket of the Redis that the gate knows.
    _shared: tuple[object, Any] | None = None  # A pool and the client created for it.
    _popped: tuple[str, bytes] = ("", b"")  # The queue and item of the last BRPOP.

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Create the client of a pool once: kombu creates one per command, which costs more than the command."""
        if asynchronous:
            client = super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu's channel has it
            client.set_response_callback("BRPOP", self._valid_reply)
            return client
        if self._shared is None or self._shared[0] is not self.pool:
            self._shared = (self.pool, super()._create_client())  # type: ignore[misc]  # as above
        return self._shared[1]

    def _brpop_start(self, timeout: float | None = None) -> None:
        self._identify_server()
        # A BRPOP for all queues ends with any message; only a BRPOP for some queues can miss newly allowed queues.
        if self._queue_cycle.partial(len(self.active_queues)):
            timeout = _PARTIAL_WAIT_S if self._read_client_id() else _BLIND_WAIT_S
        self._is_unblocked = False
        super()._brpop_start(timeout)  # type: ignore[misc]  # kombu's channel has it

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # kombu's channel has it
        except ErrorReply as error:  # kombu has disconnected, so the next BRPOP logs in again, at the current master.
            self._queue_cycle.refused(error_text(error))
            _refused.failed(error)
            if error_text(error).startswith("WRONGTYPE"):
                self._quarantine_wrong_types()
            raise Empty from error
        except (Empty, *CLIENT_ERRORS):
            raise
        except Exception as error:  # kombu or Celery could not parse the item.
            self._reject(*self._popped, f"refused by Celery ({type(error).__name__}: {error})")
            raise Empty from error

    def _receive(self) -> Any:
        try:
            return super()._receive()  # type: ignore[misc]  # kombu's channel has it
        except (Empty, *CLIENT_ERRORS):
            raise
        except Exception as error:  # Any client can publish anything.
            _broadcasts.failed(error)
            raise Empty from error

    def _valid_reply(self, answer: Any) -> Any:
        """Return the reply to BRPOP if it is a valid message, else a timeout reply, because kombu would raise."""
        self._queue_cycle.accepted()
        _refused.succeeded()
        if not answer:
            return None
        queue, item = answer[0].decode(), answer[1]
        self._popped = (queue, item)
        self._queue_cycle.received()
        fault = fault_of(item, queue) if queue in ORDER else ""
        if not fault:
            return answer
        self._reject(queue, item, fault)
        return None

    def _reject(self, queue: str, item: bytes, fault: str) -> None:
        try:
            RejectedItems(self._create_client()).add(queue, item, fault)
        except BrokerUnavailable as error:
            about = {"queue": queue, "reason": fault, "item": item[:_LOGGED], "error": str(error)}
            log.error("invalid queue item dropped, it could not be stored", extra=about)

    def _quarantine_wrong_types(self) -> None:
        with suppress(BrokerUnavailable):  # The next BRPOP or the reconciler retries.
            RejectedItems(self._create_client()).quarantine_wrong_types()

    def close(self) -> None:
        """Close the channel. Messages of a lost connection cannot be requeued: Celery would exit on the attempt."""
        self.do_restore = self.do_restore and not self._is_lost()
        super().close()  # type: ignore[misc]  # kombu's channel has it

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        if self._is_lost():
            return  # The reconciler drops the message.
        super().basic_ack(delivery_tag, multiple)  # type: ignore[misc]  # kombu's channel has it
        # UNBLOCK has no effect on a BRPOP that has just received a message, so the race loses no message.
        is_waiting = self._in_poll and not self._is_unblocked
        if is_waiting and self._blocked and self._queue_cycle.has_more(len(self.active_queues)):
            self._is_unblocked = self._unblock(*self._blocked)

    def _unblock(self, socket: object, client_id: int | None) -> bool:
        """Return whether BRPOP waited and its wait has ended."""
        if client_id is None:
            return False
        try:
            return bool(self._create_client().client_unblock(client_id))
        except NOT_ALLOWED as error:
            self._record_refusal(socket, error)
            return False

    def _identify_server(self) -> None:
        """Read the replication id over BRPOP's connection, once per socket and as long as the gate refuses it."""
        connection = self.client.connection
        socket = getattr(connection, "_sock", None)
        if socket is not None and socket is self._identified and not self._queue_cycle.needs_server():
            return
        connection.send_command("INFO", "replication")
        try:
            found = _REPLICATION_ID.search(connection.read_response(disable_decoding=True))
            self._queue_cycle.connected(found[1].decode() if found else "")
        except NOT_ALLOWED:
            self._queue_cycle.connected("")
        self._identified = getattr(connection, "_sock", None)

    def _record_refusal(self, socket: object, error: Exception) -> None:
        self._blocked = (socket, None)
        about = {"error": str(error)}
        log.warning("no permission for CLIENT ID or UNBLOCK, polling the queues more often", extra=about)

    def _is_lost(self) -> bool:
        """Return whether the connection of this channel was abandoned after an error."""
        return self.connection is None or self.connection.client is None

    def _read_client_id(self) -> bool:
        """Read the client id of BRPOP's connection, once per socket; the connection is idle here.

        Return whether CLIENT UNBLOCK can end BRPOP: the login may lack the permission.
        """
        connection = self.client.connection
        socket = getattr(connection, "_sock", None)
        if self._blocked is None or self._blocked[0] is not socket:
            connection.send_command("CLIENT", "ID")
            try:
                self._blocked = (socket, int(connection.read_response()))
            except NOT_ALLOWED as error:
                self._record_refusal(socket, error)
        return self._blocked is not None and self._blocked[1] is not None


class Channel(_UnblockingChannel, kombu_redis.Channel):
    """The channel of a single server."""


class SentinelChannel(_UnblockingChannel, kombu_redis.SentinelChannel):
    """The channel of a server that Sentinel names."""


# An error reply (BUSY, OOM, READONLY, ...) counts as an unavailable broker: Celery reconnects instead of exiting.
_LOST = (*kombu_redis.Transport.connection_errors, ErrorReply)


class _QuietTransport:
    """Mixin for kombu's transports, without its timer of each second for queues that expire: ours never do."""

    cycle: Any

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        super().register_with_event_loop(connection, loop)  # type: ignore[misc]  # kombu's transport has it
        self.cycle._binding_expiry_tref.cancel()  # noqa: SLF001 - kombu has no setting for it


class RedisTransport(_QuietTransport, kombu_redis.Transport):
    """The transport of a single server."""

    Channel = Channel
    connection_errors = _LOST


class SentinelTransport(_QuietTransport, kombu_redis.SentinelTransport):
    """The transport of a server that Sentinel names."""

    Channel = SentinelChannel
    connection_errors = _LOST


class SocketTransport(RedisTransport):
    """The transport of a server on a Unix socket.

    kombu ignores Celery's transport for `redis+socket://`; it leaves `socket://` to a transport that declares to parse
    URLs, and the channel then finds the path in it.
    """

    can_parse_url = True


def transport_settings(address: BrokerAddress) -> dict[str, Any]:
    """Return the Celery settings that select the transports of this module for a broker."""
    if address.sentinels:
        return {"broker_transport": f"{__name__}:SentinelTransport", "broker_failover_strategy": _same_transport}
    if address.url.startswith("redis+socket:"):
        return {"broker_transport": f"{__name__}:SocketTransport", "broker_url": address.url.removeprefix("redis+")}
    return {"broker_transport": f"{__name__}:RedisTransport"}


def _same_transport(alternates: Sequence[str]) -> Iterator[str]:
    """Yield the host names for kombu's next connection attempts.

    They are not URLs as in kombu's own strategies, because the scheme of a URL would replace the transport. The host is
    irrelevant: each attempt queries all Sentinels.
    """
    return cycle([str(urlsplit(url).hostname) for url in alternates])
