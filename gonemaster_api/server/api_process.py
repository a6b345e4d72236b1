"""An API process: the Flask application under uvicorn, on listening sockets that it receives."""

import asyncio
import faulthandler
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import FrameType

import structlog
import uvicorn
from flask import Flask

from gonemaster_api.app import create_app
from gonemaster_api.queries.metrics.latencies import LatencyTrend
from gonemaster_api.queries.metrics.responses import warm_up
from gonemaster_api.server.bridge import Bridge
from gonemaster_api.server.connection import Connection
from gonemaster_api.server.first_requests import send_first_requests
from gonemaster_api.state import NAME, State
from gonemaster_api.ui.shell.templates import compile_pages
from gonemaster_api.web.exporter import http_metrics
from gonemaster_api.web.proxies import TrustedProxies
from gonemaster_db.core.clock import follow
from gonemaster_db.core.session import open_store
from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.open_files import raise_open_files_limit
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import observer_store_settings
from gonemaster_tasks.config.watcher import SettingsWatcher
from gonemaster_tasks.process_report.database_observer import DatabaseObserver
from gonemaster_tasks.process_report.reporter import Reporter
from gonemaster_tasks.tracing import start_tracing, stop_tracing

HUNG_S = 60.0  # longer than the pauses of a machine that swaps
_TICK_S = 1.0
_OTHER_CONNECTIONS = 2000  # maximum per process, in addition to viewers of event streams
_PER_CLIENT = 500  # connections of one client, in addition to its event streams
_OTHER_FILES = 256  # file descriptors other than connections and bodies
# The time a thread may hold the interpreter while other threads wait (Python's default is 5 ms). The event loop needs
# the interpreter several times per request, and would wait this long each time if all threads are busy.
_SWITCH_INTERVAL_S = 0.001
_UNSENT = 128 * 1024  # bytes that the kernel buffers beyond what it has sent
_REPORTS, _LATENCIES = f"{NAME}-reports", f"{NAME}-latencies"
_OUTAGE_WAIT = timedelta(seconds=1.6)  # GET /queue responds within 2 s, even if other services are unavailable
_SILENT_S = 5.0  # requests fail fast after the database has not responded for this long
_FULL_FOR = timedelta(seconds=30)  # time since the last request that failed because the disk was full

log = structlog.get_logger(__name__)


class ApiServer(uvicorn.Server):
    """A uvicorn server that ends event streams when it stops, and whose exit status does not name the signal."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._signaled = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop gracefully on the first signal and immediately on the second."""
        self._stopping.set()
        self.force_exit = self.should_exit
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._signaled.set)

    async def main_loop(self) -> None:
        """Call `on_tick` once a second and on a signal; uvicorn's own loop wakes ten times as often."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._signaled.wait(), _TICK_S)

    async def on_tick(self, counter: int) -> bool:
        """Report once a second that the event loop runs: the supervisor replaces a process whose loop hangs."""
        faulthandler.dump_traceback_later(HUNG_S, exit=True)
        for connection in list(self.server_state.connections):
            connection.check_time()  # type: ignore[union-attr]  # see the setting `http`
        ends = await super().on_tick(counter)
        if ends:
            faulthandler.cancel_dump_traceback_later()  # the stop has a separate time limit
        return ends


def serve(settings: Settings, *, listeners: Sequence[socket.socket]) -> None:
    """Serve on listening sockets until stopped. Open requests are finished.

    The second socket, if any, is that of `zonemaster_listen`.
    """
    log_as_set(settings)
    stopping = threading.Event()
    app = open_app(settings, stopping)
    signal.signal(signal.SIGHUP, lambda *_: app.extensions[NAME].keyring.reread_soon())
    Connection.limit = _allow_connections(_OTHER_CONNECTIONS + settings.max_viewers)
    Connection.limit_per_client = _PER_CLIENT + settings.max_viewers_per_client
    Connection.threads_per_client = max(3, settings.api_threads // 2)
    Connection.trusts = TrustedProxies(app.wsgi_app, settings.trusted_proxy_cidrs).trusts
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    # Connections inherit these options. Without the first the kernel buffers megabytes for a client that reads slowly;
    # the second ends connections whose clients do not read.
    for listener in listeners:
        patience_ms = int(settings.write_timeout.total_seconds() * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience_ms)
    zonemaster_port = listeners[1].getsockname()[1] if len(listeners) > 1 else None
    config = uvicorn.Config(
        Bridge(app, threads=settings.api_threads, zonemaster_port=zonemaster_port),
        http=Connection,
        ws="none",
        loop="uvloop",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # gonemaster_api.web.proxies decides which proxies are trusted
        timeout_keep_alive=max(1, int(settings.idle_timeout.total_seconds())),
        timeout_graceful_shutdown=max(1, int(settings.shutdown_timeout.total_seconds())),
    )
    server = ApiServer(config, stopping)
    for number in (signal.SIGINT, signal.SIGTERM):  # covers the time before uvicorn installs its handlers
        signal.signal(number, server.handle_exit)
    log.info("serving", pid=os.getpid())
    try:
        server.run(sockets=list(listeners))
    finally:
        close_app(app)


def open_app(settings: Settings, stopping: threading.Event) -> Flask:
    """Create the application of this process and start all its background threads."""
    start_tracing(settings.otlp_endpoint, service="gonemaster-api", version=__version__)
    app = create_app(settings, stopping=stopping, outage_wait=_OUTAGE_WAIT)
    shared: State = app.extensions[NAME]
    shared.keyring.start()
    SettingsWatcher(shared.live, shared.store, shared.broker).start()
    app.extensions[_LATENCIES] = LatencyTrend(http_metrics(app), shared.store)
    app.extensions[_LATENCIES].start()
    follow(shared.queue.clock.now)
    _start_reports(app, settings)
    threading.Thread(target=warm_up, args=(app,), name="metrics", daemon=True).start()
    send_first_requests(app)
    # before the first requests, because requests that wait for a page to compile would be refused
    compile_pages(app.jinja_env)
    collect_rarely()
    return app


def close_app(app: Flask) -> None:
    """Write the remaining counts and stop the threads."""
    shared: State = app.extensions[NAME]
    for part in app.extensions[_REPORTS]:
        part.stop()
    app.extensions[_LATENCIES].stop()
    shared.lookups.close()
    stop_tracing()


def _start_reports(app: Flask, settings: Settings) -> None:
    """Report the state of this process to the other processes.

    The reports use their own database connections, because requests may occupy all others.
    """
    shared: State = app.extensions[NAME]
    store = open_store(observer_store_settings(settings))
    observer = DatabaseObserver(store, is_full=lambda: shared.store.was_full_within(_FULL_FOR))
    clock = shared.queue.clock
    reporter = Reporter(shared.broker, clock, kind="api", store=store, facts=lambda: observer.facts(clock.timestamp()))
    app.extensions[_REPORTS] = (reporter, observer)
    shared.store.refuse_while(lambda: observer.watch.silent_s() > _SILENT_S)
    observer.start()
    reporter.start()


def _allow_connections(requested: int) -> int:
    """Raise the limit of open files to cover connections and their bodies.

    Return how many connections can be served.
    """
    limit = raise_open_files_limit(2 * requested + _OTHER_FILES)
    return max(16, min(requested, (limit - _OTHER_FILES) // 2))
