"""The picture of a chain of trust: well-formed, limited in size and escaped for any document, and correct."""

from __future__ import annotations

import copy
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.findings.messages import chain as texts
from gonemaster_engine.findings.messages import placeholders
from gonemaster_engine.trustchain.diagram import STYLE_SOURCE, diagram_of
from gonemaster_engine.trustchain.diagram.bands import MAX_BANDS, MAX_BOXES
from gonemaster_engine.trustchain.diagram.style import STYLE
from tests.support.examples import examples

Document = dict[str, Any]
SVG = "{http://www.w3.org/2000/svg}"
KSK, ZSK, TLD_KSK, TLD_ZSK = 4711, 18032, 2371, 34505
HOSTILE = "<b onclick=\"x('&')\">\x00\x1b[31m\u202e\ud800\ufffe]]> אב {zone} 日本語"
DATA = Path(__file__).parents[1] / "data" / "chain.json"


@cache
def _stored() -> str:
    return DATA.read_text(encoding="utf-8")


def document() -> Document:
    """Return the chain of a secure zone with two servers, two levels below the root zone."""
    found: Document = json.loads(_stored())
    return found


def last_zone(found: Document) -> Document:
    zone: Document = found["zones"][-1]
    return zone


def signature(found: Document, covers: str) -> Document:
    return next(each for each in last_zone(found)["signatures"] if each["covers"] == covers)


def elements(found: Document, **options: Any) -> list[ET.Element]:
    return list(ET.fromstring(diagram_of(found).inline(**options)).iter())


def words_in(found: Document) -> list[str]:
    """Return all visible texts from top to bottom."""
    return ["".join(element.itertext()) for element in elements(found) if element.tag == "text"]


def lines(found: Document) -> list[str]:
    """Return the classes of all lines, without those of the legend at the end."""
    drawn = [element.get("class", "") for element in elements(found) if element.tag == "path"]
    edges = [css.removeprefix("edge ") for css in drawn if css.startswith("edge ")]
    return edges[: len(edges) - len({*edges} | {node.mark.value for node in boxes(found)})]


def boxes(found: Document) -> list[Any]:
    return [node for node in diagram_of(found).facts() if node.kind not in {"zone", "more"}]


def marks(found: Document) -> dict[str, str]:
    return {node.title: node.mark.value for node in boxes(found)}


def test_secure_chain() -> None:
    found = document()
    shown = words_in(found)
    assert shown[:2] == ["Secure", "Root"]
    assert [word for word in shown if word.startswith(("KSK", "ZSK", "DS"))] == [
        "KSK 20326", "ZSK 26470", f"DS {TLD_KSK}",
        f"KSK {TLD_KSK}", f"ZSK {TLD_ZSK}", f"DS {KSK}",
        f"KSK {KSK}", f"ZSK {ZSK}",
    ]  # fmt: skip
    assert {"trust anchor", "ECDSAP256", "SHA-256", "2 valid"} <= {*shown}
    assert {*marks(found).values()} == {"ok"}
    diagram = diagram_of(found)
    assert (diagram.status, diagram.mark) == ("Secure", "ok")
    assert diagram.summary == "The chain of trust is complete from the root zone to nordhavn.example."


def test_each_box_and_zone_is_a_link_to_its_facts() -> None:
    found = document()
    links = [element for element in elements(found) if element.tag == "a"]
    facts = diagram_of(found).facts()
    assert {link.get("href") for link in links} == {f"#{node.id}" for node in facts}
    assert len({node.id for node in facts}) == len(facts) == len(links)
    assert all(link.get("aria-label") for link in links)
    assert [link.get("href") for link in links] == [f"#{node.id}" for node in facts]  # keys reach them in this order
    (key,) = (node for node in facts if node.title == f"KSK {KSK}")
    reported = [(fact.label, fact.value) for fact in key.facts]
    assert reported[:4] == [
        ("Role", "key signing (SEP)"),
        ("Key tag", str(KSK)),
        ("Algorithm", "13, ECDSA Curve P-256 with SHA-256"),
        ("Flags", "257"),
    ]
    assert ("Signs", "DNSKEY: valid, 2026-11-20 09:51 to 2026-12-10 09:51") in reported
    assert reported[-1] == ("Seen on", "all 2 addresses")
    chosen = [element for element in elements(found, chosen=key.id) if "on" in element.get("class", "").split()]
    assert len(chosen) == 1


