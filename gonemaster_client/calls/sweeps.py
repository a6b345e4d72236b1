"""Uploads in parts, and sweeps: batches from uploads and files."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Unpack

from gonemaster_client.calls.description import Call, change, get, path_of, submission

if TYPE_CHECKING:
    from gonemaster_client.documents import Operation, Part, Upload
    from gonemaster_client.parameters import NewSweep

_PART_S = 120.0


def begin(name: str = "") -> Call[Upload]:
    """Begin an upload. A repeated request begins another one, and the server deletes the first one later."""
    return change("POST", "/uploads", body={"name": name})


def show(upload_id: str) -> Call[Upload]:
    """Show the parts that have arrived."""
    return get("/uploads/{}", upload_id)


def send(upload_id: str, number: int, content: bytes) -> Call[Part]:
    """Send a part, with its digest."""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return Call(
        "PUT",
        path_of("/uploads/{}/parts/{}", upload_id, number),
        body=content,
        content_type="application/octet-stream",
        least_timeout_s=_PART_S,
        headers={"Content-Digest": f"sha-256=:{digest}:"},
    )


def create(*, key: str = "", **request: Unpack[NewSweep]) -> Call[Operation]:
    """Queue tests of all names of an upload or a file; with the same `key`, the server returns the first operation."""
    return submission("/sweeps", body=request, key=key)
