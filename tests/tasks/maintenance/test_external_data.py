"""Registration data and AS names: fetched from real servers, few at a time, and only if enabled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.core.session import Store
from gonemaster_db.models import AnalysisAsn, Registration
from gonemaster_db.service.registrations import find_registration
from gonemaster_engine.run.as_names import AsName, look_up_as_names
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.registration_requests import MAX_QUEUED
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.external_data import follow_external_data
from gonemaster_tasks.reference_data.rdap import NotRdap, RegistrationData, parse_domain, parse_services
from tests.engine.asn.test_asn import databases
from tests.support.dnsworld import World
from tests.support.documents import Answer, Source, open_source
from tests.support.engine import run_context
from tests.support.rows import NOON

Follow = Callable[..., None]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DOMAIN = {
    "objectClassName": "domain",
    "handle": "D1-EXAMPLE",
    "ldhName": "SHOP.example",
    "status": ["active", "client transfer prohibited"],
    "entities": [
        {"roles": ["registrant"], "vcardArray": ["vcard", [["fn", {}, "text", "A person"]]]},
        {
            "roles": ["registrar"],
            "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Reg AB"]]],
        },
    ],
    "events": [
        {"eventAction": "registration", "eventDate": "2001-02-03T04:05:06.789+02:00"},
        {"eventAction": "expiration", "eventDate": "2027-01-01"},
        {"eventAction": "last changed", "eventDate": "yesterday"},
    ],
    "nameservers": [{"ldhName": "NS2.example."}, {"ldhName": "ns1.example"}],
    "secureDNS": {"delegationSigned": True},
}
KEPT = {
    "handle": "D1-EXAMPLE",
    "status": ["active", "client transfer prohibited"],
    "registrar": "Reg AB",
    "registry_org": None,
    "registered_at": "2001-02-03T02:05:06Z",
    "expires_at": "2027-01-01T00:00:00Z",
    "changed_at": None,
    "nameservers": ["ns1.example", "ns2.example"],
    "delegation_signed": True,
}


@pytest.fixture
def source() -> Iterator[Source]:
    with open_source() as made:
        services = [[["example"], [f"{made.url}/rdap"]], [["net", "org"], ["https://rdap.example/v1/"]]]
        made.put("/rdap.json", {"publication": "2026-11-01T00:00:00Z", "services": services})
        made.put("/rdap/domain/shop.example", DOMAIN)
        yield made


@pytest.fixture
def follow(store: Store, broker: Broker, source: Source) -> Follow:
    """Do the due work: `follow(later, look_up_as_names=...)`."""

    def work(later: timedelta = timedelta(), *, look_up: Any = None, **options: Any) -> None:
        settings = settings_of(source, **options)
        follow_external_data(store, broker, settings, look_up_as_names=look_up, now=lambda: NOON + later)

    return work


def settings_of(source: Source, **options: Any) -> Settings:
    defaults = {
        "external_data_enabled": True,
        "external_data_source_iana_tlds": f"{source.url}/absent",
        "external_data_source_rdap_bootstrap": f"{source.url}/rdap.json",
        "allow_non_global": True,
    }
    return load_settings(defaults | options, {})


def request_registrations(broker: Broker, *domains: str) -> None:
    for number, domain in enumerate(domains):
        assert broker.registration_requests.add(domain, at=float(number))


def found(store: Store, domain: str) -> Registration | None:
    with store.read_only() as session:
        return find_registration(session, domain)


def test_what_is_wished_for_is_fetched(store: Store, broker: Broker, source: Source, follow: Follow) -> None:
    request_registrations(broker, "shop.example", "shop.example", "lost.example", "shop.test")
    assert broker.registration_requests.count() == 3
    follow()
    assert broker.registration_requests.count() == 0
    record = found(store, "shop.example")
    assert record is not None
    assert json.loads(record.content) == KEPT
    assert (record.source_url, record.fetched_at) == (f"{source.url}/rdap/domain/shop.example", NOON)
    failures = {domain: found(store, domain) for domain in ("lost.example", "shop.test")}
    assert {domain: row and (row.last_error, row.fetched_at) for domain, row in failures.items()} == {
        "lost.example": ("Not Found", None),
        "shop.test": ("its registry has no RDAP service", None),
    }


def test_a_failure_leaves_what_was_there(store: Store, broker: Broker, source: Source, follow: Follow) -> None:
    request_registrations(broker, "shop.example")
    follow()
    source.answers["/rdap/domain/shop.example"] = (503, b"", {})
    request_registrations(broker, "shop.example")
    follow(DAY)
    record = found(store, "shop.example")
    assert record is not None
    assert json.loads(record.content) == KEPT
    assert (record.fetched_at, record.tried_at, record.last_error) == (NOON, NOON + DAY, "Service Unavailable")


WRONG: dict[str, Answer] = {
    "a page": (200, b"<html>", {}),
    "another object": (200, b'{"objectClassName": "entity"}', {}),
    "another domain": (200, b'{"objectClassName": "domain", "ldhName": "other.example"}', {}),
    "deep": (200, b"[" * 200_000, {}),
    "too much": (200, b" " * 300_000, {}),
    "other octets": (200, b"\xff\xfe", {}),
    "a file": (302, b"", {"Location": "file:///etc/passwd"}),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
def test_what_is_no_registration_is_a_failure(
    store: Store, broker: Broker, source: Source, follow: Follow, answer: Answer
) -> None:
    source.answers["/rdap/domain/shop.example"] = answer
    request_registrations(broker, "shop.example")
    follow()
    record = found(store, "shop.example")
    assert record is not None
    assert (record.content, record.fetched_at) == ("", None)
    assert record.last_error


def test_nothing_is_fetched_from_addresses_of_this_network(
    store: Store, broker: Broker, source: Source, follow: Follow
) -> None:
    source.asked.clear()
    request_registrations(broker, "shop.example")
    follow(allow_non_global=False)
    record = found(store, "shop.example")
    assert record is not None
    assert "globally reachable" in record.last_error
    assert [path for path in source.asked if "domain" in path] == []


def test_nothing_is_fetched_unless_that_is_enabled(broker: Broker, source: Source, follow: Follow) -> None:
    request_registrations(broker, "shop.example")
    follow(external_data_enabled=False)
    assert (source.asked, broker.registration_requests.count()) == ([], 1)


def test_a_minute_has_a_limit(broker: Broker, source: Source, follow: Follow) -> None:
    request_registrations(broker, *(f"d{number}.example" for number in range(5)))
    for later, left in ((timedelta(), 3), (MINUTE / 2, 3), (MINUTE, 1)):
        follow(later, external_data_max_requests_per_minute=2)
        assert broker.registration_requests.count() == left


def test_only_so_many_records_are_kept(store: Store, broker: Broker, follow: Follow) -> None:
    for number in range(4):
        request_registrations(broker, f"d{number}.example")
        follow(number * HOUR, external_data_max_cached_records=2)
    assert [found(store, f"d{number}.example") is not None for number in range(4)] == [False, False, True, True]


def test_the_queue_is_short(broker: Broker) -> None:
    request_registrations(broker, *(f"d{number}.example" for number in range(MAX_QUEUED)))
    assert not broker.registration_requests.add("one.more.example", at=0)
    assert broker.registration_requests.add("d7.example", at=0), "it is in the queue"
    assert broker.registration_requests.take() == "d0.example"


def test_ases_get_names_once(store: Store, follow: Follow) -> None:
    with store.transaction() as session:
        for asn in (64500, 64501):
            session.add(AnalysisAsn(asn=asn, label="", first_seen_at=NOON, last_seen_at=NOON))
    world, asked = databases('as64500 TXT "64500 | SE | x | y | EXAMPLE - Example Networks, SE"'), list[Sequence[int]]()

    def look_up(asns: Sequence[int]) -> Mapping[int, AsName | None]:
        asked.append(asns)
        return names_of(world, asns)

    with world:
        for later in (timedelta(), MINUTE, 2 * HOUR, 8 * DAY):
            follow(later, look_up=look_up)
    with store.read_only() as session:
        labels = {asn: session.get_one(AnalysisAsn, asn).label for asn in (64500, 64501)}
    assert labels == {64500: "EXAMPLE - Example Networks, SE", 64501: ""}
    # Known names are requested again after a week, unknown names after an hour.
    assert [sorted(asns) for asns in asked] == [[64500, 64501], [64501], [64500, 64501]]


def names_of(world: World, asns: Sequence[int]) -> Mapping[int, AsName | None]:
    async def work() -> Mapping[int, AsName | None]:
        async with asyncio.timeout(30), run_context(world) as context:
            return await look_up_as_names(asns, context.profile, context.resources)

    return asyncio.run(work())


def test_names_of_ases_have_the_limit_of_a_minute(store: Store, follow: Follow) -> None:
    with store.transaction() as session:
        for asn in range(64500, 64530):
            session.add(AnalysisAsn(asn=asn, label="", first_seen_at=NOON, last_seen_at=NOON))
    asked: list[int] = []

    def look_up(asns: Sequence[int]) -> Mapping[int, AsName | None]:
        asked.extend(asns)
        return {}

    for later, number in ((timedelta(), 12), (MINUTE / 2, 12), (MINUTE, 24)):
        follow(later, look_up=look_up, external_data_max_requests_per_minute=12)
        assert len(asked) == len(set(asked)) == number


def test_the_longest_name_finds_the_service() -> None:
    services = parse_services(
        json.dumps(
            {
                "publication": "2026-11-01T00:00:00Z",
                "services": [
                    [["COM", "uk."], ["http://old.example/", "https://new.example/rdap/"]],
                    [["co.uk"], ["https://co.example/"]],
                    [["ftp"], ["ftp://x.example/"]],
                ],
            }
        )
    )
    assert {name: services.url_of(name) for name in ("a.com", "a.co.uk", "a.b.uk", "com", "a.ftp", "a.se")} == {
        "a.com": "https://new.example/rdap/domain/a.com",
        "a.co.uk": "https://co.example/domain/a.co.uk",
        "a.b.uk": "https://new.example/rdap/domain/a.b.uk",
        "com": "https://new.example/rdap/domain/com",
        "a.ftp": None,
        "a.se": None,
    }


def test_the_registry_of_a_top_level_domain_is_named() -> None:
    card = ["vcard", [["org", {}, "text", ["Registry\nof Example", "unit"]], ["fn", {}, "text", "A person"]]]
    document = {"objectClassName": "domain", "entities": [{"roles": ["registrant"], "vcardArray": card}]}
    assert parse_domain(json.dumps(document), "example").registry_org == "Registry of Example"
    assert parse_domain(json.dumps(document), "shop.example").registry_org is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(sorted(DOMAIN)), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(DOMAIN, _JSON)))
def test_every_answer_of_a_registry_is_read_or_refused(document: dict[str, Any]) -> None:
    for text in (json.dumps({**DOMAIN, **document}), json.dumps(document)):
        try:
            kept = parse_domain(text, "shop.example")
        except NotRdap:
            continue
        assert all(len(one) <= 255 for one in (*kept.status, *kept.nameservers, kept.registrar or ""))
        assert vars(RegistrationData(**json.loads(kept.as_json()))).keys() == vars(kept).keys()


_SERVICES = st.dictionaries(st.sampled_from(["publication", "services"]), _JSON)


@given(_SERVICES)
def test_every_list_of_services_is_read_or_refused(document: dict[str, Any]) -> None:
    with suppress(NotRdap):
        assert parse_services(json.dumps(document)).urls


def test_a_time_zone_far_away_is_no_time() -> None:
    event = {"eventAction": "expiration", "eventDate": "0001-01-01T00:00:00+23:59"}
    document = {"objectClassName": "domain", "events": [event]}
    assert parse_domain(json.dumps(document), "shop.example").expires_at is None
