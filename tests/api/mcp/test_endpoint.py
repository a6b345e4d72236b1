"""The MCP endpoint of a real server, and `gonemaster-mcp` in front of one, used by the SDK's own client."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from gonemaster_api.mcp.program import main
from gonemaster_db.core.filters import JobFilter
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import JobStatus
from gonemaster_db.runs.job_list import list_jobs
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import serving
from tests.support.rows import claim, finish_job, make_run, record
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

READING = {
    "ping", "test_domain", "check_delegation", "run_get", "latest_for", "run_search", "run_diff", "spec_list_testcases",
    "spec_get_testcase", "profile_list", "domain_tag_list", "cohort_list", "cohort_schedule_list", "cohort_stats",
    "cohort_tag_values", "cohort_report", "batch_list", "batch_get", "failures_by_tag",
    "cds_decision_list", "cds_decision_get", "rollover_get",
}  # fmt: skip
WRITING = {"batch_enqueue", "batch_cancel", "cancel_job"}
PATH = "/api/v1/mcp"
PING = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ping", "arguments": {}}}
BOTH = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    return make_store_settings("sqlite")


@pytest.fixture
def serve(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Callable[..., Any]:
    """Run a server: `serve(mcp_allow_write="true")`."""

    def start(**settings: str) -> Any:
        environ = {f"GONEMASTER_{name.upper()}": value for name, value in {"mcp_enabled": "true", **settings}.items()}
        return serving(store_settings, redis_server, environ=environ, admin_token_hashes=CONFIGURED)

    return start


@pytest.fixture(scope="module")
def store_of_service(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("mcp") / "store.db"
    shutil.copyfile(sqlite_template, path)
    with opened(StoreSettings(dsn=str(path))) as store:
        yield store


@pytest.fixture(scope="module")
def service(store_of_service: Store, redis_server: EmbeddedRedis) -> Iterator[Service]:
    """A server with the endpoint that tests share."""
    environ = {"GONEMASTER_MCP_ENABLED": "true"}
    with serving(store_of_service.settings, redis_server, environ=environ, admin_token_hashes=CONFIGURED) as shared:
        yield shared


def url_of(service: Service) -> str:
    line = next(line for line in service.log.splitlines() if "event='listening'" in line)
    return line.split("url='")[1].split("'")[0]


@asynccontextmanager
async def connected(service: Service, token: str, mode: str = "auto") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers=bearer(token), timeout=60) as http,
        Client(streamable_http_client(url_of(service) + PATH, http_client=http), mode=mode) as client,
    ):
        yield client


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


async def text_of(client: Client, tool: str, **arguments: Any) -> tuple[str, bool]:
    result: Any = await client.call_tool(tool, arguments)
    return result.content[0].text, result.is_error


async def finish_next_job(store: Store) -> None:
    """Do what a worker does with the next job that is submitted."""
    while True:
        with store.read_only() as session:
            jobs = list_jobs(session, JobFilter(status=JobStatus.QUEUED)).items
        if jobs:
            finish_job(store, claim(store, jobs[0].id), record("INFO", "WARNING"))
            return
        await asyncio.sleep(0.05)


@pytest.mark.core
def test_the_tools_over_http(service: Service, store_of_service: Store) -> None:
    store = store_of_service
    make_run(store, "old.example", record("ERROR"))

    async def use() -> None:
        for mode in ("auto", "legacy"):
            async with connected(service, OPERATE, mode) as client:
                tools = (await client.list_tools()).tools
                assert {tool.name for tool in tools} == READING
                others = {tool.name for tool in tools if not (tool.annotations and tool.annotations.read_only_hint)}
                assert others == {"test_domain", "check_delegation"}
                text, failed = await text_of(client, "latest_for", domain="old.example")
                assert "old.example | succeeded" in text
                assert not failed
                worker = asyncio.create_task(finish_next_job(store))
                text, failed = await text_of(client, "test_domain", domain=f"{mode}.example")
                await worker
                assert text.startswith(f"{mode}.example: succeeded")
                assert "WARNING basic01" in text
                assert not failed
                text, failed = await text_of(client, "run_get", id="job_none")
                assert failed
                assert "not_found" in text
        async with connected(service, READ) as client:
            text, failed = await text_of(client, "test_domain", domain="a.example")
            assert failed
            assert text.startswith("forbidden"), "a token with the scope read cannot submit tests"

    run(use())
    metrics = httpx2.get(url_of(service) + "/api/v1/metrics?include=api", headers=bearer(READ)).json()
    calls = {each["tool"]: each for each in metrics["api"]["mcp_tool_calls"]}
    assert calls["test_domain"] == {"tool": "test_domain", "total": 3, "failed": 1}
    assert calls["latest_for"] == {"tool": "latest_for", "total": 2, "failed": 0}


@pytest.mark.core
def test_requests_that_the_endpoint_refuses_and_formats(service: Service) -> None:
    with httpx2.Client(base_url=url_of(service), timeout=60) as http:

        def post(message: Any = PING, **headers: str) -> httpx2.Response:
            return http.post(PATH, json=message, headers={**BOTH, **headers})

        known = dict(bearer(READ))
        for method in ("GET", "DELETE"):
            answer = http.request(method, PATH, headers=known)
            assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, {"POST", "OPTIONS"})
        assert post().json()["error"]["code"] == "unauthorized"
        assert post(**bearer("gm_wrong")).status_code == 401
        cookie = http.post("/api/v1/session", json={"token": READ}).cookies["gm_admin"]
        http.cookies.clear()
        refused = post(Cookie=f"gm_admin={cookie}")
        assert refused.status_code == 401
        assert "does not accept the cookie" in refused.json()["error"]["message"]
        assert post(Origin="https://evil.example", **known).status_code == 403

        events = post(**known)
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.headers["x-content-type-options"] == "nosniff"
        assert "event: message" in events.text
        document = post(**{**known, "Accept": "application/json"})
        assert document.headers["content-type"] == "application/json"
        assert document.json()["result"]["content"][0]["text"].startswith("gonemaster ")
        assert post("no message", **known).status_code == 400
        unknown = post(PING | {"params": {"name": "drop_tables", "arguments": {}}}, Accept="application/json", **known)
        assert "unknown tool" in unknown.json()["error"]["message"]
        notification = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        assert post(notification, **known).status_code == 202
        large = PING | {"padding": "x" * (4 * 1024 * 1024)}
        assert post(large, **known).json()["error"]["code"] == "body_too_large"
        assert post(PING | {"padding": "x" * (3 * 1024 * 1024)}, **known).status_code == 200


@pytest.mark.thorough
def test_the_switches_work_while_the_server_runs(serve: Callable[..., Any]) -> None:
    async def offered(service: Service) -> set[str]:
        async with connected(service, READ) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    with serve(mcp_enabled="false") as service, httpx2.Client(base_url=url_of(service)) as http:

        def status() -> int:
            return http.post(PATH, json=PING, headers={**BOTH, **bearer(READ)}).status_code

        def switch(**settings: bool) -> None:
            assert http.put("/api/v1/settings", json=settings, headers=bearer(ADMIN)).status_code == 200

        assert status() == 404
        switch(mcp_enabled=True)
        wait_for(lambda: status() == 200, what="an endpoint")
        assert asyncio.run(offered(service)) == READING
        switch(mcp_allow_write=True)
        wait_for(lambda: asyncio.run(offered(service)) == READING | WRITING, what="writing tools")
        switch(mcp_enabled=False)
        wait_for(lambda: status() == 404, what="no endpoint")


@pytest.mark.thorough
def test_the_tools_over_stdio(serve: Callable[..., Any], store: Store) -> None:
    make_run(store, "old.example", record("ERROR"))
    program = "import sys; from gonemaster_api.mcp.program import main; sys.exit(main())"

    async def use(url: str, token: str, **environ: str) -> tuple[set[str], str]:
        variables = {"GONEMASTER_URL": url, "GONEMASTER_TOKEN": token, **environ}
        command = StdioServerParameters(command=sys.executable, args=["-c", program], env=variables)
        async with Client(command) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            return tools, (await text_of(client, "latest_for", domain="old.example"))[0]

    with serve(mcp_enabled="false") as service:
        url = url_of(service)
        tools, text = asyncio.run(use(f"{url}/api/v1/", READ))
        assert tools == READING
        assert "old.example | succeeded" in text
        tools, text = asyncio.run(use(url, "gm_wrong", GONEMASTER_MCP_ALLOW_WRITE="1"))
        assert tools == READING | WRITING
        assert text.startswith("unauthorized: ")
    assert "does not answer" in asyncio.run(use(url, READ))[1]


def test_a_server_without_mcp_does_not_load_the_sdk() -> None:
    program = "import sys, gonemaster_api.app; sys.exit(bool({'mcp', 'starlette'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize(("flag", "text"), [("-h", "GONEMASTER_MCP_ALLOW_WRITE"), ("-v", "gonemaster-mcp 0")])
def test_flags_of_the_program(flag: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([flag])
    assert ended.value.code == 0
    assert text in capsys.readouterr().out
