"""A start that would leave the API open to others, or promise a protection that is not there, is refused."""

import http.client
import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gonemaster_api.server.supervisor import listening
from gonemaster_api.server.supervisor.listening import NotLoopback
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.service import Service
from tests.support.stores import MakeSettings

TOKEN = f"ops=sha256:{'0f' * 32}"


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database is enough: no query differs here."""
    return make_store_settings("sqlite")


def refused(tmp_path: Path, *arguments: str) -> str:
    """Start a server that must refuse; gives what it says."""
    command = [sys.executable, "-m", "gonemaster_api.server", "--data-dir", str(tmp_path / "data"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", ["all", "api"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_open_mode_listens_on_no_address_that_others_reach(tmp_path: Path, command: str, address: str) -> None:
    text = refused(tmp_path, command, "--listen", address)
    assert f"cannot listen on {address}: no admin tokens are configured" in text
    assert "--insecure-open" in text


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[2001:db8::1]:0", "[::ffff:192.0.2.1]:0"])
def test_address_that_is_not_loopback(address: str) -> None:
    with pytest.raises(NotLoopback):
        listening.bind(address, loopback_only=True)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:0", "localhost:0", "[::ffff:127.0.0.1]:0"])
def test_loopback_addresses_are_free_to_use(address: str) -> None:
    with listening.bind(address, loopback_only=True) as listener:
        assert listening.is_loopback(listener.getsockname())


def test_insecure_open_warns_at_each_start(
    tmp_path: Path, redis_server: EmbeddedRedis, store_settings: StoreSettings
) -> None:
    flags = {"db_driver": store_settings.driver, "db_dsn": store_settings.dsn, "broker_url": redis_server.url}
    open_to_all = {"listen": "0.0.0.0:0", "environ": {"GONEMASTER_INSECURE_OPEN": "true"}}
    with Service("api", worker_processes=None, **open_to_all, **flags) as service:  # type: ignore[arg-type]
        service.wait_for_log("event='serving'", timeout_s=60)
        assert "INSECURE: no login is required" in service.log
        port = int(re.search(r"event='listening' url='\S+:(\d+)'", service.log)[1])  # type: ignore[index]  # waited for
        assert {host: status_for(port, host) for host in ("127.0.0.1", f"localhost:{port}", "evil.example")} == {
            "127.0.0.1": 200,
            f"localhost:{port}": 200,
            "evil.example": 421,
        }


def status_for(port: int, host: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/api/v1/healthz", headers={"Host": host})
        return connection.getresponse().status


@pytest.mark.parametrize("source", ["flag", "environment", "file"])
def test_protection_that_is_not_there_is_not_accepted(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "flag":
        text = refused(tmp_path, "--mcp-enabled")
    elif source == "environment":
        monkeypatch.setenv("GONEMASTER_MCP_ENABLED", "true")
        text = refused(tmp_path, "worker")
    else:
        file = tmp_path / "settings.json"
        file.write_text(json.dumps({"mcp_enabled": True}))
        text = refused(tmp_path, "--config", str(file))
    assert "must not be set: it would have no effect, since this version has no Model Context Protocol" in text


@pytest.mark.parametrize("wrong", [TOKEN[:-1], f"ops:root={TOKEN[4:]}", "ops=" + "0f" * 32, f"a:b:c={TOKEN[4:]}"])
def test_a_digest_that_is_none_is_refused_and_not_shown(tmp_path: Path, wrong: str) -> None:
    text = refused(tmp_path, "--admin-token-hashes", wrong)
    assert "--admin-token-hashes is ***" in text
    assert "0f0f" not in text


def test_public_pages_are_not_protected_by_tokens_that_are_not_there(tmp_path: Path) -> None:
    assert "auth.protect_public needs admin tokens" in refused(tmp_path, "--auth-protect-public")
