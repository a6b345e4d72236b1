"""Pages of decisions about DS records: the list with filters, one decision with its evidence, empty states."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.decisions.views import PER_PAGE
from gonemaster_api.ui.admin.decisions.words import action_names, reason_names, reason_texts
from gonemaster_api.v1.cds_decisions.schemas import ACTIONS
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.cds_decisions import add_decision
from gonemaster_engine.automation.cds import Reason
from gonemaster_engine.automation.observation import Observation
from gonemaster_tasks.control.parts import QueueParts
from tests.db.service.test_observed_zones import cds_watch, decide
from tests.engine.automation.test_cds import CHANGE, NOTHING, seen
from tests.ui.test_batches import text_of

LIST = "/cds-decisions"
OLD_DS, NEW_DS = "1 13 2 AB", "2 13 2 CD"


def store_decision(store: Store, watch_id: int, found: Observation, **fields: Any) -> int:
    values = {
        "domain": found.domain, "action": "replace", "reason": "rollover", "ds": [NEW_DS], "current_ds": [OLD_DS],
        "evidence": json.dumps(found.document()), "now": utcnow(),
    }  # fmt: skip
    with store.transaction() as session:
        return add_decision(session, watch_id=watch_id, **{**values, **fields}).key


def test_an_empty_list_says_what_to_do(client: FlaskClient) -> None:
    page = text_of(client, LIST)
    assert "No decisions" in page
    assert "<select" not in page  # without a filter, and without a file
    assert "format=csv" not in page
    assert 'name="action"' in text_of(client, f"{LIST}?action=add")
    assert 'href="/watches/new?kind=cds"' in page
    assert "Remove a filter" in text_of(client, f"{LIST}?action=add")


def test_the_list_is_filtered_and_linked_to_csv(client: FlaskClient, queue: QueueParts) -> None:
    watch = cds_watch(queue.store)
    replaced, refused = decide(queue.store, watch.id), decide(queue.store, watch.id, "b.example", "refuse")

    def shown(query: str) -> list[int]:
        page = text_of(client, f"{LIST}{query}")
        return [key for key in (replaced, refused) if f'href="{LIST}/{key}"' in page]

    assert shown("") == [replaced, refused]
    assert shown("?action=refuse") == shown("?domain=B.example") == [refused]
    assert shown("?reason=rollover") == shown(f"?watch_id={watch.id}") == [replaced, refused]
    assert shown("?reason=not_signed") == shown("?tag=none") == []
    page = text_of(client, f"{LIST}?action=refuse")
    assert 'href="/api/v1/cds-decisions?action=refuse&amp;format=csv"' in page
    csv = client.get("/api/v1/cds-decisions?action=refuse&format=csv").text
    assert "b.example" in csv
    assert "a.example" not in csv


def test_older_decisions_follow_on_the_next_page(client: FlaskClient, queue: QueueParts) -> None:
    watch = cds_watch(queue.store)
    keys = [decide(queue.store, watch.id) for _ in range(PER_PAGE + 1)]
    page = text_of(client, LIST)
    assert f"before={keys[1]}" in page
    assert f'href="{LIST}/{keys[0]}"' not in page
    assert f'href="{LIST}/{keys[0]}"' in text_of(client, f"{LIST}?before={keys[1]}")


@pytest.mark.parametrize("query", ["action=keep", "reason=evil", "watch_id=x", "watch_id=0", "before=-1", "limit=0"])
def test_a_wrong_filter_is_named(client: FlaskClient, query: str) -> None:
    assert f"<code>invalid_{query.partition('=')[0]}</code>" in text_of(client, f"{LIST}?{query}", 400)


def test_a_decision_shows_the_change_and_its_evidence(client: FlaskClient, queue: QueueParts) -> None:
    key = store_decision(queue.store, cds_watch(queue.store).id, seen())
    page = text_of(client, f"{LIST}/{key}")
    assert "CDS decision for example.xa" in page
    assert page.index("Remove") < page.index(">AB<") < page.index(">CD<")
    assert "&lt;secDNS:update" in page
    for text in ("ns0.example.xa", "127.9.1.1", "ns0.nic.xa", "signed by", "Evidence: parent zone"):
        assert text in page
    assert f'href="/api/v1/cds-decisions/{key}"' in page
    text_of(client, f"{LIST}/{key + 1}", 404)


def test_a_refusal_says_what_to_fix_and_shows_the_servers_that_differ(client: FlaskClient, queue: QueueParts) -> None:
    found = seen(CHANGE, NOTHING)
    fields = {"action": "refuse", "reason": "servers_differ", "ds": []}
    page = text_of(client, f"{LIST}/{store_decision(queue.store, cds_watch(queue.store).id, found, **fields)}")
    assert "All name servers must have the same CDS and CDNSKEY records (RFC 9975)." in page
    assert "secDNS" not in page
    assert '<td role="cell" class="wrap" data-label="CDS">none</td>' in page


def test_hostile_evidence_stays_text(client: FlaskClient, queue: QueueParts) -> None:
    found = seen().document()
    found["servers"][0]["ns"] = '"><script>x</script>'
    found["signals"] = [{"tag": "DS24_SIGNAL_CHAIN_BROKEN", "args": {"ns": "<img src=x>", "zone": "evil\u202e.xa"}}]
    fields = {"evidence": json.dumps(found)}
    page = text_of(client, f"{LIST}/{store_decision(queue.store, cds_watch(queue.store).id, seen(), **fields)}")
    assert "<script>x" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "Evidence: signals of RFC 9615" in page


def test_every_action_and_reason_that_is_decided_has_a_text(client: FlaskClient) -> None:
    never = {Reason.NOTHING_REQUESTED, Reason.IN_SYNC, Reason.NO_DS}  # the delegation is kept
    with client.application.test_request_context("/"):
        assert set(action_names()) == set(ACTIONS)
        assert set(reason_names()) == set(reason_texts()) == set(Reason) - never
