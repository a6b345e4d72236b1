"""Priming compares the root hints and the trust anchors with the answers of a root server (RFC 9609, RFC 9718)."""

from __future__ import annotations

import asyncio
import base64
import struct
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gonemaster_engine.dnssec.anchors import ANCHORS_FILE, iana_anchors, parse_anchors, root_anchors
from gonemaster_engine.dnssec.digests import digest_matches
from gonemaster_engine.dnssec.records import dnskey, key_tag
from gonemaster_engine.net.query import Timing
from gonemaster_engine.resources import DEFAULT_HINTS, Hints, default_hints, load_anchors, load_hints
from gonemaster_engine.run.priming import PrimedRoot, current_hints, hint_differences, hints_date, prime, unknown_keys
from tests.support.dnsworld import World
from tests.support.dnsworld.faults import answers

A, B, C, OLD = "127.21.0.1", "127.21.0.2", "127.21.0.3", "127.21.0.9"
QUICK = Timing(timeout_s=1.0, retrans_s=0.4, tries=2)


def primed(hints: Hints, port: int) -> PrimedRoot | None:
    return asyncio.run(prime(hints, port=port, timing=QUICK))


def test_a_root_server_confirms_hints_and_anchors(demo_world: World, demo_hints: Path) -> None:
    hints = load_hints(demo_hints)
    found = primed(hints, demo_world.port)
    assert found is not None
    assert found.address in {address for addresses in hints.values() for address in addresses}
    assert list(hint_differences(hints, found.servers)) == []
    assert unknown_keys(found.keys, load_anchors(demo_hints)) == []
    assert unknown_keys(found.keys, root_anchors()), "IANA's anchors are those of another root"


def test_a_server_that_is_no_root_server_does_not_prime(demo_world: World) -> None:
    (other,) = demo_world.zone_of("xa.").addresses[:1]
    assert primed({"a": (other,)}, demo_world.port) is None


@pytest.mark.parametrize(
    ("current", "text"),
    [
        ({"a": ("192.0.2.1", "2001:db8::1")}, "b is no longer a root server"),
        ({"a": ("192.0.2.1",), "b": ("192.0.2.2",), "c": ()}, "c is missing"),
        ({"a": ("192.0.2.9",), "b": ()}, "a has the address 192.0.2.9 instead of 192.0.2.1"),
    ],
)
def test_differences_are_named(current: Hints, text: str) -> None:
    hints = {"a": ("192.0.2.1", "2001:db8::1"), "b": ("192.0.2.2",)}
    assert list(hint_differences(hints, current)) == [text]


def test_bundled_hints_have_the_address_of_b_root_since_2023() -> None:
    assert default_hints()["b.root-servers.net"] == ("170.247.170.2", "2801:1b8:10::b")
    assert hints_date(DEFAULT_HINTS.read_text()) == date(2024, 4, 18)
    assert hints_date("a file of someone else") is None


def test_anchors_are_valid_in_their_periods() -> None:
    def tags(year: int) -> list[int]:
        return [ds.tag for ds in root_anchors(datetime(year, 6, 1, tzinfo=UTC).timestamp())]

    assert {year: tags(year) for year in (2009, 2012, 2018, 2020, 2026)} == {
        2009: [],
        2012: [19036],
        2018: [19036, 20326],
        2020: [20326],
        2026: [20326, 38696],
    }


def test_anchors_are_digests_of_the_keys_in_the_document() -> None:
    by_tag = {anchor.ds.tag: anchor.ds for anchor in iana_anchors()}
    elements = [each for each in ElementTree.parse(ANCHORS_FILE).iter("KeyDigest") if each.findtext("PublicKey")]
    assert len(elements) == 2
    for element in elements:
        key = base64.b64decode(element.findtext("PublicKey") or "")
        found = dnskey(struct.pack("!HBB", 257, 3, 8) + key)
        assert found is not None
        ds = by_tag[int(element.findtext("KeyTag") or "")]
        assert key_tag(found.rdata) == ds.tag
        assert digest_matches(".", found, ds)


@pytest.mark.parametrize("text", ["", "<TrustAnchor>", "<TrustAnchor><Zone>example.</Zone></TrustAnchor>", "<html/>"])
def test_other_documents_are_no_anchors(text: str) -> None:
    with pytest.raises(ValueError, match=r"XML|trust anchors"):
        parse_anchors(text)


def root(**fields: object) -> World:
    world = World()
    world.zone(".", ns={"a.root.": A, "b.root.": B, "c.root.": C}, **fields)
    return world


def current(world: World, tmp_path: Path, hints: Hints) -> tuple[Hints, int] | None:
    anchors = load_anchors(world.write_hints(tmp_path / "hints"))
    return asyncio.run(current_hints(hints, anchors, port=world.port, timing=QUICK))


def test_signed_answers_replace_outdated_hints(tmp_path: Path) -> None:
    with root(signed=True) as world:
        found = current(world, tmp_path, {"a.root": (A,), "b.root": (B,), "d.root": ()})
        assert found is not None
        assert found[0] == {"a.root": (A,), "b.root": (B,), "c.root": (C,)}
        assert found[1] > 0
        assert len(world.log) == 4  # two servers, NS and DNSKEY


def test_an_address_that_one_server_sends_is_not_used(tmp_path: Path) -> None:
    world = root(signed=True)
    world.server(A).fault(answers(additional=f"b.root. 60 IN A {OLD}\nc.root. 60 IN A {C}\na.root. 60 IN A {A}"))
    with world:
        hints = {"a.root": (A,), "b.root": (B,)}
        found = current(world, tmp_path, hints)
        assert found is not None
        assert found[0] == {"a.root": (A,), "b.root": (B,), "c.root": (C,)}


@pytest.mark.parametrize("signed", [True, False])
def test_answers_that_are_not_signed_by_an_anchor_are_not_used(tmp_path: Path, *, signed: bool) -> None:
    with root(signed=signed) as world:
        hints = {"a.root": (A,), "b.root": (B,)}
        assert asyncio.run(current_hints(hints, root_anchors(), port=world.port, timing=QUICK)) is None
        assert asyncio.run(current_hints(hints, (), port=world.port, timing=QUICK)) is None


def test_one_server_alone_does_not_replace_hints(tmp_path: Path) -> None:
    with root(signed=True) as world:
        assert current(world, tmp_path, {"a.root": (A,)}) is None
