"""The chain of trust on pages: the diagram with links to facts, and the SVG file."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.charts.chains import chain_view, svg_response

DATA = Path(__file__).parent.parent / "engine" / "data" / "chain.json"
TEMPLATE = """{% extends "shell/public.html" %}{% from "components/frame.html" import panel with context %}
{% from "components/chain.html" import chain with context %}{% block title %}Chain{% endblock %}
{% block content %}<h1>Chain</h1>
{% call panel("DNSSEC", id="dnssec") %}{{ chain(view, download="/chain.svg") }}{% endcall %}{% endblock %}"""


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def broken() -> dict[str, Any]:
    """Return a chain whose keys have an expired signature on one of two servers, and a DS record without a key."""
    found = document()
    zone = found["zones"][-1]
    found["status"] = "partial"
    (over_keys,) = (each for each in zone["signatures"] if each["covers"] == "DNSKEY")
    zone["signatures"].append({**over_keys, "verdict": "expired", "servers": ["192.0.2.53"]})
    over_keys["servers"] = ["198.51.100.7"]
    zone["ds"].append({**zone["ds"][0], "key_tag": 40561})
    found["links"].append({**found["links"][-1], "key_tag": 40561, "verdict": "no_key", "signs": False})
    return found


def rendered(client: FlaskClient, chain: dict[str, Any], path: str = "/") -> str:
    with client.application.test_request_context(path):
        return client.application.jinja_env.from_string(TEMPLATE).render(view=chain_view(chain))


def test_links_of_the_diagram_lead_to_facts_on_the_page(client: FlaskClient) -> None:
    shown = rendered(client, broken())
    links = set(re.findall(r'<a href="#(chain-[^"]+)"', shown))
    assert len(links) > 10
    assert links <= set(re.findall(r'<section id="([^"]+)"', shown))
    assert "The chain of trust of nordhavn.example is complete on some name servers" in shown
    assert "DS 40561: no such key" in shown
    assert "KSK 4711: not on all servers" in shown
    assert "RSA/SHA-256" in shown or "ECDSA Curve P-256 with SHA-256" in shown
    assert 'href="/chain.svg"' in shown
    assert not re.search(r"<style|<script(?![^>]* src=)| style=", shown)


def test_page_speaks_the_language_of_the_request(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gonemaster_api.ui.shell.charts.chains.language", lambda: "sv")
    shown = rendered(client, broken())
    assert "Delvis säker" in shown
    assert "DS 40561: nyckel saknas" in shown


def test_hostile_names_stay_texts(client: FlaskClient) -> None:
    chain = document()
    chain["zones"][-1]["zone"] = '"><script>x</script>\u202e'
    chain["zones"][-1]["reasons"] = ["<img src=x onerror=y>"]
    shown = rendered(client, chain)
    assert "<script>x" not in shown
    assert "<img" not in shown
    assert "\u202e" not in shown


def test_file_is_saved_and_may_have_its_own_style_only(client: FlaskClient) -> None:
    with client.application.test_request_context("/"):
        response = svg_response(document() | {"zone": 'nord"\r\nhavn.example'})
    assert response.mimetype == "image/svg+xml"
    assert response.headers["Content-Disposition"] == 'attachment; filename="dnssec-chain-nord-havn.example.svg"'
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]+'", response.headers["Content-Security-Policy"])
    assert ET.fromstring(response.get_data(as_text=True)).tag == "{http://www.w3.org/2000/svg}svg"
