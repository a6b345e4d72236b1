"""Tools about the service, its test cases, profiles and domain tags."""

from typing import Annotated

from pydantic import Field

from gonemaster_api.mcp.calls import ToolApi, segment
from gonemaster_api.mcp.texts import Lang, Text, page, table


async def ping(api: ToolApi) -> str:
    """Check the connection: version of the server, state of the queue, and open issues."""
    version = await api.get("/version")
    health = await api.get("/queue/health")
    issues = table(health["issues"], ("kind", "subject", "text", "advice")) if health["issues"] else "no open issues"
    return f"gonemaster {version['gonemaster']}\n{issues}"


async def spec_list_testcases(
    api: ToolApi, category: Annotated[str | None, Field(description="a module, such as DNSSEC; default: all")] = None
) -> str:
    """List the test cases with their purpose."""
    found = await api.get("/spec/testcases", category=category)
    return table(found["items"], ("id", "module", "description"))


async def spec_get_testcase(api: ToolApi, testcase: Text, lang: Lang = "en") -> str:
    """Describe a test case: its purpose, and the messages that it can have with advice and reference."""
    found = await api.get(f"/spec/testcases/{segment(testcase)}", locale=lang)
    lines = [f"{found['id']} ({found['module']}): {found['description']}"]
    for tag in found["tags"]:
        advice = f" Advice: {tag['advice']}" if tag["advice"] else ""
        lines.append(f"- {tag['tag']}: {tag['message']}{advice}")
    return "\n".join(lines)


async def profile_list(api: ToolApi) -> str:
    """List the stored profiles, which choose test cases and levels."""
    found = await api.get("/profiles")
    return table(found, ("id", "name", "description", "public"))


async def domain_tag_list(api: ToolApi, limit: Annotated[int, Field(ge=1, le=500)] = 100) -> str:
    """List the domain tags with the number of their domains."""
    found = await api.get("/tags", limit=limit)
    return page(found, ("name", "domain_count", "description"), total=len(found))
