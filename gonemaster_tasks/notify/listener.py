"""Receives NOTIFY messages over UDP and TCP and makes the named zones due for their CDS watch.

A message only says when to look: the scan decides as usual, so the sender needs no authentication. A domain is
accepted if a watch of kind `cds` observes it and the DSYNC records of its parent zone name this host; everything else
is refused, and nothing is queued. Networks that send too much are ignored.
"""

import argparse
import asyncio
import ipaddress
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import dns.rcode
from cachetools import LRUCache, TTLCache

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.service.observed_zones import is_observed, request_observation
from gonemaster_engine.automation.observation import open_zone
from gonemaster_engine.resources import Resources
from gonemaster_engine.zone.dsync import find_dsync
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.profiles import caller_limits
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import worker_store_settings
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.notify.messages import MAX_OCTETS, read_notification

log = logging.getLogger(__name__)

_PREFIX = {4: 24, 6: 56}
_NETWORKS = 10_000
_MINUTE_S = 60.0
_AT_ONCE = 64  # messages in progress; more are dropped
_CONNECTIONS = 128
_CONNECTION_S = 10.0
_DSYNC_LIMIT_S = 10.0
_DSYNC_KEPT_S = 600.0
_DOMAINS = 10_000


class NetworkRates:
    """Limits the messages of each network (an IPv4 /24 or an IPv6 /56) to a number per minute."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: LRUCache[str, tuple[float, float]] = LRUCache(_NETWORKS)  # messages left, and at which time

    def admits(self, address: str) -> bool:
        """Count a message; return whether it is within the limit."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        network = str(ipaddress.ip_network((ip, _PREFIX[ip.version]), strict=False))
        now = self._clock()
        left, at = self._left.get(network, (float(self._per_minute), now))
        left = min(float(self._per_minute), left + (now - at) * self._per_minute / _MINUTE_S)
        self._left[network] = (max(left - 1, 0.0), now)
        return left >= 1


class Receiver:
    """Decides on messages."""

    def __init__(self, settings: Settings, store: Store, resources: Resources) -> None:
        self._settings = settings
        self._store = store
        self._resources = resources
        self._rates = NetworkRates(settings.notify_per_minute)
        self._bound: TTLCache[str, bool] = TTLCache(_DOMAINS, _DSYNC_KEPT_S)
        self._free = _AT_ONCE

    async def answer(self, octets: bytes, address: str) -> bytes | None:
        """Return the answer to a message, or None if it gets none."""
        if not self._free or not self._rates.admits(address) or (found := read_notification(octets)) is None:
            return None
        if found.domain is None:
            return found.answer()
        self._free -= 1
        try:
            accepted = await self._accept(found.domain)
        except StoreError as error:
            log.warning("notification not stored", extra={"error": str(error)})
            return found.answer(dns.rcode.SERVFAIL)
        finally:
            self._free += 1
        log.debug("notification", extra={"domain": found.domain, "accepted": accepted, "address": address})
        return found.answer(dns.rcode.NOERROR if accepted else dns.rcode.REFUSED)

    async def _accept(self, domain: str) -> bool:
        """Make the zone due if it is observed and its parent names this host."""
        if not await asyncio.to_thread(self._is_observed, domain) or not await self._is_bound(domain):
            return False
        request = partial(request_observation, domain=domain, now=utcnow())
        return await asyncio.to_thread(self._store.run_in_transaction, request)

    def _is_observed(self, domain: str) -> bool:
        with self._store.read_only() as session:
            return is_observed(session, domain)

    async def _is_bound(self, domain: str) -> bool:
        """Return whether the DSYNC records for a domain name this host; an unknown answer counts as no."""
        known = self._bound.get(domain)
        if known is not None:
            return known
        limits, found = self._settings.run_limits, None
        async with open_zone(domain, caller_limits(self._settings), self._resources, limits=limits) as zone:
            with suppress(TimeoutError):
                async with asyncio.timeout(_DSYNC_LIMIT_S):
                    found = await find_dsync(zone)
        if found is None:
            return False
        is_bound = any(record.is_for_cds and record.target == self._settings.notify_target for record in found)
        self._bound[domain] = is_bound
        return is_bound


class _Datagrams(asyncio.DatagramProtocol):
    """Messages over UDP."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._running: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for answers."""
        assert isinstance(transport, asyncio.DatagramTransport)  # noqa: S101  # as created below
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a message."""
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = await self._receiver.answer(data, addr[0])
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


class Listener:
    """The sockets of the receiver."""

    def __init__(self, receiver: Receiver, listen: str) -> None:
        self._receiver = receiver
        host, _, port = listen.rpartition(":")
        self._place = (host.removeprefix("[").removesuffix("]"), int(port))
        self._connections = 0

    async def serve(self, stop: asyncio.Event, *, ready: Callable[[int], None] = lambda _: None) -> None:
        """Serve UDP and TCP until `stop` is set; `ready` gets the port. Raises OSError if the address is in use."""
        host, port = self._place
        server = await asyncio.start_server(self._converse, host, port)
        bound = server.sockets[0].getsockname()[1]
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._receiver), local_addr=(host, bound))
        ready(bound)
        try:
            await stop.wait()
        finally:
            transport.close()
            server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[0]
        self._connections += 1
        try:
            if self._connections <= _CONNECTIONS:
                async with asyncio.timeout(_CONNECTION_S):
                    await self._answer_each(reader, writer, address)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._connections -= 1
            writer.close()

    async def _answer_each(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        while (length := int.from_bytes(await reader.readexactly(2))) <= MAX_OCTETS:
            answer = await self._receiver.answer(await reader.readexactly(length), address)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2) + answer)
            await writer.drain()


async def receive(settings: Settings, store: Store, stop: asyncio.Event, *, ready: Callable[[int], None]) -> None:
    """Receive messages until `stop` is set. Raises OSError if the address cannot be used."""
    resources = Resources.open(
        root_hints=settings.root_hints_path, dns_port=settings.dns_port, hot_cache_ttl_s=settings.hot_cache_ttl_s
    )
    try:
        await Listener(Receiver(settings, store, resources), settings.notify_listen).serve(stop, ready=ready)
    finally:
        await resources.close()


async def _receive_until_signal(settings: Settings, store: Store) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    about = {"address": settings.notify_listen, "target": settings.notify_target}
    await receive(settings, store, stop, ready=lambda port: log.info("receiving NOTIFY", extra={**about, "port": port}))


def main(arguments: Sequence[str] | None = None) -> int:
    """Receive until a signal; return exit code 2 if settings or the address are refused."""
    parser = argparse.ArgumentParser(prog="gonemaster-notify", description=__doc__)
    parser.add_argument("--config", type=Path, help="configuration file (JSON)")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings({}, file=options.config)
        log_as_set(settings)
        refuse_unknown_protection()
        warn_of_unknown_variables()
        with closing(open_store(worker_store_settings(settings))) as store:
            asyncio.run(_receive_until_signal(settings, store))
    except TasksError as error:
        sys.stderr.write(f"gonemaster notify: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"gonemaster notify: cannot listen on {settings.notify_listen}: {error.strerror}\n")
        return 2
    return 0
