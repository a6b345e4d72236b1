"""The Redis client of this service: one connection, and one class for each kind of content."""

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.broker.attempts import Attempts
from gonemaster_tasks.broker.beat import BeatSchedule
from gonemaster_tasks.broker.connection import NOT_ALLOWED, SLICE, reachable, server_time
from gonemaster_tasks.broker.events import Events
from gonemaster_tasks.broker.job_losses import JobLosses
from gonemaster_tasks.broker.keys import RATE_LIMITS
from gonemaster_tasks.broker.marks import Marks
from gonemaster_tasks.broker.mismatches import Mismatches
from gonemaster_tasks.broker.politeness import LimitedAddresses
from gonemaster_tasks.broker.processes.locks import Locks
from gonemaster_tasks.broker.processes.machines import Processes
from gonemaster_tasks.broker.processes.maintenance_times import MaintenanceTimes
from gonemaster_tasks.broker.processes.reports import Reports
from gonemaster_tasks.broker.processes.workers import Workers
from gonemaster_tasks.broker.queue.check_clients import CheckClients
from gonemaster_tasks.broker.queue.lists import WaitingLists
from gonemaster_tasks.broker.queue.rejected_items import RejectedItems
from gonemaster_tasks.broker.queue.unacked import Unacked
from gonemaster_tasks.broker.queue.window import DEFAULT_SIZE, MessageWindow
from gonemaster_tasks.broker.reconciliation import ReconciliationRequests
from gonemaster_tasks.broker.registration_requests import RegistrationRequests
from gonemaster_tasks.errors import BrokerFull, BrokerLoginRefused, BrokerRefused

_OLDEST_SERVER = (6, 2)
_PERMISSIONS_ARE_IN = "docs/howto/logins.md lists the required permissions"
_SCANNED, _MAX_SCANS = 1000, 100
_MESSAGE = 450  # measured bytes of a waiting message in Redis: 400
_RESERVE = 1024 * 1024  # bytes reserved for workers, which need memory to take messages


