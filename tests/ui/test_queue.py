"""The queue page and its forms: effects, refusals, permissions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from gonemaster_api.state import state
from gonemaster_api.ui.admin.queue.flower import flower_url
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import JobStatus, Operation
from gonemaster_db.service.operations import unfinished_operations
from gonemaster_tasks.broker.processes.reports import ProcessReport
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.api.conftest import MakeApp
from tests.api.v1.test_queue import show_worker
from tests.support.rows import claim, finish_job, record
from tests.support.tokens import CONFIGURED, READ, bearer

HTML = {"Accept": "text/html"}


def submit(client: FlaskClient, *domains: str) -> list[str]:
    return [client.post("/api/v1/jobs", json={"domain": domain}).get_json()["id"] for domain in domains]


def batch(client: FlaskClient, number: int) -> None:
    names = [f"host{index:02}.example" for index in range(number)]
    assert client.post("/api/v1/jobs/batch", json={"domains": names}).status_code == 202


def waiting(client: FlaskClient, **query: Any) -> list[tuple[str, str]]:
    items = client.get("/api/v1/queue", query_string=query).get_json()["items"]
    return [(job["domain"], job["status"]) for job in items]


def text_of(client: FlaskClient, path: str = "/", **headers: str) -> str:
    return client.get(path, headers=HTML | headers).get_data(as_text=True)


def change(client: FlaskClient, path: str = "/queue/jobs", **form: Any) -> str:
    """Submit a form and return the note of the page it redirects to."""
    answer = client.post(path, data={"next": "/?tier=normal", **form}, headers=HTML)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert answer.location.startswith("/?tier=normal")
    return answer.location


def note(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items() if name != "tier"}


def test_waiting_jobs_are_shown_in_order_with_u_labels(client: FlaskClient) -> None:
    submit(client, "one.example", "bücher.example")
    batch(client, 2)
    page = text_of(client)
    rows = re.findall(r'<td role="cell" class="lead wrap">(?:<a [^>]*>)?(\S+?)(?:</a>|<small>|</td>)', page)
    assert [row for row in rows if row.endswith(".example")] == [
        "one.example", "bücher.example", "host00.example", "host01.example",
    ]  # fmt: skip
    assert "<small>xn--bcher-kva.example</small>" in page
    assert "2 normal, 2 batch" in page
    only = text_of(client, "/?tier=batch&domain=T01")
    assert "host01.example" in only
    assert "host00.example" not in only


def test_a_long_queue_has_pages_and_stays_light(client: FlaskClient) -> None:
    batch(client, 60)
    page = text_of(client, "/?tier=batch")
    assert "1 to 50 of 60" in page
    assert len(page) < 120_000
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    assert "51 to 60 of 60" in text_of(client, following[1].replace("&amp;", "&"))


@pytest.mark.parametrize(
    ("query", "code"),
    [("tier=evil", "invalid_tier"), ("cursor=-1", "invalid_cursor"), ("limit=9999", "invalid_limit")],
)
def test_a_wrong_address_says_what_was_wrong(client: FlaskClient, query: str, code: str) -> None:
    answer = client.get(f"/?{query}", headers=HTML)
    assert answer.status_code == 400
    assert f"<code>{code}</code>" in answer.get_data(as_text=True)


def test_one_job_moves_is_held_and_released_and_each_can_be_undone(client: FlaskClient) -> None:
    _, second, third = submit(client, "a.example", "b.example", "c.example")
    moved = note(change(client, one=f"front:{third}"))
    assert [name for name, _ in waiting(client)] == ["c.example", "a.example", "b.example"]
    change(client, "/queue/order", of=moved["of"], where="before")
    assert [name for name, _ in waiting(client)] == ["a.example", "b.example", "c.example"]
    held = note(change(client, one=f"hold:{second}"))
    assert waiting(client)[1] == ("b.example", "paused")
    assert 'name="do" value="release"' in text_of(client, f"/?note=hold_done&n=1&of={held['of']}")
    change(client, of=held["of"], do="release")
    assert waiting(client)[1] == ("b.example", "queued")


def test_buttons_of_a_row_release_and_remove(client: FlaskClient) -> None:
    (job_id,) = submit(client, "a.example")
    change(client, one=f"hold:{job_id}")
    change(client, one=f"release:{job_id}")
    assert waiting(client) == [("a.example", "queued")]
    change(client, one=f"remove:{job_id}", confirmed="yes")
    assert waiting(client) == []


def test_a_running_job_is_canceled_after_a_question(client: FlaskClient, store: Store) -> None:
    (job_id,) = submit(client, "a.example")
    claim(store, job_id)
    assert f"/queue/jobs/{job_id}/cancel" in text_of(client)
    assert "Cancel the test of a.example?" in text_of(client, f"/queue/jobs/{job_id}/cancel")
    sent = client.post(f"/queue/jobs/{job_id}/cancel", data={"confirmed": "yes"}, headers=HTML)
    assert sent.location == "/?note=canceled"
    assert "stopping" in text_of(client)


def test_a_job_is_dragged_next_to_another(client: FlaskClient) -> None:
    first, _, third = submit(client, "a.example", "b.example", "c.example")
    undo = note(change(client, "/queue/order", job=first, where="after", pivot=third))
    assert [name for name, _ in waiting(client)] == ["b.example", "c.example", "a.example"]
    change(client, "/queue/order", of=undo["of"])
    assert [name for name, _ in waiting(client)] == ["a.example", "b.example", "c.example"]


def test_ticked_jobs_of_both_tiers_move_within_their_tiers(client: FlaskClient) -> None:
    submit(client, "a.example", "b.example")
    batch(client, 2)
    ids = [job["id"] for job in client.get("/api/v1/queue").get_json()["items"]]
    assert note(change(client, do="front", job=[ids[1], ids[3]]))["n"] == "2"
    assert [name for name, _ in waiting(client)] == ["b.example", "a.example", "host01.example", "host00.example"]


def test_removal_asks_first(client: FlaskClient, queue: QueueParts) -> None:
    first, second = submit(client, "a.example", "b.example")
    asked = client.post("/queue/jobs", data={"do": "remove", "job": [first, second]}, headers=HTML)
    assert asked.status_code == 200
    assert "Remove 2 jobs from the queue?" in asked.get_data(as_text=True)
    assert len(waiting(client)) == 2
    change(client, do="remove", job=[first, second], confirmed="yes")
    assert waiting(client) == []
    assert queue.broker.lists.depth("normal") == 0


def test_all_that_match_need_a_tick_and_others_stay(client: FlaskClient) -> None:
    submit(client, "a.example", "ab.example", "c.example")
    form = {"do": "remove", "all": "yes", "tier": "normal", "domain": "A."}
    refused = client.post("/queue/jobs", data=form | {"confirmed": "yes"}, headers=HTML)
    assert refused.status_code == 400
    assert "Select the checkbox" in refused.get_data(as_text=True)
    assert note(change(client, **form, confirmed="yes", confirm="yes"))["n"] == "1"
    assert [name for name, _ in waiting(client)] == ["ab.example", "c.example"]


@pytest.mark.parametrize("action", ["hold", "release", "remove"])
def test_very_many_are_changed_in_the_background(
    client: FlaskClient, queue: QueueParts, store: Store, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 2)
    batch(client, 5)
    if action == "release":
        ids = [job["id"] for job in client.get("/api/v1/queue").get_json()["items"]]
        change(client, do="hold", job=ids)
    begun = note(change(client, do=action, all="yes", tier="batch", confirmed="yes", confirm="yes"))
    assert begun == {"note": "begun", "n": "5"}
    assert "Background operations" in text_of(client)
    submit(client, "later.example")
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))
    assert unfinished(store) == []
    states = [status for name, status in waiting(client) if name != "later.example"]
    assert states == {"hold": ["paused"] * 5, "release": ["queued"] * 5, "remove": []}[action]
    assert queue.broker.lists.depth("batch") == (5 if action == "release" else 0)
    assert ("later.example", JobStatus.QUEUED) in waiting(client)


@pytest.mark.parametrize(("to", "place"), [("front", 0), ("back", 2)])
def test_very_many_are_moved_in_the_background_and_keep_their_order(
    client: FlaskClient, queue: QueueParts, monkeypatch: pytest.MonkeyPatch, to: str, place: int
) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 2)
    submit(client, "one.example", *[f"host{number}.example" for number in range(5)], "two.example")
    assert note(change(client, do=to, all="yes", domain="host")) == {"note": "begun", "n": "5"}
    assert "Moving waiting jobs" in text_of(client)
    submit(client, "host9.example")
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))
    expected = ["one.example", "two.example"]
    expected[place:place] = [f"host{number}.example" for number in range(5)]
    later = expected.index("host0.example") if to == "back" else len(expected)
    expected.insert(later, "host9.example")
    assert [name for name, _ in waiting(client)] == expected
    names = {job["id"]: job["domain"] for job in client.get("/api/v1/queue").get_json()["items"]}
    assert [names[job_id] for job_id in queue.broker.lists.waiting_ids("normal")] == expected


def unfinished(store: Store) -> list[Operation]:
    with store.read_only() as session:
        return list(unfinished_operations(session, limit=5))


def test_a_tier_is_cleared_after_a_tick(client: FlaskClient) -> None:
    submit(client, "a.example")
    batch(client, 3)
    assert "Yes, all 3" in text_of(client, "/queue/clear/batch")
    assert client.post("/queue/clear/batch", data={"confirmed": "yes"}, headers=HTML).status_code == 400
    change(client, "/queue/clear/batch", confirmed="yes", confirm="yes")
    assert [name for name, _ in waiting(client)] == ["a.example"]
    assert client.get("/queue/clear/evil", headers=HTML).status_code == 400


def test_a_tier_is_paused_with_reason_and_end_and_resumed(client: FlaskClient) -> None:
    change(client, "/queue/pause", tier="batch", reason="<b>work</b>", **{"for": "60"})
    page = text_of(client)
    assert "Batch tier paused" in page
    assert "&lt;b&gt;work&lt;/b&gt;. " in page
    tier = client.get("/api/v1/queue").get_json()["tiers"][1]
    assert tier["until"]
    change(client, "/queue/resume", tier="batch")
    assert "Queue running" in text_of(client)


@pytest.mark.parametrize(
    "form",
    [
        {"tier": "evil"},
        {"reason": "x" * 1001},
        {"reason": "abcdefghijk\u202e"},
        {"for": "7"},
        {"for": "until", "until": "soon"},
        {"for": "until", "until": "2020-01-01T00:00"},
    ],
)
def test_a_wrong_pause_pauses_nothing_and_keeps_what_was_typed(client: FlaskClient, form: dict[str, str]) -> None:
    sent = {"reason": "maintenance", "next": "javascript:alert(1)"} | form
    answer = client.post("/queue/pause", data=sent, headers=HTML)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in page
    assert sent["reason"][:11] in page
    assert "javascript:" not in page
    assert not client.get("/api/v1/queue").get_json()["tiers"][0]["paused"]


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("/queue/jobs", {"do": "front"}, 400),
        ("/queue/jobs", {"do": "evil", "job": "job_x"}, 400),
        ("/queue/jobs", {"do": "hold", "all": "yes", "tier": "evil"}, 400),
        ("/queue/order", {"job": "job_x", "where": "over", "pivot": "job_y"}, 400),
        ("/queue/order", {"job": "job_x", "where": "after", "pivot": "job_y"}, 404),
        ("/queue/resume", {"tier": "evil"}, 400),
        ("/queue/jobs/job_none/cancel", {}, 404),
    ],
)
def test_what_cannot_be_done_is_said_on_a_page(
    client: FlaskClient, path: str, form: dict[str, str], status: int
) -> None:
    answer = client.post(path, data=form, headers=HTML)
    assert answer.status_code == status
    assert "<h1>" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("listen", "host", "url"),
    [
        ("127.0.0.1:5555", "gm.example", "http://127.0.0.1:5555/"),
        ("0.0.0.0:5555", "gm.example:8080", "http://gm.example:5555/"),
        ("[::]:80", "[2001:db8::1]:8080", "http://[2001:db8::1]:80/"),
    ],
)
def test_flower_is_where_it_listens(listen: str, host: str, url: str) -> None:
    assert flower_url(listen, host) == url


def test_other_sites_change_nothing(client: FlaskClient) -> None:
    headers = HTML | {"Origin": "https://evil.example"}
    assert client.post("/queue/pause", data={"tier": ""}, headers=headers).status_code == 403


@pytest.fixture
def reader(make_app: MakeApp) -> FlaskClient:
    """Return a client whose token has only the scope read."""
    client = make_app(admin_tokens=CONFIGURED).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(READ)["Authorization"]
    return client


def test_a_token_that_reads_sees_no_buttons_and_presses_none(reader: FlaskClient) -> None:
    page = text_of(reader)
    assert "<h1>Queue</h1>" in page
    assert "/queue/pause" not in page
    assert 'name="one"' not in page
    assert "/queue/resume" not in page
    assert reader.post("/queue/pause", data={}, headers=HTML).status_code == 403


def test_issues_are_named_with_what_to_do_and_counted_in_the_strip(client: FlaskClient, queue: QueueParts) -> None:
    queue.broker.reports.put(ProcessReport("worker", "w@h", "h", 1, full="/data has 0 KiB left"))
    page = text_of(client)
    assert "A disk is full" in page
    assert "/data has 0 KiB left" in page
    assert "Free space on this disk" in page
    assert re.search(r'href="/#issues">.*\d+ issues</a>', page)
    swedish = text_of(client, **{"Accept-Language": "sv"})
    assert "En disk är full" in swedish
    assert "Frigör utrymme på disken" in swedish


def test_the_rates_of_the_last_hour_and_the_last_minute_have_different_labels(
    client: FlaskClient, store: Store, queue: QueueParts
) -> None:
    show_worker(queue)
    for job_id in submit(client, "a.example", "b.example", "c.example"):
        finish_job(store, claim(store, job_id, now=utcnow()), record("INFO", at=utcnow()))
    page = text_of(client)
    assert "average under 0.1 per minute" in page
    assert "<b>3</b> tests in the last minute" in page
    for job_id in submit(client, *(f"host{number}.example" for number in range(9))):
        finish_job(store, claim(store, job_id, now=utcnow()), record("INFO", at=utcnow()))
    with client.application.app_context():
        state().recent.forget(lambda _: True)
    assert "average 0.2 per minute" in text_of(client)
