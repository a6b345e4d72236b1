"""Targets: callers cannot make the service send packets to forbidden addresses, or change how it sends them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.domains.profiles import create_profile, update_profile
from gonemaster_db.service.settings import write_settings
from gonemaster_engine.cli import main as command
from gonemaster_engine.cli import nagios
from gonemaster_engine.cli.plugin import UNKNOWN
from gonemaster_tasks.config.profiles import base_profile
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.execute.profiles import Profiles, job_overrides
from gonemaster_tasks.worker.execute.runner import TestOrder
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.stores import MakeSettings

NOT_GLOBAL = (
    "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "192.0.2.1", "240.0.0.1", "::1",
    "fc00::1", "fe80::1", "2001:db8::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1",
)  # fmt: skip
NO_HOST = ("0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255", "::ffff:0.0.0.0")
GLOBAL = ("9.9.9.9", "2620:fe::fe")
ALLOWING = {"net": {"allow_non_global_targets": True}}
TOO_FAR: tuple[dict[str, Any], ...] = (
    {"badkeys": {"path": "/etc"}},
    {"resolver": {"source4": "127.0.0.1"}},
    {"resolver": {"source6": "::1"}},
    {"asn_db": {"sources": {"RIPE": ["internal.example"]}}},
    {"resolver": {"defaults": {"timeout": 255}}},
    {"resolver": {"defaults": {"retry": 255, "retrans": 255}}},
    {"resolver": {"defaults": {"error_cache_ttl": 86400}}},
    ALLOWING,
)


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


def submit(client: FlaskClient, address: str, **wishes: Any) -> tuple[int, str]:
    """Submit a job with a supplied address; return status and code."""
    body = {"domain": "a.example", "nameservers": [{"ns": "ns.a.example", "ip": address}]} | wishes
    response = client.post("/api/v1/jobs", json=body)
    return response.status_code, "" if response.status_code == 201 else error_of(response)["code"]


def test_address_that_is_not_global_is_refused(client: FlaskClient) -> None:
    for address in (*NOT_GLOBAL, *NO_HOST):
        assert submit(client, address) == (400, "private_undelegated_ip"), address
    for address in GLOBAL:
        assert submit(client, address) == (201, ""), address
    assert client.get("/api/v1/jobs").get_json()["total"] == len(GLOBAL)


def test_one_address_among_many_is_enough(client: FlaskClient) -> None:
    servers = [{"ns": f"ns{number}.a.example", "ip": "9.9.9.9"} for number in range(20)]
    servers += [{"ns": "nameless.a.example"}, {"ns": "in.a.example", "ip": "10.0.0.1"}]
    error = error_of(client.post("/api/v1/jobs", json={"domain": "a.example", "nameservers": servers}))
    assert (error["code"], error["details"]) == ("private_undelegated_ip", {"ns": "in.a.example", "ip": "10.0.0.1"})


def test_address_with_a_zone_index_is_no_address(client: FlaskClient) -> None:
    for address in ("fe80::1%eth0", "2620:fe::fe%1", "10.0.0.01", "0x7f.1", "2130706433", "1.2.3"):
        assert submit(client, address) == (400, "invalid_undelegated"), address


def test_operator_may_allow_what_is_not_global(make_app: MakeApp) -> None:
    every = make_app(allow_non_global=True).test_client()
    assert submit(every, "10.0.0.1") == (201, "")
    assert submit(every, "10.0.0.1", profile_overrides={"net": {"allow_non_global_targets": False}})[0] == 400
    for address in NO_HOST:
        assert submit(every, address) == (400, "private_undelegated_ip"), address
    chosen = make_app(allow_non_global_targets=True).test_client()
    assert submit(chosen, "10.0.0.1") == (400, "private_undelegated_ip")
    assert submit(chosen, "10.0.0.1", profile_overrides=ALLOWING) == (201, "")
    profile = chosen.post("/api/v1/profiles", json={"name": "lab", "config": ALLOWING}).get_json()
    assert submit(chosen, "10.0.0.1", profile_id=profile["id"]) == (201, "")


@pytest.mark.parametrize("document", TOO_FAR, ids=str)
def test_profile_that_goes_too_far_is_refused_on_every_path(client: FlaskClient, document: dict[str, Any]) -> None:
    overrides = {"domain": "a.example", "profile_overrides": document}
    batch = {"domains": ["a.example"], "profile_overrides": document}
    for path, body in (("jobs", overrides), ("jobs/batch", batch)):
        response = client.post(f"/api/v1/{path}", json=body)
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_profile_overrides"), path
    stored = client.post("/api/v1/profiles", json={"name": "mine", "config": document})
    assert (stored.status_code, error_of(stored)["code"]) == (400, "invalid_profile")
    kept = client.post("/api/v1/profiles", json={"name": "mine", "config": {}}).get_json()
    replaced = client.put(f"/api/v1/profiles/{kept['id']}", json={"name": "mine", "config": document})
    assert (replaced.status_code, error_of(replaced)["code"]) == (400, "invalid_profile")


def test_copy_of_the_profile_of_the_server_can_be_stored(client: FlaskClient) -> None:
    config = client.get("/api/v1/profiles/default").get_json()["config"]
    assert client.post("/api/v1/profiles", json={"name": "copy", "config": config}).status_code == 201


def test_server_that_waits_longer_lets_callers_wait_as_long(make_app: MakeApp) -> None:
    client = make_app(timeout=20, source_addr4="192.0.2.1").test_client()
    for timeout, source, status in ((20, "192.0.2.1", 201), (21, "192.0.2.1", 400), (20, "", 400)):
        overrides = {"resolver": {"defaults": {"timeout": timeout}, "source4": source}}
        response = client.post("/api/v1/jobs", json={"domain": "a.example", "profile_overrides": overrides})
        assert response.status_code == status, overrides


@pytest.mark.parametrize("document", TOO_FAR, ids=str)
def test_worker_decides_again_for_what_is_stored(document: dict[str, Any]) -> None:
    settings = Settings(retry=1)
    made = Profiles(base_profile(settings)).get(
        job_overrides(
            TestOrder("job_1", "a.example", {"overrides": document}, document, 60.0), guard_forced=settings.guard_forced
        )
    )
    assert made.profile.as_dict() == base_profile(settings).as_dict()


def test_profile_that_was_stored_under_other_rules_does_not_open_the_guard(client: FlaskClient, store: Store) -> None:
    with store.transaction() as session:
        profile = create_profile(session, "old", config={}, schema_version="0", now=utcnow())
        update_profile(session, profile.id, config=ALLOWING | {"badkeys": {"path": "/etc"}}, now=utcnow())
        found = profile.id
    assert submit(client, "10.0.0.1", profile_id=found) == (400, "private_undelegated_ip")
    assert submit(client, "9.9.9.9", profile_id=found) == (201, "")


def test_guard_is_not_switched_off_over_the_api(make_app: MakeApp, store: Store) -> None:
    client = make_app().test_client()
    for key in ("allow_non_global_targets", "allow_non_global"):
        response = client.put("/api/v1/settings", json={key: True})
        assert (response.status_code, error_of(response)["code"]) == (400, "readonly_setting"), key
    assert client.put("/api/v1/settings", json={"allow_non_global_targets": False}).status_code == 200
    with store.transaction() as session:
        write_settings(session, {"allow_non_global_targets": True}, now=utcnow())  # as another version saved it
    later = make_app().test_client()
    assert later.get("/api/v1/settings").get_json()["allow_non_global_targets"]["value"] is False
    assert submit(later, "10.0.0.1", profile_overrides=ALLOWING)[0] == 400


@pytest.mark.parametrize("address", [*NOT_GLOBAL, *NO_HOST])
def test_commands_say_the_same(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--ns", f"ns.a.example/{address}"]
    assert command.main(["a.example", *arguments]) == 2
    assert "only globally reachable addresses of other hosts are queried" in capsys.readouterr().err
    assert nagios.main(["-H", "a.example", *arguments]) == UNKNOWN
    assert "only globally reachable addresses" in capsys.readouterr().out


def test_commands_allow_no_address_that_no_host_has(capsys: pytest.CaptureFixture[str]) -> None:
    for address in NO_HOST:
        assert command.main(["a.example", "--allow-non-global", "--ns", f"ns.a.example/{address}"]) == 2, address
        assert "--allow-non-global allows" not in capsys.readouterr().err
