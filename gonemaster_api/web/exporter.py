"""HTTP metrics with prometheus-flask-exporter: requests and durations by route and method, errors and exceptions.

Each API process counts into files in PROMETHEUS_MULTIPROC_DIR. A request for metrics adds up the files of all processes
on this host. If the variable is not set, as in tests, a process reports only its own counts.
"""

import inspect
from collections.abc import Iterable

from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MutexValue, ValueClass
from prometheus_flask_exporter import PrometheusMetrics

from gonemaster_api.web.access_log import ASSETS, is_asset, route_of_request

LATENCY_BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
DURATIONS = "gonemaster_api_request_duration_seconds"
ERRORS = "gonemaster_api_errors"
EXCEPTIONS = "gonemaster_api_exceptions"
STRIPPED = "gonemaster_forwarded_headers_stripped"
LOCALES = "gonemaster_result_locale_requests"
TOOL_CALLS = "gonemaster_mcp_tool_calls"
CHECKS = "gonemaster_checks"
CHECK_DURATIONS = "gonemaster_check_duration_seconds"
CHECK_BOUNDS_MS = (250, 500, 1000, 1500, 2000, 3000, 5000, 10_000, 20_000, 30_000)

_NAME = "gonemaster-http-metrics"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_OTHER_METHOD = "OTHER"  # clients can invent methods, and each would add a time series


class HttpMetrics:
    """The metrics of one application, in a separate registry."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        exporter = PrometheusMetrics.for_app_factory(
            path=None, export_defaults=False, registry=self._own, excluded_paths=[f"^{path}" for path in ASSETS]
        )
        labels = {"method": _method, "route": _route, "status_class": _class_of}
        bounds = [bound / 1000 for bound in LATENCY_BOUNDS_MS]
        self._durations = exporter.histogram(DURATIONS, "Time to the first byte of a response.", labels, buckets=bounds)
        self._errors = Counter(ERRORS, "Error responses by code.", ["code"], registry=self._own)
        self._exceptions = Counter(EXCEPTIONS, "Unexpected exceptions.", ["method", "route"], registry=self._own)
        self.stripped = Counter(
            STRIPPED, "Requests from untrusted peers whose forwarding headers were removed.", registry=self._own
        )
        self.locales = Counter(LOCALES, "Results read by locale.", ["locale"], registry=self._own)
        self._checks = Counter(CHECKS, "Checks before delegation by verdict.", ["verdict"], registry=self._own)
        self._check_durations = Histogram(
            CHECK_DURATIONS,
            "Time to the answer of a check.",
            registry=self._own,
            buckets=[bound / 1000 for bound in CHECK_BOUNDS_MS],
        )
        self.tool_calls = Counter(TOOL_CALLS, "Tool calls.", ["outcome", "tool"], registry=self._own)

    def count_check(self, verdict: str, duration_s: float) -> None:
        """Count the answer to a check before delegation."""
        self._checks.labels(verdict).inc()
        self._check_durations.observe(duration_s)

    def measure(self, app: Flask) -> None:
        """Measure all requests of an application, including 401, 404, 405 and 429 responses that no view handles."""
        app.full_dispatch_request = self._durations(app.full_dispatch_request)  # type: ignore[method-assign]
        app.after_request(self._count_error)

    def count_code(self, code: str) -> None:
        """Count an error response that the server sends without the application."""
        self._errors.labels(code).inc()

    def _count_error(self, response: Response) -> Response:
        if not is_asset(request.path):
            if code := getattr(response, "error_code", ""):
                self._errors.labels(code).inc()
            if getattr(response, "panicked", False):
                self._exceptions.labels(_method(response), _route(response)).inc()
        return response

    def process_metrics(self) -> Iterable[Metric]:
        """Return the metrics that this process has counted since it started."""
        return self._own.collect()

    def host_metrics(self) -> Iterable[Metric]:
        """Return the metrics that all API processes of this host have counted since the service started."""
        if ValueClass is MutexValue:  # prometheus_client found no directory at import
            return self.process_metrics()
        merged = CollectorRegistry()
        MultiProcessCollector(merged)
        return merged.collect()


def _method(_response: Response) -> str:
    return request.method if request.method in _METHODS else _OTHER_METHOD


def _route(_response: Response) -> str:
    return route_of_request()


def _class_of(response: Response) -> str:
    return f"{response.status_code // 100}xx"


# The exporter inspects the signature of each label function on each request; a stored signature avoids that cost.
for _label in (_method, _route, _class_of):
    vars(_label)["__signature__"] = inspect.signature(_label)


def register_exporter(app: Flask) -> None:
    """Measure the requests of an application."""
    app.extensions[_NAME] = HttpMetrics()
    http_metrics(app).measure(app)


def http_metrics(app: Flask | None = None) -> HttpMetrics:
    """Return the metrics of an application, by default of the current one."""
    found: HttpMetrics = (app or current_app).extensions[_NAME]
    return found
