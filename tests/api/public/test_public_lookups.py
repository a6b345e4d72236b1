"""DNS lookups of the public API: the data of a parent zone, the holders of ASes, within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gonemaster_api import lookups
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.api.public.test_public_jobs import PUBLIC
from tests.api.web.test_errors import error_of
from tests.engine.asn.test_asn import CYMRU_SERVER, SECOND_SERVER, databases
from tests.engine.run.test_as_names import EXAMPLE
from tests.support.dnsworld import World, faults
from tests.support.rows import make_run, record
from tests.support.service import wait_for
from tests.support.stores import MakeSettings

InWorld = Callable[..., Flask]
Serve = Callable[[World], World]


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the database is hardly used."""
    return make_store_settings("sqlite")


@pytest.fixture
def in_world(make_app: MakeApp, tmp_path: Path) -> Iterator[InWorld]:
    """Create applications: `in_world(world)` has an engine in a world, and may query its loopback addresses."""
    made: list[Flask] = []

    def make(world: World, **flags: Any) -> Flask:
        hints = world.write_hints(tmp_path / "root.hints")
        flags = {"public_api_allow_private_undelegated_ip": True} | flags
        made.append(make_app(root_hints_path=str(hints), dns_port=world.port, allow_non_global=True, **flags))
        return made[-1]

    yield make
    for app in made:
        app.extensions["gonemaster"].lookups.close()


def test_delegation_is_what_a_job_takes(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world).test_client()
    response = client.get(f"{PUBLIC}/lookup/GOOD.xa.")
    found = response.get_json()
    assert [server["ns"] for server in found["nameservers"]] == ["ns1.good.xa", "ns2.good.xa"]
    assert all(server["ip"].startswith("127.") for server in found["nameservers"])
    (ds,) = found["ds_records"]
    assert ds.keys() == {"keytag", "algorithm", "digtype", "digest"}
    assert response.headers["Cache-Control"] == "no-store"
    job = {"domain": "good.xa", "nameservers": found["nameservers"], "ds_info": found["ds_records"]}
    assert client.post(f"{PUBLIC}/jobs", json=job).status_code == 201
    nothing: dict[str, list[Any]] = {"nameservers": [], "ds_records": []}
    assert client.get(f"{PUBLIC}/lookup/missing.xa").get_json() == nothing
    unsigned = client.get(f"{PUBLIC}/lookup/plain.xa").get_json()
    assert (len(unsigned["nameservers"]), unsigned["ds_records"]) == (2, [])


def test_addresses_that_a_job_may_not_have_are_left_out(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world, public_api_allow_private_undelegated_ip=False).test_client()
    assert client.get(f"{PUBLIC}/lookup/good.xa").get_json()["nameservers"] == [
        {"ns": "ns1.good.xa"},
        {"ns": "ns2.good.xa"},
    ]


def test_name_that_is_none(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world).test_client()
    for name in ("a..b", "a" * 300, "%20", "ex ample.com"):
        response = client.get(f"{PUBLIC}/lookup/{name}")
        assert (response.status_code, error_of(response)["code"]) in [(400, "invalid_domain"), (400, "missing_domain")]


def test_only_some_look_up_at_once(in_world: InWorld, demo_world: World) -> None:
    app = in_world(demo_world)
    shared = app.extensions["gonemaster"]
    for places, count in ((shared.lookups._delegations, lookups.DELEGATIONS_AT_ONCE), (shared.streams, 24)):
        for _ in range(count):
            assert places.acquire(blocking=False)
        response = app.test_client().get(f"{PUBLIC}/lookup/good.xa")
        assert (response.status_code, error_of(response)["code"]) == (503, "too_many_lookups")
        assert response.headers["Retry-After"] == "5"
        places.release(count)
        assert app.test_client().get(f"{PUBLIC}/lookup/good.xa").status_code == 200


def test_silent_parents_are_left(in_world: InWorld, loopback_dns: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    world.server("127.9.3.1").fault(faults.silence())
    monkeypatch.setattr(lookups, "DELEGATION_LIMIT_S", 0.3)
    app = in_world(loopback_dns(world))
    response = app.test_client().get(f"{PUBLIC}/lookup/a.xa")
    assert (response.status_code, error_of(response)["code"]) == (503, "lookup_timeout")
    assert app.extensions["gonemaster"].streams._value == 24, "the place is free again"


def run_with_asns(store: Store, *asns: int) -> str:
    entries = [EntryRecord(0.1, "CONNECTIVITY", "connectivity03", "IPV4_DIFFERENT_ASN", "INFO", {"asns": list(asns)})]
    run = make_run(store, "a.example", record(entries=entries), public_id="aB3dE6gHi9kL")
    return f"{PUBLIC}/jobs/{run.public_id}/asn-names"


def test_names_of_ases(in_world: InWorld, loopback_dns: Serve, store: Store) -> None:
    client = in_world(loopback_dns(databases(EXAMPLE))).test_client()
    response = client.get(run_with_asns(store, 64501, 64500))
    assert response.get_json() == {
        "complete": True,
        "asns": [
            {
                "asn": 64500,
                "name": "Example Networks",
                "handle": "EXAMPLE-AS",
                "country": "SE",
                "label": "EXAMPLE-AS - Example Networks, SE",
            },
            {"asn": 64501, "name": "", "handle": "", "country": "", "label": ""},
        ],
    }
    assert response.headers["Cache-Control"] == "max-age=86400"


def test_name_that_takes_longer_is_there_later(
    in_world: InWorld, loopback_dns: Serve, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = loopback_dns(databases(EXAMPLE))
    for server in (CYMRU_SERVER, SECOND_SERVER):
        world.server(server).fault(faults.delay(0.5), qtype="TXT")
    monkeypatch.setattr("gonemaster_api.use_cases.lookups.NAMES_WAIT_S", 0.05)
    client = in_world(world).test_client()
    address = run_with_asns(store, 64500)
    first = client.get(address)
    assert first.get_json() == {
        "complete": False,
        "asns": [{"asn": 64500, "name": "", "handle": "", "country": "", "label": ""}],
    }
    assert first.headers["Cache-Control"] == "no-store"
    wait_for(lambda: client.get(address).get_json()["complete"], what="the name of the AS")
