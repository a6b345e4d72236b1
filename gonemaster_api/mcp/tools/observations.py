"""Tools about decisions about DS records, and about watched key rollovers."""

import json
from typing import Annotated, Any

from pydantic import Field

from gonemaster_api.mcp.calls import ToolApi
from gonemaster_api.mcp.texts import table

_COLUMNS = ("id", "domain", "action", "reason", "decided_at", "watch_id")
_MAX_EVIDENCE = 12_000
_MAX_EVENTS = 60


async def cds_decision_list(
    api: ToolApi,
    domain: str | None = None,
    tag: Annotated[str | None, Field(description="a domain tag")] = None,
    action: Annotated[str | None, Field(description="add, replace, remove or refuse")] = None,
    reason: Annotated[str | None, Field(description="the rule that decided, such as not_signed")] = None,
    cursor: Annotated[int, Field(ge=0, description="only decisions after this ID")] = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
) -> str:
    """List decisions about DS records that zones request with CDS and CDNSKEY records, oldest first."""
    query = {"domain": domain, "tag": tag, "action": action, "reason": reason, "cursor": cursor, "limit": limit}
    found = await api.get("/cds-decisions", **query)
    listed = table(found["items"], _COLUMNS)
    return f"{listed}\ncontinue with cursor {found['next_cursor']}" if found["items"] else listed


async def cds_decision_get(api: ToolApi, id: Annotated[int, Field(ge=1, description="ID of the decision")]) -> str:
    """Explain a decision about DS records: its reason, the DS records before and after, and the evidence."""
    found = await api.get(f"/cds-decisions/{id}")
    lines = [f"{found['domain']}: {found['action']} ({found['reason']}). {found['text']}"]
    lines.append(f"Decided at {found['decided_at']}")
    lines += [f"Current DS: {_ds_text(record)}" for record in found["current_ds"]]
    lines += [f"Requested DS: {_ds_text(record)}" for record in found["ds"]]
    evidence = json.dumps(found["evidence"], ensure_ascii=False)
    return "\n".join([*lines, f"Evidence: {evidence[:_MAX_EVIDENCE]}"])


def _ds_text(record: dict[str, Any]) -> str:
    return f"{record['keyTag']} {record['alg']} {record['digestType']} {record['digest']}"


async def rollover_get(api: ToolApi, watch_id: Annotated[int, Field(ge=1, description="ID of the watch")]) -> str:
    """Explain a watched key rollover: verdict, steps, faults, and until when caches may have former records."""
    found = await api.get(f"/watches/{watch_id}/rollover")
    kind = f"{found['rollover']} rollover" if found["rollover"] else "no rollover"
    lines = [f"{found['domain']}: {kind}, {found['verdict']}; {len(found['spans'])} states"]
    lines += ["Steps:", table(found["steps"][:_MAX_EVENTS], ("at", "step", "key_tag", "algorithm"))]
    lines += ["Faults:", table(found["faults"][:_MAX_EVENTS], ("at", "fault", "address", "text"))]
    return "\n".join(
        [*lines, "Caches:", table(found["deadlines"][-_MAX_EVENTS:], ("cached", "since", "until", "text"))]
    )
