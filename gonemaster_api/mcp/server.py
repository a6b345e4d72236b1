"""The MCP server: it lists the tools and calls them. The transport is the SDK's: streamable HTTP, or stdio."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.mcpserver.tools.base import Tool
from mcp.types import INVALID_PARAMS, CallToolResult, ListToolsResult, TextContent, ToolAnnotations
from mcp.types import Tool as ToolDescription
from pydantic import ValidationError

from gonemaster_api.mcp.calls import CallFailed, ToolApi
from gonemaster_api.mcp.texts import shorten
from gonemaster_api.mcp.tools import batches, cohorts, observations, records, runs
from gonemaster_engine.version import __version__

MAX_CALL_S = 600.0
_INSTRUCTIONS = (
    "gonemaster tests the DNS health of domains. test_domain tests a domain now; latest_for and run_search find earlier"
    " runs, check_delegation judges a delegation before it is published, and run_get explains a run: its root causes"
    " with their fixes, and its findings. Levels from least to most severe: DEBUG, INFO, NOTICE, WARNING, ERROR,"
    " CRITICAL."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_TESTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
_CANCELS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
_READING = (
    records.ping, runs.run_get, runs.latest_for, runs.run_search, runs.run_diff, records.spec_list_testcases,
    records.spec_get_testcase, records.profile_list, records.domain_tag_list, cohorts.cohort_list,
    cohorts.cohort_schedule_list, cohorts.cohort_stats, cohorts.cohort_tag_values, cohorts.cohort_report,
    batches.batch_list, batches.batch_get, batches.failures_by_tag, observations.cds_decision_list,
    observations.cds_decision_get, observations.rollover_get,
)  # fmt: skip
_WRITING = ((batches.batch_enqueue, _TESTS), (batches.batch_cancel, _CANCELS), (batches.cancel_job, _CANCELS))

OnCall = Callable[[str, str], None]

logging.getLogger("mcp").setLevel(logging.WARNING)  # it logs each request


@cache
def tools(*, allow_write: bool) -> dict[str, Tool]:
    """Return the tools by name. A tool is a function; the SDK derives its parameters from the signature."""
    marked = [(function, _READS) for function in _READING] + [
        (runs.test_domain, _TESTS),
        (runs.check_delegation, _TESTS),
    ]
    return {
        function.__name__: Tool.from_function(
            function, annotations=annotations, context_kwarg="api", structured_output=False
        )
        for function, annotations in [*marked, *(_WRITING if allow_write else ())]
    }


def make_server(api: ToolApi, *, allow_write: bool, on_call: OnCall = lambda tool, outcome: None) -> "Server[Any]":
    """Create a server for the user of an API. `on_call` receives the name and outcome (ok, failed) of each call."""
    offered = tools(allow_write=allow_write)

    async def list_tools(_context: Any, _params: Any) -> ListToolsResult:
        return ListToolsResult(tools=_descriptions(tuple(offered.values())))

    async def call_tool(_context: Any, params: Any) -> CallToolResult:
        tool = offered.get(params.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"unknown tool: {params.name[:100]}")
        outcome = "failed"
        try:
            text = await _call(tool, api, params.arguments or {})
            outcome = "ok"
        except CallFailed as error:
            text = str(error)
        finally:
            on_call(tool.name, outcome)
        return CallToolResult(content=[TextContent(type="text", text=shorten(text))], is_error=outcome == "failed")

    return Server(
        "gonemaster",
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _descriptions(offered: Sequence[Tool]) -> list[ToolDescription]:
    return [
        ToolDescription(
            name=tool.name, description=tool.description, input_schema=tool.parameters, annotations=tool.annotations
        )
        for tool in offered
    ]


async def _call(tool: Tool, api: ToolApi, arguments: dict[str, Any]) -> str:
    """Call a tool with checked arguments.

    Raises:
        CallFailed: an argument is unknown or invalid, the API refused a request, or the call takes too long.
    """
    known = tool.parameters["properties"]
    if unknown := sorted(arguments.keys() - known.keys()):
        raise CallFailed(f"unknown parameters: {', '.join(unknown)[:200]}; allowed: {', '.join(known) or 'none'}")
    metadata = tool.fn_metadata
    try:
        checked = metadata.arg_model.model_validate(metadata.pre_parse_json(arguments))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise CallFailed(f"invalid parameters: {'; '.join(problems)}") from error
    values = {name: getattr(checked, name) for name in metadata.arg_model.model_fields}
    try:
        async with asyncio.timeout(MAX_CALL_S):
            return str(await tool.fn(api, **values))
    except TimeoutError as error:
        raise CallFailed(f"the call took more than {MAX_CALL_S:.0f} s") from error
