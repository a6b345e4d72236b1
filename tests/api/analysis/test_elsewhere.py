"""Registration data and AS names in the public analysis."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.reference_lists import save_reference_list
from gonemaster_db.service.registrations import record_registration_failure, save_registration
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.reference_data.rdap import BOOTSTRAP, RegistrationData
from tests.api.analysis.conftest import ROOT
from tests.api.conftest import MakeApp
from tests.support.analysis_world import DomainFacts, Network, SnapshotFacts, make_cohort, make_snapshot

SERVER, ADDRESS = "ns1.operator.example", "192.0.2.1"


@pytest.fixture
def shop(store: Store) -> None:
    """A snapshot with one domain, at one operator."""
    facts = SnapshotFacts(
        domains=(DomainFacts("shop.example", servers={SERVER: (ADDRESS,)}),),
        networks={ADDRESS: Network(64500, "192.0.2.0/24")},
        labels={64500: "OPERATOR - Example Networks, SE"},
    )
    make_snapshot(store, make_cohort(store, is_default=True), facts)


@pytest.fixture
def ask(make_app: MakeApp) -> Callable[..., Any]:
    """Return responses: `ask(path, flag=value)` uses an application with these settings."""

    made: dict[Any, FlaskClient] = {}

    def call(path: str, *, etag: str = "", query: Any = None, **flags: Any) -> Any:
        key = tuple(flags.items())
        if key not in made:
            made[key] = make_app(**flags).test_client()
        return made[key].get(f"{ROOT}{path}", query_string=query, headers={"If-None-Match": etag} if etag else {})

    return call


def put_services(store: Store) -> None:
    with store.transaction() as session:
        save_reference_list(session, BOOTSTRAP, version="1", names=["example https://rdap.example/"], now=utcnow())


def detail(ask: Callable[..., Any], **flags: Any) -> Any:
    found = ask("/domains/shop.example", **flags).get_json()
    return found["rdap_url"], found["registry"]


@pytest.mark.usefixtures("shop")
def test_without_external_data_there_is_no_registry(ask: Callable[..., Any], queue: QueueParts) -> None:
    assert detail(ask) == (None, None)
    assert queue.broker.registration_requests.count() == 0


@pytest.mark.usefixtures("shop")
def test_a_registry_is_asked_for_and_shown_once_it_has_answered(
    ask: Callable[..., Any], queue: QueueParts, store: Store
) -> None:
    enabled = {"external_data_enabled": "true"}
    url, registry = detail(ask, **enabled)
    assert (url, registry["state"], registry["status"]) == (None, "pending", [])
    put_services(store)
    for _ in range(2):
        url, registry = detail(ask, **enabled)
        assert (url, registry["state"]) == ("https://rdap.example/domain/shop.example", "pending")
    assert queue.broker.registration_requests.take() == "shop.example"
    assert queue.broker.registration_requests.count() == 0
    before = ask("/domains/shop.example", **enabled)
    assert ask("/domains/shop.example", etag=before.headers["ETag"], **enabled).status_code == 304
    content = RegistrationData(handle="D1", status=("active",), registrar="Reg AB", delegation_signed=True).as_json()
    with store.transaction() as session:
        save_registration(session, "shop.example", content=content, source_url=url, now=utcnow())
    after = ask("/domains/shop.example", etag=before.headers["ETag"], **enabled)
    assert after.status_code == 200
    registry = after.get_json()["registry"]
    assert (registry["state"], registry["handle"], registry["status"]) == ("fresh", "D1", ["active"])
    assert (registry["source_url"], registry["delegation_signed"]) == (url, True)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("fetched", "failed", "state", "asked"), [
    (timedelta(days=8), None, "stale", 1),
    (timedelta(days=8), timedelta(minutes=1), "stale", 0),
    (timedelta(days=8), timedelta(hours=2), "stale", 1),
    (None, timedelta(minutes=1), "unavailable", 0),
    (None, timedelta(hours=2), "pending", 1),
])  # fmt: skip
def test_what_is_old_or_failed_long_ago_is_asked_for_again(
    ask: Callable[..., Any], queue: QueueParts, store: Store, fetched: Any, failed: Any, state: str, asked: int
) -> None:
    put_services(store)
    with store.transaction() as session:
        if fetched:
            content = RegistrationData(handle="D1").as_json()
            save_registration(session, "shop.example", content=content, source_url="u", now=utcnow() - fetched)
        if failed:
            record_registration_failure(session, "shop.example", error="away", now=utcnow() - failed)
    _, registry = detail(ask, external_data_enabled="true")
    assert (registry["state"], registry["handle"]) == (state, "D1" if fetched else None)
    assert queue.broker.registration_requests.count() == asked


@pytest.mark.usefixtures("shop")
def test_only_domains_of_the_snapshot_are_asked_for(ask: Callable[..., Any], queue: QueueParts) -> None:
    assert ask("/domains/other.example", external_data_enabled="true").status_code == 404
    assert queue.broker.registration_requests.count() == 0


@pytest.mark.usefixtures("shop")
def test_a_domain_without_a_service_is_unavailable(ask: Callable[..., Any], queue: QueueParts, store: Store) -> None:
    with store.transaction() as session:
        save_reference_list(session, BOOTSTRAP, version="1", names=["test https://rdap.example/"], now=utcnow())
    url, registry = detail(ask, external_data_enabled="true")
    assert (url, registry["state"], queue.broker.registration_requests.count()) == (None, "unavailable", 0)


PATHS = (
    "/overview", "/domains", "/domains/shop.example", "/nameservers", f"/nameservers/{SERVER}", "/endpoints",
    f"/endpoints/{ADDRESS}", "/asns", "/asns/64500", "/prefixes", "/prefix?prefix=192.0.2.0/24",
)  # fmt: skip


@pytest.mark.usefixtures("shop")
def test_names_of_ases_are_shown_where_the_setting_allows_it(ask: Callable[..., Any]) -> None:
    label = "OPERATOR - Example Networks, SE"
    tags = {}
    for path in PATHS:
        shown, hidden = ask(path), ask(path, show_asn_names_public="false")
        assert label in shown.text, path
        assert "OPERATOR" not in hidden.text, path
        assert "AS64500" in hidden.text, path
        tags[path] = (shown.headers["ETag"], hidden.headers["ETag"])
    assert all(shown != hidden for shown, hidden in tags.values())


@pytest.mark.usefixtures("shop")
def test_hidden_names_cannot_be_determined(ask: Callable[..., Any]) -> None:
    hidden = {"show_asn_names_public": "false"}
    for path in ("/asns", "/prefixes"):
        assert ask(path, query={"search": "operator"}).get_json()["total"] == 1
        assert ask(path, query={"search": "operator"}, **hidden).get_json()["total"] == 0
    assert ask("/asns", query={"search": "as645"}, **hidden).get_json()["total"] == 1
    assert ask("/prefixes", query={"search": "192.0.2"}, **hidden).get_json()["total"] == 1
    refused = ask("/endpoints", query={"sort": "operator_asc"}, **hidden)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (400, "invalid_sort")


def test_the_status_reports_both_lists(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    put_services(store)
    queue.broker.registration_requests.add("shop.example", at=0)
    external = client.get("/api/v1/analysis/status").get_json()["external_data"]
    assert (external["cached_records"], external["queue_depth"]) == (0, 1)
    assert [(one["name"], one["state"], one["entries"] > 0) for one in external["datasets"]] == [
        ("iana_tlds", "disabled", True),
        ("rdap_dns_bootstrap", "disabled", True),
    ]
