from __future__ import annotations

import gettext
import struct
from pathlib import Path

import pytest

from gonemaster_engine.findings import messages
from gonemaster_engine.findings.messages import (
    advice,
    best_locale,
    description,
    general,
    locales,
    message,
    placeholders,
    table,
    template,
    translation,
)
from gonemaster_engine.testcases.catalogue import cases, modules


def test_arguments_are_filled_in() -> None:
    args = {"ns": "ns1.example", "address": "192.0.2.1", "query_type": "SOA"}
    text = message("IPV4_DISABLED", "ZONE", args)
    assert text == "ns1.example/192.0.2.1 was not queried for SOA: IPv4 is disabled."


LISTED = ["common", "system", *(name.lower() for name in modules())]  # modules whose tags the analysis shows


@pytest.mark.parametrize("locale", locales())
def test_every_tag_has_a_sentence_for_many_domains(locale: str) -> None:
    """Each sentence is whole: it has no placeholder, no gap, and no list of values that only one domain has."""
    sentences = {
        (module, tag): general(tag, module, locale=locale) for module in LISTED for tag in table(module, "TEXTS")
    }
    assert len(sentences) > 700
    words = {"en": ("these ", "following"), "sv": ("dessa ", "följande")}
    one_domain = ("…", "{", *words.get(locale, ()))
    wrong = {
        key: text
        for key, text in sentences.items()
        if not text.endswith(".") or any(part in text.lower() for part in one_domain)
    }
    assert wrong == {}


def test_no_sentence_for_many_domains_is_of_an_unknown_tag() -> None:
    for module in LISTED:
        with_values = {tag for tag, text in table(module, "TEXTS").items() if placeholders(text)}
        assert set(table(module, "GENERAL")) == with_values, module


def test_unknown_tags_have_no_sentence_for_many_domains() -> None:
    assert general("NO_SUCH_TAG", "ZONE") == ""
    assert general("ZF_SYNTAX", "zonefile") == ""


SHOWN = [
    ([{"ns": "ns1.example", "address": "192.0.2.1"}, {"ns": "ns2.example"}], "ns1.example/192.0.2.1; ns2.example"),
    (["-"], "(supplied data)"),
    ([], "(none)"),
    ([1, 22], "1; 22"),
    (["a.example", "b.example"], "a.example; b.example"),
    ({"keytag": 5, "digest": "ab"}, "keytag=5, digest=ab"),
    (True, "yes"),
    (0, "0"),
    (None, "(not given)"),
    ("bell\a, escape\x1b[31m, line\n", r"bell\x07, escape\x1b[31m, line\n"),
    ("turned\u202e", r"turned\u202e"),
    ("åäö", "åäö"),
    ("{ns} {0.__class__}", "{ns} {0.__class__}"),
]


@pytest.mark.parametrize(("value", "shown"), SHOWN, ids=[text for _, text in SHOWN])
def test_value_is_shown(value: object, shown: str) -> None:
    assert message("SAVED_NS_CACHE", "SYSTEM", {"file": value}) == f"Packets were written to {shown}."


@pytest.mark.parametrize(
    ("expiration", "shown"),
    [(1795667225, "2026-11-26T04:27:05Z"), (4294967296, "2106-02-07T06:28:16Z"), (10**18, str(10**18)), ("x", "x")],
)
def test_time_of_a_signature_is_a_date(expiration: object, shown: str) -> None:
    text = message("RRSIG_EXPIRED", "DNSSEC", {"keytag": 1, "types": "SOA", "expiration": expiration})
    assert text == f"The signature with key tag 1 over the SOA RRset expired at {shown}."


@pytest.mark.parametrize(
    ("duration", "shown"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (61, "1 minute 1 second"),
        (31_400, "8 hours 43 minutes"),
        (86_460, "1 day"),
        (97_261, "1 day 3 hours"),
        (1_209_600, "14 days"),
        (-7200, "-2 hours"),
        ("x", "x"),
    ],
)
def test_duration_of_a_signature_is_in_days_and_hours(duration: object, shown: str) -> None:
    args = {"keytag": 1, "types": "SOA", "duration": duration}
    text = message("REMAINING_SHORT", "DNSSEC", args)
    assert text == f"The signature with key tag 1 over the SOA RRset remains valid for only {shown}."