def test_ids_begin_with_the_prefix() -> None:
    assert all(node.id.startswith("left-") for node in diagram_of(document(), prefix="left").facts())
    for prefix in ("", "1", "a b", 'a"', "x" * 40):
        with pytest.raises(ValueError, match="prefix"):
            diagram_of(document(), prefix=prefix)


def test_file_stands_alone() -> None:
    text = diagram_of(document()).standalone()
    root = ET.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags == {"svg", "title", "desc", "style", "g", "rect", "path", "text"}
    assert root.findtext(f"{SVG}style") == STYLE
    assert not re.search(r"href|url\(|@import|var\(|light-dark", text)
    assert "prefers-color-scheme: dark" in STYLE
    assert STYLE_SOURCE.startswith("'sha256-")
    assert "checked 2026-11-26 09:51 UTC" in "".join(root.itertext())


def broken(name: str) -> Document:
    """Return a document with one fault."""
    found = document()
    zone = last_zone(found)
    link = found["links"][-1]
    match name:
        case "expired":
            found["status"], zone["status"], zone["reasons"] = "broken", "bogus", ["dnskey_signature_expired"]
            signature(found, "DNSKEY")["verdict"] = "expired"
        case "no such key":
            found["status"], zone["status"], zone["reasons"] = "broken", "bogus", ["ds_matches_no_key"]
            link["verdict"], link["signs"] = "no_key", False
        case "no DS":
            found["status"], zone["status"], zone["reasons"] = "island", "insecure", ["ds_missing"]
            zone["ds"], zone["ds_signatures"], found["links"] = [], [], found["links"][:-1]
        case "denial":
            found["status"], zone["status"], zone["reasons"] = "broken", "bogus", ["denial_missing"]
            zone["ds"], zone["ds_signatures"], found["links"] = [], [], found["links"][:-1]
        case "silent":
            found["status"], zone["status"], zone["reasons"] = "indeterminate", "indeterminate", ["dnskey_no_answer"]
            zone["keys"], zone["signatures"], found["ns_names"] = [], [], []
            link["verdict"], link["signs"] = "no_key", False
        case "data":
            found["status"], zone["status"], zone["reasons"] = "broken", "bogus", ["soa_unsigned"]
            zone["signatures"].remove(signature(found, "SOA"))
        case "above":
            found["status"], zone["status"], zone["reasons"] = "broken", "bogus", ["parent_bogus"]
            found["zones"][1]["status"], found["zones"][1]["reasons"] = "bogus", ["ds_signature_invalid"]
            found["zones"][1]["ds_signatures"][0]["verdict"] = "invalid"
        case "one server":
            found["status"] = "partial"
            old = {**signature(found, "DNSKEY"), "verdict": "expired", "servers": ["192.0.2.53"]}
            signature(found, "DNSKEY")["servers"] = ["198.51.100.7"]
            zone["signatures"].append(old)
        case "ends":
            signature(found, "SOA")["expiration"] = "2026-11-26T18:34:00Z"
        case "supplied":
            found |= {"delegation": "undelegated", "status": "undelegated", "zones": [zone], "links": [link]}
            found["parent_zone"] = None
            zone["status"], zone["reasons"], link["verdict"] = "bogus", ["ds_matches_no_key"], "digest_mismatch"
            link["signs"] = False
        case "nothing supplied":
            found |= {"delegation": "undelegated", "status": "undelegated", "zones": [zone], "links": []}
            found["parent_zone"], zone["ds"], zone["ds_signatures"] = None, [], []
            zone["status"], zone["reasons"] = "insecure", ["ds_missing"]
    return found


