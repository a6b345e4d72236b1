"""The metrics of one worker process, served to Prometheus on request (`--metrics-listen`).

`GET /api/v1/metrics` has the totals of all processes. These metrics show the differences between processes.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.upkeep.usage import usage_of

log = logging.getLogger(__name__)

_PREFIX = "gonemaster_process_"
_REQUEST_S = 10.0  # maximum time for a client to send its request
_STOP_S = 5.0


class ProcessMetrics:
    """A metrics server in its own thread; `port` is the port that it uses."""

    def __init__(self, process: Process, address: str) -> None:
        """Listen on `host:port`; port 0 selects a free port.

        Raises:
            SettingsError: the server cannot listen on the address.
        """
        host, _, port = address.rpartition(":")
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        registry.register(_ProcessCollector(process))
        try:
            found: tuple[WSGIServer, threading.Thread] = start_http_server(
                int(port), host.removeprefix("[").removesuffix("]"), registry
            )
        except OSError as error:
            raise SettingsError((f"metrics_listen: cannot listen on {address}: {error.strerror or error}",)) from error
        self._server, self._thread = found
        setattr(self._server.RequestHandlerClass, "timeout", _REQUEST_S)  # noqa: B010 - typed as any callable
        self.port = self._server.server_port
        log.info("metrics server started", extra={"host": host, "port": self.port})

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_STOP_S)


class _ProcessCollector(Collector):
    """A collector that reads the metrics of the process on request."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def describe(self) -> Iterable[Metric]:
        """Return nothing, so that registration, which precedes the start of the process, does not collect metrics."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        process, usage = self._process, usage_of(self._process)
        info = GaugeMetricFamily(_PREFIX + "info", "The name of the worker process; always 1.", labels=["worker"])
        info.add_metric([process.name], 1)
        yield info
        yield GaugeMetricFamily(_PREFIX + "slots", "Slots of this process.", value=process.gate.slots)
        yield GaugeMetricFamily(
            _PREFIX + "running_jobs", "Running jobs of this process.", value=len(process.jobs.ids())
        )
        yield GaugeMetricFamily(
            _PREFIX + "draining", "Whether this process accepts no more jobs.", value=process.stopping.is_set()
        )
        idle = process.jobs.idle_seconds().values()
        yield GaugeMetricFamily(
            _PREFIX + "longest_idle_seconds", "Seconds since the most stalled job made progress.",
            value=max(idle, default=0.0),
        )  # fmt: skip
        yield CounterMetricFamily(
            _PREFIX + "jobs_started_total", "Starts of jobs in this process.", value=process.claims.started
        )
        queries = CounterMetricFamily(
            _PREFIX + "dns_queries_total", "Packets and connections sent to name servers.", labels=["family"]
        )
        queries.add_metric(["ipv4"], usage.queries_ipv4)
        queries.add_metric(["ipv6"], usage.queries_ipv6)
        yield queries
        lookups = CounterMetricFamily(_PREFIX + "dns_cache_lookups_total", "Lookups in the cache.", labels=["result"])
        lookups.add_metric(["hit"], usage.cache_hits)
        lookups.add_metric(["miss"], usage.cache_misses)
        yield lookups
        yield CounterMetricFamily(
            _PREFIX + "dns_waits_total", "Packets that waited for the limit of their address.", value=usage.waits
        )
        yield CounterMetricFamily(
            _PREFIX + "dns_waited_seconds_total", "Total time that these packets waited.", value=usage.waited_ms / 1000
        )
