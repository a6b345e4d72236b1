"""The page of a watched rollover: verdict, picture, steps, deadlines, faults and states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.watches.words import (
    cached_texts,
    fault_texts,
    step_names,
    transfer_texts,
    verdict_texts,
)
from gonemaster_api.ui.shell.charts.rollovers import MOST_STATES, NARROW, WIDE, groups_of, names_of_keys, timeline_of
from gonemaster_db.core.session import Store
from gonemaster_db.models import WatchEvent, WatchKind
from gonemaster_db.service.rollover_spans import add_span, extend_span
from gonemaster_engine.automation.rollover import CachedSet, FaultKind, RolloverVerdict, StepKind, state_document
from gonemaster_engine.automation.transfer import TransferOutcome
from gonemaster_tasks.control.parts import QueueParts
from tests.db.service.test_watches import make_watch
from tests.engine.automation.test_rollover import BROKEN, GOOD, START, Shown, state
from tests.ui.test_batches import text_of

START_AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
WHY = (TransferOutcome.TOO_SLOW.value, TransferOutcome.REFUSED.value)
EVENTS = (WatchEvent.ROLLOVER_STEP, WatchEvent.ROLLOVER_BROKEN, WatchEvent.ROLLOVER_COMPLETED)


def watched(store: Store, timeline: Sequence[Shown], *, domain: str = "example.xa", end: int = 300) -> int:
    """Store a watch with a timeline; each state lasts until just before the next one. Return the ID of the watch."""
    values: dict[str, Any] = {"kind": WatchKind.ROLLOVER, "interval_s": 10, "url": None, "host": "", "tag": None}
    watch = make_watch(store, *EVENTS, **values, domain=domain, ends_at=START_AT + timedelta(hours=48))
    with store.transaction() as session:
        for shown, after in zip_longest(timeline, timeline[1:]):
            last = (after.at - 10) if after else shown.at + end
            at = START_AT + timedelta(seconds=shown.at)
            span = add_span(session, watch.id, at=at, state=state_document(state(shown)))
            extend_span(span, at=START_AT + timedelta(seconds=last))
    return watch.id


def page_of(client: FlaskClient, store: Store, timeline: Sequence[Shown], **values: Any) -> str:
    return text_of(client, f"/watches/{watched(store, timeline, **values)}/rollover")


def test_a_completed_rollover_is_shown_with_its_steps_and_deadlines(client: FlaskClient, queue: QueueParts) -> None:
    page = page_of(client, queue.store, GOOD["KSK, double key"][1])
    assert "Completed" in page
    assert "KSK rollover" in page
    for text in ("Key published on all name servers", "DS record added at the parent", "Key removed from all"):
        assert text in page
    assert "Cache deadlines" in page
    assert 'id="faults"' not in page
    assert len(re.findall(r"<svg class=\"chain rollover (?:wide|narrow)\"", page)) == 2
    assert "Timeline of example.xa: Completed" in page
    assert "All 2 name server addresses" in page
    assert "KSK 108" in page  # the tag of a key in these timelines is its letter
    assert "/api/v1/watches/" in page


def test_a_broken_rollover_names_the_fault_and_the_server(client: FlaskClient, queue: QueueParts) -> None:
    page = page_of(client, queue.store, BROKEN["KSK removed before the DS changed"][2])
    assert "Broken" in page
    assert 'class="fault"' in page
    assert "No key that the DS records identify signs the DNSKEY records." in page
    assert "127.9.1.1" in page


def test_servers_with_other_states_have_their_own_band(client: FlaskClient, queue: QueueParts) -> None:
    page = page_of(client, queue.store, [START, Shown(500, "kz", "z", "k", "k", only_first="y")])
    assert "ns1.example.xa 127.9.1.1" in page
    assert "ns2.example.xa 127.9.2.1" in page
    assert "In progress" not in page
    assert "Unchanged" in page


def test_without_a_sample_the_page_says_when_the_first_one_comes(client: FlaskClient, queue: QueueParts) -> None:
    page = page_of(client, queue.store, [])
    assert "The first sample follows within a minute" in page
    assert '<svg class="chain rollover' not in page


def test_the_page_says_why_a_zone_was_not_transferred(client: FlaskClient, queue: QueueParts) -> None:
    shown = state(Shown(0, "kz", "z", "k", "k"))
    slow, refused = (replace(each, transfer=why) for each, why in zip(shown.servers, WHY, strict=True))
    read = replace(slow, ns="ns3.example.xa", is_transferred=True, transfer="", invalid=("122/13",))
    values: dict[str, Any] = {"kind": WatchKind.ROLLOVER, "interval_s": 10, "url": None, "host": "", "tag": None}
    for transfer in (True, False):
        watch = make_watch(queue.store, *EVENTS, **values, domain=f"{transfer}.xa", ends_at=START_AT, transfer=transfer)
        with queue.store.transaction() as session:
            document = state_document(replace(shown, servers=(slow, refused, read)))
            add_span(session, watch.id, at=START_AT, state=document)
        page = text_of(client, f"/watches/{watch.id}/rollover")
        for text in ("Not complete in 25 s", "The server refused the transfer", "Zone read", "122/13"):
            assert (text in page) is transfer


def test_other_watches_have_no_timeline(client: FlaskClient, queue: QueueParts) -> None:
    other = make_watch(queue.store, WatchEvent.DOMAIN_REGRESSED)
    for watch_id in (other.id, 999):
        text_of(client, f"/watches/{watch_id}/rollover", 404)


def test_every_value_has_a_text(client: FlaskClient) -> None:
    with client.application.test_request_context("/"):
        assert set(transfer_texts()) == {"", *TransferOutcome}
        assert set(step_names()) == set(StepKind)
        assert set(fault_texts()) == set(FaultKind)
        assert set(cached_texts()) == set(CachedSet)
        assert set(verdict_texts()) == set(RolloverVerdict)


def document(client: FlaskClient, watch_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/watches/{watch_id}/rollover").get_json()
    return found


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("name", [*GOOD, *BROKEN])
def test_every_part_of_a_picture_is_inside(
    client: FlaskClient, queue: QueueParts, name: str, size: tuple[int, int]
) -> None:
    timeline = GOOD[name][1] if name in GOOD else BROKEN[name][2]
    drawn = timeline_of(document(client, watched(queue.store, timeline)), size)
    assert drawn is not None
    bars = [bar for band in drawn.bands for lane in band.lanes for bar in lane.bars]
    assert bars
    assert all(size[1] <= bar.x and bar.x + bar.width <= size[0] for bar in bars)
    assert all(size[1] <= x <= size[0] for x, _ in [*drawn.marks, *drawn.ticks])
    bottoms = [band.y + band.height for band in drawn.bands]
    assert all(band.y >= bottom for band, bottom in zip(drawn.bands[1:], bottoms, strict=False))
    assert drawn.height >= bottoms[-1]
    assert bool([x for band in drawn.bands for x in band.faults]) == (name in BROKEN)


def test_a_timeline_that_changes_with_each_sample_stays_bounded(client: FlaskClient, queue: QueueParts) -> None:
    flapping = [Shown(number * 20, "kz" if number % 2 else "kzy", "z", "k", "k") for number in range(MOST_STATES + 50)]
    watch_id = watched(queue.store, flapping)
    page = text_of(client, f"/watches/{watch_id}/rollover")
    assert f"The picture shows the newest {MOST_STATES} of {MOST_STATES + 50} states." in page
    assert page.count("<rect") < 4 * MOST_STATES
    assert len(page) < 1_000_000


def test_keys_are_named_by_what_they_do(client: FlaskClient, queue: QueueParts) -> None:
    spans = document(client, watched(queue.store, GOOD["algorithm"][1]))["spans"]
    assert set(names_of_keys(spans).values()) == {"CSK 107/13", "CSK 100/15"}
    assert [len(group.servers) for group in groups_of(spans)] == [2]
