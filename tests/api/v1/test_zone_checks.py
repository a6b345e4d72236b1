"""Tests of zones over HTTP, and of hostile zones."""

from __future__ import annotations

import io
import json
import resource
import sys
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.use_cases import zone_checks
from gonemaster_api.v1.zone_checks import schemas
from gonemaster_engine.zonefile import __main__ as program
from gonemaster_engine.zonefile.check import _NEEDS
from tests.api.web.test_errors import error_of
from tests.engine.zonefile.zones import GOOD, NSEC3, SOA, signed_text

PATH = "/api/v1/zone-checks"


def posted(client: FlaskClient, zone: str, **fields: Any) -> Any:
    response = client.post(PATH, json={"domain": "example.org", "zone": zone, **fields})
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def tags(document: dict[str, Any]) -> list[str]:
    return [entry["tag"] for entry in document["entries"]]


def test_a_zone_is_tested(client: FlaskClient) -> None:
    document = posted(client, GOOD + "ns1 A 10.0.0.1\n")
    assert (document["domain"], document["loadable"], document["records"]) == ("example.org", True, 12)
    assert "A01_LOCAL_USE_ADDR" in tags(document)
    assert document["worst_level"] == "ERROR"
    assert document["entry_count"] == len(document["entries"])
    assert {each["needs"] for each in document["left_out"]} == set(schemas._NEEDS) == _NEEDS.keys()


def test_an_error_has_its_place_and_a_language(client: FlaskClient) -> None:
    document = posted(client, f"$TTL 1\n{SOA}www A x\n", locale="sv")
    (entry,) = document["entries"]
    assert (entry["args"]["line"], entry["args"]["column"]) == (3, 7)
    assert (document["loadable"], document["worst_level"], document["left_out"]) == (False, "CRITICAL", [])
    assert posted(client, f"{SOA}", locale="sv")["entries"][0]["message"].startswith("Filen har inga NS-poster")


def test_a_signed_zone_and_its_ds_records(client: FlaskClient) -> None:
    ds = {"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "00" * 32}
    zone = signed_text(NSEC3)
    assert posted(client, zone)["worst_level"] not in {"ERROR", "CRITICAL"}
    assert posted(client, zone, ds_info=[ds])["worst_level"] == "ERROR"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"zone": GOOD}, "missing_domain"),
        ({"domain": "a..b", "zone": GOOD}, "invalid_domain"),
        ({"domain": "example.org"}, "missing_zone"),
        ({"domain": "example.org", "zone": 5}, "invalid_zone"),
        ({"domain": "example.org", "zone": "x" * (1024 * 1024 + 1)}, "invalid_json"),
        ({"domain": "example.org", "zone": "é" * (600 * 1024)}, "invalid_json"),
        ({"domain": "example.org", "zone": "$TTL 1\n$GENERATE 1-999999999 h$ A 9.9.9.9\n"}, "invalid_zone"),
        ({"domain": ".", "zone": GOOD}, "invalid_zone"),
        ({"domain": "example.org", "zone": GOOD, "ds_info": [{}]}, "invalid_undelegated"),
        (
            {"domain": "example.org", "zone": GOOD, "nameservers": [{"ns": "a.example", "ip": "x"}]},
            "invalid_undelegated",
        ),
        ({"domain": "example.org", "zone": GOOD, "min_level": "BAD"}, "invalid_min_level"),
        ({"domain": "example.org", "zone": GOOD, "other": 1}, "unknown_field"),
    ],
)
def test_requests_that_are_refused(client: FlaskClient, body: dict[str, Any], code: str) -> None:
    response = client.post(PATH, json=body)
    assert response.status_code == 400
    assert error_of(response)["code"] == code


def test_a_body_that_is_too_large(client: FlaskClient) -> None:
    response = client.post(PATH, data=b"x" * (2 * 1024 * 1024 + 1), content_type="application/json")
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")


HEAD = f"$TTL 1\n{SOA}@ NS ns1\nns1 A 9.9.9.9\n"
HOSTILE = {
    "large set": f"{HEAD}$GENERATE 1-19000 @ TXT x$\n",
    "name servers": f"{HEAD}$GENERATE 1-2000 @ NS n$\n",
    "too many name servers": f"{HEAD}$GENERATE 1-19990 @ NS n$\n",
    "aliases": f"{HEAD}$GENERATE 1-999 c$ CNAME c${{1}}\n@ MX 1 c1\n@ NS c1\n",
    "keys": HEAD + "".join(f"@ DNSKEY 257 3 13 {number:04d}\n" for number in range(3000)),
    "iterations": f"{HEAD}@ NSEC3PARAM 1 0 65535 AB\n$GENERATE 1-2000 h$ A 9.9.9.9\n@ DNSKEY 257 3 13 AAAA\n",
    "parentheses": "(" * 1_000_000,
    "quotes": '"' * 1_000_000,
    "escapes": "\\" * 1_000_000,
    "labels": "$ORIGIN " + "a." * 100 + "\n" + "x A 9.9.9.9\n" * 10_000,
    "loops": f"$TTL 1\n{SOA}@ NS ns1\n* CNAME *\n@ DNAME @\n",
    "include": "$INCLUDE /etc/passwd\n",
    "control": "\x01\x02\n" * 100,
    "wide": "𝔵𝔶 A 9.9.9.9\n" * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_zones_end_within_the_limits(client: FlaskClient, name: str) -> None:
    response = client.post(PATH, json={"domain": "example.org", "zone": HOSTILE[name]})
    document = response.get_json()
    assert response.status_code in {200, 400, 422}, document
    assert "root:" not in response.get_data(as_text=True)
    if response.status_code == 200:
        assert len(document["entries"]) <= 2_000


PROGRAMS = {
    "slow": ("import time; time.sleep(60)", "takes longer than 1 s"),
    "dead": ("raise SystemExit(1)", "has crashed"),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended by the signal SIGKILL"),
    "busy": ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", "processor time"),
    "large": ("import json; json.dump({'out_of_memory': True}, __import__('sys').stdout)", "more memory"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_test_that_does_not_end_is_ended(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, reason = PROGRAMS[name]
    monkeypatch.setattr(zone_checks, "COMMAND", (sys.executable, "-c", text))
    if name == "slow":
        monkeypatch.setattr(zone_checks, "TIME_LIMIT_S", 1.0)
    response = client.post(PATH, json={"domain": "example.org", "zone": GOOD})
    assert (response.status_code, error_of(response)["code"]) == (422, "zone_check_failed")
    assert reason in error_of(response)["message"]


def test_a_zone_that_needs_too_much_memory(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def exhaust(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(program, "check_zone_file", exhaust)
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    question = {"domain": "example.org", "zone": GOOD, "ds_info": [], "nameservers": []}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(question)))
    assert program.main() == 0
    assert json.loads(capsys.readouterr().out) == {"out_of_memory": True}


def test_only_a_few_zones_are_tested_at_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_checks, "slots", threading.BoundedSemaphore(1))
    assert zone_checks.slots.acquire(blocking=False)
    response = client.post(PATH, json={"domain": "example.org", "zone": GOOD})
    assert (response.status_code, error_of(response)["code"]) == (503, "too_many_zone_checks")
    zone_checks.slots.release()
    assert posted(client, GOOD)["loadable"]
