"""OpenTelemetry traces of requests, jobs and runs; inactive unless configured.

Only `start_tracing` imports the packages of the extra [otel]. Processes identify a trace by the `traceparent` of W3C
Trace Context.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

_EXPORT_TIMEOUT_S = 3
_HEADER = "traceparent"


class _Tracing:
    """The OpenTelemetry objects needed to create spans."""

    def __init__(self, endpoint: str, service: str, version: str) -> None:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_TIMEOUT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("gonemaster", version)
        self._propagator = TraceContextTextMapPropagator()
        self.current_span = trace.get_current_span

    def span(self, name: str, parent: str, attributes: dict[str, Any]) -> Any:
        context = self._propagator.extract({_HEADER: parent}) if parent else None
        return self._tracer.start_as_current_span(name, context=context, attributes=attributes)

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get(_HEADER, "")

    def stop(self) -> None:
        self._provider.shutdown()


_tracing: _Tracing | None = None


def start_tracing(endpoint: str, *, service: str, version: str) -> None:
    """Start sending spans to an OTLP endpoint over HTTP in the background; do nothing if it is empty.

    OpenTelemetry's OTEL_* variables configure headers, sampling and everything else. Call this after a fork: the
    sending thread would stay in the parent.

    Raises:
        TasksError: the extra [otel] is not installed.
    """
    global _tracing  # One per process, like loggers.
    check_tracing(endpoint)
    if endpoint and _tracing is None:
        _tracing = _Tracing(endpoint, service, version)


def check_tracing(endpoint: str) -> None:
    """Check that the packages for an endpoint are installed. Raises TasksError."""
    if not endpoint:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise TasksError("otlp_endpoint needs the extra [otel]: pip install 'gonemaster[otel]'") from error


def is_tracing() -> bool:
    """Return whether spans are sent."""
    return _tracing is not None


def stop_tracing() -> None:
    """Send the remaining spans."""
    global _tracing
    stopped, _tracing = _tracing, None
    if stopped is not None:
        stopped.stop()


@contextmanager
def span(name: str, *, parent: str = "", **attributes: Any) -> Iterator[None]:
    """Trace a block. `parent` is the traceparent of a span in another process; attributes that are None are omitted."""
    if _tracing is None:
        yield
        return
    span_attributes = {f"gonemaster.{key}": value for key, value in attributes.items() if value is not None}
    with _tracing.span(name, parent, span_attributes):
        yield


def describe_span(name: str, attributes: Mapping[str, Any]) -> None:
    """Name the current span and add attributes."""
    if _tracing is not None:
        current = _tracing.current_span()
        current.update_name(name)
        current.set_attributes(dict(attributes))


def traceparent() -> str:
    """Return the traceparent of the current span, for another process to continue the trace; empty without one."""
    return "" if _tracing is None else _tracing.traceparent()
