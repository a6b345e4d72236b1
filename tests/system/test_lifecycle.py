"""Start, stop and the death of a child leave no process behind and lose no data."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import Service, processes_of, wait_for
from tests.system.conftest import StartService

pytestmark = pytest.mark.slow


def test_ctrl_c_stops_all_parts_in_order_and_leaves_no_process(start: StartService) -> None:
    service = start()
    assert len(service.processes()) >= 5  # supervisor, redis, worker, beat, API
    assert service.stop(signal.SIGINT) == 0
    assert service.processes() == {}
    stopped = [line.split("child='")[1].split("'")[0] for line in service.log.splitlines() if "'stopping'" in line]
    assert stopped == ["api", "beat", "worker-1", "redis"]
    assert "Traceback" not in service.log


def test_stop_keeps_waiting_and_running_jobs(start: StartService) -> None:
    service = start()
    batch = service.submit_batch([f"silent{number}.silent.xa" for number in range(8)])
    assert service.stop(signal.SIGTERM) == 0
    with Service(home=service.home, environ=_demo_environ(service)) as again:
        again.wait_until_ready()
        done = again.batch_done(batch["batch_id"])
        jobs = again.get(f"/jobs?batch_id={batch['batch_id']}&limit=500")["items"]
    assert done["total"] == 8
    assert sorted(job["id"] for job in jobs) == sorted(batch["job_ids"])
    assert {job["status"] for job in jobs} == {"succeeded"}


def _demo_environ(service: Service) -> dict[str, str]:
    """Return the variables of a running service."""
    return {name: value for name, value in service.environ.items() if name.startswith("GONEMASTER_")}


def test_open_stream_does_not_hold_the_stop_up(start: StartService) -> None:
    service = start(shutdown_timeout="300s")  # longer than `stop` waits
    service.post("/queue/pause")
    job_id = service.submit("good.xa")
    events = service.events(job_id)
    assert next(events)[0] == "state"
    assert service.stop(signal.SIGINT) == 0
    for _ in events:  # ends because the API closed the connection
        pass


@pytest.mark.parametrize("child", ["worker-1", "beat", "api", "redis"])
def test_child_that_dies_is_started_again(service: Service, child: str) -> None:
    before = service.pids(child)
    os.kill(before[-1], signal.SIGKILL)
    service.wait_for_log(f"child='{child}' signal='SIGKILL'")
    wait_for(lambda: len(service.pids(child)) == len(before) + 1, what=f"restart of {child}")
    wait_for(lambda: _answers(service), what="an answer of the API")
    assert service.finished(service.submit("good.xa"))["status"] == "succeeded"


def _answers(service: Service) -> bool:
    try:
        return service.call("GET", "/api/v1/readyz")[0] == 200
    except OSError:
        return False


def test_job_of_a_killed_worker_is_finished_by_another_one(start: StartService) -> None:
    service = start(worker_processes=2, lease_seconds=2, reap_interval_seconds=1)
    batch = service.submit_batch([f"s{number}.silent.xa" for number in range(16)])
    wait_for(lambda: service.get(f"/batches/{batch['batch_id']}")["completed"] > 0, what="a first run")
    os.kill(service.pids("worker-1")[0], signal.SIGKILL)
    assert service.batch_done(batch["batch_id"])["total"] == 16
    jobs = service.get(f"/jobs?batch_id={batch['batch_id']}&limit=500")["items"]
    assert sorted(job["id"] for job in jobs) == sorted(batch["job_ids"])
    assert {job["status"] for job in jobs} == {"succeeded"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_killed_supervisor_leaves_no_process(start: StartService) -> None:
    service = start()
    os.kill(service.process.pid, signal.SIGKILL)
    service.process.wait()
    wait_for(lambda: not service.processes(), what="end of all children")


def test_interrupt_of_a_whole_process_group_as_under_make(start: StartService, tmp_path: Path) -> None:
    """Make and its shell get SIGINT from the terminal as well, and the shell waits for its child."""
    log = (tmp_path / "log").open("w+")
    shell = subprocess.Popen(
        [
            "sh",
            "-c",
            f"{sys.executable} -m gonemaster_api.server --listen 127.0.0.1:0 --data-dir {tmp_path}/d; exit $?",
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        wait_for(lambda: "gonemaster is ready" in Path(log.name).read_text(), timeout_s=60, what="readiness")
        os.killpg(shell.pid, signal.SIGINT)
        shell.wait(60)
        wait_for(lambda: not processes_of(tmp_path / "d"), what="end of all processes")
        assert "event='stopped'" in Path(log.name).read_text()
    finally:
        log.close()


def test_second_server_on_a_data_directory_is_refused(service: Service, start: StartService) -> None:
    second = start(ready=False, home=service.home)
    assert second.process.wait(120) == 2
    assert f"is in use by another gonemaster-server (process {service.process.pid})" in second.log
    assert service.process.poll() is None


def test_port_in_use_is_reported(start: StartService) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        service = start(ready=False, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        assert service.process.wait(120) == 2
    assert "another program uses that port" in service.log
    assert "Traceback" not in service.log


def test_json_log_is_json_line_by_line(start: StartService) -> None:
    service = start(log_format="json", ready=False)
    service.wait_for_log("gonemaster is ready", timeout_s=60)
    service.stop()
    lines = [json.loads(line) for line in service.log.splitlines()]
    assert {"api", "redis", "beat", "worker-1"} <= {line.get("child") for line in lines}
