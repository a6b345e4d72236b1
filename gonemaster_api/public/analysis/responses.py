"""Responses that clients keep and ask about: their version is an ETag, and an unchanged one is a 304."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, request

from gonemaster_api.queries.analysis.reading import Reading, ViewReading, reading, view_reading
from gonemaster_api.state import state
from gonemaster_db.repositories.analysis.offers import OfferedSnapshot, find_default_snapshot
from gonemaster_tasks.config.scoring import current_scoring

REVALIDATED = "no-cache"
LIST_MAX_AGE = "public, max-age=60"


def of_view(tag: str | None, slug: str | None, read: Callable[[ViewReading], Any]) -> Any:
    """Return what is read of a snapshot, or 304 if the client has it."""
    with view_reading(state(), tag, slug) as found:
        return _tagged(found.version(found.shown), lambda: read(found))


def of_default(tag: str, read: Callable[[Reading, OfferedSnapshot | None], Any]) -> Any:
    """Return what is read of the default snapshot of a cohort, which it may not have, or 304 if the client has it."""
    with reading(state(), tag) as found:
        shown = find_default_snapshot(found.session, found.cohort)
        return _tagged(found.version(*([shown] if shown else [])), lambda: read(found, shown))


def of_cohort(
    tag: str | None, read: Callable[[Reading, list[OfferedSnapshot]], Any], *, caching: str = REVALIDATED
) -> Any:
    """Return what is read of all snapshots of a cohort, or 304 if the client has it."""
    with reading(state(), tag) as found:
        snapshots = found.snapshots()
        return _tagged(found.version(*snapshots), lambda: read(found, snapshots), caching=caching)


def of_snapshots(
    tag: str | None,
    slugs: tuple[str, str],
    read: Callable[..., Any],
) -> Any:
    """Return what is read of two snapshots of a cohort with the scoring in effect, or 304 if the client has it.

    `read` gets the Reading, both snapshots and the ScoringConfig.
    """
    shared = state()
    config = current_scoring(shared.store, shared.settings)
    with reading(shared, tag) as found:
        before, after = (found.snapshot(slug) for slug in slugs)
        version = f"{found.version(before, after)}-{config.fingerprint[:8]}"
        return _tagged(version, lambda: read(found, before, after, config))


def _tagged(version: str, read: Callable[[], Any], *, caching: str = REVALIDATED) -> Any:
    # Weak: compression may change the octets, never what they say.
    headers = {"ETag": f'W/"{version}"', "Cache-Control": caching}
    # Some versions of Flask-Compress put `:gzip` behind the tag of what they have compressed.
    known = {tag.partition(":")[0] for tag in request.if_none_match.as_set(include_weak=True)}
    if request.if_none_match.star_tag or version in known:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return read(), headers
