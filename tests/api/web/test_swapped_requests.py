"""Every route gives a regular response to calls with headers and parameters that belong to other pages."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.support.analysis_world import Chance, make_cohort, make_snapshot
from tests.support.rows import claim, make_run, queue_job, record
from tests.support.stores import MakeSettings

SOURCES = Path(__file__).parents[3] / "gonemaster_api"
PARTS = sorted({path.stem[1:] for path in (SOURCES / "templates").rglob("_*.html")})
STRANGE = ("", "0", "-1", "9" * 30, "a b", "%", "\u202e", "../x", "[]", "null", "2026-11-25T12:00:00Z", "yes", "xn--a")
HEADERS = (
    ("Accept", ("text/html", "application/json", "*/*", "text/csv", "")),
    ("Accept-Language", ("sv", "xx", "en;q=x")),
    ("If-None-Match", ("*", 'W/"x"', "x")),
    ("Last-Event-ID", ("0", "x", "9" * 40)),
    ("Idempotency-Key", ("k", "\u00e9")),
    ("Range", ("bytes=5-1", "x")),
    ("Cookie", ("gm_lang=sv", "gm_theme=x", "gm_admin=x", "gm_note=x")),
    ("Host", ("other.example", "[::1]:x", "a b", "")),
    ("Origin", ("null", "https://other.example", "x")),
    ("Sec-Fetch-Site", ("cross-site", "x")),
    ("Authorization", ("Bearer x", "Basic x", "Bearer \u00e9")),
    ("X-Request-Id", ("x", "\u00e9")),
    ("traceparent", ("00-0-0-00", "x")),
    ("X-Forwarded-For", ("192.0.2.1, x", "::1%a")),
    ("X-Forwarded-Host", ("other.example,x",)),
    ("X-Forwarded-Proto", ("https", "x")),
    ("Forwarded", ("for=_x;host=a;proto=x",)),
    ("If-Modified-Since", ("x", "Thu, 01 Jan 1970 00:00:00 GMT")),
    ("X-HTTP-Method-Override", ("DELETE",)),
    ("HX-Request", ("true",)),
    ("Content-Digest", ("sha-256=:x:", "md5=::", "x")),
    ("Content-Type", ("text/csv", "application/json", "multipart/form-data; boundary=x", "x", "a/b; charset=x")),
)
OFTEN_REFUSED = {"Host", "Origin", "Sec-Fetch-Site", "Authorization"}  # before any other processing
BODIES = (b"", b"[]", b'"x"', b"1", b"null", b"{", b"\xff", b"a=b&a=c", b'{"a": ' * 500, b"a,b\n1,2\n")
MOST_PARAMETERS = 8
SEED = int(os.environ.get("GONEMASTER_SEED", "1"))
pytestmark = pytest.mark.timeout(600)
# Files of this project, and lookups, which send packets to other machines.
LEFT_OUT = ("/static/", "/pub/api/v1/lookup/")


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One kind of database is enough: the kinds differ only below the routes."""
    return make_store_settings("sqlite")


@pytest.fixture
def known(store: Store, client: FlaskClient) -> list[str]:
    """Objects of each kind; their ids, names and tags."""
    public_ids = [new_public_id() for _ in range(3)]
    runs = [make_run(store, f"d{number}.example", record("INFO", "ERROR")).id for number in range(2)]
    runs.append(make_run(store, "p.example", record("INFO"), public_id=public_ids[0]).id)
    jobs = [queue_job(store, f"q{number}.example").id for number in range(3)]
    jobs.append(queue_job(store, "w.example", public_id=public_ids[1]).id)
    claim(store, jobs[0])
    facts = Chance(1).snapshot(6)
    cohort = make_cohort(store, is_default=True)
    make_snapshot(store, cohort, facts)
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["b.example"], "tags": ["mine"]}).get_json()["batch_id"]
    client.post("/api/v1/profiles", json={"name": "p", "config": {}, "public": True})
    watch = {"tag": "mine", "events": ["domain.regressed"], "url": "https://hook.example/"}
    client.post("/api/v1/watches", json=watch)
    names = ["se", "mine", facts.slug, "basic01", "BASIC", "B01_CHILD_FOUND", "d0.example", "normal", "error"]
    networks = [*list(facts.networks)[:2], "AS64500", facts.domains[0].name]
    return [*runs, *jobs, batch, *public_ids, *names, *networks, "1", "2"]


