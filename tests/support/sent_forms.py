"""The test that submits each form of the pages; a check runs with each of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, Response, request_finished
from flask import request as current

TESTS = Path(__file__).parent.parent
# Test by test, the views to which the test submits a form successfully.
SENT_BY = {
    "api/web/test_authentication.test_a_browser_gets_a_login_page_and_then_what_it_asked_for": [
        "login.enter",
        "login.leave",
    ],
    "ui/test_batches.test_failed_jobs_are_run_again_and_the_rest_is_canceled": [
        "ui_batch_changes.cancel",
        "ui_batch_changes.cancel_job",
        "ui_batch_changes.rerun",
    ],
    "ui/test_batches.test_snapshot_intent_is_switched": ["ui_batch_changes.snapshot"],
    "ui/test_batches.test_a_batch_is_deleted_by_typing_its_id": ["ui_batch_deletion.delete"],
    "ui/test_batches.test_a_new_batch_says_what_is_wrong_and_keeps_what_was_typed": ["ui_new_batch.submit"],
    "ui/test_rst_pages.test_a_rehearsal_is_started_listed_and_reported": ["ui_rst.start"],
    "ui/test_cohorts.test_a_cohort_is_rebuilt_cleared_and_deleted": [
        "ui_cohort_changes.clear",
        "ui_cohort_changes.delete",
        "ui_cohort_changes.rebuild",
        "ui_cohort_changes.rematerialize",
    ],
    "ui/test_cohorts.test_switches_say_what_they_need_and_ask_before_they_remove": ["ui_cohort_changes.switch"],
    "ui/test_cohorts.test_cohorts_are_made_listed_and_changed": ["ui_cohort_forms.edit", "ui_cohort_forms.new"],
    "ui/test_cohorts.test_a_new_snapshot_is_a_batch_of_the_tag": ["ui_cohort_runs.run"],
    "ui/test_cohorts.test_snapshots_are_managed": [
        "ui_snapshots.change",
        "ui_snapshots.edit",
        "ui_snapshots.purge",
        "ui_snapshots.undo_retire",
    ],
    "ui/test_domain_pages.test_a_domain_with_runs_is_deleted_once_its_name_is_typed": ["ui_domains.delete"],
    "ui/test_domain_pages.test_domains_without_runs_are_pruned_after_a_tick": ["ui_domains.prune"],
    "ui/test_domain_pages.test_tags_are_edited_in_one_field": ["ui_domains.tags"],
    "ui/test_domain_pages.test_a_domain_is_tested_again": ["ui_domains.test_again"],
    "ui/test_job_pages.test_a_job_is_tested_again_with_its_options": ["ui_jobs.again"],
    "ui/test_job_pages.test_a_waiting_job_is_held_released_moved_and_canceled": [
        "ui_jobs.cancel",
        "ui_jobs.front",
        "ui_jobs.hold",
        "ui_jobs.release",
    ],
    "ui/test_new_test.test_a_check_complains_of_nothing_that_is_still_empty": ["ui_test.check"],
    "ui/test_new_test.test_a_test_is_queued_with_all_its_options": ["ui_test.start"],
    "ui/test_public_form.test_a_test_is_queued_and_its_page_opens": ["ui_public.submit"],
    "ui/test_queue.test_a_running_job_is_canceled_after_a_question": ["ui_queue.cancel"],
    "ui/test_queue.test_one_job_moves_is_held_and_released_and_each_can_be_undone": ["ui_queue.change"],
    "ui/test_queue.test_a_tier_is_cleared_after_a_tick": ["ui_queue.clear"],
    "ui/test_queue.test_a_job_is_dragged_next_to_another": ["ui_queue.order"],
    "ui/test_queue.test_a_tier_is_paused_with_reason_and_end_and_resumed": ["ui_queue.pause", "ui_queue.resume"],
    "ui/test_recent.test_runs_are_repeated_as_a_batch": ["ui_recent.bulk"],
    "ui/test_schedule_pages.test_a_cohort_needs_its_analysis_for_a_schedule": ["ui_schedules.of_cohort"],
    "ui/test_schedule_pages.test_a_schedule_is_previewed_saved_changed_and_removed": ["ui_schedules.of_tag"],
    "ui/test_policy_pages.test_policy_is_stored_changed_copied_and_deleted": [
        "ui_policies.change",
        "ui_policies.create",
        "ui_policies.delete",
    ],
    "ui/test_settings_pages.test_a_profile_is_stored_changed_duplicated_and_deleted": [
        "ui_profiles.change",
        "ui_profiles.create",
        "ui_profiles.delete",
    ],
    "ui/test_settings_pages.test_a_profile_is_repaired": ["ui_profiles.repair"],
    "ui/test_settings_pages.test_profiles_are_found_and_reviewed": ["ui_profiles.review_all"],
    "ui/test_settings_pages.test_scoring_is_changed_by_its_tables": ["ui_scoring.reset", "ui_scoring.save"],
    "ui/test_settings_pages.test_a_changed_field_is_saved_and_nothing_else": ["ui_settings.save"],
    "ui/test_shell.test_a_browser_remembers_its_theme_and_is_led_back": ["shell.choose"],
    "ui/test_tags.test_domains_are_added_and_removed": ["ui_tag_changes.add"],
    "ui/test_tags.test_tags_are_listed_and_made": ["ui_tag_changes.create"],
    "ui/test_tags.test_profile_and_description_are_set": ["ui_tag_changes.describe", "ui_tag_owner.profile"],
    "ui/test_tags.test_all_that_match_the_filter_are_removed_after_a_tick": ["ui_tag_changes.remove"],
    "ui/test_tags.test_runs_are_removed_and_the_tag_is_deleted_in_two_steps": [
        "ui_tag_owner.delete",
        "ui_tag_owner.purge",
    ],
    "ui/test_share_pages.test_page_creates_lists_and_revokes": ["ui_shares.create", "ui_shares.revoke"],
    "ui/test_token_pages.test_a_token_is_created_and_shown_once": ["ui_tokens.create"],
    "ui/test_token_pages.test_a_token_is_revoked_after_a_confirmation": ["ui_tokens.delete"],
    "ui/test_watches.test_a_watch_is_made_shown_changed_and_deleted": [
        "ui_watch_changes.delete",
        "ui_watch_changes.edit",
        "ui_watch_changes.new",
        "ui_watch_changes.switch",
    ],
    "ui/test_watches.test_a_test_message_is_queued_and_followed": ["ui_watch_changes.test"],
}

# Views that answer with a page or with data after success, not with a redirect.
ANSWERS = frozenset({"ui_shares.create", "ui_test.check", "ui_tokens.create"})


@pytest.fixture(autouse=True)
def sends_its_forms(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of SENT_BY that does not submit successfully to each of its views."""
    file = request.path.relative_to(TESTS).with_suffix("")
    expected = set(SENT_BY.get(f"{file}.{request.node.originalname}", ()))
    sent: set[str] = set()

    def note(_: Flask, response: Response, **__: object) -> None:
        if current.method == "POST" and current.endpoint in expected and is_success(current.endpoint, response):
            sent.add(current.endpoint)

    if not expected:
        yield
        return
    with request_finished.connected_to(note):
        yield
    assert sent == expected, "SENT_BY says that this test sends to the others, too"


def is_success(endpoint: str, response: Response) -> bool:
    """Return whether a form was accepted: a page that asks again or shows an error has status 200 or 4xx."""
    return response.status_code == 303 or (endpoint in ANSWERS and response.status_code < 300)
