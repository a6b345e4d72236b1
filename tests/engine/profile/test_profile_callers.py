"""The values that a caller may set in a profile: never beyond the server's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_engine.errors import ProfileError
from gonemaster_engine.profile.callers import CALLERS, Allowed, checked_of_caller, restricted_to_caller
from gonemaster_engine.profile.profile import default_profile
from tests.hostile import LONG
from tests.support.examples import examples

SERVER = default_profile().merge(
    {
        "resolver": {"defaults": {"nameserver_concurrency": 4, "parallel": 3}, "source4": "192.0.2.1"},
        "net": {"ipv6": False},
    }
)
NUMBERS = {path.rpartition(".")[2] for path, allowed in CALLERS.items() if allowed.name.startswith("LESS")}
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "profile.md"


def leaves(document: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths of the keys that one rule covers as a whole."""
    for key, value in document.items():
        below = f"{path}.{key}" if path else key
        if isinstance(value, dict) and below not in CALLERS:
            yield from leaves(value, below)
        else:
            yield below


def test_each_key_of_the_default_profile_has_a_rule() -> None:
    assert set(leaves(default_profile().as_dict())) == set(CALLERS)


def test_the_page_shows_the_rule_of_each_key() -> None:
    words = {
        Allowed.ANYTHING: "anything", Allowed.LESS: "up to the server's value",
        Allowed.LESS_OR_LIMITED: "up to the server's value; 0 only if that is 0",
        Allowed.FALSE: "false", Allowed.TRUE: "true", Allowed.NOTHING: "nothing",
    }  # fmt: skip
    shown: dict[str, str] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([\w.]+)`", cells[0]) if len(cells) == 5 else []
        section = names[0].rpartition(".")[0] if names else ""
        shown |= {name if "." in name or not section else f"{section}.{name}": cells[3] for name in names}
    expected = {path: words[allowed] for path, allowed in CALLERS.items()}
    sources = {f"asn_db.sources.{style}": expected["asn_db.sources"] for style in ("Cymru", "RIPE")}
    expected.pop("asn_db.sources")
    assert shown == expected | sources


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"badkeys": "/etc"}, "badkeys.path"),
        ({"badkeys": {"path": "/etc/shadow"}}, "badkeys.path"),
        ({"resolver": {"source4": ""}}, "resolver.source4"),
        ({"resolver": {"source4": "127.0.0.1"}}, "resolver.source4"),
        ({"resolver": {"source6": "::1"}}, "resolver.source6"),
        ({"asn_db": {"sources": {"RIPE": ["localhost"]}}}, "asn_db.sources"),
        ({"asn_db": {"sources": {"cymru": ["evil.example"]}}}, "asn_db.sources"),
        ({"net": {"allow_non_global_targets": True}}, "net.allow_non_global_targets"),
        ({"net": {"ipv6": True}}, "net.ipv6"),
        ({"resolver": {"defaults": {"timeout": 5.5}}}, "resolver.defaults.timeout"),
        ({"resolver": {"defaults": {"retry": 255}}}, "resolver.defaults.retry"),
        ({"resolver": {"defaults": {"positive_cache_ttl": 1}}}, "resolver.defaults.positive_cache_ttl"),
        ({"resolver": {"defaults": {"error_cache_ttl": 86400}}}, "resolver.defaults.error_cache_ttl"),
        ({"resolver": {"defaults": {"fast_fail_timeout_count": 0}}}, "resolver.defaults.fast_fail_timeout_count"),
        ({"resolver": {"defaults": {"nameserver_concurrency": 5}}}, "resolver.defaults.nameserver_concurrency"),
        ({"resolver": {"defaults": {"nameserver_concurrency": 0}}}, "resolver.defaults.nameserver_concurrency"),
    ],
    ids=str,
)
def test_values_beyond_the_limits_are_refused_with_their_path(document: dict[str, Any], path: str) -> None:
    with pytest.raises(ProfileError) as caught:
        checked_of_caller(document, SERVER)
    assert [found for found, _ in caught.value.problems] == [path]
    assert SERVER.merge(restricted_to_caller(document, SERVER)).as_dict() == SERVER.as_dict()


def test_copy_of_the_profile_of_the_server_is_accepted() -> None:
    copy = SERVER.as_dict()
    assert SERVER.merge(checked_of_caller(copy, SERVER)).as_dict() == SERVER.as_dict()


def test_caller_restricts_and_chooses_tests() -> None:
    document = {
        "resolver": {"defaults": {"timeout": 1, "retry": 1, "fallback": False, "nameserver_max_total_ms": 10}},
        "net": {"ipv4": False},
        "no_network": True,
        "asn_db": {"style": "RIPE"},
        "test_cases": ["basic01"],
        "test_levels": {"BASIC": {"B01_CHILD_FOUND": "ERROR"}},
    }
    made = SERVER.merge(checked_of_caller(document, SERVER))
    assert (made.timeout_s, made.ipv4, made.no_network, made.asn_db.style) == (1, False, True, "ripe")


numbers = st.integers(0, 300)
documents = st.fixed_dictionaries(
    {},
    optional={
        "resolver": st.fixed_dictionaries(
            {},
            optional={
                "defaults": st.dictionaries(st.sampled_from(sorted(NUMBERS)), numbers),
                "source4": st.sampled_from(["", "127.0.0.1", "192.0.2.1"]),
            },
        ),
        "net": st.dictionaries(st.sampled_from(["ipv4", "ipv6", "allow_non_global_targets"]), st.booleans()),
        "no_network": st.booleans(),
        "badkeys": st.sampled_from(["", "/etc", {"path": "x"}, {}]),
        "asn_db": st.dictionaries(
            st.just("sources"), st.dictionaries(st.sampled_from(["Cymru", "ripe"]), st.just(["evil.example"]))
        ),
    },
)


@settings(derandomize=False, print_blob=True, max_examples=20_000 if LONG else examples(30, 300))
@given(documents)
@example({"resolver": {"defaults": {"fast_fail_timeout_count": 0}}})
def test_no_document_takes_a_run_beyond_the_profile_of_the_server(document: dict[str, Any]) -> None:
    try:
        made = SERVER.merge(restricted_to_caller(document, SERVER))
    except ProfileError:  # out of range for everyone
        return
    for path, allowed in CALLERS.items():
        value, own = at(made.as_dict(), path), at(SERVER.as_dict(), path)
        if allowed is Allowed.LESS:
            assert value <= own, path
        elif allowed is Allowed.LESS_OR_LIMITED:
            assert own == 0 or 0 < value <= own, path
        elif allowed in (Allowed.TRUE, Allowed.FALSE):
            assert value is own or value is (allowed is Allowed.TRUE), path
        elif allowed is Allowed.NOTHING:
            assert value == own, path


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


NOTIFY = {"test_cases_vars": {"delegation08": {"notify": True}}}


def test_only_the_operator_lets_runs_send_notify_messages() -> None:
    with pytest.raises(ProfileError) as caught:
        checked_of_caller(NOTIFY, default_profile())
    assert caught.value.path == "test_cases_vars.delegation08.notify"
    assert restricted_to_caller(NOTIFY, default_profile()) == {"test_cases_vars": {"delegation08": {"notify": False}}}
    allowing = default_profile().merge(NOTIFY)
    assert checked_of_caller(NOTIFY, allowing) == NOTIFY
    off = {"test_cases_vars": {"delegation08": {"notify": False}, "zone13": {"spf_lookup_limit": 3}}}
    assert checked_of_caller(off, allowing) == off
