"""Submission of sweeps: the request is checked, an operation fills the batch."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import named_profile, read_options
from gonemaster_db.batches.sweeps import create_sweep
from gonemaster_db.batches.uploads import complete_upload
from gonemaster_db.core.ids import new_batch_id
from gonemaster_db.domains.tags import ensure_tags
from gonemaster_db.models import Operation, OperationKind
from gonemaster_db.service.operations import create_operation
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.control.operations import notify_operations
from gonemaster_tasks.control.sweeps.source import fingerprint
from gonemaster_tasks.errors import SourceInvalid


def submit_sweep(state: State, request: Mapping[str, Any], *, who: str, keep: Keep) -> Operation:
    """Start the operation that fills a batch; `keep` stores the response in the same transaction.

    Raises:
        BadRequest: nothing was written.
        UploadNotFound, UploadConflict: the upload does not exist, is incomplete or used already.
    """
    source = _source(state, request)
    options = read_options(state, request, origin="batch")
    tags = list(options.config.get("tags", ()))
    with state.store.read_only() as session:
        named_profile(session, request.get("profile_id"))
    batch_id, now = new_batch_id(), state.queue.clock.now()
    stored = {
        "config": dict(options.config),
        "profile_id": request.get("profile_id"),
        "expires_at": options.expires_at.isoformat() if options.expires_at else "",
    }

    def start(session: Session) -> Operation:
        if upload_id := source.get("upload_id"):
            life = state.settings.upload_lifetime
            complete_upload(session, upload_id, source["parts"], now=now, life=life)
        ensure_tags(session, tags, now=now)  # Each domain joins when its job ends.
        operation = create_operation(
            session, OperationKind.FILL_BATCH, target=batch_id, total=0, who=who, now=now, details={"source": source}
        )
        create_sweep(
            session,
            operation,
            source=source,
            batch=_batch(request, tags, default_keep=state.settings.keep_runs),
            options=stored,
            skip_invalid=bool(request.get("skip_invalid")),
        )
        keep(session, _document(operation))
        return operation

    operation = state.store.run_in_transaction(start)
    structlog.contextvars.bind_contextvars(batch_id=batch_id)
    notify_operations(state.queue, operation)
    return operation


def _document(operation: Operation) -> dict[str, Any]:
    names = ("id", "kind", "target", "status", "done", "total", "result", "error", "attempts", "who", "created_at")
    return {name: getattr(operation, name) for name in names} | {"started_at": None, "finished_at": None}


def _batch(request: Mapping[str, Any], tags: list[str], *, default_keep: str) -> dict[str, Any]:
    return {
        "tag": next(iter(tags), ""),
        "tags": tags,
        "name": request.get("name") or "",
        "description": request.get("description") or "",
        "snapshot_intent": bool(request.get("snapshot_intent")),
        "promote_snapshot": bool(request.get("promote_snapshot_default")),
        "keep": request.get("keep") or "",
        "default_keep": default_keep,
    }


def _source(state: State, request: Mapping[str, Any]) -> dict[str, Any]:
    upload_id, file = request.get("upload_id"), request.get("file")
    if bool(upload_id) == bool(file):
        raise BadRequest("ambiguous_source", Text("specify either upload_id or file"))
    if request.get("nameservers") is not None or request.get("ds_info") is not None:
        text = Text("nameservers and ds_info are not allowed in a batch; submit single jobs")
        raise BadRequest("undelegated_not_supported_for_batch", text)
    if upload_id:
        if not request.get("parts"):
            raise BadRequest("missing_parts", Text("parts must be the number of parts of the upload"))
        return {"upload_id": upload_id, "parts": request["parts"]}
    source = {"file": file}
    try:
        fingerprint(source, state.settings.sweep_files)
    except SourceInvalid as error:
        raise BadRequest("invalid_file", text_of(error)) from error
    return source
