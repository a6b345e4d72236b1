"""Profiles, settings, audit log and idempotency keys."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core.errors import (
    IdempotencyConflict,
    ProfileExists,
    ProfileNotFound,
    ReferenceGone,
    StoreConflict,
)
from gonemaster_db.core.session import Store
from gonemaster_db.domains import profiles
from gonemaster_db.domains.tags import create_tag, get_tag, set_default_profile
from gonemaster_db.models import EffectiveProfile, Job, Run
from gonemaster_db.service import settings
from gonemaster_db.service.audit import list_actions, record_action
from gonemaster_db.service.idempotency import find_response, purge_expired_responses, store_response
from tests.support.rows import NOON, make_run, queue_job, record
from tests.support.threads import together

LATER = NOON + timedelta(hours=1)


def make_profile(store: Store, name: str, *, public: bool = False, version: str = "1") -> int:
    with store.transaction() as session:
        return profiles.create_profile(
            session, name, config={"net": {"ipv6": False}}, schema_version=version, now=NOON, public=public
        ).id


def test_profiles_are_created_listed_and_found(store: Store) -> None:
    strict, open_one = make_profile(store, "strict"), make_profile(store, "open", public=True)
    with store.read_only() as session:
        assert [p.id for p in profiles.list_profiles(session)] == [open_one, strict]
        assert [p.id for p in profiles.list_profiles(session, public_only=True)] == [open_one]
        found = profiles.get_profile(session, strict)
        assert (found.name, found.config, found.public) == ("strict", {"net": {"ipv6": False}}, False)
        assert (found.schema_version, found.created_at, found.updated_at) == ("1", NOON, NOON)
        assert profiles.find_profile(session, "none") is None
        with pytest.raises(ProfileNotFound):
            profiles.get_profile(session, 999)


def test_profile_names_are_unique(store: Store) -> None:
    first = make_profile(store, "first")
    make_profile(store, "second")
    with store.transaction() as session:
        with pytest.raises(ProfileExists):
            profiles.create_profile(session, "first", config={}, schema_version="1", now=NOON)
        with pytest.raises(ProfileExists):
            profiles.update_profile(session, first, now=LATER, name="second")
        assert profiles.update_profile(session, first, now=LATER, name="first").name == "first"


def test_profile_changes_only_what_is_given(store: Store) -> None:
    profile_id = make_profile(store, "strict")
    with store.transaction() as session:
        profiles.update_profile(session, profile_id, now=LATER, config={}, public=True)
    with store.read_only() as session:
        found = profiles.get_profile(session, profile_id)
        assert (found.name, found.config, found.public, found.updated_at) == ("strict", {}, True, LATER)


def test_one_of_two_concurrent_changes_gets_a_name(store: Store) -> None:
    first, second = make_profile(store, "first"), make_profile(store, "second")

    def create() -> object:
        return store.run_in_transaction(
            lambda s: profiles.create_profile(s, "x", config={}, schema_version="1", now=NOON).id
        )

    def rename(profile_id: int) -> object:
        return store.run_in_transaction(lambda s: profiles.update_profile(s, profile_id, now=NOON, name="x").id)

    answers = together(create, create, lambda: rename(first), lambda: rename(second))
    assert sum(isinstance(answer, ProfileExists) for answer in answers) == 3, answers


def test_a_review_does_not_change_the_update_time(store: Store) -> None:
    profile_id = make_profile(store, "strict")
    with store.transaction() as session:
        assert profiles.set_reviewed(session, profile_id, "2").schema_version == "2"
        assert profiles.get_profile(session, profile_id).updated_at == NOON
        with pytest.raises(ProfileNotFound):
            profiles.set_reviewed(session, 999, "2")


def test_a_reference_to_a_missing_profile_is_reported(store: Store) -> None:
    with pytest.raises(ReferenceGone):
        queue_job(store, profile_id=999)


def test_deleting_a_profile_clears_it_in_tags_jobs_and_runs(store: Store) -> None:
    profile_id = make_profile(store, "strict")
    job = queue_job(store, profile_id=profile_id, profile_name="strict")
    run = make_run(store, profile_id=profile_id, profile_name="strict")
    with store.transaction() as session:
        create_tag(session, "gov", now=NOON)
        set_default_profile(session, "gov", profile_id)
    with store.transaction() as session:
        profiles.delete_profile(session, profile_id)
        with pytest.raises(ProfileNotFound):
            profiles.delete_profile(session, profile_id)
    with store.read_only() as session:
        assert get_tag(session, "gov").tag.default_profile_id is None
        for model, key in ((Job, job.id), (Run, run.id)):
            found = session.execute(select(model.profile_id, model.profile_name).where(model.id == key)).one()
            assert tuple(found) == (None, "strict")


def test_all_profiles_of_other_versions_are_marked(store: Store) -> None:
    for name, version in (("a", "1"), ("b", "2"), ("c", "1")):
        make_profile(store, name, version=version)
    with store.transaction() as session:
        assert profiles.mark_all_reviewed(session, schema_version="2") == 2
        assert profiles.mark_all_reviewed(session, schema_version="2") == 0


def test_unused_effective_profiles_are_purged(store: Store) -> None:
    make_run(store, outcome=record(effective_profile="old", at=NOON))
    make_run(store, outcome=record(effective_profile="new", at=LATER))
    with store.transaction() as session:
        assert profiles.purge_effective_profiles(session, older_than=LATER + LATER.resolution) == 0
        purge_finished_before(session, LATER)
        assert profiles.purge_effective_profiles(session, older_than=NOON) == 0
        assert profiles.purge_effective_profiles(session, older_than=LATER) == 1
        assert session.scalars(select(EffectiveProfile.document)).all() == ["new"]


def test_settings_are_written_and_deleted(store: Store) -> None:
    with store.transaction() as session:
        settings.write_settings(session, {"worker_count": 4, "days": 7, "a": "x"}, now=NOON)
        settings.write_settings(session, {"worker_count": 8, "b": [1], "c": {"d": False}}, now=LATER)
    with store.transaction() as session:
        assert settings.read_settings(session, ["worker_count", "none"]) == {"worker_count": 8}
        assert settings.delete_settings(session, ["worker_count", "none"]) == ["worker_count"]
        assert settings.read_settings(session) == {"days": 7, "a": "x", "b": [1], "c": {"d": False}}


def test_settings_revision_differs_after_every_change(store: Store) -> None:
    marks = [""]
    with store.transaction() as session:
        assert settings.settings_revision(session) == ""
        for value in (1, 1, 2):
            settings.write_settings(session, {"a": value}, now=NOON)
            marks.append(settings.settings_revision(session))
        settings.delete_settings(session, ["a"])
        marks.append(settings.settings_revision(session))
        assert len(set(marks)) == len(marks)
        assert settings.read_settings(session) == {}


def test_audit_lines_are_listed_newest_first_and_filtered(store: Store) -> None:
    with store.transaction() as session:
        for number, action in enumerate(("queue.pause", "batch.delete", "queue.move")):
            moment = NOON + timedelta(minutes=number)
            record_action(session, action, who=f"ops{number}", now=moment, target=f"t{number}", count=number)
        record_action(session, "settings", who="", now=NOON, details={"keys": ["a"]})
    with store.read_only() as session:

        def found(action: str = "") -> list[str]:
            return [line.who for line in list_actions(session, action=action).items]

        assert found() == ["ops2", "ops1", "", "ops0"]
        assert found("batch.delete") == ["ops1"]
        assert found("queue.") == ["ops2", "ops0"]
        assert found("queue") == []
        page = list_actions(session, limit=1, offset=2)
        assert (page.total, page.items[0].details, page.items[0].count) == (4, {"keys": ["a"]}, 1)


def test_a_response_is_stored_for_a_day(store: Store) -> None:
    with store.transaction() as session:
        assert find_response(session, "k", request_hash="h", now=NOON) is None
        store_response(session, "k", request_hash="h", status_code=201, response={"id": "job_1"}, now=NOON)
        found = find_response(session, "k", request_hash="h", now=NOON + timedelta(hours=23))
        assert found is not None
        assert (found.status_code, found.response) == (201, {"id": "job_1"})
        with pytest.raises(IdempotencyConflict):
            find_response(session, "k", request_hash="other", now=NOON)
        tomorrow = NOON + timedelta(hours=24)
        assert find_response(session, "k", request_hash="other", now=tomorrow) is None
        store_response(session, "k", request_hash="other", status_code=202, response={}, now=tomorrow)
        assert purge_expired_responses(session, now=tomorrow) == 0
        assert purge_expired_responses(session, now=tomorrow + timedelta(hours=24)) == 1


def test_concurrent_requests_with_one_key_work_once(store: Store) -> None:
    def submit() -> str:
        def work(session: object) -> str:
            found = find_response(session, "k", request_hash="h", now=NOON)  # type: ignore[arg-type]
            if found is not None:
                return str(found.response["id"])
            job = Job(id=f"job_{len(made)}", domain="a.example", position=1, created_at=NOON)
            made.append(job.id)
            session.add(job)  # type: ignore[attr-defined]
            response = {"id": job.id}
            store_response(session, "k", request_hash="h", status_code=201, response=response, now=NOON)  # type: ignore[arg-type]
            return job.id

        return store.run_in_transaction(work)

    made: list[str] = []
    answers = set(together(submit, submit, submit, submit))
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1
        assert answers == set(session.scalars(select(Job.id)))


def test_a_key_in_use_raises_a_conflict(store: Store) -> None:
    with store.transaction() as session:
        store_response(session, "k", request_hash="h", status_code=201, response={}, now=NOON)
        with pytest.raises(StoreConflict):
            store_response(session, "k", request_hash="h", status_code=201, response={}, now=NOON)
