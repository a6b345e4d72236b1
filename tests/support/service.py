"""The real `gonemaster-server` as a child process of the test, and a client for it."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.support.server_errors import server_errors

START_S = 100.0
STOP_S = 60.0


def wait_for(condition: Callable[[], Any], *, timeout_s: float = 90.0, what: str = "condition") -> Any:
    """Poll until the result is true; return it."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} not met within {timeout_s} s")
        time.sleep(0.05)
    return answer


def open_url(request: "urllib.request.Request | str", *, timeout_s: float = 60.0) -> Any:
    """Open a URL as urllib does; repeat requests that an overloaded server refused without reading them.

    Raises:
        urllib.error.HTTPError: any other refusal.
    """
    found: list[Any] = []

    def taken() -> bool:
        try:
            found.append(urllib.request.urlopen(request, timeout=timeout_s))
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
            if is_overloaded(error.code, content):
                return False
            again = urllib.error.HTTPError(error.url, error.code, error.msg, error.headers, io.BytesIO(content))
            raise again from None
        return True

    wait_for(taken, timeout_s=timeout_s, what="a server that is not overloaded")
    return found[0]


def is_overloaded(status: int, content: bytes) -> bool:
    """Return whether the server refused a request as overloaded before it processed anything."""
    return status == 503 and b'"overloaded"' in content


class Service:
    """A server in a separate directory. `flags` are settings, such as `worker_processes=2`.

    `within` is a command that runs the server, such as `nice`. A service that `may_fail` may answer 500 and log
    tracebacks; the end of every other one checks that it did not.
    """

    def __init__(
        self,
        *command: str,
        environ: Mapping[str, str] | None = None,
        home: Path | None = None,
        within: Sequence[str] = (),
        may_fail: bool = False,
        **flags: Any,
    ) -> None:
        self._temporary = None if home else tempfile.TemporaryDirectory(prefix="gm-s-", dir="/tmp")
        self.may_fail = may_fail
        self.home = home or Path(self._temporary.name)  # type: ignore[union-attr]  # one of both
        self.data_dir = self.home / "data"
        self._log = (self.home / f"log-{time.monotonic_ns()}").open("w+")
        self.environ = _environ() | {"GONEMASTER_DATA_DIR": str(self.data_dir)} | dict(environ or {})
        self.process = subprocess.Popen(
            [*within, sys.executable, "-m", "gonemaster_api.server", *command, *_as_arguments(flags)],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.stop()
        errors = server_errors(self.log)
        self._log.close()
        if self._temporary:
            self._temporary.cleanup()
        assert self.may_fail or failure or not errors, "\n".join(errors)

    @property
    def log(self) -> str:
        """Return the output so far."""
        return Path(self._log.name).read_text(errors="replace")

    def wait_until_ready(self) -> Self:
        self.wait_for_log("gonemaster is ready", timeout_s=START_S)
        return self

    def wait_for_log(self, text: str, *, timeout_s: float = 90.0) -> None:
        def seen() -> bool:
            alive = self.process.poll() is None
            found = text in self.log
            assert found or alive, f"ended with {self.process.returncode}:\n{self.log}"
            return found

        wait_for(seen, timeout_s=timeout_s, what=f"{text!r} in the log")

    @property
    def url(self) -> str:
        line = next(line for line in self.log.splitlines() if "gonemaster is ready" in line)
        return line.split("url='")[1].split("'")[0]

    def pids(self, child: str) -> list[int]:
        """Return the process ids under which a child was started, the newest last."""
        lines = [line for line in self.log.splitlines() if "event='started'" in line and f"child='{child}'" in line]
        return [int(line.split("pid=")[1].split()[0]) for line in lines]

    def stop(self, how: int = signal.SIGINT) -> int:
        """Stop the server as Ctrl-C does, wait, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise

    def processes(self) -> dict[int, str]:
        """Return process id and command of every process that works in the data directory."""
        return processes_of(self.data_dir)

    # The API.

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Return status and document, or None without a document; repeat requests that an overloaded server refused."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        try:
            with open_url(request) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def get(self, path: str) -> Any:
        status, document = self.call("GET", f"/api/v1{path}")
        assert status == 200, document
        return document

    def post(self, path: str, body: Any = None) -> Any:
        status, document = self.call("POST", f"/api/v1{path}", body)
        assert status in (200, 201, 202), document
        return document

    def submit(self, domain: str, **wishes: Any) -> str:
        return str(self.post("/jobs", {"domain": domain} | wishes)["id"])

    def submit_batch(self, domains: list[str], **wishes: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post("/jobs/batch", {"domains": domains} | wishes)
        return answer

    def finished(self, job_id: str, *, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait for a job to finish; return it."""

        def ended() -> Any:
            job = self.get(f"/jobs/{job_id}")
            return job if job["finished_at"] else None

        job: dict[str, Any] = wait_for(ended, timeout_s=timeout_s, what=f"end of {job_id}")
        return job

    def batch_done(self, batch_id: str, *, timeout_s: float = 90.0) -> dict[str, Any]:
        """Wait for all jobs of a batch to finish; return the batch."""

        def done() -> Any:
            batch = self.get(f"/batches/{batch_id}")
            return batch if batch["status"] == "done" else None

        batch: dict[str, Any] = wait_for(done, timeout_s=timeout_s, what=f"end of {batch_id}")
        return batch

    def events(self, job_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield type and data of a job's events until the stream ends."""
        with urllib.request.urlopen(f"{self.url}/api/v1/jobs/{job_id}/events", timeout=60) as stream:
            kind = ""
            for raw in stream:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    yield kind, json.loads(line[6:])


def processes_of(directory: Path) -> dict[int, str]:
    """Return process id and command of every process whose environment or command names a directory."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environ = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if int(entry.name) != os.getpid() and str(directory) in command + environ:
            found[int(entry.name)] = command.strip()
    return found


def _as_arguments(flags: Mapping[str, Any]) -> Iterator[str]:
    for name, value in {"listen": "127.0.0.1:0", "worker_processes": 1, **flags}.items():
        if value is not None:
            yield f"--{name.replace('_', '-')}"
            yield str(value)


def _environ() -> dict[str, str]:
    """Return the test's environment without its settings and measurements."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("GONEMASTER_", "PYTEST_"))}
