"""Responses of the analysis, which clients keep and ask about: their version is an ETag."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from gonemaster_api.public.revalidation import REVALIDATED, tagged
from gonemaster_api.queries.analysis.reading import Reading, ViewReading, reading, view_reading
from gonemaster_api.state import state
from gonemaster_db.analysis.offers import OfferedSnapshot, find_default_snapshot
from gonemaster_tasks.config.scoring import current_scoring

LIST_MAX_AGE = "public, max-age=60"


def of_view(tag: str | None, slug: str | None, read: Callable[[ViewReading], Any]) -> Any:
    """Return what is read of a snapshot, or 304 if the client has it."""
    with view_reading(state(), tag, slug) as found:
        return tagged(found.version(found.shown), lambda: read(found))


def of_view_and(
    tag: str | None,
    slug: str | None,
    others: Callable[[ViewReading], dict[str, Any]],
    read: Callable[[ViewReading], dict[str, Any]],
) -> Any:
    """Return what is read of a snapshot with `others`, which may change meanwhile, or 304 if the client has both.

    It is not kept: a domain has no entries any more when its run is deleted.
    """
    with view_reading(state(), tag, slug) as found:
        beside = others(found)
        digest = blake2b(repr(beside).encode(), digest_size=4).hexdigest()
        return tagged(f"{found.version(found.shown)}-{digest}", lambda: read(found) | beside, is_whole=False)


def of_default(tag: str, read: Callable[[Reading, OfferedSnapshot | None], Any]) -> Any:
    """Return what is read of the default snapshot of a cohort, which it may not have, or 304 if the client has it."""
    with reading(state(), tag) as found:
        shown = find_default_snapshot(found.session, found.cohort)
        return tagged(found.version(*([shown] if shown else [])), lambda: read(found, shown))


def of_cohort(
    tag: str | None, read: Callable[[Reading, list[OfferedSnapshot]], Any], *, caching: str = REVALIDATED
) -> Any:
    """Return what is read of all snapshots of a cohort, or 304 if the client has it."""
    with reading(state(), tag) as found:
        snapshots = found.snapshots()
        return tagged(found.version(*snapshots), lambda: read(found, snapshots), caching=caching)


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
        return tagged(version, lambda: read(found, before, after, config))
