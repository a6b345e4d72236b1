"""A zone whose names and texts are markup, control characters and bidirectional marks reaches every page. A worker's
runner tests the zone in a real run. The tests check the stored result on the public page, the admin pages, the badge
and the analysis, in all downloads and in the chain of trust.
"""

from __future__ import annotations

import asyncio
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import CohortSnapshot, Run, RunStatus
from gonemaster_engine.run.as_names import AsName
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.external_data import label_ases
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from tests.api.conftest import MakeApp
from tests.support.analysis.cohorts import make_batch, make_cohort
from tests.support.analysis.runs import project_all
from tests.support.dnsworld import World, faults
from tests.support.dnsworld.extras import add_origin_zone
from tests.support.rows import NOON, make_run, record
from tests.support.stores import MakeSettings
from tests.ui.public_runs import ENTRIES, TIMINGS
from tests.ui.test_public_result import Tags

DOMAIN = "evil.xa"
ASN = 64521
# In zone files: <script>alert(1)</script>, "onload=, ' and `, a terminal's escape, U+202E, U+2066, a template's
# braces.
MARKUP = r"\060script\062alert\0401\041\060/script\062\060img\032src=x\032onerror=x\062\034\039\096"
CONTROLS = r"\027[31m\226\128\174gpj\226\129\166\226\128\139\000{{7*7}}{% raw %}\239\187\191"
LABEL = r"\060svg/onload=x\062\034\027\226\128\174\000"
OWN = {  # elements that pages may have
    "a", "b", "caption", "circle", "code", "dd", "desc", "details", "div", "dl", "dt", "g", "h3", "h4", "li", "line",
    "nav", "p", "path", "pre", "rect", "section", "small", "span", "summary", "svg", "table", "tbody", "td", "text",
    "th", "thead", "title", "tr", "ul",
}  # fmt: skip
PIECES = ("<script>alert", "<img src", "<svg/onload", "onerror=x>")
UNSEEN = set("\x00\x1b\u202e\u2066\u200b\ufeff")
HTML = {"Accept": "text/html"}


def hostile_world() -> World:
    world = World()
    world.zone(".", ns={"a.root-servers.net": "127.0.0.53"}, signed=True)
    world.zone("xa", ns={"ns1.nic.xa": "127.20.0.1"}, signed=True)
    world.zone(
        DOMAIN,
        ns={f"{LABEL}.{DOMAIN}": "127.21.0.1", f"ns2.{LABEL}.{DOMAIN}": "127.22.0.1", f"ns.{LABEL}.xa": ()},
        signed=True,
        soa=rf"{LABEL}.{DOMAIN}. {LABEL}\@x.{DOMAIN}. 1 60 60 60 60",
        records="\n".join(
            (
                f"@ MX 10 {LABEL}.mail",
                f'@ TXT "v=spf1 {MARKUP}{CONTROLS}=x mx -all"',
                f'@ TXT "v=spf1 include:{MARKUP}{CONTROLS} -all"',
                f"www CNAME {LABEL}.www",
            )
        ),
    )
    add_origin_zone(world, "asn.cymru.com", {"127.21.0.0/16": ASN, "127.22.0.0/16": 64522})
    asn_zone = world.zone_of("asn.cymru.com")
    text = f'as{ASN} TXT "{ASN} | ZZ | x | 2026-01-01 | {MARKUP} - {MARKUP}{CONTROLS}, ZZ"'
    for address in asn_zone.addresses:
        asn_zone.on(address, records=f"{asn_zone.spec.records}\n{text}")
    for address, version in (("127.21.0.1", MARKUP), ("127.22.0.1", CONTROLS)):
        world.server(address).behaviour.version = version
    world.server("127.22.0.1").fault(faults.rcode("FORMERR"), qtype="NS", transport="tcp")
    return world


