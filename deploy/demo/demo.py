"""`make demo`: the whole service with a small set of DNS zones on this machine, without Internet access.

The program starts name servers and the service, submits a batch and a single job, and prints progress and results.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).parents[2]
DOMAINS = (
    "good.xa",
    "hashed.xa",
    "plain.xa",
    "lame.xa",
    "serials.xa",
    "silent.xa",
    "noglue.xa",
    "expired.xa",
    "wrongds.xa",
    "single.xa",
    "parted.xa",
    "notcp.xa",
    "refused.xa",
    "missing.xa",
)
SINGLE = "alias.xa"
# The name servers have loopback addresses, so these findings are expected.
EXPECTED_TAGS = frozenset({"A01_LOCAL_USE_ADDR", "A01_NO_GLOBALLY_REACHABLE_ADDR"})
LEVELS = ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
COLORS = {"NOTICE": "cyan", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
START_S = 180.0  # enough for a busy machine
RUN_S = 600.0
BUSY_S = 120.0

console = Console()


class DemoFailed(Exception):
    """The demo failed; the message contains the reason."""


def main() -> int:
    """Run the demo and return the exit status."""
    try:
        with ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gm-demo-")))
            world = stack.enter_context(serving_world(home))
            url = stack.enter_context(serving(home, world))
            show(url)
    except DemoFailed as error:
        console.print(f"[bold red]The demo failed:[/] {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def serving_world(home: Path) -> Iterator[dict[str, Any]]:
    """Serve the demo zones; yield the port and the root hints file."""
    console.print("Starting name servers on loopback addresses ...")
    command = [sys.executable, "-m", "tests.support.dnsworld", "demo", "--hints", str(home / "root.hints")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise DemoFailed("the name servers did not start")
        world: dict[str, Any] = json.loads(line)
        yield world
    finally:
        end(process, signal.SIGTERM)


@contextmanager
def serving(home: Path, world: dict[str, Any]) -> Iterator[str]:
    """Run the service with these name servers; yield its URL."""
    console.print("Starting gonemaster-server: Redis, workers, beat and API ...")
    log = home / "server.log"
    settings = {
        "GONEMASTER_DATA_DIR": str(home / "data"),
        "GONEMASTER_LISTEN": "127.0.0.1:0",
        "GONEMASTER_ROOT_HINTS": world["hints"],
        "GONEMASTER_DNS_PORT": str(world["port"]),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
        "GONEMASTER_LOG_FORMAT": "json",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gonemaster_api.server"],
            cwd=ROOT,
            env=kept | settings,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            url = wait_until_ready(process, log)
            console.print(f"The service is ready at [link={url}]{url}[/link]\n")
            yield url
        except (DemoFailed, OSError) as error:
            raise DemoFailed(f"{error}\n{log.read_text()[-3000:]}") from error
        finally:
            console.print("\nStopping all processes ...")
            end(process, signal.SIGINT)


def wait_until_ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait for the log line with the URL, and return the URL."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"gonemaster is ready"' in line:
                return str(json.loads(line)["url"])
        if process.poll() is not None:
            raise DemoFailed(f"the server ended with status {process.returncode}")
        time.sleep(0.1)
    raise DemoFailed(f"the server was not ready after {START_S:.0f} s")


def end(process: "subprocess.Popen[Any]", how: signal.Signals) -> None:
    """Stop a program and wait until it has exited."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def show(url: str) -> None:
    """Submit jobs, show the progress, and print the results."""
    batch = call(url, "/jobs/batch", {"domains": list(DOMAINS), "min_level": "INFO"})
    console.print(f"POST /api/v1/jobs/batch  {len(DOMAINS)} domains  -> {batch['batch_id']}")
    job = call(url, "/jobs", {"domain": SINGLE, "min_level": "INFO"})
    console.print(f"POST /api/v1/jobs        {SINGLE}    -> {job['id']}, starts first\n")
    follow(url, batch["batch_id"], job["id"])
    console.print(table(url, [job["id"], *batch["job_ids"]]))
    console.print("All findings: GET /api/v1/jobs/<id>/result")


def follow(url: str, batch_id: str, job_id: str) -> None:
    """Show a progress bar until the batch and the job have finished."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + RUN_S
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("testing", total=len(DOMAINS) + 1)
        while time.monotonic() < deadline:
            completed = call(url, f"/batches/{batch_id}")["completed"]
            completed += bool(call(url, f"/jobs/{job_id}")["finished_at"])
            progress.update(bar, completed=completed)
            if completed == len(DOMAINS) + 1:
                return
            time.sleep(0.2)
    raise DemoFailed(f"not all jobs had finished after {RUN_S:.0f} s")


def table(url: str, job_ids: list[str]) -> Table:
    """Return a table of domains with worst level and main findings."""
    found = Table(title="Results", show_lines=True, expand=True)
    found.add_column("domain", no_wrap=True)
    found.add_column("worst level", no_wrap=True)
    found.add_column("main findings", overflow="fold", ratio=1)
    for job_id in job_ids:
        job = call(url, f"/jobs/{job_id}")
        if job["status"] != "succeeded":
            raise DemoFailed(f"the job of {job['domain']} ended as {job['status']}: {job.get('error', '')}")
        entries = [entry for entry in call(url, f"/jobs/{job_id}/result")["raw"]["entries"] if is_relevant(entry)]
        worst = max((entry["level"] for entry in entries), key=LEVELS.index, default="INFO")
        found.add_row(job["domain"], colored(worst), "\n".join(main_findings(entries)) or "no findings")
    return found


def is_relevant(entry: dict[str, Any]) -> bool:
    """Return whether an entry is about the domain and not about the loopback addresses of the demo."""
    return entry["tag"] not in EXPECTED_TAGS and LEVELS.index(entry["level"]) >= LEVELS.index("INFO")


def main_findings(entries: list[dict[str, Any]]) -> list[str]:
    """Return the worst findings of level NOTICE or higher, at most three."""
    serious = [entry for entry in entries if LEVELS.index(entry["level"]) >= LEVELS.index("NOTICE")]
    serious.sort(key=lambda entry: -LEVELS.index(entry["level"]))
    return [f"{colored(entry['level'])} {entry['message']}" for entry in serious[:3]]


def colored(level: str) -> str:
    """Return a level in its color."""
    color = COLORS.get(level, "green")
    return f"[{color}]{level}[/]"


def call(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Send a request to the API and return the document; repeat it after Retry-After if the service is overloaded."""
    request = urllib.request.Request(
        f"{url}/api/v1{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex()},
    )
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=BUSY_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                text, wait_s = error.read().decode(), error.headers.get("Retry-After", "")
            if not wait_s.isdigit() or time.monotonic() > deadline:
                raise DemoFailed(f"{path}: {text}") from error
            time.sleep(int(wait_s))


if __name__ == "__main__":
    console = Console(width=max(80, min(120, shutil.get_terminal_size().columns)))
    sys.exit(main())
