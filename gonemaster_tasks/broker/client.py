"""Redis as this service uses it, in parts: one connection, one class for each kind of content."""

from collections.abc import Sequence
from typing import Any

from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.broker.beat import BeatSchedule
from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.counters import Counters
from gonemaster_tasks.broker.events import Events
from gonemaster_tasks.broker.lists import WaitingLists
from gonemaster_tasks.broker.locks import Locks
from gonemaster_tasks.broker.marks import Marks
from gonemaster_tasks.broker.reconciliation import ReconciliationRequests
from gonemaster_tasks.broker.rejected import RejectedItems
from gonemaster_tasks.broker.unacked import Unacked
from gonemaster_tasks.broker.workers import Workers
from gonemaster_tasks.errors import BrokerRefused

_OLDEST_SERVER = (6, 2)


class Broker:
    """A connection to Redis. All methods raise BrokerUnavailable when it does not answer; safe in threads."""

    def __init__(self, address: BrokerAddress) -> None:
        self.address = address
        self._client: Any = address.connect()  # redis-py's hints mix sync and async answers
        self.lists = WaitingLists(self._client)
        self.unacked = Unacked(self._client)
        self.rejected = RejectedItems(self._client)
        self.marks = Marks(self._client)
        self.reconciliation = ReconciliationRequests(self._client)
        self.counters = Counters(self._client)
        self.workers = Workers(self._client)
        self.locks = Locks(self._client)
        self.events = Events(self._client)
        self.beat = BeatSchedule(self._client)

    @classmethod
    def open(cls, url: str) -> "Broker":
        """Connect to the broker at a URL as in the settings."""
        return cls(parse_broker_url(url))

    def close(self) -> None:
        """Give the connections back."""
        self.reconciliation.close()
        self._client.close()

    def check(self) -> None:
        """See whether this server can carry the queue.

        Raises:
            BrokerRefused: a cluster, or too old; the text says why.
        """
        with reachable():
            info = self._client.info()
        if info.get("cluster_enabled"):
            raise BrokerRefused(
                "broker_url points to a Redis Cluster: one command takes from several queues in order, and a"
                " cluster keeps them on different nodes; use a single server or Sentinel"
            )
        version = str(info.get("redis_version", "0"))
        if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_SERVER:
            raise BrokerRefused(f"Redis {version} is too old: version 6.2 or later is required")

    def eviction_policy(self) -> str:
        """Say what Redis does when its memory is full; anything but `noeviction` loses messages."""
        with reachable():
            return str(self._client.info("memory").get("maxmemory_policy", ""))

    def ping(self) -> None:
        """Ask Redis for an answer."""
        with reachable():
            self._client.ping()

    def time(self) -> float:
        """Return the clock of Redis in POSIX seconds, which all workers share."""
        with reachable():
            return server_time(self._client)

    def without_message(self, job_ids: Sequence[str], tier: str, *, within: int = 2000) -> list[str]:
        """Return the ids whose messages are neither among the next `within` of the tier nor with a worker."""
        # The lists first: a message moves from its list to the worker, so one that is taken meanwhile is found there.
        missing = self.lists.not_waiting(job_ids, tier, within=within)
        held = self.unacked.held(missing)
        return [job_id for job_id in missing if job_id not in held]
