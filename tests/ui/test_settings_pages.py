"""The pages of settings, profiles and scoring: content, changes and refusals."""

import io
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.settings.profile_editor import without

SPARSE = {"net": {"ipv4": True, "ipv6": False}, "test_levels": {"NAMESERVER": {"AXFR_AVAILABLE": "ERROR"}}}


class Fields(HTMLParser):
    """The fields of a page as a browser submits them, without buttons."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select = ""
        self._area = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = values.get("name") or ""
        if tag == "input" and name and values.get("type") != "file":
            if values.get("type") not in ("checkbox", "radio") or "checked" in values:
                self.sent.setdefault(name, []).append(values.get("value") or "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in values:
            self.sent.setdefault(self._select, []).append(values.get("value") or "")
        elif tag == "textarea":
            self._area = name
            self.sent[name] = [""]

    def handle_data(self, data: str) -> None:
        if self._area:
            self.sent[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""


def fields(client: FlaskClient, path: str) -> dict[str, Any]:
    return Fields(client.get(path).text).sent


def test_settings_lead_to_their_first_part(client: FlaskClient) -> None:
    answer = client.get("/settings")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings/system")


def test_a_changed_field_is_saved_and_nothing_else(client: FlaskClient) -> None:
    sent = fields(client, "/settings/system")
    sent["nameserver_qps"] = ["55"]
    assert client.post("/settings/system", data=sent).status_code == 303
    settings = client.get("/api/v1/settings").get_json()
    assert settings["nameserver_qps"]["value"] == 55
    assert [key for key, item in settings.items() if item["source"] == "database"] == ["nameserver_qps"]
    actions = client.get("/api/v1/audit?action=settings.").get_json()["items"]
    assert len(actions) == 1
    client.post("/settings/system", data={"reset": "nameserver_qps"})
    assert client.get("/api/v1/settings").get_json()["nameserver_qps"]["source"] == "default"


def test_saving_an_old_page_keeps_what_others_changed(client: FlaskClient) -> None:
    old = fields(client, "/settings/system")
    client.put("/api/v1/settings", json={"nameserver_qps": 70})
    old["nameserver_outstanding"] = ["9"]
    assert client.post("/settings/system", data=old).status_code == 303
    settings = client.get("/api/v1/settings").get_json()
    assert (settings["nameserver_qps"]["value"], settings["nameserver_outstanding"]["value"]) == (70, 9)


def test_wrong_settings_stay_in_their_fields(client: FlaskClient) -> None:
    sent = fields(client, "/settings/system")
    sent["nameserver_qps"], sent["public_url"] = ["many <b>"], ["ftp://x"]
    answer = client.post("/settings/system", data=sent)
    assert answer.status_code == 400
    assert answer.text.count("invalid_setting") == 2
    assert 'value="many &lt;b&gt;"' in answer.text
    assert client.get("/api/v1/settings").get_json()["public_url"]["source"] == "default"


def test_a_profile_is_stored_changed_duplicated_and_deleted(client: FlaskClient) -> None:
    made = client.post("/settings/profiles/new", data={"name": "no IPv6", "config": json.dumps(SPARSE), "do": "save"})
    assert made.status_code == 303
    path = made.headers["Location"].split("?")[0]
    sent = fields(client, path) | {"description": ["changed"], "do": ["save"]}
    assert client.post(path, data=sent).status_code == 303
    stored = client.get("/api/v1/profiles").get_json()[0]
    assert (stored["description"], stored["config"]["net"]["ipv6"]) == ("changed", False)
    assert client.post(path, data=sent).status_code == 400  # The version of the page before the first save.
    copy = fields(client, f"/settings/profiles/new?from={stored['id']}")
    assert copy["name"] == ["Copy of no IPv6"]
    assert json.loads(copy["config"][0]) == stored["config"]
    assert client.post(f"{path}/delete").status_code == 200
    assert client.post(f"{path}/delete", data={"confirmed": "yes"}).status_code == 303
    assert client.get("/api/v1/profiles").get_json() == []


def test_comparing_and_reducing_save_nothing(client: FlaskClient) -> None:
    form = {"name": "x", "config": json.dumps(SPARSE)}
    compared = client.post("/settings/profiles/new", data=form | {"do": "check"})
    assert compared.status_code == 200
    assert "NAMESERVER.AXFR_AVAILABLE" in compared.text.replace("<wbr>", "")
    reduced = Fields(client.post("/settings/profiles/new", data=form | {"do": "reduce"}).text).sent
    assert json.loads(reduced["config"][0]) == {"net": {"ipv6": False}, "test_levels": SPARSE["test_levels"]}
    assert client.get("/api/v1/profiles").get_json() == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('{"net": ', "Invalid JSON in line 1"),
        ("[1]", "must be a JSON object"),
        ("[" * 100_000, "invalid_profile"),
        ('{"net": {"ipv7": true}, "resolver": 3}', "net.ipv7"),
        ('{"net": {"ipv6": "<script>"}}', "net.ipv6"),
    ],
)
def test_an_invalid_configuration_is_reported_at_its_field(client: FlaskClient, config: str, message: str) -> None:
    answer = client.post("/settings/profiles/new", data={"name": "x", "config": config, "do": "save"})
    assert answer.status_code == 400
    assert message in answer.text or message == "invalid_profile"
    assert "<script>" not in answer.text
    assert client.get("/api/v1/profiles").get_json() == []


def test_profiles_are_found_and_reviewed(client: FlaskClient) -> None:
    for name, public in (("alpha", True), ("beta", False)):
        client.post("/api/v1/profiles", json={"name": name, "config": SPARSE, "public": public})
    client.post("/api/v1/tags", json={"name": "a-tag"})
    beta = client.get("/api/v1/profiles").get_json()[1]["id"]
    client.put("/api/v1/tags/a-tag/profile", json={"profile_id": beta})
    assert "beta" not in client.get("/settings/profiles?show=public").text
    assert "alpha" not in client.get("/settings/profiles?show=used").text
    assert "No matching profiles" in client.get("/settings/profiles?q=gamma").text
    client.post(f"/settings/profiles/{beta}/repair", data={"op": "clear_reviewed"})
    assert "does not match" in client.get("/settings/profiles").text
    assert "does not match" in client.get(f"/settings/profiles/{beta}").text
    client.post(f"/settings/profiles/{beta}/repair", data={"op": "add_missing_test_levels"})
    assert client.post("/settings/profiles/review").status_code == 303
    assert "does not match" not in client.get("/settings/profiles").text
    assert client.post(f"/settings/profiles/{beta}/repair", data={"op": "burn"}).status_code == 400
    deletion = client.post(f"/settings/profiles/{beta}/delete", data={"confirmed": "yes"})
    assert deletion.status_code == 400  # A tag uses the profile, so the checkbox must be selected.
    assert (
        client.post(f"/settings/profiles/{beta}/delete", data={"confirmed": "yes", "confirm": "yes"}).status_code == 303
    )


@pytest.mark.parametrize(
    ("op", "gone"),
    [("reset_test_cases", "test_cases"), ("reset_test_levels", "test_levels"), ("add_missing_test_cases", "")],
)
def test_a_profile_is_repaired(client: FlaskClient, op: str, gone: str) -> None:
    config = SPARSE | {"test_cases": ["basic01"]}
    number = client.post("/api/v1/profiles", json={"name": "old", "config": config}).get_json()["id"]
    path = f"/settings/profiles/{number}"
    client.post(f"{path}/repair", data={"op": "clear_reviewed"})
    assert f'value="{op}"' in client.get(path).text
    assert client.post(f"{path}/repair", data={"op": op, "module": "NAMESERVER"}).status_code == 303
    stored = client.get(f"/api/v1/profiles/{number}").get_json()["config"]
    assert gone not in stored
    assert bool(gone) or len(stored["test_cases"]) > 50
    assert client.post(f"{path}/repair", data={"op": "mark_reviewed"}).status_code == 303
    assert "does not match" not in client.get(path).text


def test_without_drops_paths_and_what_becomes_empty() -> None:
    config = {"net": {"ipv4": True}, "resolver": {"defaults": {"retry": 2, "timeout": 5}}}
    assert without(config, ["net.ipv4", "resolver.defaults.retry"]) == {"resolver": {"defaults": {"timeout": 5}}}


def test_scoring_is_changed_by_its_tables(client: FlaskClient) -> None:
    before = client.get("/api/v1/scoring-config").get_json()
    sent = fields(client, "/settings/scoring")
    assert client.post("/settings/scoring", data=sent | {"do": "save"}).status_code == 303
    assert client.get("/api/v1/scoring-config").get_json() == before  # A page without edits changes nothing.
    sent["severity_penalties.value"][2] = "7,5"
    sent["tag_penalties.key"][-1], sent["tag_penalties.value"][-1] = "AXFR_AVAILABLE", "3"
    sent["tag_penalties.value"][0] = ""
    assert client.post("/settings/scoring", data=sent | {"do": "save"}).status_code == 303
    after = client.get("/api/v1/scoring-config").get_json()
    assert after["severity_penalties"]["WARNING"] == 7.5
    assert after["tag_penalties"]["AXFR_AVAILABLE"] == 3
    gone = set(before["tag_penalties"]) - set(after["tag_penalties"])
    assert len(gone) == 1
    filled = Fields(client.post("/settings/scoring", data=sent | {"do": "fill"}).text).sent
    assert gone <= set(filled["tag_penalties.key"])
    assert client.post("/settings/scoring/reset").status_code == 200
    assert client.post("/settings/scoring/reset", data={"confirmed": "yes"}).status_code == 303
    assert client.get("/api/v1/scoring-config").get_json() == before


@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf", "1e400"])
def test_wrong_numbers_of_scoring_are_refused_and_stay(client: FlaskClient, value: str) -> None:
    before = client.get("/api/v1/scoring-config").get_json()
    sent = fields(client, "/settings/scoring")
    sent["severity_penalties.value"][1] = value
    answer = client.post("/settings/scoring", data=sent | {"do": "save"})
    assert answer.status_code == 400
    assert "severity_penalties.NOTICE" in answer.text
    assert client.get("/api/v1/scoring-config").get_json() == before


@pytest.mark.parametrize(
    ("content", "status"),
    [(b'{"severity_penalties": {"NOTICE": 2}}', 303), (b"{", 400), (b"[]", 400), (b'{"x": 1}', 400), (b"\xff", 400),
     (b"[" * 200_000, 400), (b" " * 300_000, 400)],
)  # fmt: skip
def test_import_of_scoring(client: FlaskClient, content: bytes, status: int) -> None:
    answer = client.post("/settings/scoring", data={"do": "import", "file": (io.BytesIO(content), "s.json")})
    assert answer.status_code == status
    stored = client.get("/api/v1/scoring-config").get_json()["severity_penalties"]["NOTICE"]
    assert stored == (2 if status == 303 else 1)
