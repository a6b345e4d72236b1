"""Responses of the analysis that clients cache and revalidate: the version is an ETag."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from gonemaster_api.public.revalidation import REVALIDATED, tagged
from gonemaster_api.queries.analysis.reading import Reading, ViewReading, reading, view_reading
from gonemaster_api.state import state
from gonemaster_db.analysis.public_snapshots import PublicSnapshot, find_default_snapshot
from gonemaster_tasks.config.scoring import current_scoring

LIST_MAX_AGE = "public, max-age=60"


def view_response(tag: str | None, slug: str | None, read: Callable[[ViewReading], Any]) -> Any:
    """Return the result of `read` for a snapshot, or 304 if the client has it."""
    with view_reading(state(), tag, slug) as found:
        return tagged(found.version(found.shown), lambda: read(found))


def view_response_with(
    tag: str | None,
    slug: str | None,
    others: Callable[[ViewReading], dict[str, Any]],
    read: Callable[[ViewReading], dict[str, Any]],
) -> Any:
    """Return the result of `read` for a snapshot, with `others`, or 304 if the client has both.

    `others` may change while the snapshot does not, for example if a run is deleted. So the response is not cached.
    """
    with view_reading(state(), tag, slug) as found:
        others_data = others(found)
        digest = blake2b(repr(others_data).encode(), digest_size=4).hexdigest()
        return tagged(f"{found.version(found.shown)}-{digest}", lambda: read(found) | others_data, is_whole=False)


def default_response(tag: str, read: Callable[[Reading, PublicSnapshot | None], Any]) -> Any:
    """Return the result of `read` for a cohort and its default snapshot, if any, or 304 if the client has it."""
    with reading(state(), tag) as found:
        shown = find_default_snapshot(found.session, found.cohort)
        return tagged(found.version(*([shown] if shown else [])), lambda: read(found, shown))


def cohort_response(
    tag: str | None, read: Callable[[Reading, list[PublicSnapshot]], Any], *, caching: str = REVALIDATED
) -> Any:
    """Return the result of `read` for all snapshots of a cohort, or 304 if the client has it."""
    with reading(state(), tag) as found:
        snapshots = found.snapshots()
        return tagged(found.version(*snapshots), lambda: read(found, snapshots), caching=caching)


def comparison_response(
    tag: str | None,
    slugs: tuple[str, str],
    read: Callable[..., Any],
) -> Any:
    """Return the result of `read` for two snapshots of a cohort and the current scoring, or 304 if the client has it.

    `read` receives the Reading, both snapshots and the ScoringConfig.
    """
    shared = state()
    config = current_scoring(shared.store, shared.settings)
    with reading(shared, tag) as found:
        before, after = (found.snapshot(slug) for slug in slugs)
        version = f"{found.version(before, after)}-{config.fingerprint[:8]}"
        return tagged(version, lambda: read(found, before, after, config))
