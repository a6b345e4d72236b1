"""The second address of the service, on which every path is the JSON-RPC API of Zonemaster and nothing else is."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service

pytestmark = pytest.mark.slow
CALL = {"jsonrpc": "2.0", "id": 1, "method": "profile_names"}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service with two API processes, which share both sockets; the API is off on the first address."""
    with Service(zonemaster_listen="127.0.0.1:0", api_processes=2) as shared:
        yield shared.wait_until_ready()


@pytest.fixture(scope="module")
def own_url(service: Service) -> str:
    found = re.search(r"JSON-RPC API of Zonemaster.*?url='?(http://[^' ]+)", service.log)
    assert found, service.log
    return found[1]


def send(url: str, body: Any = CALL, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize("path", ["/", "/api", "/zonemaster/api", "/api/v1/jobs", "/public/", "/static/app.css"])
def test_every_path_is_the_api(own_url: str, path: str) -> None:
    for _ in range(4):
        assert send(f"{own_url}{path}") == (200, {"jsonrpc": "2.0", "id": 1, "result": ["default"]})
    assert send(f"{own_url}{path}", None)[0] == 405, "nothing can be read with GET"


def test_the_first_address_serves_the_api_only_if_it_is_switched_on(service: Service) -> None:
    assert send(f"{service.url}/zonemaster/api")[0] == 404


def test_another_host_is_refused(own_url: str) -> None:
    status, document = send(f"{own_url}/", Host="other.example")
    assert (status, document["error"]["data"]["code"]) == (421, "unknown_host")


def test_an_address_in_use_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = ("--data-dir", str(tmp_path), "--listen", "127.0.0.1:0", "--zonemaster-listen", address)
        command = [sys.executable, "-m", "gonemaster_api.server", *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"cannot listen on {address}" in done.stderr
    assert "--zonemaster-listen" in done.stderr
