"""The queue, operations, and the caller."""

from typing import Unpack

from gonemaster_client.calls.description import Call, change, get
from gonemaster_client.documents import Operation, Status, Whoami
from gonemaster_client.parameters import Pause, Resume


def pause_queue(**request: Unpack[Pause]) -> Call[Status]:
    """Pause a tier, or both."""
    return change("POST", "/queue/pause", body=request)


def resume_queue(**request: Unpack[Resume]) -> Call[Status]:
    """Resume a tier, or both."""
    return change("POST", "/queue/resume", body=request)


def operation(operation_id: str) -> Call[Operation]:
    """Show the progress of a change of many rows."""
    return get("/operations/{}", operation_id)


def whoami() -> Call[Whoami]:
    """Show whether requests need a token, and whether this client has a valid one."""
    return get("/whoami")
