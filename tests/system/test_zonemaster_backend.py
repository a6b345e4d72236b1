"""The programs `zmb` and `zmtest` of Zonemaster-Backend, unmodified, use a service on the demo world.

ZONEMASTER_BACKEND names an unpacked copy of its repository. The programs need jq, and Perl with libwww-perl.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service, wait_for

BACKEND = os.environ.get("ZONEMASTER_BACKEND", "")
SCRIPTS = Path(BACKEND) / "script"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not (BACKEND and (SCRIPTS / "zmb").exists()), reason="ZONEMASTER_BACKEND names no copy of it"),
    pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed"),
    pytest.mark.xdist_group("zonemaster_backend"),
]
USER = ("--username", "registry", "--api-key", "secret-key_1")
DS = "keytag=4711,algorithm=13,digtype=2,digest=" + "ab" * 32
Zmb = Callable[..., Any]


@pytest.fixture(scope="module")
def service(in_demo_world: dict[str, str]) -> Iterator[Service]:
    """A service with both addresses of the API; loopback name servers may be supplied."""
    environ = in_demo_world | {
        "GONEMASTER_ZONEMASTER_LISTEN": "127.0.0.1:0",
        "GONEMASTER_ZONEMASTER_API": "true",
        "GONEMASTER_ZONEMASTER_ADD_API_USER": "true",
        "GONEMASTER_PUBLIC_API_ALLOW_PRIVATE_UNDELEGATED_IP": "true",
    }
    with Service(environ=environ) as shared:
        yield shared.wait_until_ready()


@pytest.fixture(scope="module")
def own_url(service: Service) -> str:
    """The URL of the second address, on which every path is the API."""
    found = re.search(r"JSON-RPC API of Zonemaster.*?url='?(http://[^' ]+)", service.log)
    assert found, service.log
    return f"{found[1]}/"


@pytest.fixture
def zmb(own_url: str) -> Zmb:
    """Run zmb on the second address; return the result, or the error under `fails`."""

    def run(*arguments: str, url: str = own_url, fails: bool = False) -> Any:
        done = subprocess.run(
            [SCRIPTS / "zmb", "--server", url, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        return found["error"] if fails else found["result"]

    return run


def finished(zmb: Zmb, test_id: str) -> None:
    """Wait for a test; its progress must not fall."""
    seen = [0]

    def ended() -> bool:
        seen.append(zmb("test_progress", "--test-id", test_id))
        assert seen[-1] >= seen[-2], seen
        return seen[-1] == 100

    wait_for(ended, what="end of the test")


def test_settings(zmb: Zmb) -> None:
    assert zmb("version_info").keys() == {"zonemaster_backend", "zonemaster_engine", "zonemaster_ldns"}
    assert zmb("profile_names") == ["default"]
    assert "en" in zmb("get_language_tags")
    assert zmb("non_existing_method", fails=True) == {
        "code": -32601, "message": "Procedure 'non_existing_method' not found"
    }  # fmt: skip


def test_every_path_of_the_own_address_is_the_api(zmb: Zmb, own_url: str, service: Service) -> None:
    for url in (own_url, f"{own_url}api", f"{own_url}api/v1/jobs", f"{service.url}/zonemaster/api"):
        assert zmb("profile_names", url=url) == ["default"], url
    done = subprocess.run(["curl", "-s", f"{own_url}api/v1/jobs"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "method_not_allowed", "no other API is served there"


def test_a_test_with_all_options(zmb: Zmb) -> None:
    options = (
        "--ipv4", "true", "--ipv6", "null", "--nameserver", "ns1.good.xa", "--nameserver", "ns2.good.xa:127.0.0.5",
        "--ds-info", DS, "--client-id", "zmb", "--client-version", "1.0", "--profile", "default", "--queue", "7",
        "--language", "en",
    )  # fmt: skip
    test_id = zmb("start_domain_test", "--domain", "good.xa", *options)
    assert re.fullmatch("[0-9a-f]{16}", test_id)
    params = zmb("get_test_params", "--test-id", test_id)
    assert (params["domain"], params["queue"], params["client_id"]) == ("good.xa", 7, "zmb")
    assert params["nameservers"] == [{"ns": "ns1.good.xa"}, {"ns": "ns2.good.xa", "ip": "127.0.0.5"}]
    assert params["ds_info"][0]["keytag"] == 4711
    finished(zmb, test_id)
    (past,) = zmb("get_test_history", "--domain", "good.xa", "--filter", "undelegated", "--limit", "1")
    assert (past["id"], past["undelegated"]) == (test_id, True)


def test_results_and_reuse(zmb: Zmb) -> None:
    test_id = zmb("start_domain_test", "--domain", "wrongds.xa")
    finished(zmb, test_id)
    assert zmb("start_domain_test", "--domain", "wrongds.xa") == test_id
    found = zmb("get_test_results", "--test-id", test_id, "--lang", "sv")
    assert found["results"][0]["tag"] == "GLOBAL_VERSION"
    assert {"Basic", "DNSSEC", "Nameserver"} <= {entry["module"] for entry in found["results"]}
    (past,) = zmb("get_test_history", "--domain", "wrongds.xa", "--offset", "0", "--filter", "all")
    assert past["overall_result"] in {"error", "critical"}


def test_errors_reach_the_user(zmb: Zmb) -> None:
    wrong = zmb("start_domain_test", "--domain", "a..b", fails=True)
    assert (wrong["code"], wrong["data"][0]["path"]) == (-32602, "/domain")
    assert zmb("test_progress", "--test-id", "0" * 16, fails=True)["message"] == "Test not found"


def test_a_batch(zmb: Zmb, tmp_path: Path) -> None:
    assert zmb("add_api_user", *USER) == 1
    names = tmp_path / "names.txt"
    names.write_text("# names\nwrongds.xa \n\nparent.xa\n")
    options = (
        "--domain",
        "good.xa",
        "--file",
        str(names),
        "--queue",
        "3",
        "--ipv6",
        "false",
        "--nameserver",
        "ns1.good.xa",
    )
    number = str(zmb("add_batch_job", *USER, *options, "--nameserver", "ns1.good.xa"))
    found = zmb("batch_status", "--batch-id", number, "--lw", "--lr", "--lf")
    assert sum(found[f"{state}_count"] for state in ("waiting", "running", "finished")) == 3

    def done() -> Any:
        status = zmb("batch_status", "--batch-id", number, "--list-finished-tests", "true")
        return status if status["finished_count"] == 3 else None

    ids = wait_for(done, what="end of the batch")["finished_tests"]
    assert {zmb("get_test_params", "--test-id", test_id)["domain"] for test_id in ids} == {
        "good.xa", "wrongds.xa", "parent.xa"
    }  # fmt: skip
    wrong = zmb("add_batch_job", "--username", "registry", "--api-key", "wrong", "--domain", "good.xa", fails=True)
    assert wrong["message"] == "User not authorized to use batch mode"


def test_zmtest_runs_a_whole_test(own_url: str) -> None:
    done = subprocess.run(
        [SCRIPTS / "zmtest", "--server", own_url, "--noipv6", "--lang", "en", "good.xa"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "100% done" in done.stderr
    found = json.loads(done.stdout)["result"]
    assert found["params"]["ipv6"] is False
    assert found["results"]
