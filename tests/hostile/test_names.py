"""Any input text is a domain name, or is quickly rejected with a reason; no other error is raised."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.errors import InvalidDomain, WireError
from gonemaster_engine.testcases.basic import name_findings
from tests.hostile import LONG
from tests.support.examples import examples
from tests.support.work import at_most_lines

FUZZ = settings(max_examples=50_000 if LONG else examples(50, 500), deadline=None, derandomize=False, print_blob=True)
# Python's Punycode decoder raises OverflowError for it
OVERFLOW = "33-09l94qju69p9u3d8c5j9fxuzk096799599099995ea9r899q4c91f"

anything = st.text(st.characters(exclude_categories=()), max_size=70)  # includes surrogates
digits = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=60)
encoded = st.builds(
    str.__add__, st.sampled_from(["xn--", "XN--", "ｘn--", "xn\u00ad--", "xN-\uff0d"]), digits | anything
)
dots = st.sampled_from([".", "..", "。", "．", "｡", "․", "‥", "⒈", "\\.", "\\046", "\\999", "\\"])
long_labels = st.builds(lambda letter, count: letter * count, anything, st.integers(1, 400))
typed = st.lists(anything | encoded | dots | long_labels, max_size=9).map("".join)


@FUZZ
@given(typed)
@example(f"ｘn--{OVERFLOW}.example")
@example("\ud800.example")
@example("\U0010ffff" * 400)
@example("\u00ad.example")
@example("xn--.example")
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = names.normalize_domain(text)
    except InvalidDomain as error:
        f"{error} {error.reason}".encode()  # a message that cannot be encoded would raise another error
        return
    assert names.normalize_domain(name) == name
    assert len(names.to_wire(name)) <= names.NAME_MAX_OCTETS
    shown = names.to_unicode(name)
    assert shown == name or names.normalize_domain(shown) == name


@FUZZ
@given(typed)
def test_any_text_has_findings_of_its_length_or_none(text: str) -> None:
    for finding in name_findings(text):
        assert finding.args


@FUZZ
@given(digits)
@example(OVERFLOW)
def test_any_label_can_be_shown(label: str) -> None:
    assert names.to_unicode(f"xn--{label}.example")


@FUZZ
@given(typed)
@example("a\\..b")
@example("a\\046..b")
@example("\\256")
@example("\\000" * 64)
def test_any_text_is_a_name_in_presentation_format_or_a_value_error(text: str) -> None:
    try:
        name = names.canonical(text)
    except ValueError:
        return
    assert len(names.to_wire(name)) <= names.NAME_MAX_OCTETS
    assert names.canonical(name) == name


@FUZZ
@given(st.lists(st.binary(min_size=1, max_size=70), max_size=6))
def test_any_labels_are_a_name_on_the_wire_or_a_wire_error(labels: list[bytes]) -> None:
    name = names.from_labels(labels)
    try:
        wire = names.to_wire(name)
    except WireError:
        assert any(len(label) > names.LABEL_MAX_OCTETS for label in labels) or sum(map(len, labels)) > 240
        return
    assert wire == b"".join(bytes([len(label)]) + label.lower() for label in labels) + b"\0"


addresses = st.ip_addresses().map(str) | anything | st.text("0123456789abcdef:.%/ e", max_size=45)


@FUZZ
@given(addresses)
@example("fe80::1%eth0")
@example("::1%0")
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = names.canonical_address(text)
    except ValueError:
        return
    assert "%" not in text
    assert names.canonical_address(address) == address


@pytest.mark.parametrize("letter", ["a", "ä", "例", "\U0010ffff", ".", "\u00ad", "\u0323"])
def test_a_long_text_costs_little(letter: str) -> None:
    """A label of 20,000 letters took a minute of Punycode, which blocked the process."""
    text = "".join(chr(ord(letter) + number % 50) if letter == "例" else letter for number in range(200_000))
    for given_text in (text, text[: names.TYPED_MAX_CHARACTERS]):
        with at_most_lines(500_000):
            with pytest.raises(InvalidDomain):
                names.normalize_domain(given_text)
            name_findings(given_text)