def rules(app: Flask, *, pages: bool) -> list[Rule]:
    """Return the rules of the pages, or of the APIs."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/pub/")) != pages and not rule.rule.startswith(LEFT_OUT)
    ]


def parameters(app: Flask) -> tuple[list[str], list[str]]:
    """Return the names of all parameters of the APIs and pages, and their documented values."""
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    paths = document["paths"].values()
    listed = [one for path in paths for call in path.values() if "parameters" in call for one in call["parameters"]]
    names = {one["name"] for one in listed if one.get("in") == "query"}
    values = {str(value) for one in listed for value in one.get("schema", {}).get("enum", ())}
    for path in (*SOURCES.rglob("*.html"), *(SOURCES / "ui").rglob("*.py")):
        names |= set(re.findall(r'(?:name="|args\.get\("|form\["|find\(")([a-z][a-z_]+)"', path.read_text("utf-8")))
    return sorted(names), sorted(values)


class Requests:
    """Sends requests that are random from a seed, and collects those that end in a server error."""

    def __init__(self, app: Flask, known: list[str], chance: random.Random) -> None:
        self._client = app.test_client()
        self._known = known
        self._chance = chance
        self._names, self._values = parameters(app)
        self.failed: list[str] = []

    def url(self, rule: Rule) -> str:
        """Return the URL of a rule, with ids and names of any kind."""
        return re.sub(r"<[^>]*>", lambda _: self._chance.choice(self._known), rule.rule)

    def fields(self) -> dict[str, str]:
        """Return some parameters, with values that belong to any of them."""
        chosen = self._chance.sample(self._names, self._chance.randrange(1, MOST_PARAMETERS))
        pools = (self._known, self._values, STRANGE)
        return {name: self._chance.choice(self._chance.choice(pools)) for name in chosen}

    def headers(self) -> dict[str, str]:
        """Return some headers of the pages."""
        options = {"X-Partial": self._chance.choice(PARTS)} if self._chance.random() < 0.5 else {}
        chosen = [each for each in HEADERS if self._chance.random() < (0.05 if each[0] in OFTEN_REFUSED else 0.3)]
        return options | {name: self._chance.choice(values) for name, values in chosen}

    def body(self, rule: Rule) -> dict[str, Any]:
        """Return a form or an object, sometimes of the other kind of route, or a body that is neither."""
        if self._chance.random() < 0.3:
            return {"data": self._chance.choice(BODIES)}
        is_api = rule.rule.startswith(("/api/", "/pub/")) != (self._chance.random() < 0.1)
        return {"json" if is_api else "data": self.fields()}

    def send(self, method: str, url: str, **options: Any) -> None:
        with self._client.open(url, method=method, **options) as response:
            if response.mimetype != "text/event-stream":
                response.get_data()
            if response.status_code >= 500 and response.status_code != 503:
                self.failed.append(f"{response.status_code} {method} {url} {options}")


def methods(rule: Rule) -> Iterator[str]:
    """Yield the methods of a rule, and two that it may not have."""
    yield from sorted((rule.methods or set()) | {"HEAD", "OPTIONS"})


def read_headers() -> set[str]:
    """Return the names of the request headers that the code reads."""
    found: set[str] = set()
    for path in SOURCES.rglob("*.py"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r'request\.headers(?:\.get\(|\[)"([A-Za-z-]+)"', text))
        found |= set(re.findall(r'^HEADER(?:: Final)? = "([A-Za-z-]+)"', text, re.MULTILINE))
        found |= {name.replace("_", "-") for name in re.findall(r'"HTTP_([A-Z_]+)"', text)}
    return found


def test_the_headers_that_the_code_reads_are_swapped() -> None:
    of_server = {"Transfer-Encoding", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Real-IP"}  # see tests/hostile
    known = {name.lower() for name in (*dict(HEADERS), "X-Partial", *of_server)}
    assert {name.lower() for name in read_headers()} <= known


@pytest.fixture
def requests(make_app: MakeApp, known: list[str]) -> Requests:
    # A fresh application, because the requests change the content of its caches.
    app = make_app(fresh=True)
    return Requests(app, known, random.Random(SEED))


@pytest.mark.parametrize("share", [0.05, pytest.param(1.0, marks=pytest.mark.nightly)], ids=["some", "all"])
def test_each_page_with_the_partials_of_all_pages(requests: Requests, client: FlaskClient, share: float) -> None:
    chance = random.Random(2)
    for rule in rules(client.application, pages=True):
        if "GET" in (rule.methods or ()):
            parts = [part for part in PARTS if share == 1 or chance.random() < share]
            for part in (*parts, "../shell/base", "\u00e9", "x" * 5000):
                for _ in range(2 if rule.arguments else 1):
                    requests.send("GET", requests.url(rule), headers={"X-Partial": part, "Accept": "text/html"})
    assert requests.failed == []


@pytest.mark.parametrize("rounds", [1, pytest.param(40, marks=pytest.mark.nightly)])
def test_each_route_with_parameters_of_the_others(requests: Requests, client: FlaskClient, rounds: int) -> None:
    for rule in (*rules(client.application, pages=True), *rules(client.application, pages=False)):
        for method in methods(rule):
            for _ in range(rounds):
                body = {} if method in {"GET", "HEAD", "OPTIONS"} else requests.body(rule)
                url, query = requests.url(rule), requests.fields()
                requests.send(method, url, query_string=query, headers=requests.headers(), **body)
    assert requests.failed == []