BROKEN: dict[str, tuple[str, dict[str, str], set[str], set[str]]] = {
    # the fault: status, marks of boxes, words, required lines
    "expired": (
        "Broken",
        {f"KSK {KSK}": "bad", f"ZSK {ZSK}": "bad", f"DS {KSK}": "ok", "SOA": "bad"},
        {"signature expired", "The signature over DNSKEY has expired."},
        {"ok", "bad"},
    ),
    "no such key": (
        "Broken",
        {f"KSK {KSK}": "bad", f"DS {KSK}": "bad", f"KSK {TLD_KSK}": "ok"},
        {"no such key", "No DS record matches a key of the zone."},
        {"ok", "bad"},
    ),
    "no DS": ("Island of security", {f"KSK {KSK}": "none", "No DS record": "none"}, {"proven"}, {"ok", "none"}),
    "denial": ("Broken", {"No DS record": "bad"}, {"not proven"}, {"ok", "bad"}),
    "silent": (
        "Indeterminate",
        {"No response": "unknown", f"DS {KSK}": "unknown"},
        {"Indeterminate"},
        {"ok", "unknown"},
    ),
    "data": ("Broken", {f"KSK {KSK}": "ok", "SOA": "bad"}, {"not signed", "There is no signature over SOA."}, {"ok"}),
    "above": (
        "Broken",
        {f"DS {TLD_KSK}": "bad", f"KSK {TLD_KSK}": "bad", f"KSK {KSK}": "bad", "KSK 20326": "ok"},
        {"The zone above is bogus."},
        {"ok", "bad"},
    ),
    "one server": ("Partly secure", {f"KSK {KSK}": "warn"}, {"not on all servers", "Partly secure"}, {"ok", "warn"}),
    "ends": ("Secure", {"SOA": "warn", f"ZSK {ZSK}": "ok"}, {"ends 18:34"}, {"ok", "warn"}),
    "supplied": ("Undelegated test", {f"DS {KSK}": "bad"}, {"wrong digest", "Supplied DS records"}, {"ok", "bad"}),
    "nothing supplied": (
        "Undelegated test",
        {"No DS record": "none"},
        {"none supplied", "No DS record was supplied, so the zone counts as insecure."},
        {"ok", "none"},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_errors_are_shown_by_mark_line_and_words(name: str) -> None:
    status, expected, words, edges = BROKEN[name]
    found = broken(name)
    assert diagram_of(found).status == status
    assert expected.items() <= marks(found).items()
    assert words <= {*words_in(found)}
    assert ("no such key" in words_in(found)) is (name == "no such key")
    assert {*lines(found)} == edges
    signs = {element.get("class") for element in elements(found) if element.get("class", "").startswith("sign")}
    assert ("sign bad" in signs, "sign unknown" in signs) == ("bad" in edges, "unknown" in edges)


def test_keys_that_sign_data_and_keys_without_sep_flag() -> None:
    found = document()
    zone = last_zone(found)
    zone["signatures"].append({**signature(found, "SOA"), "key_tag": KSK})
    assert f"CSK {KSK}" in marks(found)
    zone["keys"][0]["sep"] = False
    assert f"Key {KSK}" in marks(found)
    assert words_in(found).index(f"Key {KSK}") < words_in(found).index(f"ZSK {ZSK}")


def test_one_valid_signature_is_enough() -> None:
    found = document()
    last_zone(found)["signatures"].append({**signature(found, "SOA"), "key_tag": KSK, "verdict": "expired"})
    assert marks(found)["SOA"] == "ok"
    assert {*lines(found)} == {"ok", "bad"}


def test_below_an_insecure_zone_nothing_is_bogus_and_nothing_to_prove() -> None:
    found = document()
    last_zone(found).update(status="insecure", reasons=["parent_insecure"], ds=[], ds_signatures=[])
    found["zones"][1].update(status="insecure", reasons=["ds_missing"], ds=[], ds_signatures=[], keys=[], signatures=[])
    found["links"] = found["links"][:1]
    for name in found["ns_names"]:
        name["status"] = "unsigned"
    assert {*marks(found).values()} == {"ok", "none"}
    assert {"proven", "insecure", "2 not signed"} <= {*words_in(found)}
    assert "not proven" not in words_in(found)


def test_wrong_anchors_stand_above_the_root_zone() -> None:
    found = document()
    assert "Trust anchors" not in words_in(found)
    found["links"][0]["verdict"] = "no_key"
    found["zones"][0]["status"] = "bogus"
    assert words_in(found)[0] == "Trust anchors"


def test_many_keys_and_zones_give_a_picture_of_bounded_size() -> None:
    found = document()
    zone = last_zone(found)
    key, ds = zone["keys"][0], zone["ds"][0]
    zone["keys"] = [{**key, "key_tag": number, "sep": number % 2} for number in range(900)]
    zone["ds"] = [{**ds, "key_tag": number} for number in range(900)]
    found["zones"][1:2] = [{**found["zones"][1], "zone": f"x{number}.example"} for number in range(120)]
    found["truncated"] = True
    shown = words_in(found)
    assert sum(word.startswith("DS ") for word in shown) < MAX_BANDS + MAX_BOXES
    assert {f"{512 - MAX_BOXES + 1} more", "not shown", "113 zones not shown"} <= {*shown}
    assert "Long lists of records were shortened" in shown
    diagram = diagram_of(found)
    assert len(diagram.inline()) < 100_000
    assert len(diagram.facts()) < MAX_BANDS * 3 * MAX_BOXES
    assert diagram.summary


def test_twelve_keys_are_all_shown_in_the_width_of_a_phone() -> None:
    found = document()
    zone = last_zone(found)
    zone["keys"] = [{**zone["keys"][number > 3], "key_tag": 1000 + number} for number in range(12)]
    assert {f"{'KSK' if number < 4 else 'ZSK'} {1000 + number}" for number in range(12)} <= {*words_in(found)}
    root = ET.fromstring(diagram_of(found).inline())
    width = float(root.get("viewBox", "").split()[2])
    assert width == 360
    edges = [float(rect.get("x", "")) + float(rect.get("width", "")) for rect in root.iter("rect")]
    assert max(edges) <= width


def test_long_names_are_cut_in_the_middle_and_whole_in_the_title() -> None:
    found = document()
    name = "a-label-of-some-length.another-one.nordhavn.example"
    last_zone(found)["zone"] = name
    shown = [word for word in words_in(found) if "…" in word]
    assert shown == ["a-label-of-some…nordhavn.example"]
    assert name in [element.text for element in elements(found) if element.tag == "title"]


def test_hostile_texts_stay_texts() -> None:
    found = _replaced(document(), HOSTILE)
    for text in (diagram_of(found).inline(), diagram_of(found).standalone()):
        root = ET.fromstring(text)
        assert not {element.tag.removeprefix(SVG) for element in root.iter()} & {"b", "script"}
        assert not {key for element in root.iter() for key in element.attrib if key.startswith("on")}
        assert "\u202e" not in text
        assert r"\x1b" in text


def _replaced(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, text) for item in value]
    return text if isinstance(value, str) and value not in {"secure", "match", "valid", "DNSKEY"} else value


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield from _paths(item, (*path, key))


PATHS = [path for path in _paths(document()) if path]
WORDS = st.sampled_from(
    [HOSTILE, "secure", "bogus", "valid", "expired", "DS", "SOA", "DNSKEY", ".", "9999-12-31T23:00-12"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | WORDS
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.lists(st.dictionaries(st.text(max_size=9), SCALARS), max_size=3)


@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES), max_size=6))
@settings(max_examples=examples(15, 60), deadline=None)
def test_any_document_gives_well_formed_pictures(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    found = document()
    for path, value in changes:
        _set(found, path, copy.deepcopy(value))
    diagram = diagram_of(found)
    root = ET.fromstring(diagram.inline())
    ET.fromstring(diagram.standalone())
    facts = diagram.facts()
    links = {element.get("href") for element in root.iter("a")}
    assert links == {f"#{node.id}" for node in facts}
    assert len({node.id for node in facts}) == len(facts)


def _set(found: Any, path: tuple[Any, ...], value: Any) -> None:
    *way, last = path
    for key in way:
        try:
            found = found[key]
        except (KeyError, IndexError, TypeError):
            return  # an earlier change has removed it
    if isinstance(found, dict) or (isinstance(found, list) and isinstance(last, int) and last < len(found)):
        found[last] = value


@given(st.dictionaries(st.sampled_from([*document()]), VALUES))
@settings(max_examples=examples(10, 40), deadline=None)
def test_nothing_like_a_document_gives_well_formed_pictures(found: Document) -> None:
    ET.fromstring(diagram_of(found).inline())
    ET.fromstring(diagram_of(found).standalone())


def test_texts_in_boxes_are_short() -> None:
    lengths = {key: len(re.sub(r"\{\w+\}", "000", text)) for key, text in texts.LABELS.items()}
    wide = {"title", "heading", "checked_at", "zones_left_out", "lists_cut", "supplied_ds"}
    narrow = {key: length for key, length in lengths.items() if key not in wide and not key.startswith("status_")}
    assert {key: length for key, length in narrow.items() if length > 18} == {}


def test_reasons_are_sentences_about_record_sets() -> None:
    assert all(re.fullmatch(r"[A-Z][^\n]*\.", text) for text in texts.REASONS.values())
    assert {name for text in texts.REASONS.values() for name in placeholders(text)} == {"rrset"}


@pytest.mark.parametrize(
    ("verdict", "mark", "words"),
    [
        ("expired", "bad", "signature expired"),
        ("not_yet_valid", "bad", "not yet valid"),
        ("no_key", "bad", "key is missing"),
        ("invalid", "bad", "wrong signature"),
        ("unsupported_algorithm", "unknown", "unknown algorithm"),
        ("unsupported_exponent", "unknown", "unknown exponent"),
    ],
)
def test_each_fault_of_a_signature_has_its_mark_and_words(verdict: str, mark: str, words: str) -> None:
    found = document()
    signature(found, "SOA")["verdict"] = verdict
    last_zone(found)["status"] = "bogus" if mark == "bad" else "indeterminate"
    assert marks(found)["SOA"] == mark
    assert words in words_in(found)


@pytest.mark.parametrize(
    ("verdict", "mark", "words"),
    [
        ("no_key", "bad", "no such key"),
        ("digest_mismatch", "bad", "wrong digest"),
        ("digest_unsupported", "unknown", "unknown digest"),
        ("unusable_key", "bad", "key not usable"),
    ],
)
def test_each_fault_of_a_ds_record_has_its_mark_and_words(verdict: str, mark: str, words: str) -> None:
    found = document()
    found["links"][-1] |= {"verdict": verdict, "signs": False}
    last_zone(found)["status"] = "bogus" if mark == "bad" else "indeterminate"
    assert marks(found)[f"DS {KSK}"] == mark
    assert words in words_in(found)


@pytest.mark.parametrize(
    ("status", "mark", "words"),
    [
        ("validates", "ok", "2 valid"),
        ("insecure", "none", "2 insecure"),
        ("unsigned", "bad", "2 not signed"),
        ("orphan", "bad", "2 orphaned"),
        ("chain_broken", "bad", "2 bogus"),
        ("rrsig_expired", "bad", "2 expired"),
        ("rrsig_invalid", "bad", "2 invalid"),
        ("indeterminate", "unknown", "2 unknown"),
    ],
)
def test_each_state_of_addresses_has_its_mark_and_words(status: str, mark: str, words: str) -> None:
    found = document()
    for each in found["ns_names"]:
        each["status"] = status
    assert marks(found)["Addresses"] == mark
    assert words in words_in(found)


def test_keys_that_validate_nothing_say_why() -> None:
    found = document()
    key = last_zone(found)["keys"][0]
    last_zone(found)["keys"] += [
        {**key, "key_tag": 101, "flags": 385, "revoked": True},
        {**key, "key_tag": 102, "flags": 1, "zone_key": False},
        {**key, "key_tag": 103, "servers": ["192.0.2.53"]},
    ]
    assert {"revoked", "not a zone key", "1 of 2 servers"} <= {*words_in(found)}
    assert {marks(found)[f"KSK {tag}"] for tag in (101, 102, 103)} <= {"warn", "bad"}
