"""The broker address from the settings, in the forms that Celery, RedBeat and direct connections need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis
from redis import asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection

from gonemaster_tasks.broker.circuit_breaker import CircuitBreaker, CircuitBreakerRetry
from gonemaster_tasks.errors import BrokerRefused

# Other programs may write invalid UTF-8: a decoding error would leave the rest of the reply to the next command.
_TEXT = {"decode_responses": True, "encoding_errors": "backslashreplace"}
_TIMEOUTS: dict[str, Any] = {"socket_timeout": 5.0, "socket_connect_timeout": 3.0, "socket_keepalive": True}
_OF_SENTINELS: dict[str, Any] = {"socket_timeout": 2.0, "socket_connect_timeout": 1.0}
_SENTINEL_PORT = 26379


class _ManagedConnection(SentinelManagedConnection):
    """A connection to the master that the Sentinels name; it is closed if a reply does not arrive in time.

    redis-py leaves only this kind of connection open, and would then read the late reply as the reply to the next
    command.
    """

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Read a reply. Raises redis.RedisError."""
        return super().read_response(*arguments, **{"disconnect_on_error": True, **options})


@dataclass(frozen=True)
class BrokerAddress:
    """The location of Redis. `sentinels` and `master_name` are set for Sentinel only, otherwise `url` is enough."""

    url: str
    master_name: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    sentinel_login: Mapping[str, str] = field(default_factory=dict, repr=False)  # username, password

    @property
    def celery_options(self) -> dict[str, Any]:
        """Return the transport options that this address needs."""
        if not self.sentinels:
            return {}
        return {"master_name": self.master_name, "sentinel_kwargs": self._sentinel_options}

    @property
    def _sentinel_options(self) -> dict[str, Any]:
        """Return the Sentinel options. A silent Sentinel is not queried again: the next one also knows the master."""
        return {**_TIMEOUTS, **_OF_SENTINELS, "retry": Retry(NoBackoff(), 0), **self.sentinel_login}

    @property
    def redbeat_url(self) -> str:
        """The same address as a redis-py URL, which RedBeat requires."""
        if self.sentinels:
            return "redis-sentinel://redis"
        parts = urlsplit(self.url)
        if parts.scheme == "redis+socket":
            return f"unix://{parts.path}?db={self.database}"
        return self.url

    def connect(self) -> redis.Redis:
        """Create a client without connecting. Commands fail early if Redis does not answer: see circuit_breaker.py."""
        options = _TIMEOUTS | {"retry": CircuitBreakerRetry(CircuitBreaker()), **_TEXT}
        if self.sentinels:
            sentinel = Sentinel(list(self.sentinels), sentinel_kwargs=self._sentinel_options, **options)
            login = {"username": self.username, "password": self.password}
            kind = {"connection_class": _ManagedConnection}
            client: redis.Redis = sentinel.master_for(self.master_name, db=self.database, **kind, **login)
            return client
        if urlsplit(self.url).scheme == "redis+socket":
            del options["socket_keepalive"]
        return redis.Redis.from_url(self.redbeat_url, **options)

    def connect_async(self) -> asyncio.Redis:
        """Create a client for an event loop without connecting. Commands are not retried."""
        options = _TIMEOUTS | {"retry": AsyncRetry(NoBackoff(), 0), **_TEXT}
        if self.sentinels:
            of_sentinels = self._sentinel_options | {"retry": AsyncRetry(NoBackoff(), 0)}
            sentinel = AsyncSentinel(list(self.sentinels), sentinel_kwargs=of_sentinels, **options)
            login: dict[str, Any] = {"username": self.username, "password": self.password}
            client: asyncio.Redis = sentinel.master_for(self.master_name, db=self.database, **login)
            return client
        if urlsplit(self.url).scheme == "redis+socket":
            del options["socket_keepalive"]
        return asyncio.Redis.from_url(self.redbeat_url, **options)


def parse_broker_url(url: str) -> BrokerAddress:
    """Parse a broker URL.

    Sentinel: `sentinel://[[user]:password@]host[:port][;sentinel://host[:port]...]/[database]?master_name=NAME`;
    user and password belong to Redis, `&sentinel_username=` and `&sentinel_password=` to the Sentinels.

    Raises:
        BrokerRefused: a Sentinel URL has no master name, or the database is not a number.
    """
    parts = urlsplit(url.split(";")[-1])
    query = parse_qs(parts.query)
    try:
        if parts.scheme == "redis+socket":
            return BrokerAddress(url, database=int(query.get("virtual_host", ["0"])[0].strip("/") or 0))
        database = int(parts.path.strip("/") or 0)
    except ValueError as error:
        raise BrokerRefused("the database in broker_url is not a number") from error
    if parts.scheme != "sentinel":
        return BrokerAddress(url, database=database)
    if "master_name" not in query:
        raise BrokerRefused("broker_url names a Sentinel but no master: add ?master_name=NAME")
    hosts = [urlsplit(part if "://" in part else f"sentinel://{part}") for part in url.split(";")]
    sentinels = tuple((host.hostname or "localhost", host.port or _SENTINEL_PORT) for host in hosts)
    # kombu reads the password and the database from the URL of the Sentinel in use, so each URL carries them.
    login = f"{hosts[0].username or ''}:{hosts[0].password}@" if hosts[0].password else ""
    names = {"sentinel_username": "username", "sentinel_password": "password"}
    return BrokerAddress(
        ";".join(f"sentinel://{login}{_bracketed(host)}:{port}/{database}" for host, port in sentinels),
        master_name=query["master_name"][0],
        sentinels=sentinels,
        username=unquote(hosts[0].username) if hosts[0].username else None,
        password=unquote(hosts[0].password) if hosts[0].password else None,
        database=database,
        sentinel_login={name: query[key][0] for key, name in names.items() if key in query},
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