class Broker:
    """A thread-safe connection to Redis. All methods raise BrokerUnavailable if Redis does not answer."""

    def __init__(self, address: BrokerAddress, *, window: int = DEFAULT_SIZE) -> None:
        self.address = address
        self._client: Any = address.connect()  # The type hints of redis-py mix synchronous and asynchronous replies.
        self.lists = WaitingLists(self._client)
        self.window = MessageWindow(self._client, window)
        self.unacked = Unacked(self._client)
        self.rejected = RejectedItems(self._client)
        self.marks = Marks(self._client)
        self.reconciliation = ReconciliationRequests(self._client)
        self.workers = Workers(self._client)
        self.reports = Reports(self._client)
        self.maintenance_times = MaintenanceTimes(self._client)
        self.losses = JobLosses(self._client)
        self.mismatches = Mismatches(self._client)
        self.processes = Processes(self._client)
        self.limited_addresses = LimitedAddresses(self._client)
        self.locks = Locks(self._client)
        self.registration_requests = RegistrationRequests(self._client)
        self.events = Events(self._client)
        self.check_clients = CheckClients(self._client)
        self.beat = BeatSchedule(self._client)
        self.attempts = Attempts(self._client)

    @classmethod
    def open(cls, url: str, *, window: int = DEFAULT_SIZE) -> "Broker":
        """Connect to the broker at a URL from the settings; `window` is the number of messages of the batch tier."""
        return cls(parse_broker_url(url), window=window)

    @property
    def connections(self) -> Any:
        """The connection pool, for a library that talks to Redis itself."""
        return self._client.connection_pool

    def close(self) -> None:
        """Close the connections."""
        self.reconciliation.close()
        self._client.close()

    def check(self) -> None:
        """Check whether this server can carry the queue.

        Raises:
            BrokerRefused: Redis is a cluster or too old, or the login is wrong or lacks a permission.
            BrokerUnavailable: Redis does not answer.
        """
        try:
            # This check comes first, because a cluster would refuse the commands below with a misleading error.
            self._check_server(self._server_info())
            self._try_permissions()
        except BrokerLoginRefused as error:
            raise BrokerRefused(f"broker_url: login refused: {error}; {_PERMISSIONS_ARE_IN}") from error

    def _check_server(self, info: Mapping[str, Any]) -> None:
        if info.get("cluster_enabled"):
            raise BrokerRefused(
                "broker_url points to a Redis Cluster: one command takes from several queues in order, and a"
                " cluster keeps them on different nodes; use a single server or Sentinel"
            )
        version = str(info.get("redis_version", "0"))
        found = re.match(r"(\d{1,4})\.(\d{1,4})", version)
        if found is None or (int(found[1]), int(found[2])) < _OLDEST_SERVER:
            raise BrokerRefused(f"Redis {version} is too old or not Redis: version 6.2 or later is required")

    def _server_info(self) -> dict[str, Any]:
        """Return the reply to INFO; without that permission, the version and mode that every login receives."""
        with reachable():
            try:
                return dict(self._client.info())
            except NOT_ALLOWED:
                fields = _as_mapping(self._client.execute_command("HELLO"))
        return {"redis_version": fields.get("version", "0"), "cluster_enabled": fields.get("mode") == "cluster"}

    def _try_permissions(self) -> None:
        """Execute one command of each kind that is needed: a missing permission would stop the service later."""
        key = keys.probe(secrets.token_hex(8))
        with reachable():
            self._client.set(key, "1", px=1000)
            for command in ("EXISTS", "DEL", "LLEN", "HGETALL", "ZCARD", "XLEN", "SMEMBERS"):
                self._client.execute_command(command, key)
            self._client.time()
            self._client.brpop(key, 0.001)
            self._client.eval("return 1", 0)
            self._client.publish(key, "")
            with self._client.pubsub() as broadcasts:
                broadcasts.psubscribe(f"/{self.address.database}.celery.pidbox")
                broadcasts.get_message(timeout=1.0)

    def eviction_policy(self) -> str:
        """Return the eviction policy of Redis, empty if unknown; any policy but `noeviction` loses messages."""
        with reachable():
            try:
                return str(self._client.info("memory").get("maxmemory_policy", ""))
            except NOT_ALLOWED:
                return ""

    def facts(self) -> dict[str, Any]:
        """Return the INFO fields about memory and persistence; empty without that permission."""
        with reachable():
            try:
                return {**self._client.info("memory"), **self._client.info("persistence")}
            except NOT_ALLOWED:
                return {}

    def count_rate_limits(self) -> int:
        """Count the clients whose attempts are limited; scans at most 100,000 keys."""
        count = cursor = 0
        with reachable():
            for _ in range(_MAX_SCANS):
                cursor, found = self._client.scan(cursor, match=RATE_LIMITS, count=_SCANNED)
                count += len(found)
                if not cursor:
                    break
        return count

    def check_room(self, messages: int = 1) -> None:
        """Check that Redis accepts writes, and has memory for this number of messages.

        Raises:
            BrokerFull: the memory of Redis is full, or would be.
        """
        with reachable():
            self._client.set(keys.probe("room"), "1", px=1000)
        if messages > SLICE:  # Redis accepts or refuses a whole command, and fewer messages are one command.
            facts = self.facts()
            limit = int(facts.get("maxmemory", 0))
            free = limit - int(facts.get("used_memory", 0)) - _RESERVE
            if limit and free < messages * _MESSAGE:
                raise BrokerFull(f"Redis has memory for {max(0, free) // _MESSAGE} more messages, not for {messages}")

    def ping(self) -> None:
        """Check that Redis answers."""
        with reachable():
            self._client.ping()

    def time(self) -> float:
        """Return the time of Redis in POSIX seconds, which all workers share."""
        with reachable():
            return server_time(self._client)

    def without_message(self, job_ids: Sequence[str], tier: str, *, within: int = 2000) -> list[str]:
        """Return the ids without a message, neither among the next `within` of the tier nor held by a worker."""
        # Read the lists first: a message moves from its list to a worker, so a message taken in the meantime is found
        # there.
        missing = self.lists.not_waiting(job_ids, tier, within=within)
        held = self.unacked.held(missing)
        return [job_id for job_id in missing if job_id not in held]


def _as_mapping(reply: Any) -> dict[Any, Any]:
    """Parse names and values, which RESP2 returns as one list; other replies mean that the version is too old."""
    if isinstance(reply, dict):
        return reply
    if not isinstance(reply, list) or any(isinstance(name, (list, dict)) for name in reply[::2]):
        return {}
    return dict(zip(reply[::2], reply[1::2], strict=False))