def test_duration_is_translated() -> None:
    args = {"keytag": 1, "types": "SOA", "duration": 97_261}
    assert "1 dag 3 timmar" in message("REMAINING_SHORT", "DNSSEC", args, locale="sv")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ns1.xn--rksmrgs-5wao1o.se", "ns1.räksmörgås.se (ns1.xn--rksmrgs-5wao1o.se)"),
        ("ns1.xn--bad--.se", "ns1.xn--bad--.se"),
        ("ns1.example.se", "ns1.example.se"),
        ("xn--" * 100, "xn--" * 100),
    ],
    ids=["a-label", "invalid", "ascii", "too long"],
)
def test_internationalized_name_is_shown_with_both_forms(name: str, shown: str) -> None:
    args = {"ns": name, "address": "192.0.2.1"}
    assert message("B02_NS_NO_RESPONSE", "BASIC", args).startswith(f"{shown}/192.0.2.1 did not")


def test_argument_that_is_absent_does_not_break_a_message() -> None:
    assert message("SAVED_NS_CACHE", "SYSTEM", {}) == "Packets were written to (not given)."


def test_tag_without_text_is_shown_with_its_arguments() -> None:
    assert message("OLD_TAG", "ZONE", {"ns": "a", "x": [1]}) == "OLD_TAG (ns=a; x=1)"
    assert message("OLD_TAG", "no module\n", {}) == "OLD_TAG"


def test_advice_is_empty_where_there_is_none() -> None:
    assert advice("TEST_CASE_START", "BASIC") == ""
    assert advice("CANNOT_CONTINUE", "SYSTEM")


def test_texts_come_from_a_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_catalogue(tmp_path / "sv", {"Packets were written to {file}.": "Paketen skrevs till {file}."})
    monkeypatch.setattr(messages, "translation", lambda locale: translation(locale, tmp_path))
    args = {"file": "x"}
    assert message("SAVED_NS_CACHE", "SYSTEM", args, locale="sv_SE.UTF-8") == "Paketen skrevs till x."
    assert message("SAVED_NS_CACHE", "SYSTEM", args, locale="fr") == "Packets were written to x."
    assert message("RESTORED_NS_CACHE", "SYSTEM", args, locale="sv") == "Packets were read from x."


def test_purpose_of_a_test_case_comes_from_a_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    purpose = cases()["basic01"].purpose
    write_catalogue(tmp_path / "sv", {purpose: "Finns domänen?"})
    monkeypatch.setattr(messages, "translation", lambda locale: translation(locale, tmp_path))
    assert description(purpose, locale="sv") == "Finns domänen?"
    assert description(purpose, locale="fr") == purpose
    assert description("", locale="sv") == ""


def test_swedish_is_there() -> None:
    servers = [{"ns": "ns1.example", "address": "192.0.2.1"}]
    wishes = ("sv", "sv-SE", "sv_FI.UTF-8")
    assert {message("DS07_SIGNED_ON_SERVER", "DNSSEC", {"servers": servers}, locale=wish) for wish in wishes} == {
        "Zonen är signerad på dessa namnservrar: ns1.example/192.0.2.1."
    }
    assert message("DS07_SIGNED_ON_SERVER", "DNSSEC", {"servers": []}, locale="sv").endswith(": (inga).")
    assert message("SAVED_NS_CACHE", "SYSTEM", {}, locale="sv") == "Paket skrevs till (ej angivet)."
    assert template("APEX_DNAME", "ZONE", locale="sv").startswith("{ns}/{address} returnerade en DNAME-post")
    assert advice("MULTIPLE_SOA", "ZONE", locale="sv").startswith(
        "En zon har exakt en SOA-post (RFC 1035, avsnitt 5.2)."
    )
    assert description(cases()["basic01"].purpose, locale="sv").startswith("Kontrollera att zonen finns")


def test_best_locale_for_a_wish(tmp_path: Path) -> None:
    for language in ("sv", "pt_BR"):
        write_catalogue(tmp_path / language, {})
    wishes = ("sv", "SV-se", "sv_FI.UTF-8@euro", "pt-br", "pt", "en", "", "../../etc")
    assert [best_locale(wish, tmp_path) for wish in wishes] == ["sv", "sv", "sv", "pt_BR", "en", "en", "en", "en"]
    assert locales(tmp_path) == ["en", "pt_BR", "sv"]


def write_catalogue(directory: Path, texts: dict[str, str]) -> None:
    """Write a catalogue in the format of GNU gettext."""
    entries = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **texts}.items())
    pieces = [text.encode() + b"\0" for pair in zip(*entries, strict=True) for text in pair]
    offset, table = 28 + 16 * len(entries), b""
    for piece in pieces:
        table += struct.pack("<II", len(piece) - 1, offset)
        offset += len(piece)
    header = struct.pack("<7I", gettext.GNUTranslations.LE_MAGIC, 0, len(entries), 28, 28 + 8 * len(entries), 0, 0)
    file = directory / "LC_MESSAGES" / "gonemaster.mo"
    file.parent.mkdir(parents=True)
    file.write_bytes(header + table + b"".join(pieces))
