"""The API under gunicorn, whose streams end when the service stops."""

import signal
import threading
from datetime import timedelta
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from prometheus_flask_exporter.multiprocess import GunicornPrometheusMetrics

from gonemaster_api.app import create_app
from gonemaster_api.queries.metrics.latencies import LatencyTrend
from gonemaster_api.queries.metrics.responses import warm_up
from gonemaster_api.server.first_requests import ask_first
from gonemaster_api.server.http.requests import LONGEST_REQUEST_LINE
from gonemaster_api.state import NAME, State
from gonemaster_api.ui.shell.templates import compile_pages
from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.core.clock import follow
from gonemaster_db.core.session import open_store
from gonemaster_engine.memory import spare_collections
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import observer_store_settings
from gonemaster_tasks.config.watcher import SettingsWatcher
from gonemaster_tasks.process_report.database_observer import DatabaseObserver
from gonemaster_tasks.process_report.reporter import Reporter
from gonemaster_tasks.tracing import start_tracing, stop_tracing

# Settings that old versions of gunicorn do not have: no socket for commands, one parser wherever the service runs.
_NEWER = {"control_socket_disable": True, "http_parser": "python"}
_OTHER_CONNECTIONS = 1000  # of a process beside viewers of events
_REPORTS, _LATENCIES = f"{NAME}-reports", f"{NAME}-latencies"
_PATIENCE = timedelta(seconds=1.6)  # GET /queue has a response within 2 s, whatever is away
_SILENT_S = 5.0  # without an answer of the database; then no request waits for it
_FULL_FOR = timedelta(seconds=30)  # since the last request that met a full disk
stopping = threading.Event()  # set when this process shuts down


class PlainLogger(Logger):
    """Passes gunicorn's messages to the loggers of the service."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels to the root logger."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.error_log.handlers.clear()
        self.access_log.handlers.clear()


class ReloadingArbiter(Arbiter):
    """Passes SIGHUP on to the workers, which read the tokens again.

    Gunicorn's own reload replaces the workers: streams would end, and requests on kept connections be lost.
    """

    def handle_hup(self) -> None:
        """Signal each worker; one that starts later reads the configuration file anyway."""
        for process in list(self.WORKERS):
            self.kill_worker(process, signal.SIGHUP)


class Server(BaseApplication):
    """Gunicorn without command line and configuration file."""

    def __init__(self, settings: Settings, *, descriptor: int) -> None:
        self.settings = settings
        self._descriptor = descriptor
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = self.settings
        values = {
            "bind": f"fd://{self._descriptor}",
            "worker_class": "gonemaster_api.server.gunicorn_worker.ApiWorker",
            "limit_request_line": LONGEST_REQUEST_LINE,
            "workers": settings.api_processes,
            "threads": settings.api_threads,
            "worker_connections": _OTHER_CONNECTIONS + settings.max_viewers,
            "timeout": max(30, int(settings.write_timeout.total_seconds())),
            "graceful_timeout": max(1, int(settings.shutdown_timeout.total_seconds())),
            "sendfile": False,  # responses go through the worker's buffers
            "logger_class": PlainLogger,
            "forwarded_allow_ips": "",  # gonemaster_api.web.proxies decides which proxies are trusted
            "post_worker_init": _end_streams_on_stop,
            "worker_exit": _end,
            "child_exit": _forget_process,
        }
        for name, value in values.items():
            self.cfg.set(name, value)
        for name, value in _NEWER.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application in the worker, so that no connection is shared over a fork."""
        start_tracing(self.settings.otlp_endpoint, service="gonemaster-api", version=__version__)
        app = create_app(self.settings, stopping=stopping, patience=_PATIENCE)
        shared: State = app.extensions[NAME]
        shared.keyring.start()
        SettingsWatcher(shared.live, shared.store, shared.broker).start()
        app.extensions[_LATENCIES] = LatencyTrend(http_metrics(app), shared.store)
        app.extensions[_LATENCIES].start()
        follow(shared.queue.clock.now)
        _start_reports(app, self.settings)
        threading.Thread(target=warm_up, args=(app,), name="metrics", daemon=True).start()
        ask_first(app)
        compile_pages(app.jinja_env)  # not beside the first requests: those who wait for a page would be refused
        spare_collections()
        return app

    def run(self) -> None:
        """Serve until stopped; ends the process."""
        ReloadingArbiter(self).run()


def _start_reports(app: Flask, settings: Settings) -> None:
    """Let the others know how this process is; without connections of the requests, which may all be in use."""
    shared: State = app.extensions[NAME]
    store = open_store(observer_store_settings(settings))
    observer = DatabaseObserver(store, is_full=lambda: shared.store.was_full_within(_FULL_FOR))
    clock = shared.queue.clock
    reporter = Reporter(shared.broker, clock, kind="api", store=store, facts=lambda: observer.facts(clock.timestamp()))
    app.extensions[_REPORTS] = (reporter, observer)
    shared.store.refuse_while(lambda: observer.watch.silent_s() > _SILENT_S)
    observer.start()
    reporter.start()


def _end(_server: Any, worker: Any) -> None:
    """Write what was counted since the last time and end look-ups, if the worker has made the application."""
    if isinstance(app := getattr(worker, "wsgi", None), Flask):
        shared: State = app.extensions[NAME]
        for part in app.extensions[_REPORTS]:
            part.stop()
        app.extensions[_LATENCIES].stop()
        shared.lookups.close()
    stop_tracing()


def _forget_process(_arbiter: Any, worker: Any) -> None:
    GunicornPrometheusMetrics.mark_process_dead_on_child_exit(worker.pid)


def _end_streams_on_stop(_worker: Any) -> None:
    """End event streams when the worker is told to stop: it waits for threads, and a stream does not end by itself."""
    inherited = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        handler = inherited[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in inherited:
        signal.signal(number, stop)


def serve(settings: Settings, *, descriptor: int) -> None:
    """Serve on a listening socket until stopped; ends the process."""
    log_as_set(settings)
    Server(settings, descriptor=descriptor).run()
