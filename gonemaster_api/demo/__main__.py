"""`gonemaster-server demo`: the whole service on a separate DNS on this machine, without Internet access, until Ctrl-C.

The program starts name servers and the service, tests a healthy domain and domains with one fault each, and prints the
results. Then it tests the domains of a cohort repeatedly, and writes half a year of earlier results of that cohort.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from gonemaster_api.demo.world import DOMAINS, HEALTHY, STORY, demo_world
from gonemaster_api.server.supervisor import launch

# Stops the program if the demo is killed.
LAUNCH = (sys.executable, "-IS", launch.__file__)
LEVELS = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
COLORS = {"NOTICE": "cyan", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
PATIENCE_S = 180.0  # enough for a busy machine
POLL_S = 0.2
KEPT_SWEEPS = 3

console = Console(width=max(80, min(120, shutil.get_terminal_size().columns)))


class DemoFailed(Exception):
    """The demo failed; the message contains the reason."""


@dataclass(frozen=True)
class Part:
    """A program of the demo, and the file with its output."""

    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def has_finished(self) -> bool:
        """Whether the program has done its work.

        Raises:
            DemoFailed: it failed.
        """
        status = self.process.poll()
        if status:
            raise DemoFailed(f"{self.output.stem} ended with status {status}:\n{self.output.read_text()[-3000:]}")
        return status == 0

    def document(self, text: str) -> Any:
        """Wait for a line of JSON that contains a text, and return the document."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not self.has_finished:
            for line in self.output.read_text().splitlines():
                if text in line:
                    return json.loads(line)
            time.sleep(POLL_S / 2)
        raise DemoFailed(f"{self.output.stem} is not ready:\n{self.output.read_text()[-3000:]}")


def main() -> int:
    """Run the demo and return the exit status."""
    parser = argparse.ArgumentParser(prog="gonemaster-server demo", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:0", help="address of the pages; default: a free port")
    listen = parser.parse_args().listen
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gm-demo-")))
            stack.callback(console.print, "All processes have stopped.")
            run(home, stack, listen=listen)
    except (DemoFailed, OSError) as error:
        console.print(f"[bold red]The demo failed:[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def run(home: Path, stack: ExitStack, *, listen: str) -> None:
    """Start the programs, print the results, and keep the queue busy until Ctrl-C."""
    console.print("Starting gonemaster-server (Redis, workers, beat and API) and name servers ...")
    world = demo_world(port=free_port())
    environ = settings(home, hints=world.write_hints(home / "root.hints"), dns_port=world.port, listen=listen)
    stack.callback(world.stop)  # after the service, whose jobs finish first
    service = stack.enter_context(running("gonemaster-server", home, ("gonemaster_api.demo.service",), environ))
    stack.callback(console.print, "Stopping all processes ...")
    world.start()
    url = service.document('"gonemaster is ready"')["url"]
    console.print(
        f"The service is ready, without a login, until you press Ctrl-C:\n"
        f"  queue and results  {url}/\n"
        f"  public test page   {url}/public/\n"
        f"  analysis           {url}/analysis/  (after a minute)\n"
        f"  HTTP API           {url}/api/v1/docs",
        soft_wrap=True,
    )
    about = "A healthy domain, and domains with one fault each"
    batch = call(url, "/jobs/batch", {"domains": list(DOMAINS), "description": about, "tags": ["faults"]})
    sweeps = [start_sweep(url)]
    wait_for_results(url, batch["batch_id"])
    console.print(table(url, batch["job_ids"]))
    console.print(f"A sweep of {len(STORY.domains)} domains is running: {url}/ Press Ctrl-C to stop.", soft_wrap=True)
    story = ("gonemaster_api.demo.sample", "--domains", str(len(STORY.domains)), "--snapshots", str(STORY.months))
    history = stack.enter_context(running("history", home, (*story, "--allow-existing-runs"), environ))
    keep_sweeping(url, service, history, sweeps)


def free_port() -> int:
    """Return a port for the name servers; their addresses have no other servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(home: Path, *, hints: Path, dns_port: int, listen: str) -> dict[str, str]:
    """Return the settings of the service."""
    return {
        "GONEMASTER_DATA_DIR": str(home / "data"),
        "GONEMASTER_LISTEN": listen,
        "GONEMASTER_ROOT_HINTS": str(hints),
        "GONEMASTER_DNS_PORT": str(dns_port),
        "GONEMASTER_IPV6_MODE": "on",  # to IPv4-mapped addresses, which do not need IPv6
        "GONEMASTER_WORKER_PROCESSES": "2",
        "GONEMASTER_WORKER_COUNT": "3",  # a sweep lasts minutes, and leaves some of the machine to the visitor
        "GONEMASTER_DRAIN_TIMEOUT": "3s",
        "GONEMASTER_LOG_FORMAT": "json",
    }


@contextmanager
def running(name: str, home: Path, command: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[Part]:
    """Run a Python module with its arguments, and stop it at the end."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GONEMASTER_")}
    output = home / f"{name}.log"
    with output.open("w") as file:
        process = subprocess.Popen(
            [*LAUNCH, str(os.getpid()), str(int(signal.SIGTERM)), sys.executable, "-m", *command],
            env=kept | dict(environ),
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C in the terminal reaches only this program, which then stops the others
        )
        try:
            yield Part(process, output)
        finally:
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a program and wait until it has exited."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def start_sweep(url: str) -> str:
    """Submit a test of each domain of the cohort, and return the ID of the batch."""
    batch = call(url, "/jobs/batch", {"domains": list(STORY.domains), "description": "A sweep of the cohort"})
    return str(batch["batch_id"])


