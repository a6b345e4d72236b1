"""Webhooks to hosts of a hostile zone, with real DNS and real packets: nothing arrives at an internal address."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.hostile._webhook_child import INSIDE, PUBLIC, REBINDING

INTERNAL = {
    "private10": "10.0.0.1",
    "private172": "172.16.0.1",
    "private192": "192.168.1.1",
    "shared": "100.64.0.1",
    "metadata": "169.254.169.254",
    "provider": "168.63.129.16",
    "loopback": "127.0.0.1",
    "own4": INSIDE[0],
    "own6": INSIDE[1],
    "local6": "fd00::1",
    "mapped": "::ffff:10.0.0.1",
    "compatible": "::10.0.0.1",
    "nat64": "64:ff9b::a00:1",
    "nat64-local": "64:ff9b:1::a00:1",
    "6to4": "2002:a00:1::1",
    "teredo": "2001:0:606:606:0:0:f5ff:fffe",
    "isatap": "2a00:6::5efe:a00:1",
}
LONG = ".".join(["a" * 60] * 4) + ".test"
NAMES = {
    REBINDING: [PUBLIC[0], "10.0.0.1"],
    "public.test": [PUBLIC[0]],
    "public6.test": [PUBLIC[1]],
    "many.test": [f"6.6.{number // 250}.{number % 250 + 1}" for number in range(1500)],
    "many-and-one.test": [f"6.6.{number // 250}.{number % 250 + 1}" for number in range(1500)] + ["10.0.0.1"],
    "alias.test": ["alias>private10.test"],
    "to-nothing.test": ["alias>nowhere.test"],
    "servfail.test": ["SERVFAIL"],
    "empty.test": [],
    **{f"{name}.test": [address] for name, address in INTERNAL.items()},
    **{f"{name}-and-public.test": [PUBLIC[0], address] for name, address in INTERNAL.items()},
}
REFUSED_HOSTS = [
    *(f"{name}.test" for name in INTERNAL),
    *(f"{name}-and-public.test" for name in INTERNAL),
    "alias.test", "to-nothing.test", "servfail.test", "empty.test", "nowhere.test", "many-and-one.test", LONG,
]  # fmt: skip
LOCATIONS = [
    "http://169.254.169.254/latest", "http://10.0.0.1:8080/", "http://127.0.0.1:8080/", "http://[::ffff:10.0.0.1]/",
    "file:///etc/passwd", "gopher://10.0.0.1:8080/_x", "//10.0.0.1:8080/", "http://public.test:8080/302/loop", "",
]  # fmt: skip
STATUSES = (300, 301, 302, 303, 307, 308)
REDIRECTS = [
    *(f"http://public.test:8080/302/{location}" for location in LOCATIONS),
    *(f"http://public.test:8080/{status}/http://10.0.0.1:8080/" for status in STATUSES),
]
ODD_URLS = [
    "http://public.test:8080@10.0.0.1:8080/200", "http://10.0.0.1:8080#@public.test/", "http://a:b@public.test/",
    "http://public.test\\@10.0.0.1:8080/", "http://10.0.0.1\\.public.test:8080/", "http://10.1:8080/",
    "http://012.0.0.1:8080/", "http://167772161:8080/", "http://0xa000001:8080/", "http://[::ffff:a00:1]:8080/",
    "http://[::ffff:10.0.0.1]:8080/", "http://[64:ff9b::10.0.0.1]:8080/", "http://[2002:a00:1::]:8080/",
    "http://%31%30.0.0.1:8080/", "http://10。0。0。1:8080/", "http://①⓪.0.0.1:8080/", "http:10.0.0.1:8080/",
    "http:///10.0.0.1:8080/", "http://[fe80::1%25v0]:8080/", "http://[fe80::1%v0]:8080/", "http://[v1.a]:8080/",
    "http://public.test:8080:80/", "http://public.test:+8080/", "http://public.test:٨٠٨٠/", "http://public.test:8_080/",
    f"http://{INSIDE[0]}:8080/", f"http://[{INSIDE[1]}]:8080/",
]  # fmt: skip
ANSWERED = ["http://public.test:8080/200", "http://public6.test:8080/200", "http://public.test/204"]


def _command(*inner: str) -> list[str]:
    return ["unshare", "--map-root-user", "--net", "--mount", *inner]


@cache
def has_namespaces() -> bool:
    """Return whether this user may create network and mount namespaces."""
    try:
        return (
            subprocess.run(_command("ip", "link", "set", "lo", "up"), capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


@pytest.fixture(scope="module")
def outcomes() -> Any:
    if not has_namespaces():
        pytest.skip("needs network and mount namespaces")
    urls = [
        f"http://{REBINDING}:8080/200", "http://many.test:8080/200", *ANSWERED, *REDIRECTS, *ODD_URLS,
        *(f"http://{host}:8080/200" for host in REFUSED_HOSTS),
    ]  # fmt: skip
    child = [sys.executable, "-m", "tests.hostile._webhook_child", "inside", json.dumps(NAMES), json.dumps(urls)]
    return json.loads(subprocess.run(_command(*child), stdout=subprocess.PIPE, check=True, timeout=240).stdout)


pytestmark = pytest.mark.xdist_group("webhook_targets")


def test_public_hosts_are_reached(outcomes: Any) -> None:
    found = [(outcomes[url]["error"], outcomes[url]["connections"]) for url in ANSWERED]
    assert found == [("", [PUBLIC[0]]), ("", [PUBLIC[1]]), ("", [PUBLIC[0]])]


def test_the_connection_goes_to_the_address_that_was_checked(outcomes: Any) -> None:
    outcome = outcomes[f"http://{REBINDING}:8080/200"]
    assert (outcome["error"], outcome["connections"]) == ("", [PUBLIC[0]])
    assert outcome["queries"] == {f"{REBINDING} A": 1, f"{REBINDING} AAAA": 1}, "one look-up"


def test_1500_addresses_lead_to_one_connection(outcomes: Any) -> None:
    outcome = outcomes["http://many.test:8080/200"]
    assert (outcome["error"], len(outcome["connections"])) == ("", 1)


@pytest.mark.parametrize("host", REFUSED_HOSTS)
def test_refusals_do_not_reveal_where_a_name_leads(outcomes: Any, host: str) -> None:
    outcome = outcomes[f"http://{host}:8080/200"]
    assert outcome["connections"] == []
    assert outcome["error"] == f"{host} has no address, or an address that is not allowed; see allow_private_webhooks"


@pytest.mark.parametrize("url", REDIRECTS)
def test_redirects_are_failures_after_one_connection(outcomes: Any, url: str) -> None:
    assert outcomes[url]["connections"] == [PUBLIC[0]]
    assert outcomes[url]["error"] == "the receiver answered with a redirect, which is not followed"


@pytest.mark.parametrize("url", ODD_URLS)
def test_odd_urls_are_refused_without_a_packet(outcomes: Any, url: str) -> None:
    assert outcomes[url]["error"].startswith("the URL must ")
    assert (outcomes[url]["connections"], outcomes[url]["queries"]) == ([], {})
