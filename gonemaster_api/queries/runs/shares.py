"""Links that share one result, and the runs that they show."""

from http import HTTPStatus
from typing import Any

from gonemaster_api.auth.tokens import digest_of, is_session, token_id
from gonemaster_api.errors import ApiError, NotFound
from gonemaster_api.state import State
from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Run, ShareLink
from gonemaster_db.runs.runs import get_run
from gonemaster_db.runs.shares import find_share, list_shares
from gonemaster_engine.texts import Text


def share_document(share: ShareLink, run_id: str) -> dict[str, Any]:
    """Return the document of a link; it contains neither the link nor its digest."""
    return {
        "id": token_id(share.digest),
        "run_id": run_id,
        "state": "revoked" if share.revoked_at else "expired" if share.expires_at <= utcnow() else "valid",
        "created_by": share.created_by,
        "created_at": share.created_at,
        "expires_at": share.expires_at,
        "revoked_at": share.revoked_at,
    }


def read_shares(state: State, run_id: str) -> list[dict[str, Any]]:
    """Return the links to a run, newest first. Raises RunNotFound."""
    with state.store.read_only() as session:
        get_run(session, run_id)
        return [share_document(share, run_id) for share in list_shares(session, run_id)]


def read_shared(state: State, secret: str) -> tuple[ShareLink, Run]:
    """Return the link with a secret, and the run that it shows.

    Raises:
        NotFound: there is no such link, or its run was deleted.
        ApiError: 410 share_expired or share_revoked.
    """
    found = None
    if is_session(secret):  # the same format
        with state.store.read_only() as session:
            found = find_share(session, digest_of(secret))
    if found is None:
        raise NotFound("share link", "***")
    share, run = found
    if share.revoked_at:
        raise ApiError(HTTPStatus.GONE, "share_revoked", Text("this link was revoked"))
    if share.expires_at <= utcnow():
        raise ApiError(HTTPStatus.GONE, "share_expired", Text("this link has expired"))
    return share, run
