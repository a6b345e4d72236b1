"""Tools about single tests: test a domain, find runs, explain them and compare them."""

import time
from typing import Annotated, Any

from pydantic import BaseModel, Field

from gonemaster_api.mcp.calls import ToolApi, segment
from gonemaster_api.mcp.texts import Lang, Level, Text, cause_text, page, result_text
from gonemaster_db.models import RunStatus

_FIRST_WAIT_S, _MAX_WAIT_S = 0.25, 2.0
_COLUMNS = ("id", "domain", "status", "grade", "score", "worst_level", "finished_at", "batch_id")
_FINISHED = frozenset(map(str, RunStatus))
_MAX_CHANGES = 60

RunId = Annotated[str, Field(min_length=1, max_length=64, description="ID of a run, which is also the ID of its job")]
_Instant = Annotated[str | None, Field(description="RFC 3339 time in UTC, such as 2026-01-31T00:00:00Z")]


async def test_domain(
    api: ToolApi,
    domain: Text,
    profile_id: Annotated[int | None, Field(ge=1, description="a stored profile, see profile_list")] = None,
    timeout_seconds: Annotated[int, Field(ge=1, le=600)] = 120,
    lang: Lang = "en",
    min_level: Level = "NOTICE",
) -> str:
    """Test the DNS of a domain now, wait for the result and explain it: root causes with fixes, and findings.

    If the test takes longer than timeout_seconds, it continues, and run_get returns its result later.
    """
    deadline = time.monotonic() + timeout_seconds
    job = await api.post("/jobs", {"domain": domain, "profile_id": profile_id})
    pause_s = _FIRST_WAIT_S
    while job["status"] not in _FINISHED:
        if time.monotonic() + pause_s > deadline:
            return (
                f"{job['domain']}: the test is {job['status']}, {job['progress']} % done, after {timeout_seconds} s. "
                f"It continues: call run_get with id {job['id']} later, or cancel_job."
            )
        await api.wait(pause_s)
        pause_s = min(_MAX_WAIT_S, 1.5 * pause_s)
        job = await api.get(f"/jobs/{segment(job['id'])}")
    return await run_get(api, job["id"], lang, min_level)


test_domain.__test__ = False  # type: ignore[attr-defined]  # pytest: not a test


class GivenNameserver(BaseModel):
    """A name server with one address; without an address its name is resolved."""

    ns: Annotated[str, Field(min_length=1, max_length=255)]
    ip: Annotated[str | None, Field(max_length=64)] = None


class GivenDs(BaseModel):
    """A DS record."""

    keytag: Annotated[int, Field(ge=0, le=65535)]
    algorithm: Annotated[int, Field(ge=0, le=255)]
    digtype: Annotated[int, Field(ge=0, le=255)]
    digest: Annotated[str, Field(max_length=128, description="hex digits")]


async def check_delegation(
    api: ToolApi,
    domain: Text,
    nameservers: Annotated[list[GivenNameserver], Field(min_length=1, max_length=32, description="one per address")],
    ds: Annotated[list[GivenDs] | None, Field(max_length=32)] = None,
    policy: Annotated[str, Field(max_length=100)] = "registration",
    deadline_seconds: Annotated[int, Field(ge=2, le=30)] = 20,
    lang: Lang = "en",
) -> str:
    """Check a delegation before it is published: verdict pass, fail or undecided by a policy, and what to fix."""
    answer = await api.post(
        "/check",
        {
            "domain": domain,
            "nameservers": [server.model_dump(exclude_none=True) for server in nameservers],
            "ds_info": [record.model_dump() for record in ds or ()] or None,
            "policy": policy,
            "deadline_seconds": deadline_seconds,
            "locale": lang,
        },
    )
    lines = [
        f"{answer['domain']}: {answer['verdict']} by the policy {answer['policy']['name']}; run {answer['run_id']}"
    ]
    lines += [f"Undecided: {text}" for text in answer["explanations"]]
    lines += [cause_text(cause) for cause in answer["root_causes"] if cause["decisive"]]
    lines += [f"- {each['level']} {each['testcase']} {each['tag']}: {each['message']} Advice: {each['advice']}"
              for each in answer["findings"][:_MAX_CHANGES]]  # fmt: skip
    return "\n".join(lines)


async def run_get(api: ToolApi, id: RunId, lang: Lang = "en", min_level: Level = "NOTICE") -> str:
    """Explain a finished run: grade, verdict, root causes with fixes, and the findings of min_level or higher."""
    result = await api.get(f"/runs/{segment(id)}/result", locale=lang)
    run = await api.get(f"/runs/{segment(id)}")
    return result_text(run, result, min_level=min_level, lang=lang)


async def latest_for(api: ToolApi, domain: Text, limit: Annotated[int, Field(ge=1, le=500)] = 5) -> str:
    """List the newest runs of a domain, newest first."""
    return await _list_runs(api, domain_exact=domain, limit=limit, offset=0)


async def run_search(
    api: ToolApi,
    domain: Annotated[str | None, Field(description="a part of the name, or the name if exact is true")] = None,
    exact: bool = False,
    tag: Annotated[str | None, Field(description="a domain tag")] = None,
    status: Annotated[str | None, Field(description=", ".join(RunStatus))] = None,
    level: Annotated[Level | None, Field(description="worst level of the run")] = None,
    grade: str | None = None,
    finished_after: _Instant = None,
    finished_before: _Instant = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 20,
    offset: Annotated[int, Field(ge=0)] = 0,
) -> str:
    """Search finished runs, newest first. A run must match all given filters."""
    return await _list_runs(
        api,
        **{"domain_exact" if exact else "domain": domain},
        tag=tag, status=status, level=level, grade=grade,
        finished_after=finished_after, finished_before=finished_before, limit=limit, offset=offset,
    )  # fmt: skip


async def _list_runs(api: ToolApi, *, offset: int, **query: Any) -> str:
    found = await api.get("/runs", offset=offset, **query)
    return page(found["items"], _COLUMNS, total=found["total"], offset=offset)


async def run_diff(api: ToolApi, run_a: RunId, run_b: RunId, lang: Lang = "en") -> str:
    """Compare two runs: the root causes and findings that appeared in run_b, were cleared, or changed their level."""
    found = await api.get(f"/runs/{segment(run_a)}/diff/{segment(run_b)}", locale=lang, min_level="NOTICE")
    lines = []
    for title, causes in (("appeared", found["causes"]["appeared"]), ("cleared", found["causes"]["cleared"])):
        lines += [f"Root causes {title}: {len(causes) or 'none'}", *map(cause_text, causes)]
    for title in ("added", "cleared", "changed"):
        lines.append(f"Findings {title}: {len(found[title]) or 'none'}")
        lines += [_change(item) for item in found[title][:_MAX_CHANGES]]
        if len(found[title]) > _MAX_CHANGES:
            lines.append(f"[{len(found[title]) - _MAX_CHANGES} more omitted]")
    return "\n".join(lines)


def _change(item: dict[str, Any]) -> str:
    before, after = (", ".join(line["level"] for line in item[side]) or "absent" for side in ("before", "after"))
    return f"- {item['testcase'] or item['module']} {item['tag']}: {before} -> {after}"
