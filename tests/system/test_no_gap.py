"""50 requests a second through a restart: the socket of systemd, and a proxy that waits, refuse none of them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import DEPLOY
from tests.support.redis_addresses import free_port
from tests.support.service import Service, open_url, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PER_SECOND = 50
PATIENCE_S = 120.0  # of a client on a busy machine
# What systemd does: the listening socket becomes descriptor 3 of the service.
ACTIVATE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
    "os.execv(sys.executable, [sys.executable, '-m', 'gonemaster_api.server', *sys.argv[2:]])"
)


class Clients:
    """Clients that send requests at a constant rate, each on a new connection."""

    def __init__(self, url: str) -> None:
        self.statuses: list[int | str] = []
        self._url = f"{url}/api/v1/healthz"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pump = threading.Thread(target=self._run, daemon=True)

    def _send(self) -> None:
        try:
            with urllib.request.urlopen(self._url, timeout=PATIENCE_S) as answer:
                self.statuses.append(answer.status)
        except OSError as error:
            self.statuses.append(str(error))

    def _run(self) -> None:
        while not self._stopping.wait(1 / PER_SECOND):
            thread = threading.Thread(target=self._send)
            thread.start()
            self._threads.append(thread)

    def start(self) -> None:
        """Start to send, and wait until requests have been answered."""
        self._pump.start()
        self.wait_for_more()

    def stop(self) -> None:
        """Wait until further requests have been answered, and end with all responses."""
        self.wait_for_more()
        self._stopping.set()
        self._pump.join()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Wait until further requests have been answered."""
        wanted = len(self.statuses) + PER_SECOND
        wait_for(lambda: len(self.statuses) >= wanted, timeout_s=PATIENCE_S, what="more responses")


@contextmanager
def activated(listener: socket.socket, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER_")}
    command = [
        sys.executable,
        "-c",
        ACTIVATE,
        str(listener.fileno()),
        "--worker-processes",
        "1",
        "--log-format",
        "json",
    ]
    with (home / "log").open("a") as output:
        process = subprocess.Popen(
            command,
            env=environ | {"GONEMASTER_DATA_DIR": str(home / "data")},
            pass_fds=[listener.fileno()],
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)


def test_a_restart_behind_the_socket_unit_refuses_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        clients = Clients(url)
        with activated(listener, tmp_path):
            assert open_url(f"{url}/api/v1/healthz")
            clients.start()
        with activated(listener, tmp_path):
            clients.stop()
    assert set(clients.statuses) == {200}, set(clients.statuses)
    assert len(clients.statuses) > 2 * PER_SECOND


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_a_restart_behind_the_proxy_of_compose_refuses_nothing(tmp_path: Path) -> None:
    """A container is stopped and started again at the same address; the proxy waits for it."""
    proxy_port, api_port = free_port(), free_port()
    text = (DEPLOY / "compose" / "Caddyfile").read_text()
    proxied = text[text.index("\treverse_proxy") : text.rindex("}")].replace("api:8080", f"127.0.0.1:{api_port}")
    file = tmp_path / "Caddyfile"
    file.write_text(f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{proxy_port} {{\n{proxied}}}\n")
    flags: dict[str, Any] = {
        "listen": f"127.0.0.1:{api_port}",
        "worker_processes": 1,
        "trusted_proxy_cidrs": "127.0.0.1/32",
    }
    caddy = subprocess.Popen(
        ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)],
        env=os.environ | {"HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    clients = Clients(f"http://127.0.0.1:{proxy_port}")
    try:
        with Service(home=tmp_path, **flags) as first:
            first.wait_until_ready()
            clients.start()
        with Service(home=tmp_path, **flags):
            clients.stop()
    finally:
        caddy.terminate()
        caddy.wait(30)
    assert set(clients.statuses) == {200}, set(clients.statuses)
