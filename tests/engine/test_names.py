"""Domain names: user input, canonical form and wire format."""

from __future__ import annotations

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.errors import InvalidDomain, WireError
from gonemaster_engine.net.wire.messages import dns_name, from_dns_name


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("  example.com\n", "example.com"),
        (".", "."),
        ("com", "com"),
        ("exämple.com", "xn--exmple-cua.com"),
        ("EXÄMPLE.com", "xn--exmple-cua.com"),
        ("faß.de", "xn--fa-hia.de"),  # non-transitional
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa"),
        ("xn--exmple-cua.com", "xn--exmple-cua.com"),
        ("a" * 63 + ".com", "a" * 63 + ".com"),
        ("-a.b-.com", "-a.b-.com"),  # SYNTAX02 judges it
        ("xn--ls8h.la", "xn--ls8h.la"),  # an emoji, which UTS 46 allows and RFC 5892 does not: such zones exist
    ],
)
def test_what_is_typed_becomes_canonical(typed: str, canonical: str) -> None:
    assert names.normalize_domain(typed) == canonical
    assert names.normalize_domain(canonical) == canonical


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a..b", "empty label"),
        (".example.com", "empty label"),
        ("example.com..", "empty label"),
        ("exa mple.com", "it contains a space"),
        ("exam\x00ple.com", "not allowed"),
        ("https://www.example.com:8443/path?x", "enter only the domain name www.example.com"),
        ("example.com/path", "enter only the domain name example.com"),
        ("user@example.com", "enter only the domain name example.com"),
        ("user@localhost", "not allowed"),
        (" 192.0.2.1. ", "for example 2.0.192.in-addr.arpa"),
        (
            "192.0.2.0/24",
            "the reverse zone of the prefix, for example 2.0.192.in-addr.arpa",
        ),
        ("2001:db8::/32", "for example 0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        ("\uff11\uff19\uff12.0.2.1", "for example 2.0.192.in-addr.arpa"),
        ("fe80::1%eth0", "for example 0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa"),
        ("[::ffff:127.0.0.1%lo]", "for example 0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"),
        ("[2001:db8:1:2::3]", "for example 1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"),
        ("a" * 64 + ".com", "longer than 63"),
        (".".join(["a" * 60] * 5), "at most 253"),
        ("-", "consists only of hyphens"),
        ("a.--.com", "consists only of hyphens"),
        ("xn--a", "starts with xn-- but is not a valid internationalised label"),
        ("xn--a.com", "starts with xn-- but is not a valid internationalised label"),
        ("a.xn--", "starts with xn-- but is not a valid internationalised label"),
        ("xn--abc-.com", "starts with xn-- but is not a valid internationalised label"),
        ("xn--\u00e4.com", "A-label"),
        ("\ud800.com", "A-label"),
        ("ex\u202eample.com", "A-label"),
    ],
)
def test_what_cannot_be_a_domain_is_refused_with_its_reason(typed: str, reason: str) -> None:
    with pytest.raises(InvalidDomain) as refusal:
        names.normalize_domain(typed)
    assert reason in refusal.value.reason


@pytest.mark.parametrize("typed", ["a" * 10_000, "\xf6" * 10_000, "\u202e" * 10_000, "a." * 10_000, "!" * 10_000])
def test_refusal_of_a_long_name_is_short(typed: str) -> None:
    with pytest.raises(InvalidDomain) as refusal:
        names.normalize_domain(typed)
    assert len(refusal.value.reason) < 400
    assert len(str(refusal.value)) < 2_000  # a character may be shown as its escape


@given(st.text(max_size=300))
def test_any_text_is_normalized_or_refused(text: str) -> None:
    try:
        canonical = names.normalize_domain(text)
    except InvalidDomain:
        return
    assert len(names.to_wire(canonical)) <= names.NAME_MAX_OCTETS


_LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=3)


@given(_LABELS)
def test_wire_form_agrees_with_dnspython(labels: list[bytes]) -> None:
    name = names.from_labels(labels)
    assert names.to_wire(name) == dns.name.Name([*labels, b""]).canonicalize().to_wire()
    assert from_dns_name(dns_name(name)) == name


@given(_LABELS)
def test_presentation_form_of_dnspython_is_read(labels: list[bytes]) -> None:
    assert names.canonical(dns.name.Name([*labels, b""]).to_text()) == names.from_labels(labels)


def test_dot_inside_a_label_does_not_split_the_name() -> None:
    name = names.from_labels([b"a.b", b"c"])
    assert names.labels(name) == ["a\\046b", "c"]
    assert names.parent(name) == "c"


@pytest.mark.parametrize("text", ["a..b", "a" * 64, ".".join(["a" * 60] * 5)])
def test_text_that_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a domain name"):
        names.canonical(text)


def test_name_too_long_for_the_wire_is_refused() -> None:
    with pytest.raises(WireError):
        names.to_wire(".".join(["a" * 63] * 5))


@pytest.mark.parametrize(
    ("name", "zone", "inside"),
    [
        ("a.example", "example", True),
        ("example", "example", True),
        ("example", ".", True),
        (".", ".", True),
        ("myexample", "example", False),
        ("example", "a.example", False),
    ],
)
def test_in_domain(name: str, zone: str, inside: bool) -> None:
    assert names.is_in_domain(name, zone) is inside
    assert names.is_below(name, zone) is (inside and name != zone)


def test_walking_down_adds_one_label_at_a_time() -> None:
    way = [names.ROOT]
    while way[-1] != "a.b.c":
        way.append(names.extend(way[-1], "a.b.c"))
    assert way == [".", "c", "b.c", "a.b.c"]
    assert list(names.ancestors("a.b.c")) == way[::-1]


def test_u_labels_are_shown_where_they_decode() -> None:
    assert names.to_unicode("xn--exmple-cua.com") == "exämple.com"
    assert names.to_unicode("xn--\u0061\u0061\u0061-.com".replace("\u0061", "a")) == "xn--aaa-.com"
    assert names.to_unicode(".") == "."


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("192.0.2.1", "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "::ffff:192.0.2.1")],
)
def test_addresses_have_one_form(text: str, canonical: str) -> None:
    assert names.canonical_address(text) == canonical


def test_text_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="address"):
        names.canonical_address("192.0.2.256")
