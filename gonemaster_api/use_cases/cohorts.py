"""Changes of cohorts, each with its audit record."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.tag_names import check_tag_name
from gonemaster_api.state import State
from gonemaster_db.analysis.cohorts import change_cohort, create_cohort
from gonemaster_db.batches.batches import set_snapshot_intent_of_tag
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import InvalidCatalog
from gonemaster_db.models import Cohort
from gonemaster_db.service.audit import record_action
from gonemaster_engine.texts import Text, text_of


def make_cohort(state: State, request: Mapping[str, Any], *, who: str) -> Cohort:
    """Create the cohort of a tag; if its analysis is enabled, its runs are projected in the background.

    Raises:
        BadRequest: missing_source_tag, invalid_source_tag, invalid_catalog.
        CohortExists: the tag has a cohort.
    """
    tag, now = request["source_tag"].strip(), utcnow()
    if not tag:
        raise BadRequest("missing_source_tag", Text("source_tag is empty"))
    check_tag_name(tag, code="invalid_source_tag")

    def create(session: Session) -> Cohort:
        created = create_cohort(session, tag, request, now=now)
        record_action(session, "cohort.create", who=who, now=now, target=tag, details={"cohort_id": created.id})
        return created

    return _checked(state, create)


def promote_earlier_batches(state: State, tag: str) -> None:
    """Make all existing batches of a tag become snapshots of the cohort that is about to be created."""
    state.store.run_in_transaction(lambda session: set_snapshot_intent_of_tag(session, tag))


def patch_cohort(state: State, cohort_id: int, request: Mapping[str, Any], *, who: str) -> Cohort:
    """Change a cohort.

    Raises:
        BadRequest: invalid_catalog.
        CohortNotFound: no such cohort.
    """
    now = utcnow()

    def change(session: Session) -> Cohort:
        changed = change_cohort(session, cohort_id, request, now=now)
        details = {"cohort_id": cohort_id, "changed": sorted(request)}
        record_action(session, "cohort.change", who=who, now=now, target=changed.source_tag, details=details)
        return changed

    return _checked(state, change)


def _checked(state: State, work: Any) -> Cohort:
    try:
        changed: Cohort = state.store.run_in_transaction(work)
    except InvalidCatalog as error:
        raise BadRequest("invalid_catalog", text_of(error)) from error
    return changed