def keep_sweeping(url: str, service: Part, history: Part, sweeps: list[str]) -> None:
    """Start the next sweep when one has finished, and delete the oldest, until the service ends."""
    is_announced = False
    while not service.has_finished:
        if history.has_finished and not is_announced:
            furnish(url)
            console.print(f"{url}/analysis/ now shows {STORY.months} months of {len(STORY.domains)} domains.")
            is_announced = True
        if call(url, f"/batches/{sweeps[-1]}?limit=1")["finished_at"]:
            sweeps.append(start_sweep(url))
        if len(sweeps) > KEPT_SWEEPS:
            call(url, f"/batches/{sweeps.pop(0)}", method="DELETE")
        time.sleep(1)
    raise DemoFailed("gonemaster-server has ended")


def furnish(url: str) -> None:
    """Create an example of what would otherwise be missing on the admin pages: a profile, a watch, a schedule."""
    no_ipv6 = {
        "name": "IPv4 only",
        "description": "Queries over IPv4",
        "config": {"net": {"ipv6": False}},
        "public": True,
    }
    call(url, "/profiles", no_ipv6)
    call(url, "/watches", {"domain": HEALTHY, "events": ["domain.regressed"], "url": "https://hook.example/dns"})
    weekly = {"kind": "weekly", "weekdays": ["mon"], "time_of_day": "06:00", "timezone": "Europe/Stockholm"}
    call(url, "/analysis/cohorts/1/schedule", weekly, method="PUT")


def wait_for_results(url: str, batch_id: str) -> None:
    """Show a progress bar until a batch has finished."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + PATIENCE_S
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("testing", total=len(DOMAINS))
        while time.monotonic() < deadline:
            batch = call(url, f"/batches/{batch_id}?limit=1")
            progress.update(bar, completed=sum(batch["grades"].values()))
            if batch["finished_at"]:
                return
            time.sleep(POLL_S)
    raise DemoFailed(f"not all jobs had finished after {PATIENCE_S:.0f} s")


def table(url: str, job_ids: list[str]) -> Table:
    """Return a table of the results."""
    found = Table(expand=True)
    for name in ("domain", "grade", "score"):
        found.add_column(name, no_wrap=True)
    found.add_column("worst finding", no_wrap=True, overflow="ellipsis", ratio=1)
    for job_id in job_ids:
        job = call(url, f"/jobs/{job_id}")
        if job["status"] != "succeeded":
            raise DemoFailed(f"the job of {job['domain']} ended as {job['status']}: {job.get('error', '')}")
        entries = call(url, f"/jobs/{job_id}/result")["raw"]["entries"]
        worst = max(entries, key=lambda entry: LEVELS.index(entry["level"]))
        color = COLORS.get(worst["level"])
        text = f"[{color}]{worst['level']}[/] {escape(worst['message'])}" if color else "[green]nothing is wrong[/]"
        found.add_row(job["domain"], job["grade"], str(job["score"]), text)
    return found


def call(url: str, path: str, body: dict[str, Any] | None = None, *, method: str | None = None) -> Any:
    """Send a request to the API and return the document; repeat it after Retry-After if the service is overloaded."""
    request = urllib.request.Request(
        f"{url}/api/v1{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex()},
        method=method,
    )
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.loads(answer.read() or "null")
        except urllib.error.HTTPError as error:
            with error:
                text, wait_s = error.read().decode(), error.headers.get("Retry-After", "")
            if not wait_s.isdigit() or time.monotonic() > deadline:
                raise DemoFailed(f"{path}: {text}") from error
            time.sleep(int(wait_s))


if __name__ == "__main__":
    sys.exit(main())
