"""Uploads in parts: creation, parts, completion, expiry."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import UploadConflict, UploadNotFound
from gonemaster_db.core.ids import new_upload_id
from gonemaster_db.core.texts import Text
from gonemaster_db.models import Upload, UploadPart

MAX_PARTS = 10_000
_NO_SYNC = {"synchronize_session": False}
_SHOWN = 20  # missing parts in a message


class PartRecord(NamedTuple):
    """A part that has arrived, without its content."""

    number: int
    size: int
    sha256: str


def create_upload(session: Session, *, name: str, now: datetime, life: timedelta) -> Upload:
    """Create an upload without parts."""
    upload = Upload(id=new_upload_id(), name=name, created_at=now, expires_at=now + life, parts=0)
    session.add(upload)
    session.flush()
    return upload


def get_upload(session: Session, upload_id: str, *, now: datetime, lock: bool = False) -> Upload:
    """Read an upload, locked until the end of the transaction if `lock` is set. Raises UploadNotFound."""
    query = select(Upload).where(Upload.id == upload_id, Upload.expires_at > now)
    found = session.scalar(query.with_for_update() if lock else query, execution_options={"populate_existing": True})
    if found is None:
        raise UploadNotFound(upload_id)
    return found


def list_uploads(session: Session, *, now: datetime, limit: int) -> Sequence[Upload]:
    """Return the uploads that have not expired, newest first."""
    query = select(Upload).where(Upload.expires_at > now).order_by(Upload.created_at.desc(), Upload.id.desc())
    return session.scalars(query.limit(limit)).all()


def list_parts(session: Session, upload_id: str) -> list[PartRecord]:
    """Return the parts that have arrived, in order."""
    query = select(UploadPart.number, UploadPart.size, UploadPart.sha256).where(UploadPart.upload_id == upload_id)
    return [PartRecord(*row) for row in session.execute(query.order_by(UploadPart.number))]


def total_size(session: Session, upload_id: str | None = None) -> int:
    """Return the bytes of the parts of an upload, or of all uploads."""
    query = select(func.coalesce(func.sum(UploadPart.size), 0))
    if upload_id is not None:
        query = query.where(UploadPart.upload_id == upload_id)
    return int(session.scalar(query) or 0)


def add_part(
    session: Session, upload_id: str, number: int, content: bytes, *, now: datetime, life: timedelta
) -> PartRecord:
    """Store a part and renew the upload; a part with the same content that has arrived before is accepted again.

    Raises:
        UploadNotFound: there is no such upload.
        UploadConflict: part_differs, upload_complete.
    """
    upload = get_upload(session, upload_id, now=now, lock=True)
    new = PartRecord(number, len(content), hashlib.sha256(content).hexdigest())
    columns = (UploadPart.number, UploadPart.size, UploadPart.sha256)
    row = session.execute(
        select(*columns).where(UploadPart.upload_id == upload_id, UploadPart.number == number)
    ).one_or_none()
    if row is not None and PartRecord(*row) != new:
        text = Text("part {number} has arrived before with another content; create a new upload", number=number)
        raise UploadConflict("part_differs", text)
    if row is None:
        if upload.parts:
            raise UploadConflict("upload_complete", Text("the upload is complete; create a new one for more parts"))
        session.add(UploadPart(upload_id=upload_id, number=number, size=new.size, sha256=new.sha256, content=content))
    upload.expires_at = now + life
    session.flush()
    return new


def complete_upload(session: Session, upload_id: str, parts: int, *, now: datetime, life: timedelta) -> None:
    """Complete an upload of a number of parts, so that no part can be added any longer.

    Raises:
        UploadNotFound: there is no such upload.
        UploadConflict: upload_incomplete, upload_in_use.
    """
    upload = get_upload(session, upload_id, now=now, lock=True)
    if upload.parts:
        raise UploadConflict("upload_in_use", Text("a batch is being filled from this upload"))
    arrived = [part.number for part in list_parts(session, upload_id)]
    wanted = range(1, parts + 1)
    if missing := sorted(set(wanted) - set(arrived)):
        shown = ", ".join(map(str, missing[:_SHOWN])) + (" ..." if len(missing) > _SHOWN else "")
        text = Text("parts are missing: {parts}; send them and repeat the request", parts=shown)
        raise UploadConflict("upload_incomplete", text)
    if extra := [number for number in arrived if number > parts]:
        text = Text("part {number} has arrived, but the upload should have {parts}", number=extra[0], parts=parts)
        raise UploadConflict("upload_incomplete", text)
    upload.parts = parts
    upload.expires_at = now + life
    session.flush()


def reopen_upload(session: Session, upload_id: str, *, now: datetime, life: timedelta) -> None:
    """Make a complete upload available for another batch; an upload that does not exist any longer is ignored."""
    change = update(Upload).where(Upload.id == upload_id).values(parts=0, expires_at=now + life)
    session.execute(change, execution_options=_NO_SYNC)


def keep_upload(session: Session, upload_id: str, *, now: datetime, life: timedelta) -> None:
    """Renew an upload that is being read."""
    session.execute(
        update(Upload).where(Upload.id == upload_id).values(expires_at=now + life), execution_options=_NO_SYNC
    )


def read_part(session: Session, upload_id: str, number: int) -> bytes:
    """Return the content of a part. Raises UploadNotFound."""
    query = select(UploadPart.content).where(UploadPart.upload_id == upload_id, UploadPart.number == number)
    content = session.scalar(query)
    if content is None:
        raise UploadNotFound(upload_id)
    return bytes(content)


def delete_upload(session: Session, upload_id: str) -> bool:
    """Delete an upload with its parts; return False if it does not exist."""
    session.execute(delete(UploadPart).where(UploadPart.upload_id == upload_id), execution_options=_NO_SYNC)
    gone = delete(Upload).where(Upload.id == upload_id).returning(Upload.id)
    return session.execute(gone, execution_options=_NO_SYNC).first() is not None


def purge_uploads(session: Session, *, now: datetime, limit: int) -> int:
    """Delete expired uploads; return their number."""
    expired = session.scalars(select(Upload.id).where(Upload.expires_at <= now).order_by(Upload.id).limit(limit)).all()
    return sum(delete_upload(session, upload_id) for upload_id in expired)
