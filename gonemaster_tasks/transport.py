"""kombu's Redis transport for workers: a BRPOP that asks for a part of the queues ends when there is more to ask."""

from typing import Any

from kombu import transport as kombu_transport
from kombu.transport import redis as kombu_redis

from gonemaster_tasks.order import TierOrder

_PARTIAL_WAIT_S = 0.3  # also bounds how long a resumption or a higher limit goes unseen
_MODULE = "gonemaster_tasks.transport"


class _Prompt:
    """Mixin for kombu's channels.

    With slots or tiers closed, BRPOP asks for the other queues only and waits in the server. A slot that gets
    free meanwhile would stay idle until that wait is over, so after an acknowledgement it is ended by
    CLIENT UNBLOCK, which BRPOP takes as a timeout.
    """

    _queue_cycle: TierOrder
    _in_poll: Any
    client: Any
    active_queues: Any
    conn_or_acquire: Any
    pool: Any
    connection: Any
    do_restore: bool
    _blocked: tuple[object, int] | None = None  # socket of BRPOP and its number in the server
    _shared: tuple[object, Any] | None = None  # pool and the client made for it

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Make the client of a pool once: kombu makes one for each command, which costs more than the command."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu's channel has it
        if self._shared is None or self._shared[0] is not self.pool:
            self._shared = (self.pool, super()._create_client())  # type: ignore[misc]  # as above
        return self._shared[1]

    def _brpop_start(self, timeout: float | None = None) -> None:
        if self._queue_cycle.partial(len(self.active_queues)):
            self._know_client()
            timeout = _PARTIAL_WAIT_S
        super()._brpop_start(timeout)  # type: ignore[misc]  # kombu's channel has it

    def close(self) -> None:
        """Close. What a lost connection had taken cannot be given back here: Celery would end on the attempt."""
        if self._is_lost():
            self.do_restore = False
        super().close()  # type: ignore[misc]  # kombu's channel has it

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        if self._is_lost():
            return  # the reconciler forgets the message
        super().basic_ack(delivery_tag, multiple)  # type: ignore[misc]  # kombu's channel has it
        if self._in_poll and self._blocked and self._queue_cycle.has_more(len(self.active_queues)):
            with self.conn_or_acquire() as client:
                client.client_unblock(self._blocked[1])

    def _is_lost(self) -> bool:
        """Say whether the connection of this channel was given up after an error."""
        return self.connection is None or self.connection.client is None

    def _know_client(self) -> None:
        """Ask for the number of BRPOP's connection, once for each socket; the connection is idle here."""
        connection = self.client.connection
        socket = getattr(connection, "_sock", None)
        if self._blocked is None or self._blocked[0] is not socket:
            connection.send_command("CLIENT", "ID")
            self._blocked = (socket, int(connection.read_response()))


class Channel(_Prompt, kombu_redis.Channel):
    """Channel of a single server."""


class SentinelChannel(_Prompt, kombu_redis.SentinelChannel):
    """Channel of a server that Sentinel names."""


class Transport(kombu_redis.Transport):
    """Transport of a single server."""

    Channel = Channel


class SentinelTransport(kombu_redis.SentinelTransport):
    """Transport of a server that Sentinel names."""

    Channel = SentinelChannel


def install() -> None:
    """Let this process reach Redis through these transports; before its first connection."""
    names = {"redis": "Transport", "rediss": "Transport", "sentinel": "SentinelTransport"}
    for scheme, name in names.items():
        kombu_transport.TRANSPORT_ALIASES[scheme] = f"{_MODULE}:{name}"
