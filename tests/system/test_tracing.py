"""A trace spans a request, its job and the run, and reaches a collector; without an endpoint nothing is imported."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from tests.support.receivers import open_receiver
from tests.support.service import wait_for
from tests.system.conftest import StartService

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
_LOOK = (
    "import sys, gonemaster_api.app, gonemaster_api.server.api_process, gonemaster_tasks.worker.main\n"
    # redis-py imports some of its metrics if the package is installed.
    "print([name for name in sys.modules if name.startswith(('opentelemetry.exporter', 'opentelemetry.sdk.trace'))])"
)


def test_without_an_endpoint_nothing_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_trace_leads_from_the_request_to_the_run(start: StartService) -> None:
    wire = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="needs extra [otel]")
    with open_receiver() as collector:
        service = start(otlp_endpoint=f"http://127.0.0.1:{collector.port}")
        job_id = service.submit("good.xa")
        service.finished(job_id)
        batch = service.submit_batch(["plain.xa"])
        service.batch_done(batch["batch_id"])
        assert service.stop() == 0  # sends the remaining spans

        def spans() -> list[Any]:
            bodies = [wire.ExportTraceServiceRequest.FromString(one.body) for one in collector.received]
            return [
                ({item.key: item.value.string_value for item in resource.resource.attributes}, span)
                for body in bodies
                for resource in body.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]

        wait_for(lambda: {"POST /api/v1/jobs", "job", "run"} <= {span.name for _, span in spans()})
        assert {one.path for one in collector.received} == {"/v1/traces"}
        found = spans()
    (asked,) = [span for _, span in found if span.name == "POST /api/v1/jobs"]
    of_trace = {span.name: (about["service.name"], span) for about, span in found if span.trace_id == asked.trace_id}
    assert of_trace.keys() == {"POST /api/v1/jobs", "job", "run"}
    assert of_trace["job"][0] == "gonemaster-worker"
    assert of_trace["job"][1].parent_span_id == asked.span_id
    assert of_trace["run"][1].parent_span_id == of_trace["job"][1].span_id
    attributes = {item.key: item.value.string_value for item in of_trace["job"][1].attributes}
    assert attributes["gonemaster.job_id"] == job_id
    (of_batch,) = [span for _, span in found if span.name == "POST /api/v1/jobs/batch"]
    (job,) = [span for _, span in found if span.name == "job" and span.trace_id == of_batch.trace_id]
    assert job.parent_span_id == of_batch.span_id
    assert "Traceback" not in service.log


def test_a_start_without_the_extra_is_refused(start: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    from gonemaster_tasks import tracing
    from gonemaster_tasks.errors import TasksError

    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)  # as if it were not installed
    with pytest.raises(TasksError, match=r"needs the extra \[otel\]"):
        tracing.start_tracing("http://127.0.0.1:4318", service="x", version="1")
