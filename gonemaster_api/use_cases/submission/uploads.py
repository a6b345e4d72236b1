"""Uploads in parts: begin, receive, show, remove."""

import base64
import binascii
import hashlib
import re
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError, BadRequest, Conflict
from gonemaster_api.state import State
from gonemaster_api.web.body_limits import MAX_PART
from gonemaster_db.batches.uploads import (
    MAX_PARTS,
    PartRecord,
    add_part,
    create_upload,
    delete_upload,
    get_upload,
    list_parts,
    list_uploads,
    total_size,
)
from gonemaster_db.core.errors import UploadConflict
from gonemaster_db.models import Upload
from gonemaster_engine.texts import Text

_MAX_UPLOADS = 100
_DIGEST = re.compile(r"(?:.*,)?\s*sha-256=:([A-Za-z0-9+/=]{1,100}):\s*(?:,.*)?")


def begin_upload(state: State, *, name: str) -> dict[str, Any]:
    """Create an upload and return its document."""
    now, life = state.queue.clock.now(), state.settings.upload_lifetime

    def create(session: Session) -> Upload:
        if len(list_uploads(session, now=now, limit=_MAX_UPLOADS)) == _MAX_UPLOADS:
            text = Text("there are {limit} uploads; delete those that are not needed", limit=_MAX_UPLOADS)
            raise Conflict("too_many_uploads", text)
        return create_upload(session, name=name, now=now, life=life)

    return _document(state.store.run_in_transaction(create), [])


def read_uploads(state: State) -> list[dict[str, Any]]:
    """Return the documents of all uploads."""
    with state.store.read_only() as session:
        found = list_uploads(session, now=state.queue.clock.now(), limit=_MAX_UPLOADS)
        return [_document(upload, list_parts(session, upload.id)) for upload in found]


def read_upload(state: State, upload_id: str) -> dict[str, Any]:
    """Return the document of an upload. Raises UploadNotFound."""
    with state.store.read_only() as session:
        upload = get_upload(session, upload_id, now=state.queue.clock.now())
        return _document(upload, list_parts(session, upload_id))


def remove_upload(state: State, upload_id: str) -> None:
    """Delete an upload.

    Raises:
        UploadNotFound: there is no such upload.
        UploadConflict: upload_in_use.
    """
    now = state.queue.clock.now()

    def remove(session: Session) -> None:
        if get_upload(session, upload_id, now=now, lock=True).parts:
            raise UploadConflict("upload_in_use", Text("a batch is being filled from this upload"))
        delete_upload(session, upload_id)

    state.store.run_in_transaction(remove)


def receive_part(state: State, upload_id: str, number: int, content: bytes, *, digest: str) -> dict[str, Any]:
    """Store a part and return its document.

    Raises:
        BadRequest: invalid_part, invalid_digest, digest_mismatch.
        ApiError: uploads_too_large.
        UploadNotFound: there is no such upload.
        UploadConflict: part_differs, upload_complete.
    """
    if not 1 <= number <= MAX_PARTS:
        raise BadRequest("invalid_part", Text("the number of a part must be between 1 and {limit}", limit=MAX_PARTS))
    if not content:
        raise BadRequest("invalid_part", Text("the part is empty"))
    _check_digest(content, digest)
    now, limit = state.queue.clock.now(), state.settings.max_upload_size

    def store(session: Session) -> PartRecord:
        part = add_part(session, upload_id, number, content, now=now, life=state.settings.upload_lifetime)
        if total_size(session) > limit:
            text = Text(
                "all uploads together can have at most {limit} bytes (max_upload_size); "
                "delete those that are not needed",
                limit=limit,
            )
            raise ApiError(413, "uploads_too_large", text, details={"limit": limit})
        return part

    return state.store.run_in_transaction(store)._asdict()


def _check_digest(content: bytes, digest: str) -> None:
    found = _DIGEST.fullmatch(digest)
    try:
        expected = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        expected = b""
    if len(expected) != hashlib.sha256().digest_size:
        text = Text("Content-Digest must be sha-256=:BASE64: with the digest of the part")
        raise BadRequest("invalid_digest", text)
    if hashlib.sha256(content).digest() != expected:
        raise BadRequest("digest_mismatch", Text("the part was damaged on the way; send it again"))


def _document(upload: Upload, parts: list[PartRecord]) -> dict[str, Any]:
    return {
        "upload_id": upload.id,
        "name": upload.name,
        "created_at": upload.created_at,
        "expires_at": upload.expires_at,
        "is_complete": bool(upload.parts),
        "size": sum(part.size for part in parts),
        "max_part_size": MAX_PART,
        "parts": [part._asdict() for part in parts],
    }
