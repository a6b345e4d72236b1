"""The picture of the way to a zone, and the result as Markdown."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from gonemaster_api.ui.shell.charts.ways import WIDTH, way_of
from gonemaster_db.core.session import Store
from tests.support.rows import make_run, record
from tests.ui.public_runs import ENTRIES, entry, public_run, timing

HTML = {"Accept": "text/html"}
NIC = [{"ns": "a.nic.example", "address": "192.0.2.30"}]
PARENT = entry("B01_PARENT_FOUND", "BASIC", "basic01", "INFO", domain="example", servers=NIC)
NUMBERS = range(1, 13)
OWN = [
    entry("CN01_OK", "CONNECTIVITY", "connectivity01", "INFO", ns=f"ns{number}.example", address=f"192.0.2.{number}")
    for number in NUMBERS
]
TIMES = [
    timing(f"ns{number}.example", f"192.0.2.{number}", "unreachable" if number == 9 else "ok") for number in NUMBERS
]


def bands_of(*entries: Any, timings: Any = TIMES, chain: Any = None) -> Any:
    return way_of("a.example", [*entries], timings, chain)


def test_parent_zone_leads_to_the_zone() -> None:
    parent, zone = bands_of(PARENT, *OWN)
    assert (parent.zone, [box.name for box in parent.boxes]) == ("example", ["a.nic.example"])
    assert parent.boxes[0].rows[0].state == "none", "it was asked, but has no timings"
    assert parent.y + parent.height < zone.y


def test_server_that_refuses_shows_its_rcode_and_no_response_time() -> None:
    refused = {"ns": "ns2.example", "address": "192.0.2.2", "rcode": "REFUSED"}
    tag = "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP"
    (zone,) = bands_of(*OWN, entry(tag, "CONNECTIVITY", "connectivity01", "WARNING", **refused))
    assert [(row.state, row.status) for box in zone.servers[:3] for row in box.rows] == [
        ("ok", "ok"),
        ("error", "REFUSED"),
        ("ok", "ok"),
    ]


def test_more_than_four_servers_are_three_and_a_number_with_the_worst_state() -> None:
    (zone,) = bands_of(*OWN)
    assert [box.name for box in zone.boxes] == ["ns1.example", "ns2.example", "ns3.example", ""]
    assert (zone.boxes[3].more, zone.boxes[3].state) == (9, "warning")
    assert len(zone.servers) == 12
    assert max(box.x + 212 for box in zone.boxes) <= WIDTH


def test_without_a_chain_servers_of_the_root_are_not_in_the_zone() -> None:
    root = timing("k.root-servers.net", "193.0.14.129", "ok")
    assert "k.root-servers.net" not in [box.name for box in bands_of(PARENT, *OWN, timings=[*TIMES, root])[-1].servers]


def test_no_timings_no_picture() -> None:
    assert bands_of(PARENT, *OWN, timings=None) == ()


def test_result_page_has_picture_and_list(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=[PARENT, *OWN], nameserver_timings=TIMES))
    page = client.get(f"/jobs/{run.id}", headers=HTML).text
    part = page[page.index('id="way"') : page.index('id="findings"')]
    assert 'class="chain way"' in part
    assert "9 more" in part
    assert part.count("192.0.2.12") == 1, "only the list names the last server"
    assert "no response" in part


def test_markdown_has_verdict_and_causes_and_escapes_what_a_zone_says(client: FlaskClient, store: Store) -> None:
    hostile = entry(
        "NO_RESPONSE", "NAMESERVER", "nameserver02", "ERROR", ns="`x`<script>_.example", address="192.0.2.9"
    )
    run = public_run(store, entries=[*ENTRIES, hostile])
    page = client.get(f"/public/result/{run.public_id}", headers=HTML).text
    text = page[page.index('id="markdown-text"') : page.index("</textarea>")]
    assert "# a.example: " in text
    assert "## 1. The signatures of the zone expire soon" in text
    assert "```\ndig +dnssec SOA a.example @NAME_SERVER\n```" in text
    assert f"/public/result/{run.public_id}" in text
    assert "<script" not in page.replace("<script defer", "")


def test_way_of_a_chain_begins_at_the_root(client: FlaskClient, store: Store) -> None:
    zones = [
        {"zone": ".", "servers": [{"nameserver": "k.root-servers.net", "address": "193.0.14.129"}]},
        {"zone": "example", "servers": [{"nameserver": "a.nic.example", "address": "192.0.2.30"}]},
        {"zone": "a.example", "servers": [{"nameserver": "ns1.example", "address": "192.0.2.1"}]},
    ]
    bands = bands_of(PARENT, *OWN, chain={"zones": zones})
    assert [band.zone for band in bands] == [".", "example", "a.example"]
    assert [row.state for row in bands[0].boxes[0].rows] == ["none"], "another test had the answer"
    assert [row.median_ms for row in bands[2].boxes[0].rows] == [14.0]
    assert [band.zone for band in bands_of(PARENT, *OWN, chain={"zones": [{"zone": "."}]})] == ["example", "a.example"]
