"""Access to the data of one request: a session with a time limit, a cohort and, optionally, a snapshot."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError, NotFound, Unavailable
from gonemaster_api.queries.causes import worst_first
from gonemaster_api.state import State
from gonemaster_db.analysis.public_snapshots import (
    PublicSnapshot,
    find_public_cohort,
    find_public_snapshot,
    has_hidden_default,
    list_public_snapshots,
)
from gonemaster_db.core.errors import CohortNotFound, NoDefaultCohort, SnapshotNotFound
from gonemaster_db.models import Cohort
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_engine.texts import Text
from gonemaster_engine.version import __version__


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The cohort of a request, in a session that ends with the request."""

    state: State
    session: Session
    cohort: Cohort

    @property
    def shows_scores(self) -> bool:
        """Whether the public may see scores and grades."""
        return self.state.settings.show_score_public

    @property
    def shows_timings(self) -> bool:
        """Whether the public may see response times of a domain's name servers."""
        return self.state.settings.show_nameserver_timings_public

    @property
    def shows_asn_names(self) -> bool:
        """Whether the public may see the holders of ASes."""
        return self.state.settings.show_asn_names_public

    def as_label(self, label: str, asn: int | None) -> str:
        """Return the public label of an AS; without `asn` the label does not name an AS and is unchanged."""
        return label if self.shows_asn_names or asn is None else f"AS{asn}"

    def snapshot(self, slug: str | None) -> PublicSnapshot:
        """Return a snapshot of the cohort, by default the default snapshot. Raises ApiError, 404."""
        try:
            return find_public_snapshot(self.session, self.cohort, slug)
        except SnapshotNotFound as error:
            text = (
                Text("the cohort has no public snapshot {slug}", slug=repr(slug[:100]))
                if slug
                else Text("the cohort has no public snapshot")
            )
            raise ApiError(404, "snapshot_not_found", text) from error

    def snapshots(self) -> list[PublicSnapshot]:
        """Return the newest snapshots of the cohort, newest first."""
        return list_public_snapshots(self.session, self.cohort)

    def version(self, *snapshots: PublicSnapshot) -> str:
        """Return a version that changes with the content of snapshots; for one snapshot it starts with its ID and time.

        A digest covers all other shown values: labels, the default snapshot, settings and the software version.
        """
        digest = hashlib.blake2b(digest_size=8)
        cohort = self.cohort
        shown = (cohort.id, cohort.updated_at, cohort.materialization_status, cohort.last_materialized_at)
        _update(digest, __version__, self.shows_scores, self.shows_timings, self.shows_asn_names, *shown)
        for snapshot in snapshots:
            _update(
                digest, snapshot.id, snapshot.view_id, snapshot.captured_at, snapshot.updated_at, snapshot.is_default
            )
        first = [
            f"{snapshot.id}-{int(snapshot.captured_at.timestamp())}-{snapshot.view_id}"
            for snapshot in snapshots
            if len(snapshots) == 1
        ]
        return "-".join([*first, digest.hexdigest()])


@dataclass(frozen=True, kw_only=True)
class ViewReading(Reading):
    """The cohort and the snapshot of a request."""

    shown: PublicSnapshot

    @property
    def view_id(self) -> int:
        """The id of the snapshot's view."""
        return self.shown.view_id

    def causes(self, rows: Iterable[Any]) -> dict[int, Sequence[str]]:
        """Return the root causes of domains by ID of the set, worst first."""
        sets = read_cause_sets(self.session, {row.cause_set_id for row in rows})
        return {set_id: worst_first(causes) for set_id, causes in sets.items()}

    @property
    def head(self) -> dict[str, str]:
        """The fields that identify cohort and snapshot in each document."""
        return {"dataset_tag": self.cohort.source_tag, "snapshot": self.shown.slug}

    def require(self, row: Any | None, kind: str, key: object) -> Any:
        """Return an object of the view. Raises NotFound if it does not exist."""
        if row is None:
            raise NotFound(kind, key)
        return row


def _update(digest: Any, *values: object) -> None:
    for value in values:
        digest.update(f"{value}\0".encode())


@contextmanager
def limited_session(state: State) -> Iterator[Session]:
    """Open a session for one request of the public analysis. Raises TimeLimitExceeded after the request timeout."""
    with state.store.read_only_within(state.settings.public_api_analysis_request_timeout) as session:
        yield session


@contextmanager
def reading(state: State, tag: str | None) -> Iterator[Reading]:
    """Open a reading of the public cohort of a tag, or of the default cohort.

    Raises:
        ApiError: 404 cohort_not_found; without a tag, the error of `no_default`.
    """
    with limited_session(state) as session:
        yield Reading(state=state, session=session, cohort=_cohort(session, tag))


@contextmanager
def view_reading(state: State, tag: str | None, slug: str | None) -> Iterator[ViewReading]:
    """Open a reading of a snapshot, by default the default snapshot. Raises ApiError: 404, or as `reading` does."""
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
    """Return the error that explains why there is no default cohort."""
    if has_hidden_default(session):
        return ApiError(500, "invalid_catalog", Text("the default cohort is not public"))
    if error.candidates:
        return Unavailable("no_default_cohort", Text("no public cohort is the default; specify one in the path"))
    return Unavailable("no_selectable_cohorts", Text("no cohort is public"))
