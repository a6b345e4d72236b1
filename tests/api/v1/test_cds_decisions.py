"""The feed of decisions about DS records: pages by cursor, CSV, evidence; watches that scan for them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_tasks.control.parts import QueueParts
from tests.db.service.test_observed_zones import cds_watch, decide, tag

PATH = "/api/v1/cds-decisions"
WATCH = {"tag": "mine", "kind": "cds", "events": ["cds.decided"]}


def read(client: FlaskClient, query: str = "") -> tuple[list[int], int]:
    document = client.get(f"{PATH}{query}").get_json()
    return [item["id"] for item in document["items"]], document["next_cursor"]


def test_decisions_are_read_once_with_a_cursor(client: FlaskClient, queue: QueueParts) -> None:
    assert read(client) == ([], 0)
    watch = cds_watch(queue.store)
    tag(queue.store, "a.example")
    keys = [decide(queue.store, watch.id, domain) for domain in ("a.example", "b.example", "a.example")]
    assert read(client, "?limit=2") == (keys[:2], keys[1])
    assert read(client, f"?cursor={keys[1]}") == (keys[2:], keys[2])
    assert read(client, f"?cursor={keys[2]}") == ([], keys[2])
    for query in ("?domain=A.example", "?tag=mine"):
        assert read(client, query) == ([keys[0], keys[2]], keys[2])
    assert read(client, "?action=refuse") == ([], 0)


def test_a_decision_shows_its_evidence_and_the_command_for_epp(client: FlaskClient, queue: QueueParts) -> None:
    key = decide(queue.store, cds_watch(queue.store).id)
    found = client.get(f"{PATH}/{key}").get_json()
    assert found["ds"] == [{"keyTag": 1, "alg": 13, "digestType": 2, "digest": "AB"}]
    assert (found["action"], found["reason"], found["evidence"]) == ("replace", "rollover", {"at": 1})
    assert "<secDNS:keyTag>1</secDNS:keyTag>" in found["epp"]
    assert client.get(f"{PATH}/{key + 1}").status_code == 404


def test_all_decisions_as_csv(client: FlaskClient, queue: QueueParts) -> None:
    watch = cds_watch(queue.store)
    keys = [decide(queue.store, watch.id) for _ in range(3)]
    response = client.get(f"{PATH}?format=csv&cursor={keys[0]}")
    assert response.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [(row["id"], row["domain"], row["ds"]) for row in rows] == [
        (str(key), "a.example", "1 13 2 AB") for key in keys[1:]
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [("cursor=-1", "cursor"), ("cursor=x", "cursor"), ("limit=0", "limit"), ("action=keep", "action"),
     ("format=xml", "format")],
)  # fmt: skip
def test_a_wrong_query_is_refused(client: FlaskClient, query: str, code: str) -> None:
    response = client.get(f"{PATH}?{query}")
    assert (response.status_code, response.get_json()["error"]["code"]) == (400, f"invalid_{code}")


def test_a_watch_of_cds_records_has_times_and_needs_no_receiver(client: FlaskClient) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    made = client.post("/api/v1/watches", json=WATCH).get_json()
    assert (made["kind"], made["interval_minutes"], made["hold_down_days"], made["url"]) == ("cds", 1440, 3, None)
    path = f"/api/v1/watches/{made['id']}"
    changed = client.patch(path, json={"interval_minutes": 60, "hold_down_days": 0}).get_json()
    assert (changed["interval_minutes"], changed["hold_down_days"]) == (60, 0)
    refused = client.post(f"{path}/test")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "no_receiver")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "event of another kind": ({"events": ["domain.regressed"]}, "invalid_events"),
    "event of this kind for another": ({"kind": "changes", "url": "https://hook.example/"}, "invalid_events"),
    "unknown kind": ({"kind": "rss"}, "invalid_kind"),
    "interval of another kind": (
        {"kind": "changes", "events": ["domain.regressed"], "url": "https://hook.example/", "interval_minutes": 5},
        "invalid_interval_minutes",
    ),
    "no interval": ({"interval_minutes": 0}, "invalid_interval_minutes"),
    "hold-down too long": ({"hold_down_days": 91}, "invalid_hold_down_days"),
    "transfers of another kind": ({"transfer": True}, "invalid_transfer"),
    "transfers that are no flag": (
        {"kind": "rollover", "tag": None, "domain": "a.example", "transfer": 1},
        "invalid_transfer",
    ),
    "no subject": ({"tag": None}, "missing_subject"),
    "secret without a receiver": ({"secret": "s"}, "missing_receiver"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_watch_of_cds_records_is_refused(client: FlaskClient, name: str) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    changes, code = WRONG[name]
    response = client.post("/api/v1/watches", json=WATCH | changes)
    assert (response.status_code, response.get_json()["error"]["code"]) == (400, code)
