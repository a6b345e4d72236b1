"""DNS lookups of the JSON-RPC API."""

from __future__ import annotations

import pytest

from gonemaster_db.core.settings import StoreSettings
from tests.api.public.test_public_lookups import InWorld, in_world
from tests.api.zonemaster.calls import call, error
from tests.support.dnsworld import World
from tests.support.stores import MakeSettings

__all__ = ["in_world"]


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    return make_store_settings("sqlite")


def test_data_of_the_parent_zone(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world, zonemaster_api=True).test_client()
    found = call(client, "get_data_from_parent_zone", domain="GOOD.xa.", language="en")
    assert [server["ns"] for server in found["ns_list"]] == ["ns1.good.xa", "ns2.good.xa"]
    assert all(server["ip"].startswith("127.") for server in found["ns_list"])
    (ds,) = found["ds_list"]
    assert {name: type(value) for name, value in ds.items()} == {
        "keytag": int, "algorithm": int, "digtype": int, "digest": str
    }  # fmt: skip
    assert call(client, "lookup_delegation_data", domain="good.xa") == found
    assert call(client, "start_domain_test", domain="good.xa", nameservers=found["ns_list"], ds_info=found["ds_list"])


def test_addresses_of_a_host(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world, zonemaster_api=True).test_client()
    (found,) = call(client, "get_host_by_name", hostname="ns1.good.xa")
    assert found["ns1.good.xa"].startswith("127.")
    assert call(client, "lookup_address_records", hostname="ns1.good.xa") == {"address_records": [found]}
    assert call(client, "get_host_by_name", hostname="none.good.xa") == [{"none.good.xa": "0.0.0.0"}]


def test_addresses_that_a_public_job_may_not_query_are_left_out(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world, zonemaster_api=True, public_api_allow_private_undelegated_ip=False).test_client()
    assert call(client, "get_host_by_name", hostname="ns1.good.xa") == [{"ns1.good.xa": "0.0.0.0"}]
    assert all("ip" not in server for server in call(client, "get_data_from_parent_zone", domain="good.xa")["ns_list"])


def test_an_invalid_name_is_refused_without_a_query(in_world: InWorld, demo_world: World) -> None:
    client = in_world(demo_world, zonemaster_api=True).test_client()
    assert error(client, "get_host_by_name", {"hostname": "192.0.2.1"})["code"] == -32602
