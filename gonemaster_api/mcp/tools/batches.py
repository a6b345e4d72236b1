"""Tools about batches: list, inspect, submit and cancel."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from gonemaster_api.mcp.calls import CallFailed, ToolApi, segment
from gonemaster_api.mcp.texts import Level, Text, counts, levels_from, page
from gonemaster_engine.findings.messages import advice

MAX_ENTRIES = 5000
PAGE_ENTRIES = 500
_EXAMPLES = 3
_COLUMNS = ("batch_id", "name", "tag", "status", "completed", "total", "created_at", "finished_at")

BatchId = Annotated[str, Field(min_length=1, max_length=64)]


async def batch_list(
    api: ToolApi,
    label: Annotated[str | None, Field(description="part of the tag of the batch")] = None,
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
) -> str:
    """List batches, newest first."""
    found = await api.get("/batches", label=label, limit=limit)
    return page(found["items"], _COLUMNS, total=found["total"])


async def batch_get(api: ToolApi, batch_id: BatchId) -> str:
    """Show the progress and the outcome of a batch: numbers of jobs by state, of domains by grade and worst level."""
    found = await api.get(f"/batches/{segment(batch_id)}", limit=1)
    lines = [
        f"{batch_id} {found['name']}: {found['status']}, {found['completed']} of {found['total']} jobs finished",
        f"Created {found['created_at']}, finished {found['finished_at'] or '-'}; tag {found['tag'] or '-'}",
        f"Jobs: {counts(found['status_counts'])}",
        f"Worst levels: {counts(found['worst_levels'])}",
    ]
    if found.get("grades"):
        lines.append(f"Grades: {counts(found['grades'])}")
    if expected := found.get("expected_finish_at"):
        lines.append(f"Expected to finish at {expected}")
    return "\n".join(lines)


@dataclass
class _Failure:
    """A message tag of one level, with the domains that have it."""

    module: str
    entries: int = 0
    domains: dict[str, None] = field(default_factory=dict)  # in order


async def failures_by_tag(
    api: ToolApi,
    batch_id: BatchId,
    severity_min: Level = "WARNING",
    limit: Annotated[int, Field(ge=1, le=500)] = 20,
) -> str:
    """Count the findings of a batch by message tag, the most severe first, with the number of domains and advice.

    At most 5,000 entries are read; capped_at_level names the level at which reading stopped.
    """
    await api.get(f"/batches/{segment(batch_id)}", limit=1)  # so that an unknown batch is an error
    found: dict[tuple[str, str, str], _Failure] = defaultdict(lambda: _Failure(""))
    read, capped = 0, ""
    for level in levels_from(severity_min):
        after: str | None = None
        while not capped:
            document = await api.get("/entries", batch=batch_id, level=level, limit=PAGE_ENTRIES, after=after)
            for entry in document["items"]:
                failure = found[level, entry["testcase"] or entry["module"], entry["tag"]]
                failure.module = entry["module"]
                failure.entries += 1
                failure.domains[entry["domain"]] = None
            read += len(document["items"])
            after = document.get("next_after")
            if after is None:
                break
            capped = level if read >= MAX_ENTRIES else ""
    order = levels_from(severity_min)
    ranked = sorted(found.items(), key=lambda item: (order.index(item[0][0]), -len(item[1].domains), item[0]))
    lines = [f"{read} entries read, {len(found)} message tags; capped_at_level: {capped or 'none'}"]
    lines += [_failure_line(key, failure) for key, failure in ranked[:limit]]
    if len(ranked) > limit:
        lines.append(f"[{len(ranked) - limit} more message tags omitted: use a larger limit]")
    return "\n".join(lines)


def _failure_line(key: tuple[str, str, str], failure: _Failure) -> str:
    level, testcase, tag = key
    found = advice(tag, failure.module)
    examples = ", ".join(list(failure.domains)[:_EXAMPLES])
    line = f"- {level} {testcase} {tag}: {len(failure.domains)} domains, {failure.entries} entries; such as {examples}"
    return f"{line}. Advice: {found}" if found else line


async def batch_enqueue(
    api: ToolApi,
    domains: Annotated[list[str] | None, Field(max_length=10_000)] = None,
    from_tag: Annotated[str | None, Field(description="test all domains of a domain tag instead")] = None,
    profile: Annotated[str | None, Field(description="name of a stored profile")] = None,
    tags: Annotated[list[str] | None, Field(max_length=100, description="domain tags to add the domains to")] = None,
) -> str:
    """Queue tests of many domains as one batch: either of `domains`, or of all domains of `from_tag`."""
    body: dict[str, Any] = {"domains": domains, "from_tag": from_tag, "tags": tags}
    if profile is not None:
        known = {each["name"]: each["id"] for each in await api.get("/profiles")}
        if profile not in known:
            raise CallFailed(f"no such profile: {profile}; profiles: {', '.join(known) or 'none'}")
        body["profile_id"] = known[profile]
    found = await api.post("/jobs/batch", body)
    duplicates = f"; {found['duplicate_count']} duplicates omitted" if found["duplicate_count"] else ""
    return f"{found['batch_id']}: {found['job_count']} jobs queued{duplicates}. batch_get shows its progress."


async def batch_cancel(api: ToolApi, batch_id: BatchId) -> str:
    """Cancel all waiting and running jobs of a batch."""
    found = await api.post(f"/batches/{segment(batch_id)}/cancel")
    if "canceled" not in found:
        return f"{batch_id}: many jobs are being canceled (operation {found['id']}); batch_get shows the progress."
    return f"{batch_id}: {found['canceled']} waiting jobs canceled, {found['stopping']} running jobs are stopping."


async def cancel_job(api: ToolApi, id: Text) -> str:
    """Cancel a waiting or running job."""
    found = await api.post(f"/jobs/{segment(id)}/cancel")
    return f"{found['id']} ({found['domain']}): {found['status']}"