@dataclass(frozen=True)
class Found:
    """The result of a run of the hostile zone, and the holder of the AS."""

    outcome: RunOutcome
    holders: Mapping[int, AsName | None]
    dns: Mapping[str, Any]  # settings with which the world is queried

    @property
    def record(self) -> RunRecord:
        found = self.outcome
        return RunRecord(
            finished_at=NOON,
            status=RunStatus.SUCCEEDED,
            entries=found.entries,
            nameserver_timings=found.nameserver_timings,
            dnssec_chain=found.dnssec_chain,
            score=found.score,
            grade=found.grade,
            effective_profile=found.effective_profile,
        )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """The stored result of the run of a worker, with the lowest level that it can have."""
    config = {"origin": "public", "min_level": "DEBUG3"}

    async def whole(dns: Mapping[str, Any]) -> Found:
        runner = EngineRunner(LiveSettings(Settings(**dns)))
        await runner.open()
        try:
            order = TestOrder("job_1", DOMAIN, config, None, 60.0)
            outcome = await runner.run(order, Listeners(lambda _: None, lambda _: None))
            return Found(outcome, await runner.as_names([ASN]), dns)
        finally:
            await runner.close()

    with hostile_world() as world:
        hints = world.write_hints(tmp_path_factory.mktemp("hostile") / "root.hints")
        dns = {"root_hints_path": hints, "dns_port": world.port, "allow_non_global": True, "timeout": 2, "retry": 1}
        yield asyncio.run(whole(dns))


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One kind of database is enough: escaping does not depend on it."""
    return make_store_settings("sqlite")


@pytest.fixture
def run(store: Store, found: Found) -> Run:
    """The run of the hostile zone as a public test."""
    return make_run(store, DOMAIN, found.record, public_id=new_public_id(), config={"origin": "public"})


@pytest.fixture
def harmless(store: Store) -> Run:
    """A run whose pages have all elements that pages may have."""
    outcome = record("INFO", entries=ENTRIES, nameserver_timings=TIMINGS)
    return make_run(store, "a.example", outcome, public_id=new_public_id(), config={"origin": "public"})


def shown(client: FlaskClient, path: str) -> str:
    answer = client.get(path, headers=HTML)
    assert answer.status_code == 200, (path, Tags(answer.text).text)
    return answer.text


def check_page(text: str, harmless: str) -> None:
    """Check that a page has no element, attribute or character of the zone."""
    page, usual = Tags(text), Tags(harmless)
    assert not UNSEEN & set(text)
    assert page.names - usual.names <= OWN
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    links = [value for name, value in page.attributes if name in ("href", "src")]
    assert not [link for link in links if not re.match(r"[/#?]|http", link)]
    assert text.count("<script") == harmless.count("<script")
    assert text.count("<img") == harmless.count("<img")
    assert "49" not in re.findall(r"\{\{.*?\}\}|\b49gpj", page.text)


def test_the_zone_reaches_the_store(found: Found) -> None:
    """The hostile texts are in the result; otherwise the other tests would check nothing."""
    everything = json.dumps([entry.args for entry in found.outcome.entries], ensure_ascii=False)
    assert "<script>alert" in everything
    assert "<svg/onload" in everything
    assert "{{7*7}}" in everything
    assert found.outcome.dnssec_chain is not None
    assert [name for name in found.holders.values() if name and "<script>" in name.name]


def test_the_public_page_and_its_files_show_it_as_text(client: FlaskClient, run: Run, harmless: Run) -> None:
    base, usual = f"/public/result/{run.public_id}", f"/public/result/{harmless.public_id}"
    for path in ("", "?level=error", "?level=warning", "?level=notice", "?level=ok", "?lang=sv"):
        check_page(shown(client, base + path), shown(client, usual + path))
    assert "&lt;script&gt;alert" in shown(client, f"{base}?level=notice")
    for name in ("findings.csv", "findings.txt"):
        assert not UNSEEN & set(shown(client, f"{base}/{name}"))
    document = client.get(f"/pub/api/v1/jobs/{run.public_id}/result")
    assert document.mimetype == "application/json"
    assert document.headers["X-Content-Type-Options"] == "nosniff"
    check_picture(shown(client, f"{base}/chain.svg"))
    badge = shown(client, f"/public/badge/{DOMAIN}.svg")
    check_picture(badge)
    assert DOMAIN in badge


def check_picture(text: str) -> None:
    elements = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert not elements & {"script", "foreignObject", "image", "iframe", "a", "use", "animate", "set"}
    assert not UNSEEN & set(text)
    assert not re.search(r"\son\w+=", text)


def test_the_admin_pages_and_files_show_it_as_text(client: FlaskClient, run: Run, harmless: Run) -> None:
    for path in ("", "?level=error", "?level=notice", "?level=info&all=yes", "?lang=sv"):
        check_page(shown(client, f"/jobs/{run.id}{path}"), shown(client, f"/jobs/{harmless.id}{path}"))
    assert "&lt;script&gt;alert" in shown(client, f"/jobs/{run.id}?level=notice")
    text = shown(client, f"/jobs/{run.id}/result.txt")
    assert not UNSEEN & set(text)
    check_picture(shown(client, f"/jobs/{run.id}/chain.svg"))
    for path, other in (
        (f"/domains/{DOMAIN}", "/domains/a.example"),
        (f"/jobs/{run.id}/profile", f"/jobs/{harmless.id}/profile"),
    ):
        check_page(shown(client, path), shown(client, other))
    rows = client.get(f"/api/v1/entries?format=csv&run={run.id}").text
    assert not [line for line in rows.splitlines() if line[:1] in "=+-@\t"]


def test_the_analysis_and_the_networks_show_it_as_text(make_app: MakeApp, store: Store, run: Run, found: Found) -> None:
    make_cohort(store, "tld")
    batch = make_batch(store, promote=True)
    for domain, outcome in ((DOMAIN, found.record), ("a.example", record("INFO", entries=ENTRIES))):
        make_run(store, domain, outcome, batch_id=batch.id, priority=1, config={"tags": ["tld"]})
    project_all(store)
    label_ases(store, Settings(external_data_enabled=True), lambda _: found.holders, now=lambda: NOON)
    with store.read_only() as session:
        (snapshot_id,) = session.scalars(select(CohortSnapshot.id))
    assert materialise(store, snapshot_id, now=lambda: NOON) is Capture.CAPTURED
    client = make_app(
        external_data_enabled=True, **{**found.dns, "root_hints_path": str(found.dns["root_hints_path"])}
    ).test_client()
    paths = {"/analysis/", f"/analysis/domains/{DOMAIN}", f"/public/result/{run.public_id}/networks"}
    paths |= {f"/analysis/{name}" for name in ("nameservers", "addresses", "networks", "findings", "trends")}
    pages = {path: shown(client, path) for path in paths}
    servers = set(re.findall(r'href="(/analysis/nameservers/[^"]+)"', pages["/analysis/nameservers"]))
    assert [link for link in servers if "onload" in link]
    pages |= {path: shown(client, path) for path in servers | {f"/analysis/networks/{ASN}"}}
    for path, text in pages.items():
        assert not UNSEEN & set(text), path
        assert not [piece for piece in PIECES if piece in text], path
        assert not [name for name, _ in Tags(text).attributes if name.startswith("on") or name == "style"], path
    assert "&lt;script&gt;alert" in pages["/analysis/networks"]
    assert "&lt;script&gt;alert" in pages[f"/public/result/{run.public_id}/networks"]
    api = "/pub/api/v1" + next(link for link in servers if "ns." in link)
    assert client.get(api).get_json()["nameserver"].startswith("ns.")
    for path in ("nameservers", "networks"):
        assert not UNSEEN & set(client.get(f"/analysis/{path}?format=csv").text)
