"""What a request of the public analysis reads: a session with a time limit, a cohort, and a snapshot of it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError, NotFound, Unavailable
from gonemaster_api.state import State
from gonemaster_db.analysis.offers import (
    OfferedSnapshot,
    find_offered_snapshot,
    find_public_cohort,
    has_hidden_default,
    list_offered_snapshots,
)
from gonemaster_db.core.errors import CohortNotFound, NoDefaultCohort, SnapshotNotFound
from gonemaster_db.models import Cohort
from gonemaster_engine.texts import Text
from gonemaster_engine.version import __version__


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The cohort that a request is about, in a session that ends with the request."""

    state: State
    session: Session
    cohort: Cohort

    @property
    def shows_scores(self) -> bool:
        """Whether the public may see scores and grades."""
        return self.state.settings.show_score_public

    @property
    def shows_timings(self) -> bool:
        """Whether the public may see response times of the name servers of one domain."""
        return self.state.settings.show_nameserver_timings_public

    @property
    def shows_asn_names(self) -> bool:
        """Whether the public may see who holds ASes."""
        return self.state.settings.show_asn_names_public

    def as_label(self, label: str, asn: int | None) -> str:
        """Return the label of an AS as the public may see it; text that names none (asn is None) stays as it is."""
        return label if self.shows_asn_names or asn is None else f"AS{asn}"

    def snapshot(self, slug: str | None) -> OfferedSnapshot:
        """Return a snapshot of the cohort, the default one without a slug. Raises ApiError, 404."""
        try:
            return find_offered_snapshot(self.session, self.cohort, slug)
        except SnapshotNotFound as error:
            text = (
                Text("the cohort has no public snapshot {slug}", slug=repr(slug[:100]))
                if slug
                else Text("the cohort has no public snapshot")
            )
            raise ApiError(404, "snapshot_not_found", text) from error

    def snapshots(self) -> list[OfferedSnapshot]:
        """Return the newest snapshots of the cohort, newest first."""
        return list_offered_snapshots(self.session, self.cohort)

    def version(self, *snapshots: OfferedSnapshot) -> str:
        """Return a text that changes with what is read from some snapshots: of one, its id and time of capture first.

        What is shown besides comes in as a digest: labels, the choice of the default, settings, this software.
        """
        digest = hashlib.blake2b(digest_size=8)
        cohort = self.cohort
        shown = (cohort.id, cohort.updated_at, cohort.materialization_status, cohort.last_materialized_at)
        _update(digest, __version__, self.shows_scores, self.shows_timings, self.shows_asn_names, *shown)
        for one in snapshots:
            _update(digest, one.id, one.view_id, one.captured_at, one.updated_at, one.is_default)
        first = [
            f"{one.id}-{int(one.captured_at.timestamp())}-{one.view_id}" for one in snapshots if len(snapshots) == 1
        ]
        return "-".join([*first, digest.hexdigest()])


@dataclass(frozen=True, kw_only=True)
class ViewReading(Reading):
    """The snapshot that a request is about as well."""

    shown: OfferedSnapshot

    @property
    def view_id(self) -> int:
        """The id of its view."""
        return self.shown.view_id

    @property
    def head(self) -> dict[str, str]:
        """What says in each document which cohort and snapshot it is about."""
        return {"dataset_tag": self.cohort.source_tag, "snapshot": self.shown.slug}

    def require(self, row: Any | None, what: str, key: object) -> Any:
        """Return an object of the view. Raises NotFound where there is none."""
        if row is None:
            raise NotFound(what, key)
        return row


def _update(digest: Any, *values: object) -> None:
    for value in values:
        digest.update(f"{value}\0".encode())


@contextmanager
def limited_session(state: State) -> Iterator[Session]:
    """Open a session for one request of the public analysis. Raises TimeLimitExceeded after the time that it has."""
    with state.store.read_only_within(state.settings.public_api_analysis_request_timeout) as session:
        yield session


@contextmanager
def reading(state: State, tag: str | None) -> Iterator[Reading]:
    """Read about the public cohort of a tag, or the default one.

    Raises:
        ApiError: 404 cohort_not_found; without a tag as `no_default`.
    """
    with limited_session(state) as session:
        yield Reading(state=state, session=session, cohort=_cohort(session, tag))


@contextmanager
def view_reading(state: State, tag: str | None, slug: str | None) -> Iterator[ViewReading]:
    """Read about a snapshot; without a slug about the default one. Raises ApiError, 404, and as `reading`."""
    with reading(state, tag) as of_cohort:
        shown = of_cohort.snapshot(slug)
        yield ViewReading(state=state, session=of_cohort.session, cohort=of_cohort.cohort, shown=shown)


def _cohort(session: Session, tag: str | None) -> Cohort:
    try:
        return find_public_cohort(session, tag)
    except CohortNotFound as error:
        raise ApiError(
            404, "cohort_not_found", Text("no such cohort: {key}", key=repr(str(error.key)[:100]))
        ) from error
    except NoDefaultCohort as error:
        raise no_default(session, error) from error


def no_default(session: Session, error: NoDefaultCohort) -> ApiError:
    """Say why there is no default cohort."""
    if has_hidden_default(session):
        return ApiError(500, "invalid_catalog", Text("the default cohort is not public"))
    if error.candidates:
        return Unavailable(
            "no_default_cohort", Text("none of the public cohorts is the default one; name one in the path")
        )
    return Unavailable("no_selectable_cohorts", Text("no cohort is public"))
